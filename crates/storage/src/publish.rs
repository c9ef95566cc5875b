use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use futures_util::TryStreamExt as _;

use crate::{Error, Key, Meta, PutMode, Storage, Transfer};

/// What publishing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// The objects are there now.
    Now,
    /// The last object was there already, so they were published before.
    Before,
}

/// Publishes the files of a local folder below `prefix`: first all others, then the one named `last`, created
/// where there is none. Readers go by that one: without it there is nothing, with it everything is there. A
/// publication that is cut off leaves objects that nobody looks at; the next one with the same names writes
/// over them.
///
/// Hidden files are left out. Symbolic links are refused, for they may lead out of the folder, and so is all
/// else that is neither file nor folder.
///
/// # Errors
/// [`Error::Source`] if the folder or `last` cannot be read, or holds what is refused; [`Error::Key`] for a
/// file that cannot be named,
/// and what the storage says.
pub async fn publish(
    storage: &dyn Storage,
    prefix: Option<&Key>,
    folder: &Path,
    last: &str,
    transfer: Transfer,
) -> Result<Published, Error> {
    let key = |name: &str| Key::below(prefix, name);
    let last_key = key(last)?;
    match storage.head(&last_key).await {
        Ok(_) => return Ok(Published::Before),
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error),
    }
    let mut files = files(folder).await?;
    let last_file = folder.join(last);
    let description = tokio::fs::read(&last_file).await;
    let description = description.map_err(|source| Error::Source { path: last_file, source })?;
    // The same films in the same order, whatever the file system says.
    files.sort();
    let others = files.iter().filter(|(name, _)| name != last).map(|(name, path)| Ok((key(name)?, path)));
    // All can be named, or nothing is written.
    for (key, path) in others.collect::<Result<Vec<_>, Error>>()? {
        storage.put_file(&key, path, transfer).await?;
    }
    match storage.put(&last_key, description.into(), PutMode::Create).await {
        Ok(()) => Ok(Published::Now),
        Err(Error::AlreadyExists { .. }) => Ok(Published::Before),
        Err(error) => Err(error),
    }
}

/// Takes back what was published below `prefix`: the object named `last` first, so that nothing is found
/// half.
///
/// # Errors
/// What the storage says.
pub async fn unpublish(storage: &dyn Storage, prefix: &Key, last: &str) -> Result<(), Error> {
    storage.delete(&prefix.join(last)?).await?;
    let rest: Vec<Meta> = storage.list(Some(prefix)).try_collect().await?;
    for meta in rest {
        storage.delete(&meta.key).await?;
    }
    Ok(())
}

/// All files below a local folder that [`publish`] would publish: names relative to it, and paths.
///
/// # Errors
/// [`Error::Source`] if the folder cannot be read, or holds what is refused.
pub async fn files(folder: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let root = folder.to_owned();
    let walked = tokio::task::spawn_blocking(move || {
        let mut found = Vec::new();
        walk(&root, "", &mut found).map(|()| found)
    });
    walked.await.unwrap_or_else(|error| {
        Err(Error::Source { path: folder.to_owned(), source: io::Error::other(error) })
    })
}

/// All files below a folder, with their names relative to it. Blocks.
fn walk(folder: &Path, name: &str, found: &mut Vec<(String, PathBuf)>) -> Result<(), Error> {
    let unreadable = |source| Error::Source { path: folder.into(), source };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let part = entry.file_name().to_string_lossy().into_owned();
        if part.starts_with('.') {
            continue;
        }
        let name = if name.is_empty() { part } else { format!("{name}/{part}") };
        let (path, kind) = (entry.path(), entry.file_type().map_err(unreadable)?);
        if kind.is_dir() {
            walk(&path, &name, found)?;
        } else if kind.is_file() {
            found.push((name, path));
        } else {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "a symbolic link, or no file at all");
            return Err(Error::Source { path, source });
        }
    }
    Ok(())
}
