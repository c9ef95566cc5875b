use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use crate::Error;

/// A directory that comes into being whole or not at all: filled beside its place, then renamed into it.
/// Dropped before [`publish`](Self::publish), it vanishes.
#[derive(Debug)]
pub(crate) struct Unpublished {
    place: PathBuf,
    parent: PathBuf,
    temporary: TempDir,
}

impl Unpublished {
    /// A temporary directory beside `place`. Its name begins with a dot, so that nobody takes it for a film.
    pub(crate) fn new(place: &Path) -> Result<Self, Error> {
        let parent = parent(place);
        fs::create_dir_all(parent).map_err(Error::io(parent, "create"))?;
        let temporary = temporary(0o777, |builder| builder.prefix(".packaging-").tempdir_in(parent))
            .map_err(Error::io(parent, "write into"))?;
        Ok(Self { place: place.into(), parent: parent.into(), temporary })
    }

    pub(crate) fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// Writes a file and makes it durable.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<(), Error> {
        let path = self.path().join(name);
        fs::write(&path, content)
            .and_then(|()| File::open(&path)?.sync_all())
            .map_err(Error::io(path, "write"))
    }

    /// Makes all durable and moves it into its place, which must be free or an empty directory.
    pub(crate) fn publish(self) -> Result<(), Error> {
        make_durable(self.path())?;
        match fs::rename(self.path(), &self.place) {
            // What was renamed needs no removal; its old name is free.
            Ok(()) => drop(self.temporary.keep()),
            Err(_) if self.place.exists() => return Err(Error::Exists { path: self.place }),
            Err(error) => return Err(Error::io(self.place, "publish into")(error)),
        }
        sync(&self.parent)
    }
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

fn make_durable(directory: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(directory).map_err(Error::io(directory, "read"))? {
        let path = entry.map_err(Error::io(directory, "read"))?.path();
        if path.is_dir() {
            make_durable(&path)?;
        }
    }
    sync(directory)
}

/// Directories can be synced on Unix; elsewhere the files themselves must do.
#[cfg(unix)]
fn sync(directory: &Path) -> Result<(), Error> {
    File::open(directory).and_then(|file| file.sync_all()).map_err(Error::io(directory, "sync"))
}

#[cfg(not(unix))]
fn sync(_: &Path) -> Result<(), Error> {
    Ok(())
}
