//! A picture of a published film.

use super::check::{library_folder, site_keys};
use super::progress::Bar;
use super::{WORK, block_on};
use crate::Failure;
use server::Config;
use server::catalogue::{Pack, Representation};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Lines of the largest representation that is looked into: a poster needs no more.
const LINES: u32 = 1080;

/// How the names of folders for clear pictures begin.
const PREFIX: &str = "poster-";

/// A folder for clear pictures, for the owner of the data folder alone; gone in the end.
struct Folder {
    path: PathBuf,
    /// As long as it is held, nobody else takes the folder for one that was left behind.
    _lock: Option<File>,
}

impl Folder {
    /// Makes one for a movie in the folder of half-made films, and removes what commands left there that were
    /// cut off.
    fn make(work: &Path, movie: u64) -> Result<Self, Failure> {
        std::fs::create_dir_all(work).map_err(failed(work))?;
        // One at a time, so that no new folder is swept before it is locked.
        let turn = File::open(work).ok().filter(|work| work.lock().is_ok());
        if turn.is_some() {
            sweep(work);
        }
        let path = work.join(format!("{PREFIX}{movie}-{}", std::process::id()));
        server::open_data(&path)?;
        let lock = File::open(&path).ok().filter(|folder| folder.try_lock().is_ok());
        Ok(Self { path, _lock: lock })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
        // It stays where others are at work in it.
        let _ = self.path.parent().map(std::fs::remove_dir);
    }
}

/// Removes the folders for clear pictures that nobody holds. What cannot be locked is in use, or on a disk
/// without locks, and stays.
fn sweep(work: &Path) {
    let Ok(entries) = std::fs::read_dir(work) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes());
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let lock = (is_ours && is_folder).then(|| File::open(entry.path()).ok()).flatten();
        if lock.is_some_and(|lock| lock.try_lock().is_ok()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// The picture of a movie at a time, as a JPEG. Its film is decrypted for that, beside the library, by the
/// site's keys; ffmpeg decodes it.
pub(super) fn at(config: &Config, movie: u64, at: Duration) -> Result<Vec<u8>, Failure> {
    let film = library_folder(config, movie)?;
    let pack = block_on(async { Ok(Pack::read_folder(&film).await?) })?;
    let length = pack.duration.as_f64();
    if at.as_secs_f64() >= length {
        return Err(Failure::Usage(format!("--from-film: the film ends at {length:.3} s")));
    }
    let chosen = pictures(&pack).ok_or_else(|| Failure::Command(format!("movie {movie} has no pictures")))?;
    let file = film.join(pack::layout::media_path(&chosen.downloadable_id, &chosen.extension));
    let place = Folder::make(&config.data.join(WORK), movie)?;
    let folder = std::path::absolute(&place.path).map_err(failed(&place.path))?;
    let clear = match pack.keys.is_empty() {
        true => file,
        false => {
            let clear = folder.join("clear.mp4");
            packager::decrypt(&file, &site_keys(config, &film), Some(&clear), &mut Bar::new())?;
            clear
        }
    };
    let to = folder.join("poster.jpg");
    let clear = std::path::absolute(&clear).map_err(failed(&clear))?;
    prepare::picture(&clear, at, (&folder, &to))?;
    read(&to, at)
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Failure {
    let path = path.display().to_string();
    move |error| Failure::Command(format!("{path}: {error}"))
}

fn read(picture: &Path, at: Duration) -> Result<Vec<u8>, Failure> {
    std::fs::read(picture).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::Command(format!(
            "the film has no picture at {:.3} s: choose an earlier time",
            at.as_secs_f64()
        )),
        _ => failed(picture)(error),
    })
}

/// The largest picture that is not larger than needed, else the smallest.
fn pictures(pack: &Pack) -> Option<&Representation> {
    let lines = |r: &Representation| r.resolution.map(|size| size.width.min(size.height));
    let with = || pack.representations.iter().filter_map(|r| Some((lines(r)?, r)));
    let fitting = with().filter(|(lines, _)| *lines <= LINES).max_by_key(|(lines, _)| *lines);
    fitting.or_else(|| with().min_by_key(|(lines, _)| *lines)).map(|(_, r)| r)
}
