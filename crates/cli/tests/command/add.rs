//! `matinee add`: whatever an operator has becomes a title, or is refused in one line. ffmpeg makes the inputs;
//! where it is not installed the tests end early, and say so.

use crate::site::{Site, demo, text};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

fn representations<'a>(pack: &'a Value, media: &str) -> Vec<&'a Value> {
    pack["representations"].as_array().unwrap().iter().filter(|r| r["media_type"] == media).collect()
}

/// Nothing is left half-done: no hidden file in the library, no work.
pub(crate) fn assert_tidy(site: &Site) {
    assert!(site.library().iter().all(|name| !name.starts_with('.')), "{:?}", site.library());
    let work = std::fs::read_dir(site.path("data/work")).map(|entries| entries.count()).unwrap_or(0);
    assert_eq!(work, 0, "films that are half-made");
}

/// Odd inputs, each added or refused in one line that names the reason.
#[test]
fn odd_inputs_are_added_or_refused_in_one_line() {
    if !has_ffmpeg() {
        return;
    }
    let site = Site::new();
    let srt = site.path("x.srt");
    std::fs::write(&srt, "1\n00:00:00,500 --> 00:00:01,000\nHallo\n").unwrap();
    let whole = site.path("whole.mp4");
    clip(&whole, &format!("{PICTURES} {SOUND} {H264} -c:a aac"));
    let long = format!("-i {} -map 0 -map 1 -map 2 -map 3", text(&srt));
    // Name, what makes it, and size, tracks of sound and seconds of what comes out.
    type Odd = (&'static str, String, (u32, u32), usize, f64);
    let added: [Odd; 12] = [
        ("silent.mp4", format!("{PICTURES} {H264}"), (128, 96), 0, 2.0),
        (
            "languages.mkv",
            format!(
                "{PICTURES} {SOUND} {SOUND} {long} {H264} -c:a aac -c:s srt -metadata:s:a:0 language=eng \
                 -metadata:s:a:1 language=ger -metadata:s:s:0 language=ger -disposition:s:0 hearing_impaired"
            ),
            (128, 96),
            2,
            2.0,
        ),
        ("second.webm", format!("{PICTURES} {SOUND} -t 1 -c:v libvpx -c:a libopus"), (128, 96), 1, 1.0),
        ("picture.mkv", format!("{PICTURES} -frames:v 1 -c:v mpeg4"), (128, 96), 0, 0.04),
        // An edit list that begins behind the first sample: pictures in front of it are shown, for they are there.
        ("negative.mp4", format!("-ss 0.5 -i {} -c copy", text(&whole)), (128, 96), 1, 2.0),
        (
            "late.ts",
            format!("{PICTURES} {SOUND} -output_ts_offset 10 -c:v mpeg2video -c:a mp2"),
            (128, 96),
            1,
            2.0,
        ),
        (
            "varies.mkv",
            format!("{PICTURES} -vf select='gt(n,25)+not(mod(n,3))' -fps_mode vfr -c:v mpeg4"),
            (128, 96),
            0,
            2.0,
        ),
        (
            "deep.mov",
            format!("{PICTURES} -c:v libx264 -preset ultrafast -pix_fmt yuv422p10le"),
            (128, 96),
            0,
            2.0,
        ),
        ("turned.mp4", format!("-i {} -c copy -metadata:s:v rotate=90", text(&whole)), (96, 128), 1, 2.0),
        ("wide.avi", format!("{PICTURES} -vf setsar=2/1 -c:v mpeg4"), (256, 96), 0, 2.0),
        ("fields.mkv", format!("{PICTURES} -flags +ilme+ildct -top 1 -c:v mpeg2video"), (128, 96), 0, 2.0),
        (
            "timecode.mov",
            format!("{PICTURES} {SOUND} {H264} -c:a pcm_s16le -timecode 01:00:00:00"),
            (128, 96),
            1,
            2.0,
        ),
    ];
    for (number, (name, args, size, sounds, seconds)) in (1..).zip(&added) {
        let (path, number) = (site.path(name), number.to_string());
        clip(&path, args);
        let said = site.ok(&["add", text(&path), "--movie", &number]);
        assert!(said.contains(&format!("Published movie {number} ")), "{name}: {said}");
        let pack = pack(&site, &number);
        let video = &representations(&pack, "video")[0]["video"];
        let found = (video["width"].as_u64().unwrap() as u32, video["height"].as_u64().unwrap() as u32);
        assert_eq!((found, &video["sar"]), (*size, &serde_json::json!([1, 1])), "{name}: {said}");
        assert_eq!(representations(&pack, "audio").len(), *sounds, "{name}: {said}");
        let duration = &pack["duration"];
        let length = duration["value"].as_f64().unwrap() / duration["timescale"].as_f64().unwrap();
        assert!((length - seconds).abs() < 0.2, "{name}: {length} s");
        assert!(
            pack["thumbnails"]["count"].as_u64().unwrap() > 0 && pack["poster"] == "poster.jpg",
            "{name}"
        );
        assert_tidy(&site);
        site.ok(&["check", &number]);
    }
    let languages = pack(&site, "2");
    let told: Vec<_> =
        representations(&languages, "audio").iter().map(|r| r["language"].to_string()).collect();
    assert_eq!(told, ["\"en\"", "\"de\""]);
    let subtitles = &languages["subtitles"][0];
    assert_eq!((&subtitles["language"], &subtitles["role"]), (&"de".into(), &"caption".into()));

    let library = site.library();
    clip(&site.path("cover.png"), "-f lavfi -i testsrc=s=64x64:d=1 -frames:v 1");
    let cover = format!(
        "{SOUND} -i {} -map 0 -map 1 -c:v copy -disposition:v:0 attached_pic",
        text(&site.path("cover.png"))
    );
    clip(&site.path("song.mp3"), &cover);
    std::fs::write(site.path("cut.mp4"), &std::fs::read(&whole).unwrap()[..2000]).unwrap();
    for (name, why) in [
        ("song.mp3", "there are no moving pictures in it"),
        ("x.srt", "there are no moving pictures in it"),
        ("cut.mp4", "ffmpeg cannot read it"),
        ("nothing.mkv", "No such file"),
    ] {
        let error = site.fails(&["add", text(&site.path(name))]);
        assert!(error.contains(name) && error.contains(why), "{error}");
    }
    assert_eq!(site.library(), library);
    assert_tidy(&site);
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
    std::fs::write(site.path("ladder.toml"), "[[rung]]\nheight = 64\nmax_kbps = 100\n").unwrap();
    let add = ["add", text(&film), text(&german)];
    let said = site.ok(&[&add[..], &["--dry-run"]].concat());
    for note in ["h264 at 128x96 passes as it is", "flac passes as it is", "subrip becomes WebVTT"] {
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
    // The next film gets the next number.
    assert!(site.ok(&["add", text(&film)]).contains("Published movie 2 "));
}

/// Killed at random moments, between steps and within: the title is whole or absent, and the next `add` ends
/// well and does again only what was not done.
#[test]
fn killed_at_random_moments() {
    if !has_ffmpeg() {
        return;
    }
    let site = Site::new();
    let film = site.path("film.mkv");
    clip(&film, &format!("{PICTURES} {SOUND} -c:v mpeg4 -c:a flac"));
    let arguments = ["add", text(&film), "--json"];
    let step = |line: &str| serde_json::from_str::<Value>(line).unwrap()["step"].as_str().map(str::to_owned);
    // Counts how many lines there are to be killed at.
    let all = {
        let other = Site::new();
        other.ok(&["add", text(&film), "--json"]).lines().count() as u64
    };
    let mut seed = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    println!("seed {seed}");
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..6 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let after = 1 + (seed >> 33) % all;
        let mut child =
            site.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let read: Vec<String> = lines.map(Result::unwrap).take(after as usize).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        println!("killed after {after} lines, at {:?}", read.last());
        // A step after which another one began was done, and is not done again.
        let mut steps: Vec<String> = read.iter().filter_map(|line| step(line)).collect();
        steps.dedup();
        let ffmpegs = |name: &String| name.contains('-') || name == "thumbnails" || name == "sheets";
        for again in steps.iter().filter(|name| ffmpegs(name)) {
            assert!(!seen.contains(again), "{again} was done already");
        }
        steps.pop();
        seen.extend(steps.into_iter().filter(ffmpegs));
        let listed =
            if site.path("data").exists() { site.json(&["movie", "list", "--json"]) } else { Value::Null };
        if listed[0]["movie_id"] == 1 {
            assert!(site.json(&["movie", "show", "1", "--json"])["files"].as_array().unwrap().len() == 2);
            // Done: the next begins anew.
            seen.clear();
        }
    }
    site.ok(&arguments);
    let listed = site.json(&["movie", "list", "--json"]);
    let first = &listed.as_array().unwrap()[0];
    assert!(site.json(&["movie", "show", &first["movie_id"].to_string(), "--json"])["files"].is_array());
    let work = std::fs::read_dir(site.path("data/work")).unwrap().count();
    assert_eq!(work, 0);
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
    assert!(error.contains("rate-96: ffmpeg failed: av_interleaved_write_frame(): No space left"), "{error}");
    assert!(site.library().is_empty());
    let work = std::fs::read_dir(site.path("data/work")).unwrap().next().unwrap().unwrap().path();
    let left: Vec<_> = std::fs::read_dir(work).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "lock" || name == "journal.json"), "{left:?}");
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

