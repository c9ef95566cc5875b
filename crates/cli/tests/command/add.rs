//! `matinee add`: whatever an operator has becomes a title, or is refused in one line. ffmpeg makes the
//! inputs; where it is not installed the tests end early, and say so.

use crate::site::{Site, demo, text};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn has_ffmpeg() -> bool {
    let there = Command::new("ffmpeg").arg("-version").output().is_ok_and(|out| out.status.success());
    if !there {
        eprintln!("SKIPPED: ffmpeg is not installed");
    }
    there
}

/// Makes an input; `args` are everything but the output.
pub(crate) fn clip(to: &Path, args: &str) {
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-nostdin"])
        .args(args.split_whitespace())
        .arg(to)
        .output()
        .unwrap();
    assert!(done.status.success(), "{args}: {}", String::from_utf8_lossy(&done.stderr));
}

pub(crate) const PICTURES: &str = "-f lavfi -i testsrc=s=128x96:r=25:d=2";
pub(crate) const SOUND: &str = "-f lavfi -i sine=d=2";
pub(crate) const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25";

/// `pack.json` of a movie, as JSON.
pub(crate) fn pack(site: &Site, movie: &str) -> Value {
    let pack = site.json(&["movie", "show", movie, "--json"])["pack"].as_str().unwrap().to_owned();
    serde_json::from_slice(&std::fs::read(site.path("data/library").join(pack).join("pack.json")).unwrap())
        .unwrap()
}

pub(crate) fn representations<'a>(pack: &'a Value, media: &str) -> Vec<&'a Value> {
    pack["representations"].as_array().unwrap().iter().filter(|r| r["media_type"] == media).collect()
}

/// Nothing is left half-done: no hidden file in the library, no work.
pub(crate) fn assert_tidy(site: &Site) {
    assert!(site.library().iter().all(|name| !name.starts_with('.')), "{:?}", site.library());
    let work = std::fs::read_dir(site.path("data/work")).map(|entries| entries.count()).unwrap_or(0);
    assert_eq!(work, 0, "films that are half-made");
}

/// What would be done, and why; nothing is made. What an operator says of tracks and ladder counts.
#[test]
fn dry_runs_and_wishes() {
    if !has_ffmpeg() {
        return;
    }
    let site = Site::new();
    let (film, german) = (site.path("film.mkv"), site.path("film.de.forced.srt"));
    clip(&film, &format!("{PICTURES} {SOUND} {H264} -c:a flac"));
    std::fs::write(&german, "1\n00:00:00,500 --> 00:00:01,000\nAusgang\n").unwrap();
    let french = site.path("film.fr.ttml");
    let ttml = r#"<tt xmlns="http://www.w3.org/ns/ttml"><body><div begin="1s" end="1500ms"><p>Sortie</p></div></body></tt>"#;
    std::fs::write(&french, ttml).unwrap();
    std::fs::write(site.path("ladder.toml"), "[[rung]]\nheight = 64\nmax_kbps = 100\n").unwrap();
    let add = ["add", text(&film), text(&german), text(&french)];
    let said = site.ok(&[&add[..], &["--dry-run"]].concat());
    let notes = [
        "h264 at 128x96 passes as it is",
        "flac passes as it is",
        "subrip becomes WebVTT",
        "ttml becomes WebVTT",
    ];
    for note in notes {
        assert!(said.contains(note), "{said}");
    }
    assert!(!site.path("data").exists(), "nothing was made");
    let with_ladder = [&add[..], &["--ladder", "ladder.toml"]].concat();
    let plan: Value =
        serde_json::from_str(&site.ok(&[&with_ladder[..], &["--dry-run", "--json"]].concat())).unwrap();
    assert_eq!(plan["plan"]["pictures"][0]["steps"][0]["height"], 64);

    std::fs::write(site.path("chapters"), "00:00:00 One\n00:00:01 Two\n").unwrap();
    let sound = demo("240p.mp4");
    let more = ["--audio", "lang=fr,role=dub,default", text(&sound), "--chapters", "chapters", "--json"];
    let lines = site.ok(&[&with_ladder[..], &more].concat());
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["event"], &last["movie_id"], &last["title"]),
        (&"published".into(), &1.into(), &"film".into())
    );
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    let pack = pack(&site, "1");
    let heights: Vec<_> =
        representations(&pack, "video").iter().map(|r| r["video"]["height"].clone()).collect();
    assert_eq!(heights, [64]);
    let sounds = representations(&pack, "audio");
    assert_eq!((&sounds[1]["language"], &sounds[1]["audio"]["default"]), (&"fr".into(), &true.into()));
    assert_eq!(sounds[0]["audio"]["default"], false);
    assert_eq!(
        (&pack["subtitles"][0]["role"], &pack["chapters"][1]["start"]),
        (&"forced".into(), &1000.into())
    );
    assert_eq!(pack["subtitles"][1]["language"], "fr");
    let folder = site.path("data/library").join(pack["pack_id"].as_str().unwrap());
    let written = std::fs::read_to_string(folder.join("subtitles/s-fr-1.vtt")).unwrap();
    assert_eq!(written, "WEBVTT\n\n00:00:01.000 --> 00:00:01.500\nSortie\n");
    // The next film gets the next number.
    assert!(site.ok(&["add", text(&film)]).contains("Published movie 2 "));
}

