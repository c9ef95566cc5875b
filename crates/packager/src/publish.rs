use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{panic, thread};

use pack::layout::{PACK_JSON, SOURCE_JSON};
use pack::{MadeFrom, Pack, Source};
use storage::{Key, Published, Storage, Transfer};
use tempfile::{NamedTempFile, TempDir};

use crate::Error;

/// A pack that is being made: a hidden folder on the disk where it will lie, so that it is moved there, not
/// copied. Dropped before [`publish`](Self::publish), it vanishes.
#[derive(Debug)]
pub(crate) struct Staging {
    folder: TempDir,
    /// The folder, locked: by that others know that it is in use. The system lets go of it when we are gone.
    _lock: Option<File>,
}

/// How the names of such folders begin.
const STAGING: &str = ".packaging-";

impl Staging {
    /// A hidden folder beside `place`. Its name begins with a dot, so that nobody takes it for a film.
    pub(crate) fn beside(place: &Path) -> Result<Self, Error> {
        let parent = parent(place);
        fs::create_dir_all(parent).map_err(Error::io(parent, "create"))?;
        // One at a time, so that no new folder is swept before it is locked.
        let turn = File::open(parent).ok().filter(|parent| parent.lock().is_ok());
        if turn.is_some() {
            sweep(parent);
        }
        let folder = temporary(0o777, |builder| builder.prefix(STAGING).tempdir_in(parent))
            .map_err(Error::io(parent, "write into"))?;
        let lock = File::open(folder.path()).ok().filter(|folder| folder.try_lock().is_ok());
        Ok(Self { folder, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        let path = self.path().join(name);
        let parent = parent(&path);
        fs::create_dir_all(parent).map_err(Error::io(parent, "create"))?;
        fs::write(&path, content).map_err(Error::io(path, "write"))
    }

    /// Publishes the pack below a key, or as all that there is: its files, and `pack.json` last.
    pub(crate) fn publish(self, library: &dyn Storage, pack: Option<&Key>) -> Result<Published, Error> {
        let done = storage::publish(library, pack, self.path(), PACK_JSON, Transfer::Move);
        Ok(wait(done).map_err(Error::io(self.path(), "publish"))??)
    }
}

/// Removes what processes that are gone left beside `place`.
pub(crate) fn sweep_beside(place: &Path) {
    let parent = parent(place);
    // One at a time, so that no new folder is swept before it is locked.
    let Ok(turn) = File::open(parent) else { return };
    if turn.lock().is_ok() {
        sweep(parent);
    }
}

/// Removes what was left by processes that are gone. What cannot be locked is in use, or on a disk without
/// locks, and stays.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let is_staging = entry.file_name().as_encoded_bytes().starts_with(STAGING.as_bytes());
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let lock = (is_staging && is_folder).then(|| File::open(entry.path()).ok()).flatten();
        if lock.is_some_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A small object; `None`: there is none.
pub(crate) fn read(library: &dyn Storage, key: &Key) -> Result<Option<Vec<u8>>, Error> {
    let read = wait(async { library.get(key, None).await?.bytes().await });
    match read.map_err(Error::io(key.as_str(), "read"))? {
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Waits for a future of the storage, on a thread of its own: so the packager can be called from anywhere.
fn wait<T: Send>(future: impl Future<Output = T> + Send) -> std::io::Result<T> {
    let run = || Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future));
    thread::scope(|scope| scope.spawn(run).join().unwrap_or_else(|cause| panic::resume_unwind(cause)))
}

/// A file that comes into being whole or not at all.
#[derive(Debug)]
pub(crate) struct UnpublishedFile {
    place: PathBuf,
    temporary: NamedTempFile,
}

impl UnpublishedFile {
    /// A temporary file beside `place`.
    pub(crate) fn new(place: &Path) -> Result<Self, Error> {
        let parent = parent(place);
        let temporary = temporary(0o666, |builder| builder.prefix(".writing-").tempfile_in(parent))
            .map_err(Error::io(parent, "write into"))?;
        Ok(Self { place: place.into(), temporary })
    }

    pub(crate) fn write(&mut self, content: &[u8]) -> Result<(), Error> {
        self.temporary.write_all(content).map_err(Error::io(&self.place, "write"))
    }

    /// Makes it durable and moves it into its place, over what was there.
    pub(crate) fn publish(self) -> Result<(), Error> {
        self.temporary.as_file().sync_all().map_err(Error::io(&self.place, "write"))?;
        self.temporary.persist(&self.place).map_err(|error| Error::io(&self.place, "write")(error.error))?;
        Ok(())
    }
}

fn parent(place: &Path) -> &Path {
    match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes something temporary as readable as what it will become: `mode`, less the umask.
fn temporary<T>(mode: u32, make: impl FnOnce(&mut tempfile::Builder<'_, '_>) -> T) -> T {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    make(&mut builder)
}

/// Marks a folder with a clear film as a source: `source.json`, whole or not at all, with what `pack.json`
/// says and from what the film was made.
pub(crate) fn mark_source(folder: &Path, pack: &Pack, made_from: MadeFrom) -> Result<(), Error> {
    let source = Source { pack: pack.clone(), made_from: Some(made_from) };
    let mut file = UnpublishedFile::new(&folder.join(SOURCE_JSON))?;
    file.write(&source.to_json().map_err(Error::pack(folder))?)?;
    file.publish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// What a killed process left is swept; what another one works on is not.
    #[test]
    fn what_nobody_holds_is_swept() {
        let library = tempfile::tempdir().unwrap();
        let place = library.path().join("pack");
        let mine = Staging::beside(&place).unwrap();
        mine.write("a/b", b"x").unwrap();
        let left = library.path().join(".packaging-left");
        fs::create_dir_all(left.join("a")).unwrap();
        fs::create_dir(library.path().join(".other")).unwrap();
        fs::write(library.path().join(".packaging-file"), "x").unwrap();
        let other = Staging::beside(&place).unwrap();
        assert!(!left.exists() && mine.path().join("a/b").exists() && other.path().exists());
        drop((mine, other));
        let mut names: Vec<_> = fs::read_dir(&library).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [".other", ".packaging-file"]);
    }
}
