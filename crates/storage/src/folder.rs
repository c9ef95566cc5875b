use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use tempfile::NamedTempFile;

use crate::reading::pieces;
use crate::storage::clamp;
use crate::{Error, Key, Meta, Object, PutMode, Storage, Transfer};

/// How the names of unfinished files begin.
const WRITING: &str = ".writing-";

/// A local folder: an object is a file, the parts of its key are folders. Files come into being under a
/// hidden name, are synced, and get their name in one step; so do the folders that they need. Hidden files
/// are no objects, and neither is what a symbolic link leads to: the folder itself may be reached by one,
/// nothing in it.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.display().fmt(f)
    }
}

impl Folder {
    /// The folder, which is made when something is put into it.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where an object lies, or would.
    pub fn path(&self, key: &Key) -> PathBuf {
        self.root.join(key.as_str())
    }

    fn failed(&self, key: &Key, doing: &'static str) -> impl FnOnce(io::Error) -> Error {
        let (key, storage) = (key.clone(), self.to_string());
        move |source| match source.kind() {
            // A key whose prefix is an object (`a/b`, where `a` is a file) names nothing.
            ErrorKind::NotFound | ErrorKind::NotADirectory if doing == "read" => {
                Error::NotFound { key, storage }
            }
            ErrorKind::AlreadyExists => Error::AlreadyExists { key, storage },
            _ => Error::Io { key: key.to_string(), doing, storage, source },
        }
    }

    /// Runs what waits for the disk on a thread that may.
    async fn blocking<T: Send + 'static>(
        &self,
        key: &Key,
        doing: &'static str,
        work: impl FnOnce(Self, &Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (this, path) = (self.clone(), self.path(key));
        let done = tokio::task::spawn_blocking(move || work(this, &path)).await;
        done.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(self.failed(key, doing))
    }

