//! `matinee add` that is cut off: killed at any moment, or without room on the disk. The title is whole or
//! absent, and the next `add` ends well.

use crate::add::{PICTURES, SOUND, assert_tidy, clip, has_ffmpeg};
use crate::site::{Site, text};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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
        let listed = if site.path("data/matinee.db").exists() {
            site.json(&["movie", "list", "--json"])
        } else {
            Value::Null
        };
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

/// Processes of this machine with a path among their arguments.
#[cfg(target_os = "linux")]
fn processes_of(path: &Path) -> usize {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let path = path.as_os_str().as_encoded_bytes();
    lines.filter(|line| line.windows(path.len()).any(|part| part == path)).count()
}

/// Killed by `kill -9` at eight moments spread over it: no ffmpeg goes on, the title is whole or absent, and
/// the next `add` ends well, publishes a title that `check` has nothing to say of, and leaves nothing beside
/// it.
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
        if work.join("matinee.db").exists() {
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

/// Waits until nothing works in a folder any more.
#[cfg(target_os = "linux")]
fn wait_for_quiet(folder: &Path) {
    let until = Instant::now() + Duration::from_secs(60);
    while processes_of(folder) > 0 {
        assert!(Instant::now() < until, "something goes on in {}", folder.display());
        std::thread::yield_now();
    }
}

/// What is in the library is whole, whatever happened; hidden folders are swept by the next who packages.
#[cfg(target_os = "linux")]
fn assert_whole(site: &Site) {
    for name in site.library().iter().filter(|name| !name.starts_with('.')) {
        site.ok(&["check", text(&site.path("data/library").join(name))]);
    }
}

/// Killed at any moment of its run, a few times (50 in `cargo xtask soak`), again and again in the same
/// folder: what is there is whole each time, and the one that is not killed ends well.
#[test]
#[cfg(target_os = "linux")]
fn killed_at_any_moment() {
    if !has_ffmpeg() {
        return;
    }
    let source = Site::new();
    let film = source.path("film.mkv");
    clip(&film, &format!("{PICTURES} {SOUND} -c:v mpeg4 -c:a flac"));
    let arguments = ["add", text(&film), "--movie", "5", "--json"];
    let whole = {
        let (begin, site) = (Instant::now(), Site::new());
        site.ok(&arguments);
        begin.elapsed()
    };
    let mut seed = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    println!("seed {seed}, a whole run takes {whole:?}");
    let soak = std::env::var_os("MATINEE_SOAK").is_some();
    let mut site = Site::new();
    let times = if soak { 50 } else { 4 };
    for time in 0..times {
        // Anew now and then: what was done is not done again, and takes no time.
        if time % 3 == 0 {
            site = Site::new();
        }
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let moment = whole.mul_f64((seed >> 33) as f64 / f64::from(1u32 << 31));
        let mut child =
            site.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (mut stdout, (end, ended)) = (child.stdout.take().unwrap(), std::sync::mpsc::channel());
        let reader = std::thread::spawn(move || {
            let _ = std::io::copy(&mut stdout, &mut std::io::sink());
            let _ = end.send(());
        });
        let in_time = ended.recv_timeout(moment).is_ok();
        child.kill().unwrap();
        child.wait().unwrap();
        reader.join().unwrap();
        println!("killed after {moment:?}, {}", if in_time { "when it was done" } else { "at work" });
        wait_for_quiet(&site.path("data"));
        assert_whole(&site);
        let is_there = site.path("data/matinee.db").exists()
            && site.json(&["movie", "list", "--json"])[0]["movie_id"] == 5;
        if is_there {
            site.ok(&["check", "5"]);
        }
        if time % 3 == 2 || time + 1 == times {
            // What was done before it was killed has its number now.
            let again = site.command(&arguments).output().unwrap();
            let error = String::from_utf8_lossy(&again.stderr);
            assert!(again.status.success() || is_there && error.contains("already"), "{error}");
            site.ok(&["check", "5"]);
            assert_tidy(&site);
        }
    }
}

/// A site whose data folder is a disk of its own; given back when it is dropped.
#[cfg(target_os = "linux")]
struct SmallDisk {
    site: Site,
    data: PathBuf,
}

#[cfg(target_os = "linux")]
impl SmallDisk {
    /// Of so many KiB. `None`, and said, where one may not mount such a thing.
    fn new(size: u32) -> Option<Self> {
        let site = Site::new();
        site.make_data();
        let data = site.path("data");
        let options = format!("size={size}k,mode=0700");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(&data).output();
        match mount {
            Ok(done) if done.status.success() => Some(Self { site, data }),
            Ok(done) => {
                eprintln!("SKIPPED: no small disk: {}", String::from_utf8_lossy(&done.stderr).trim());
                None
            }
            Err(error) => {
                eprintln!("SKIPPED: no small disk: {error}");
                None
            }
        }
    }

    /// Makes room.
    fn enlarge(&self) {
        let done = Command::new("mount").args(["-o", "remount,size=256m"]).arg(&self.data).status().unwrap();
        assert!(done.success());
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.data).status();
    }
}

