//! DASH and HLS from `matinee serve`, played by ffmpeg, by URLs from `matinee url`.

use crate::site::{Running, Site, demo, text};
use std::process::Command;
use test_ports::free_port;

const HEIGHTS: [&str; 3] = ["240p.mp4", "360p.mp4", "720p.mp4"];

/// A site with the clear demo film in three heights, and its server.
fn site() -> (Site, Running) {
    let site = Site::new();
    let port = free_port();
    let config = format!(
        "listen = \"127.0.0.1:{port}\"\npublic_url = \"http://localhost:{port}\"\n[metrics]\noff = true\n"
    );
    std::fs::write(site.path("matinee.toml"), config).unwrap();
    let films = HEIGHTS.map(demo);
    let mut arguments = vec!["package"];
    arguments.extend(films.iter().map(|film| text(film)));
    arguments.extend(["--movie", "7", "--scheme", "none"]);
    site.ok(&arguments);
    let server = Running::start_as_configured(&site);
    (site, server)
}

fn has_ffmpeg() -> bool {
    let there = Command::new("ffmpeg").arg("-version").output().is_ok_and(|out| out.status.success());
    if !there {
        eprintln!("SKIPPED: ffmpeg is not installed");
    }
    there
}

/// The hashes of a track's decoded frames, in the order of presentation.
fn frames(input: &str, track: &str) -> Vec<String> {
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i", input, "-map", track])
        .args(["-fps_mode", "passthrough", "-f", "framehash", "-hash", "sha256", "-"])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{input}: {errors}");
    let out = String::from_utf8(done.stdout).unwrap();
    let hash = |line: &str| line.rsplit(',').next().unwrap().trim().to_owned();
    out.lines().filter(|line| !line.starts_with('#')).map(hash).collect()
}

/// Every picture, and the sound of the source: what a demuxer drops or adds of a decoder's priming at the
/// beginning is not the film's.
fn same_as_the_source(url: &str) {
    for (n, height) in HEIGHTS.into_iter().enumerate() {
        let source = frames(text(&demo(height)), "0:v:0");
        assert!(source.len() > 100);
        assert!(frames(url, &format!("0:v:{n}")) == source, "{height} of {url}");
    }
    let source = frames(text(&demo("720p.mp4")), "0:a:0");
    let served = frames(url, "0:a:0");
    let most = source.len().min(served.len());
    assert!(source.len().abs_diff(served.len()) <= 3 && most > 100, "{} {}", source.len(), served.len());
    let ends = |frames: &[String]| frames[frames.len() - (most - 3)..].to_vec();
    assert!(ends(&served) == ends(&source), "sound of {url}");
}

/// B98: an HLS player plays the clear ladder over HTTP, picture by picture.
#[test]
fn b98_ffmpeg_plays_hls() {
    if !has_ffmpeg() {
        return;
    }
    let (site, _server) = site();
    let url = site.ok(&["url", "7", "--form", "hls"]);
    assert!(url.contains("/master.m3u8?p="), "{url}");
    same_as_the_source(url.trim());
}

/// The same by DASH.
#[test]
fn ffmpeg_plays_dash() {
    if !has_ffmpeg() {
        return;
    }
    let (site, _server) = site();
    let url = site.ok(&["url", "7", "--form", "dash"]);
    assert!(url.contains("/stream.mpd?p="), "{url}");
    same_as_the_source(url.trim());
}

#[test]
fn urls_are_signed_audited_and_end() {
    let (site, server) = site();
    let path = |url: &str| format!("/s/{}", url.trim().split_once("/s/").unwrap().1);
    let url = site.ok(&["url", "7", "--form", "hls", "--expires", "90s"]);
    let answer = server.request("GET", &path(&url), "", "");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("#EXT-X-STREAM-INF:"), "{answer}");
    let json = site.json(&["url", "7", "--form", "file", "--expires", "2099-01-01T00:00:00Z", "--json"]);
    let urls = json["urls"].as_array().unwrap();
    assert_eq!(
        (urls.len(), json["expires"].as_u64()),
        (4, Some(4_070_908_800)),
        "three heights and the sound"
    );
    for url in urls {
        let answer = server.request("HEAD", &path(url.as_str().unwrap()), "", "");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    assert!(site.fails(&["url", "8", "--form", "hls"]).contains("no movie 8"));
    let over = site.run(&["url", "7", "--form", "dash", "--expires", "2020-01-01T00:00:00Z"]);
    assert_eq!(over.status.code(), Some(2));
    let audit = site.ok(&["audit", "--movie", "7"]);
    let made =
        audit.lines().filter(|line| line.contains("  operator  url  done  ") && line.contains("form="));
    assert_eq!(made.count(), 2, "{audit}");
    assert!(!audit.contains("&h="));
}
