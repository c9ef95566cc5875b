//! Whether clear files are those that `source.json` tells of, and their indexes, which are kept in the data folder:
//! each is made once, by reading the file to its end.

use super::clear_file::ToTheEnd;
use super::loaded::Loaded;
use crate::private;
use ::origin::SourceIndex;
use pack::Representation;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

/// What is said of a file that has another digest.
pub(super) const ANOTHER: &str = "is not the file that source.json tells of: its SHA-256 is another";

fn has_digest(r: &Representation) -> bool {
    r.sha256.len() == 64 && r.sha256.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Where the index of a clear file is kept; `None`: nothing names the file.
fn path(folder: &Path, r: &Representation) -> Option<PathBuf> {
    has_digest(r).then(|| folder.join(format!("{}.index", r.sha256)))
}

/// Reads a clear file to its end. Whether it is the one that `source.json` tells of.
pub(super) async fn is_right(loaded: &Loaded, representation: usize) -> Result<bool, String> {
    let (name, r, file) = open(loaded, representation).await?;
    let read = spawn_blocking(move || compare(&name, &r, &file)).await;
    read.map_err(|error| error.to_string()).and_then(|read| read)
}

async fn open(loaded: &Loaded, representation: usize) -> Result<(PathBuf, Representation, ToTheEnd), String> {
    let r =
        loaded.source.pack.representations.get(representation).ok_or("there is no such representation")?;
    let file = loaded.open(representation).await.map_err(|error| error.to_string())?;
    Ok((loaded.name().join(&r.path), r.clone(), file.to_the_end(Handle::current())))
}

/// Of a file that nobody has a digest of, nothing can be said.
fn compare(name: &Path, r: &Representation, file: &ToTheEnd) -> Result<bool, String> {
    if !has_digest(r) {
        return Ok(true);
    }
    let digest = file.sha256(r.size).map_err(|error| format!("{}: {error}", name.display()))?;
    Ok(digest.eq_ignore_ascii_case(&r.sha256))
}

/// The index of a clear file, as it was kept.
pub(super) async fn kept(folder: &Path, r: &Representation) -> Option<SourceIndex> {
    let (path, r) = (path(folder, r)?, r.clone());
    let read = move || SourceIndex::from_bytes(&fs::read(path).ok()?, &r).ok();
    spawn_blocking(read).await.ok().flatten()
}

/// Reads a clear file to its end, and keeps its index.
pub(super) async fn make(
    folder: &Path,
    loaded: &Loaded,
    representation: usize,
) -> Result<SourceIndex, String> {
    let (name, r, file) = open(loaded, representation).await?;
    let folder = folder.to_owned();
    let made = spawn_blocking(move || {
        let said = |error: ::origin::Error| format!("{}: {error}", name.display());
        let index = SourceIndex::build(&file, &r).map_err(said)?;
        // It is found by the digest from now on.
        if !compare(&name, &r, &file)? {
            return Err(format!("{} {ANOTHER}", name.display()));
        }
        if let Some(path) = path(&folder, &r)
            && let Err(error) = keep(&folder, &path, &index.to_bytes(&r))
        {
            tracing::warn!(path = %path.display(), %error, "an index cannot be kept: it is made anew at the next start");
        }
        Ok(index)
    });
    made.await.map_err(|error| error.to_string()).and_then(|made| made)
}

fn keep(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    private::make_folder(folder)?;
    let unfinished = path.with_extension(format!("{}.part", std::process::id()));
    let written = fs::File::create(&unfinished).and_then(|mut file| file.write_all(bytes));
    let done = written.and_then(|()| fs::rename(&unfinished, path));
    if done.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    done
}