/// Programs that are missing or fail: one line with what to do, or with ffmpeg's own words; nothing is left.
#[test]
fn ffmpeg_that_is_missing_or_fails() {
    if !has_ffmpeg() {
        return;
    }
    let site = Site::new();
    let film = site.path("film.avi");
    clip(&film, &format!("{PICTURES} -c:v mpeg4"));
    let run = |path: &Path| {
        let output = site.command(&["add", text(&film)]).env("PATH", path).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let empty = site.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let error = run(&empty);
    assert!(error.contains("`ffprobe` is not installed") && error.contains("apt install ffmpeg"), "{error}");
    assert!(!site.path("data").exists());

    let find = |name: &str| -> PathBuf {
        let path = std::env::var_os("PATH").unwrap();
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()).unwrap()
    };
    let failing = site.path("failing");
    std::fs::create_dir(&failing).unwrap();
    std::os::unix::fs::symlink(find("ffprobe"), failing.join("ffprobe")).unwrap();
    std::fs::write(
        failing.join("ffmpeg"),
        "#!/bin/sh\necho 'av_interleaved_write_frame(): No space left on device' >&2\nexit 1\n",
    )
    .unwrap();
    std::fs::set_permissions(failing.join("ffmpeg"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let error = run(&failing);
    assert!(error.contains("rate-96: the disk is full; make room and say the same again"), "{error}");
    assert!(site.library().is_empty());
    let work = std::fs::read_dir(site.path("data/work")).unwrap().next().unwrap().unwrap().path();
    let left: Vec<_> = std::fs::read_dir(work).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "lock" || name == "journal.json"), "{left:?}");
    // The number that it took is another film's by now: it gets one of its own, and a title of its own.
    site.ok(&["package", text(&demo("240p.mp4")), "--title", "Other"]);
    let said = site.ok(&["add", text(&film)]);
    assert!(said.contains("Published movie 2 \"film\""), "{said}");
}

