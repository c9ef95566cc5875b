//! Indexes of clear files, which are kept in the data folder: each is made once, by reading the file to its
//! end.

use super::clear_file::ToTheEnd;
use super::digest::{compare, has_digest};
use super::loaded::Loaded;
use super::sources::SourceError;
use crate::private;
use ::origin::SourceIndex;
use pack::Representation;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

/// Where the index of a clear file is kept; `None`: nothing names the file.
fn path(folder: &Path, r: &Representation) -> Option<PathBuf> {
    has_digest(r).then(|| folder.join(format!("{}.index", r.sha256)))
}

/// Reads a clear file to its end.
///
/// # Errors
/// [`SourceError::Wrong`] if it is not the one that `source.json` tells of.
pub(super) async fn check(loaded: &Loaded, representation: usize) -> Result<(), SourceError> {
    let (name, r, file) = open(loaded, representation).await?;
    let read = spawn_blocking(move || compare(&name, (r.sha256.as_str(), r.size), &file)).await;
    read.unwrap_or_else(|error| Err(SourceError::Unreadable(error.to_string())))
}

async fn open(
    loaded: &Loaded,
    representation: usize,
) -> Result<(PathBuf, Representation, ToTheEnd), SourceError> {
    let missing = || SourceError::Wrong("there is no such representation".to_owned());
    let r = loaded.source.pack.representations.get(representation).ok_or_else(missing)?;
    let file = loaded.open(representation).await?;
    Ok((loaded.name().join(&r.path), r.clone(), file.read_on(Handle::current())))
}

/// The index of a clear file, as it was kept.
pub(super) async fn kept(folder: &Path, r: &Representation) -> Option<SourceIndex> {
    let (path, r) = (path(folder, r)?, r.clone());
    let read = move || SourceIndex::from_bytes(&fs::read(path).ok()?, &r).ok();
    spawn_blocking(read).await.ok().flatten()
}

/// Reads a clear file to its end, and keeps its index.
///
/// # Errors
/// [`SourceError::Wrong`] if it is not what `source.json` says.
pub(super) async fn make(
    folder: &Path,
    loaded: &Loaded,
    representation: usize,
) -> Result<SourceIndex, SourceError> {
    let (name, r, file) = open(loaded, representation).await?;
    let folder = folder.to_owned();
    let made = spawn_blocking(move || {
        let index = SourceIndex::build(&file, &r).map_err(|error| {
            let said = format!("{}: {error}", name.display());
            match error {
                ::origin::Error::Io(_) => SourceError::Unreadable(said),
                _ => SourceError::Wrong(said),
            }
        })?;
        // It is found by the digest from now on.
        compare(&name, (r.sha256.as_str(), r.size), &file)?;
        if let Some(path) = path(&folder, &r)
            && let Err(error) = keep(&folder, &path, &index.to_bytes(&r))
        {
            tracing::warn!(path = %path.display(), %error, "an index cannot be kept: it is made anew at the next start");
        }
        Ok::<_, SourceError>(index)
    });
    made.await.unwrap_or_else(|error| Err(SourceError::Unreadable(error.to_string())))
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