    /// Makes the folder of a file, and each new folder durable in the one above.
    fn make_parent<'a>(&self, path: &'a Path) -> io::Result<&'a Path> {
        let parent = path.parent().unwrap_or(path);
        let mut missing: Vec<&Path> = parent.ancestors().take_while(|folder| !folder.is_dir()).collect();
        missing.retain(|folder| !folder.as_os_str().is_empty());
        fs::create_dir_all(parent)?;
        missing.iter().rev().try_for_each(|folder| sync_folder(above(folder)))?;
        Ok(parent)
    }

    /// Gives a finished file its name, and makes both durable.
    fn keep(file: NamedTempFile, path: &Path, parent: &Path, mode: PutMode) -> io::Result<()> {
        file.as_file().sync_all()?;
        match mode {
            PutMode::Overwrite => file.persist(path).map_err(|error| error.error)?,
            PutMode::Create => file.persist_noclobber(path).map_err(|error| error.error)?,
        };
        sync_folder(parent)
    }

    /// Opens an object as a file, and says its size. Blocks.
    ///
    /// # Errors
    /// [`Error::NotFound`], where there is something else than a file, too, or a symbolic link on the way;
    /// [`Error::Io`].
    pub fn open_file(&self, key: &Key) -> Result<(File, u64), Error> {
        self.open_known(key).map(|(file, meta)| (file, meta.size))
    }

    /// As [`open_file`](Self::open_file), and says all that is known of it. Blocks.
    fn open_known(&self, key: &Key) -> Result<(File, Meta), Error> {
        let failed = || self.failed(key, "read");
        // Looked at before it is opened, for opening a pipe or a device does things, and compared afterwards.
        let seen = self.metadata_of(key).map_err(failed())?;
        let file = File::open(self.path(key)).map_err(failed())?;
        let opened = file.metadata().map_err(failed())?;
        let again = self.metadata_of(key).map_err(failed())?;
        match (same(&seen, &opened), same(&again, &opened)) {
            (true, true) => Ok((file, described(key.clone(), &opened))),
            _ => Err(Error::NotFound { key: key.clone(), storage: self.to_string() }),
        }
    }

    /// What is known of a file, which no symbolic link below the root leads to.
    fn metadata_of(&self, key: &Key) -> io::Result<fs::Metadata> {
        let mut path = self.root.clone();
        let mut parts = key.parts().peekable();
        loop {
            path.extend(parts.next());
            let meta = fs::symlink_metadata(&path)?;
            match (meta.is_dir(), meta.is_file(), parts.peek()) {
                (true, _, Some(_)) => {}
                (_, true, None) => return Ok(meta),
                _ => return Err(ErrorKind::NotFound.into()),
            }
        }
    }

    /// A file, and what is known of it.
    pub(crate) async fn open(&self, key: &Key) -> Result<(File, Meta), Error> {
        let (this, of) = (self.clone(), key.clone());
        let opened = tokio::task::spawn_blocking(move || this.open_known(&of)).await;
        opened.unwrap_or_else(|error| Err(self.failed(key, "read")(io::Error::other(error))))
    }

    /// A range of an open file, all of which it had when it was looked at.
    pub(crate) fn object(&self, file: Arc<File>, meta: Meta, range: Range<u64>) -> Object {
        let (this, key) = (self.clone(), meta.key.clone());
        let body = pieces(file, range.clone()).map_err(move |error| this.failed(&key, "read")(error));
        Object { meta, range, body: body.boxed() }
    }

    /// Removes unfinished files below a folder, and the folders that are empty then; gives how many.
    fn tidy_below(&self, folder: &Path, older_than: Duration) -> io::Result<u64> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error),
        };
        let mut count = 0;
        for entry in entries {
            let entry = entry?;
            let Ok(meta) = fs::symlink_metadata(entry.path()) else { continue };
            let name = entry.file_name();
            let name = name.as_encoded_bytes();
            let is_old = modified(&meta).elapsed().is_ok_and(|age| age >= older_than);
            if meta.is_dir() && !name.starts_with(b".") {
                count += self.tidy_below(&entry.path(), older_than)?;
            } else if meta.is_file() && name.starts_with(WRITING.as_bytes()) && is_old {
                fs::remove_file(entry.path())?;
                count += 1;
            }
        }
        if count > 0 && folder != self.root {
            // It stays where there is something in it.
            let _ = fs::remove_dir(folder);
        }
        Ok(count)
    }

    /// All files below a folder.
    fn walk(&self, folder: PathBuf, found: &mut Vec<Meta>) -> io::Result<()> {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = entry?.path();
            // Parts of a key are joined by `/`, whatever the system has. What has no key is not ours.
            let relative = path
                .strip_prefix(&self.root)
                .ok()
                .and_then(|path| path.iter().map(|part| part.to_str()).collect::<Option<Vec<_>>>());
            let Some(Ok(key)) = relative.map(|parts| parts.join("/").parse::<Key>()) else { continue };
            // It may be gone by now.
            let Ok(meta) = fs::symlink_metadata(&path) else { continue };
            if meta.is_dir() {
                self.walk(path, found)?;
            } else if meta.is_file() {
                found.push(described(key, &meta));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Storage for Folder {
    async fn put(&self, key: &Key, data: Bytes, mode: PutMode) -> Result<(), Error> {
        self.blocking(key, "write", move |this, path| {
            let parent = this.make_parent(path)?;
            let mut file = temporary(parent)?;
            file.write_all(&data)?;
            Self::keep(file, path, parent, mode)
        })
        .await
    }

    async fn put_file(&self, key: &Key, file: &Path, transfer: Transfer) -> Result<(), Error> {
        let unreadable = |source| Error::Source { path: file.into(), source };
        let mut source = File::open(file).map_err(unreadable)?;
        let from = file.to_path_buf();
        self.blocking(key, "write", move |this, path| {
            let parent = this.make_parent(path)?;
            if transfer == Transfer::Move {
                source.sync_all()?;
                // Elsewhere than on this disk it must be copied.
                if fs::rename(&from, path).is_ok() {
                    return sync_folder(parent);
                }
            }
            let mut file = temporary(parent)?;
            io::copy(&mut source, file.as_file_mut())?;
            Self::keep(file, path, parent, PutMode::Overwrite)
        })
        .await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object, Error> {
        let (file, meta) = self.open(key).await?;
        let range = clamp(key, range, meta.size)?;
        Ok(self.object(Arc::new(file), meta, range))
    }

    async fn head(&self, key: &Key) -> Result<Meta, Error> {
        self.open(key).await.map(|(_, meta)| meta)
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<Meta, Error>> {
        let this = self.clone();
        let prefix = prefix.cloned();
        let folder = prefix.as_ref().map_or_else(|| self.root.clone(), |prefix| self.path(prefix));
        let walk = async move {
            let walker = this.clone();
            let walked = tokio::task::spawn_blocking(move || {
                let mut found = Vec::new();
                walker.walk(folder, &mut found).map(|()| found)
            });
            let failed = |source| Error::Io {
                key: prefix.map_or_else(|| "/".to_owned(), |prefix| prefix.to_string()),
                doing: "list",
                storage: this.to_string(),
                source,
            };
            let found = walked.await.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(failed)?;
            Ok::<_, Error>(stream::iter(found.into_iter().map(Ok)))
        };
        stream::once(walk).try_flatten().boxed()
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.blocking(key, "delete", |this, path| {
            match fs::remove_file(path) {
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    return Ok(());
                }
                done => done?,
            }
            // A prefix without objects is none: folders that are empty now go, too.
            let mut folder = above(path);
            sync_folder(folder)?;
            while folder != this.root && fs::remove_dir(folder).is_ok() {
                folder = above(folder);
            }
            Ok(())
        })
        .await
    }

    async fn tidy(&self, older_than: Duration) -> Result<u64, Error> {
        let (this, folder) = (self.clone(), self.root.clone());
        let done = tokio::task::spawn_blocking(move || this.tidy_below(&folder, older_than)).await;
        done.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|source| Error::Io {
            key: "/".to_owned(),
            doing: "tidy",
            storage: self.to_string(),
            source,
        })
    }
}

/// Whether two looks saw one file. Elsewhere than on Unix files have no number to go by.
fn same(seen: &fs::Metadata, opened: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        opened.is_file() && (seen.dev(), seen.ino()) == (opened.dev(), opened.ino())
    }
    #[cfg(not(unix))]
    {
        seen.is_file() && opened.is_file()
    }
}

/// What a file's metadata say of it as an object.
fn described(key: Key, meta: &fs::Metadata) -> Meta {
    Meta { key, size: meta.len(), modified: modified(meta), e_tag: None }
}

/// When a file was written; where nobody knows, long ago.
fn modified(meta: &fs::Metadata) -> SystemTime {
    meta.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// The folder that a path lies in.
fn above(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A hidden file, as readable as what it will become: what the umask leaves.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(WRITING);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Makes the names in a folder durable. Folders can be synced on Unix; elsewhere the files themselves must
/// do.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match cfg!(unix) {
        true => File::open(folder)?.sync_all(),
        false => Ok(()),
    }
}