/// The data folder may be named relative to here, as the default is; and the clear form is kept where that is
/// wished.
#[test]
fn the_default_data_folder_and_a_clear_form() {
    if !has_ffmpeg() {
        return;
    }
    let site = Site::new();
    clip(&site.path("film.mp4"), &format!("{PICTURES} {SOUND} {H264} -c:a aac"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_matinee"));
    command.args(["add", "film.mp4", "--movie", "7", "--clear-source"]).current_dir(site.path(""));
    let output = command.env_remove("MATINEE_DATA").env("MATINEE_LOG", "error").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let source = std::fs::read(site.path("matinee-data/sources/7/source.json")).unwrap();
    let source: Value = serde_json::from_slice(&source).unwrap();
    assert_eq!(source["scheme"], "none");
    assert!(source["thumbnails"].is_object());
}

/// Whether ffmpeg can make and keep HDR in HEVC.
fn has_hevc() -> bool {
    let list =
        has_ffmpeg().then(|| Command::new("ffmpeg").args(["-v", "error", "-encoders"]).output().unwrap());
    let Some(list) = list else { return false };
    let there = String::from_utf8_lossy(&list.stdout).split_whitespace().any(|word| word == "libx265");
    if !there {
        eprintln!("SKIPPED: this ffmpeg has no libx265");
    }
    there
}

/// Of each representation of the pictures: codec, dynamic range, height, and number of segments.
fn pictures(pack: &Value) -> Vec<(String, String, u64, usize)> {
    let of = |r: &&Value| {
        let codec = r["codecs"].as_str().unwrap().split('.').next().unwrap().to_owned();
        let range = r["video"]["video_range"].as_str().unwrap().to_owned();
        (codec, range, r["video"]["height"].as_u64().unwrap(), r["segments"].as_array().unwrap().len())
    };
    let mut pictures: Vec<_> = representations(pack, "video").iter().map(of).collect();
    pictures.sort();
    pictures
}

/// HDR stays HDR in HEVC, beside SDR in H.264: as it is where its groups of pictures are closed, else made
/// anew. All steps are cut at the same times, so `check` finds nothing.
#[test]
fn hdr_is_kept_beside_sdr() {
    if !has_hevc() {
        return;
    }
    let site = Site::new();
    let made = |name: &str, x265: &str| {
        let film = site.path(name);
        let hdr = "-pix_fmt yuv420p10le -c:v libx265 -preset ultrafast";
        let colours = "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:max-cll=1000,400:\
                       master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)";
        let pictures = "-f lavfi -i testsrc=s=128x96:r=25:d=6";
        clip(&film, &format!("{pictures} {hdr} -x265-params {colours}:{x265}"));
        film
    };
    let step = |codec: &str, range: &str, height| (codec.to_owned(), range.to_owned(), height, 2);
    let closed = made("closed.mkv", "open-gop=0:radl=0:keyint=76:min-keyint=76:scenecut=0");
    let said = site.ok(&["add", text(&closed), "--dry-run"]);
    assert!(said.contains("hevc at 128x96 passes as it is for HDR (PQ)"), "{said}");
    site.ok(&["add", text(&closed), "--movie", "1"]);
    let first = pack(&site, "1");
    assert_eq!(pictures(&first), [step("avc1", "SDR", 96), step("hvc1", "PQ", 96)]);

    let open = made("open.mkv", "open-gop=1:keyint=10:min-keyint=10:bframes=3:b-adapt=0");
    let said = site.ok(&["add", text(&open), "--movie", "2", "--clear-source"]);
    for note in ["open groups of pictures", "HDR (PQ) is kept in HEVC", "step 128x96 in HDR (HEVC), at most"]
    {
        assert!(said.contains(note), "{said}");
    }
    let second = pack(&site, "2");
    assert_eq!(pictures(&second), [step("avc1", "SDR", 96), step("hvc1", "PQ", 96)]);
    // What is made anew still says how it was mastered.
    let source = site.path("data/sources/2");
    let clear: Value = serde_json::from_slice(&std::fs::read(source.join("source.json")).unwrap()).unwrap();
    let hdr = representations(&clear, "video");
    let hdr = hdr.iter().find(|r| r["video"]["video_range"] == "PQ").unwrap();
    let file = source.join(hdr["path"].as_str().unwrap());
    let asked = ["-v", "error", "-read_intervals", "%+#1", "-show_entries", "frame_side_data", "-of", "csv"];
    let said = Command::new("ffprobe").args(asked).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&said.stdout);
    for number in ["34000/50000", "16450/50000", "10000000/10000", "50/10000", "1000,400"] {
        assert!(said.contains(number), "{said}");
    }
    for movie in ["1", "2"] {
        site.ok(&["check", movie]);
    }
    let sdr = site.ok(&["add", text(&closed), "--hdr", "none", "--dry-run"]);
    assert!(sdr.contains("HDR becomes SDR") && !sdr.contains("HEVC"), "{sdr}");
}
