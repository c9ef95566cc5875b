//! What `matinee package` takes, and what it says of it.

use crate::add::{clip, has_ffmpeg};
use crate::site::{Site, text};

const PICTURES: &str = "-f lavfi -i testsrc2=s=160x90:r=25:d=8.12";

/// Sound that ends a little before the pictures, in their last segment, is taken; half a film without is not.
#[test]
fn sound_may_end_a_little_early() {
    if !has_ffmpeg() {
        return;
    }
    let site = Site::new();
    let film = site.path("film.mp4");
    let with = |seconds: &str| {
        let codecs = "-c:v libx264 -g 100 -keyint_min 100 -sc_threshold 0 -pix_fmt yuv420p -c:a aac";
        clip(&film, &format!("{PICTURES} -f lavfi -i sine=d={seconds} {codecs}"));
    };
    with("7.9");
    site.ok(&["package", text(&film), "--movie", "7"]);
    site.ok(&["check", "7"]);
    let shown = site.json(&["movie", "show", "7", "--json"]);
    let segments: Vec<_> = shown["files"].as_array().unwrap().iter().map(|file| &file["segments"]).collect();
    assert_eq!(segments, [2, 2]);
    with("7.4");
    let said = site.fails(&["package", text(&film), "--movie", "8"]);
    assert!(said.contains("no audio between 8.000 s"), "{said}");
}

/// What is accepted and most browsers cannot play is said, on standard error, so that JSON stays JSON.
#[test]
fn what_few_browsers_play_is_warned_about() {
    if !has_ffmpeg() {
        return;
    }
    let site = Site::new();
    let film = site.path("film.mp4");
    clip(&film, &format!("{PICTURES} -c:v libx264 -g 50 -pix_fmt yuv444p"));
    let output = site.run(&["package", text(&film), "--no-audio", "--json"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.starts_with("matinee: warning: "), "{said}");
    assert!(
        said.contains("4:4:4") && said.contains("most browsers cannot play") && said.lines().count() == 1
    );
    let made: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(made["movie_id"], 1);
}

/// Subtitles in the film that nobody named are left out, and that is said.
#[test]
fn subtitles_that_are_left_out_are_said() {
    if !has_ffmpeg() {
        return;
    }
    let site = Site::new();
    std::fs::write(site.path("film.srt"), "1\n00:00:01,000 --> 00:00:02,000\nHello\n").unwrap();
    let subtitles = site.path("film.srt");
    for (name, codec) in [("film.mkv", "srt"), ("film.mp4", "mov_text")] {
        let film = site.path(name);
        let codecs = format!("-c:v libx264 -g 50 -pix_fmt yuv420p -c:s {codec}");
        clip(&film, &format!("{PICTURES} -i {} {codecs}", text(&subtitles)));
        let said = site.run(&["package", text(&film), "--no-audio"]);
        let warned = String::from_utf8(said.stderr).unwrap();
        assert!(said.status.success() && warned.contains("--subtitles") && warned.contains(name), "{warned}");
        let named = ["package", text(&film), "--no-audio", "--subtitles", "lang=en", text(&subtitles)];
        site.ok(&named);
    }
}