/// Processes of this machine with a path among their arguments.
#[cfg(target_os = "linux")]
fn processes_of(path: &Path) -> usize {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let path = path.as_os_str().as_encoded_bytes();
    lines.filter(|line| line.windows(path.len()).any(|part| part == path)).count()
}

/// Killed by `kill -9` at eight moments spread over it: no ffmpeg goes on, the title is whole or absent, and the
/// next `add` ends well, publishes a title that `check` has nothing to say of, and leaves nothing beside it.
#[test]
#[cfg(target_os = "linux")]
fn killed_at_eight_moments_nothing_is_left() {
    if !has_ffmpeg() {
        return;
    }
    let source = Site::new();
    let film = source.path("film.mkv");
    clip(&film, &format!("{PICTURES} {SOUND} -c:v mpeg4 -c:a flac"));
    let arguments = ["add", text(&film), "--movie", "5", "--json"];
    let all = Site::new().ok(&arguments).lines().count();
    for moment in 0..8 {
        let after = 1 + all * moment / 8;
        let site = Site::new();
        let mut child =
            site.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let read = lines.map(Result::unwrap).take(after).last();
        child.kill().unwrap();
        child.wait().unwrap();
        println!("killed after {after} of {all} lines, at {read:?}");
        let work = site.path("data");
        let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while processes_of(&work) > 0 {
            assert!(std::time::Instant::now() < until, "something goes on after {read:?}");
            std::thread::yield_now();
        }
        if work.exists() {
            let listed = site.json(&["movie", "list", "--json"]);
            if listed[0]["movie_id"] == 5 {
                site.ok(&["check", "5"]);
            }
        }
        site.ok(&arguments);
        site.ok(&["check", "5"]);
        assert_eq!(site.library().len(), 1, "{:?}", site.library());
        assert_tidy(&site);
    }
}
