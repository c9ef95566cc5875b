//! The matrix of odd inputs: whatever ffmpeg can make of container × codec × oddity is added, and its frames
//! decode by ffmpeg with the film's key; or it is refused in one line that names the reason and the way on,
//! and nothing is left half-written. `cargo xtask soak` runs all of it, each day's tests some.

use crate::add::{assert_tidy, has_ffmpeg, pack, representations};
use crate::odd_inputs::{Comes, MATRIX, Odd, args, ffmpeg, make_parts};
use crate::site::{Site, text};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// A site with the files of which inputs are made.
fn site() -> Site {
    let site = Site::new();
    make_parts(&site.path(""));
    site
}

/// Digests of a stream's frames as ffmpeg decodes them; on complaint that counts, what it says.
fn frames(path: &Path, verbosity: &str, before: &[&str], stream: &str) -> Result<Vec<String>, String> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", verbosity, "-nostdin"]).args(before).arg("-i").arg(path);
    command.args([
        "-map",
        stream,
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "-1",
        "-f",
        "framehash",
        "-hash",
        "md5",
        "-",
    ]);
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    if !done.status.success() || !said.is_empty() {
        return Err(said.lines().next().unwrap_or("it failed").to_owned());
    }
    let lines = String::from_utf8(done.stdout).unwrap();
    let digests = lines.lines().filter(|line| !line.starts_with('#'));
    Ok(digests.filter_map(|line| Some(line.rsplit(',').next()?.trim().to_owned())).collect())
}

