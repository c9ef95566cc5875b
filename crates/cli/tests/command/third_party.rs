//! Films that nobody here made: the fixtures of two npm packages that the players of the end-to-end tests
//! bring along. `@videojs/vhs-utils` has some 680 files over container × codec, by other programs than ours;
//! mux.js has segments with captions, some of them damaged. Each becomes a title that `check` has nothing to
//! say of, or is refused in one line that names the file. Each day's tests take a few, each round of `cargo
//! xtask soak` an eighth.

use crate::add::has_ffmpeg;
use crate::site::{Site, text};
use std::path::{Path, PathBuf};

const FOLDERS: [&str; 2] = ["@videojs/vhs-utils/test/fixtures", "mux.js/test/segments"];

const FILMS: [&str; 19] = [
    "3gp", "aac", "ac3", "avi", "flac", "h264", "h265", "m4a", "m4s", "m4v", "mkv", "mov", "mp3", "mp4",
    "ogg", "ogv", "ts", "wav", "webm",
];

/// What each day's tests take: HEVC in 4:4:4, AV1 beside MP3, a segment of broadcasts, what some ffmpegs
/// take for something else; a film's header without the film is refused.
const DAILY: [(&str, Option<&str>); 5] = [
    ("mkv/hev1.4.10.H120.9c.8,ac-3.mkv", None),
    ("mp4/av01.0.00M.08.0.110,mp3.mp4", None),
    ("segments/test-segment.ts", None),
    ("avi/hev1.1.6.L60.90,aac.avi", None),
    ("segments/dash-608-captions-init.mp4", Some("its segments are elsewhere")),
];

fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, found);
        } else if path.extension().is_some_and(|ending| FILMS.iter().any(|film| ending == *film)) {
            found.push(path);
        }
    }
}

/// Nothing is half-written. Steps of films that were refused at a later one stay.
fn assert_whole(site: &Site) {
    let work = std::fs::read_dir(site.path("data/work")).into_iter().flatten();
    let steps = work.flat_map(|film| std::fs::read_dir(film.unwrap().path()).unwrap());
    let steps = steps.map(|step| step.unwrap().file_name().into_string().unwrap());
    let hidden: Vec<_> =
        site.library().into_iter().chain(steps).filter(|name| name.starts_with('.')).collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}

/// Adds a film; what is not as it should be.
fn try_out(site: &Site, number: usize, film: &Path, refused: Option<&str>) -> Result<(), String> {
    let (before, number) = (site.library(), number.to_string());
    let output = site.run(&["add", text(film), "--movie", &number]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_whole(site);
    if output.status.success() {
        let check = site.run(&["check", &number]);
        return match (errors.is_empty() && check.status.success(), refused) {
            (true, None) => Ok(()),
            (_, Some(why)) => Err(format!("is not refused for `{why}`")),
            _ => Err(format!("{errors}{}", String::from_utf8_lossy(&check.stdout))),
        };
    }
    let one_line =
        errors.starts_with(&format!("matinee: {}: ", film.display())) && errors.lines().count() == 1;
    let nothing = site.library() == before && output.status.code() == Some(1);
    match one_line && nothing && refused.is_none_or(|why| errors.contains(why)) {
        true => Ok(()),
        false => Err(format!("is not refused in one line that names it: {errors}")),
    }
}

#[test]
fn films_of_others_are_added_or_refused_in_one_line() {
    let Some(folder) = std::env::var_os("MATINEE_PLAYERS").filter(|_| has_ffmpeg()) else {
        eprintln!("SKIPPED: MATINEE_PLAYERS is not set: cargo xtask test sets it where npm is");
        return;
    };
    let mut films = Vec::new();
    for place in FOLDERS {
        find(&Path::new(&folder).join("node_modules").join(place), &mut films);
    }
    films.sort();
    let soak = std::env::var_os("MATINEE_SOAK").is_some();
    let eighth = std::time::UNIX_EPOCH.elapsed().unwrap().subsec_micros() as usize % 8;
    println!("eighth {eighth} of {} films", films.len());
    let (site, mut wrong, mut taken) = (Site::new(), Vec::new(), 0);
    for (number, film) in (1..).zip(&films) {
        let daily = DAILY.iter().find(|(name, _)| film.ends_with(name));
        if daily.is_none() && !(soak && number % 8 == eighth) {
            continue;
        }
        taken += 1;
        // Of those that are not named, some are refused with good reason: they are sound alone.
        let outcome = try_out(&site, number, film, daily.and_then(|(_, refused)| *refused));
        if let Err(what) = outcome {
            wrong.push(format!("{} {what}", film.display()));
        }
    }
    assert!(taken >= DAILY.len(), "{taken} of {} films", films.len());
    assert!(wrong.is_empty(), "{} films:\n{}", wrong.len(), wrong.join("\n"));
}
