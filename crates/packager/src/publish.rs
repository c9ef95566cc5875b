use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{panic, thread};

use pack::layout::PACK_JSON;
use storage::{Folder, Key, Published, Transfer};
use tempfile::{NamedTempFile, TempDir};

use crate::Error;

/// A pack that is being made: a hidden folder on the disk where it will lie, so that it is moved there, not
/// copied. Dropped before [`publish`](Self::publish), it vanishes.
#[derive(Debug)]
pub(crate) struct Staging {
    folder: TempDir,
}

impl Staging {
    /// A hidden folder beside `place`. Its name begins with a dot, so that nobody takes it for a film.
    pub(crate) fn beside(place: &Path) -> Result<Self, Error> {
        let parent = parent(place);
        fs::create_dir_all(parent).map_err(Error::io(parent, "create"))?;
        let folder = temporary(0o777, |builder| builder.prefix(".packaging-").tempdir_in(parent))
            .map_err(Error::io(parent, "write into"))?;
        Ok(Self { folder })
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
    pub(crate) fn publish(self, library: &Folder, pack: Option<&Key>) -> Result<Published, Error> {
        let done = storage::publish(library, pack, self.path(), PACK_JSON, Transfer::Move);
        Ok(wait(done).map_err(Error::io(self.path(), "publish"))??)
    }
}

/// Waits for a future of the storage, on a thread of its own: so the packager can be called from anywhere.
fn wait<T: Send>(future: impl Future<Output = T> + Send) -> std::io::Result<T> {
    let run = || Ok(tokio::runtime::Builder::new_current_thread().build()?.block_on(future));
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