/// The key of a movie, as hexadecimal: the site's.
fn key(site: &Site, pack: &Value) -> String {
    let folder = site.path("data/library").join(pack["pack_id"].as_str().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let pack = runtime.block_on(server::catalogue::Pack::read_folder(&folder)).unwrap();
    let ring = server::keys::load(&site.path("data/keys"), "http://localhost", 0).unwrap();
    let keys = server::movies::content_keys(&ring, &pack);
    assert_eq!(keys.len(), 1);
    keys[0].cek.expose().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Adds an input; what is not as it should be.
fn try_out(site: &Site, number: u64, odd: &Odd) -> Result<(), String> {
    let path = site.path(odd.name);
    ffmpeg(&args(&site.path(""), odd.args), &path);
    let (before, number) = (site.library(), number.to_string());
    let output = site.run(&["add", text(&path), "--movie", &number]);
    let (said, errors) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    if let Comes::Refused(why) = odd.comes {
        let one_line = errors.starts_with("matinee: ") && errors.lines().count() == 1;
        let named = errors.contains(odd.name) && errors.contains(why);
        let nothing = site.library() == before && output.status.code() == Some(1);
        assert_tidy(site);
        return if one_line && named && nothing {
            Ok(())
        } else {
            Err(format!("is not refused for `{why}`: {said}{errors}"))
        };
    }
    if !output.status.success() || !errors.is_empty() {
        return Err(format!("is not added: {said}{errors}"));
    }
    assert_tidy(site);
    let pack = pack(site, &number);
    let (videos, sounds) = (representations(&pack, "video"), representations(&pack, "audio"));
    // The highest step.
    let top = *videos.last().unwrap();
    let video = &top["video"];
    let size = (video["width"].as_u64().unwrap() as u32, video["height"].as_u64().unwrap() as u32);
    let duration = &pack["duration"];
    let length = duration["value"].as_f64().unwrap() / duration["timescale"].as_f64().unwrap();
    let near = (length - odd.seconds).abs() < 0.2;
    let square = odd.comes == Comes::Same || video["sar"] == json!([1, 1]);
    let shown =
        pack["thumbnails"]["count"].as_u64().is_some_and(|count| count > 0) && pack["poster"] == "poster.jpg";
    if size != odd.size || sounds.len() != odd.sounds || !near || !square || !shown {
        return Err(format!(
            "{size:?}, {} sounds, {length} s, thumbnails and poster: {shown}: {said}",
            sounds.len()
        ));
    }
    let check = site.run(&["check", &number]);
    if !check.status.success() {
        return Err(format!("check: {}", String::from_utf8_lossy(&check.stdout)));
    }
    let key = key(site, &pack);
    let folder = site.path("data/library").join(pack["pack_id"].as_str().unwrap());
    let ours = |r: &Value| {
        frames(&folder.join(r["path"].as_str().unwrap()), "error", &["-decryption_key", &key], "0")
    };
    for sound in sounds {
        ours(sound)?;
    }
    let ours = ours(top)?;
    let film = said
        .lines()
        .find_map(|line| line.split_once(" passes as it is").or(line.split_once(": transcoded")))
        .unwrap()
        .0;
    let film = film.split(" stream ").nth(1).unwrap().split(':').next().unwrap();
    // An edit list hides pictures that are there.
    let before = if odd.name == "negative-start.mp4" { &["-ignore_editlist", "1"][..] } else { &[] };
    let source = frames(&path, "quiet", before, &format!("0:{film}"))?;
    let good = match odd.comes {
        Comes::Same => ours == source,
        Comes::Held => ours.len() > source.len(),
        _ => ours.len() == source.len(),
    };
    if good {
        Ok(())
    } else {
        Err(format!("{} frames of {} in the source: {said}", ours.len(), source.len()))
    }
}

#[test]
fn odd_inputs_are_added_or_refused_in_one_line() {
    if !has_ffmpeg() {
        return;
    }
    let site = site();
    let soak = std::env::var_os("MATINEE_SOAK").is_some();
    let mut wrong = Vec::new();
    for (number, odd) in (1..).zip(MATRIX.iter().filter(|odd| soak || odd.daily)) {
        if let Err(what) = try_out(&site, number, odd) {
            wrong.push(format!("{} {what}", odd.name));
        }
    }
    assert!(wrong.is_empty(), "{} odd inputs:\n{}", wrong.len(), wrong.join("\n"));
}

/// What a file says of languages, roles and chapters; chapters behind the end are none.
#[test]
fn what_odd_inputs_say_is_kept() {
    if !has_ffmpeg() {
        return;
    }
    let site = site();
    for (number, name) in [("1", "languages.mkv"), ("2", "chapters.mkv")] {
        let odd = MATRIX.iter().find(|odd| odd.name == name).unwrap();
        ffmpeg(&args(&site.path(""), odd.args), &site.path(name));
        site.ok(&["add", name, "--movie", number]);
    }
    let languages = pack(&site, "1");
    let told: Vec<_> = representations(&languages, "audio").iter().map(|r| r["language"].clone()).collect();
    assert_eq!(told, ["en", "de"]);
    let subtitles = &languages["subtitles"][0];
    assert_eq!((&subtitles["language"], &subtitles["role"]), (&"de".into(), &"caption".into()));
    let chapters: Vec<_> =
        pack(&site, "2")["chapters"].as_array().unwrap().iter().map(|c| c["title"].clone()).collect();
    assert_eq!(chapters, ["One", "Chapter 2"]);
}

/// What is no film at all, and names that mean something to ffmpeg or to a shell.
#[test]
fn strange_files_and_names() {
    if !has_ffmpeg() {
        return;
    }
    let site = site();
    let whole = std::fs::read(site.path("whole.mp4")).unwrap();
    std::fs::write(site.path("cut.mp4"), &whole[..2000]).unwrap();
    std::fs::write(site.path("empty.mkv"), "").unwrap();
    std::fs::write(site.path("noise.mp4"), [0xa7; 5000]).unwrap();
    std::fs::create_dir(site.path("folder.mkv")).unwrap();
    for (name, why) in [
        ("x.srt", "there are no moving pictures in it"),
        ("cut.mp4", "ffmpeg cannot read it"),
        ("empty.mkv", "it is empty"),
        ("noise.mp4", "ffmpeg cannot read it"),
        ("folder.mkv", "it is a folder"),
        ("nothing.mkv", "No such file"),
    ] {
        let error = site.fails(&["add", text(&site.path(name))]);
        assert!(error.contains(name) && error.contains(why), "{error}");
    }
    assert!(site.library().is_empty());
    assert_tidy(&site);
    for (number, name) in (1..).zip(["a %05d film?.mp4", "file:with,commas;and\n'lines'.mp4", "-f.mp4"]) {
        std::fs::write(site.path(name), &whole).unwrap();
        let number = number.to_string();
        site.ok(&["add", "--movie", &number, "--", name]);
        site.ok(&["check", &number]);
    }
    assert_tidy(&site);
}