/// A film that takes some room: noise.
#[cfg(target_os = "linux")]
fn noise(source: &Site) -> PathBuf {
    let film = source.path("film.mkv");
    clip(
        &film,
        &format!(
            "-f lavfi -i testsrc=s=320x240:r=25:d=2,noise=c0s=60:c1s=60:c2s=60:c0f=t:c1f=t:c2f=t {SOUND} -c:v mpeg4 -q:v 2 -c:a flac"
        ),
    );
    film
}

/// What is left of an `add` that found no room: nothing half-made, and one line that says so.
#[cfg(target_os = "linux")]
fn assert_said_and_tidy(site: &Site, errors: &str) {
    let one_line = errors.starts_with("matinee: ") && errors.lines().count() == 1;
    assert!(one_line && errors.contains("the disk is full; make room and say the same again"), "{errors}");
    assert!(site.library().is_empty(), "{:?} after {errors}", site.library());
    for folder in std::fs::read_dir(site.path("data/work")).into_iter().flatten() {
        let entries = std::fs::read_dir(folder.unwrap().path()).unwrap();
        let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert!(names.iter().all(|name| !name.starts_with('.')), "{names:?} after {errors}");
    }
}

/// The disk is full, sooner or later: it is said in words, nothing half-made is left, and with room the same
/// command goes on.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_said_and_cleaned_up() {
    if !has_ffmpeg() {
        return;
    }
    let source = Site::new();
    let film = noise(&source);
    let arguments = ["add", text(&film), "--movie", "5"];
    let soak = std::env::var_os("MATINEE_SOAK").is_some();
    // KiB; where nothing is wrong any more, it is enough.
    let mut size = 100;
    loop {
        let Some(disk) = SmallDisk::new(size) else { return };
        let output = disk.site.run(&arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        println!("{size} KiB: {errors}");
        if output.status.success() {
            assert!(size > 1000, "it takes some room");
            return;
        }
        assert_said_and_tidy(&disk.site, &errors);
        disk.enlarge();
        disk.site.ok(&arguments);
        disk.site.ok(&["check", "5"]);
        assert_tidy(&disk.site);
        size = if soak { size + size / 8 } else { size * 3 };
    }
}

/// The same without a disk of its own: files may not become larger than so much. `trap` makes an error of
/// what would else be a signal.
#[test]
#[cfg(target_os = "linux")]
fn files_that_may_not_grow() {
    if !has_ffmpeg() {
        return;
    }
    let source = Site::new();
    let film = noise(&source);
    for limit in [1, 150] {
        let site = Site::new();
        let arguments = ["add", text(&film), "--movie", "5"];
        let command = site.command(&arguments);
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &format!("trap '' XFSZ; ulimit -f {limit}; exec \"$@\""), "sh"]);
        shell.arg(command.get_program()).args(command.get_args()).env("MATINEE_LOG", "error");
        let output = shell.stdin(Stdio::null()).current_dir(site.path("")).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        println!("{limit} blocks: {errors}");
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert_said_and_tidy(&site, &errors);
        site.ok(&arguments);
        site.ok(&["check", "5"]);
        assert_tidy(&site);
    }
}
