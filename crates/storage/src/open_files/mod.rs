//! Files of a folder that stay open for a moment.

mod table;

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

use self::table::Table;
use crate::storage::clamp;
use crate::{Error, Folder, Key, Meta, Object, PutMode, Storage, Transfer};

/// Files that are open at a time.
const MOST: usize = 512;
/// How long a file is read without a look at its name.
const TRUSTED: Duration = Duration::from_secs(10);

/// A [`Folder`] whose objects never change once they are there, for who reads many ranges of few of them. A
/// file stays open for 10 s, at most 512 of them, and is not looked at in that time: a range of it costs no
/// call of the system but the read. So what somebody else removes or replaces in the folder may be found as
/// it was for as long; bytes of two files are never mixed. One that somebody cuts short gives an error, not
/// other bytes. One that nobody asks for is closed within 20 s, so that the disk gets back the space of what
/// was removed.
pub struct OpenFiles {
    folder: Folder,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    files: Table<OpenFile>,
    /// Closes what is not good any more, while anything is open.
    closing: Option<JoinHandle<()>>,
}

#[derive(Debug, Clone)]
struct OpenFile {
    file: Arc<File>,
    meta: Meta,
}

impl fmt::Debug for OpenFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenFiles").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl fmt::Display for OpenFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.folder.fmt(f)
    }
}

impl OpenFiles {
    /// A folder, of which nothing is open yet.
    pub fn new(folder: Folder) -> Self {
        let shared = Shared { files: Table::new(MOST, TRUSTED), closing: None };
        Self { folder, shared: Arc::new(Mutex::new(shared)) }
    }

    async fn open(&self, key: &Key) -> Result<OpenFile, Error> {
        let (found, before) = {
            let mut shared = locked(&self.shared);
            (shared.files.get(key, Instant::now()), shared.files.forgotten())
        };
        if let Some(found) = found {
            return Ok(found);
        }
        let (file, meta) = self.folder.open(key).await?;
        let opened = OpenFile { file: Arc::new(file), meta };
        let mut shared = locked(&self.shared);
        shared.files.put(key.clone(), opened.clone(), Instant::now(), before);
        // One that ended with its runtime is as none.
        if shared.closing.as_ref().is_none_or(JoinHandle::is_finished) {
            shared.closing = Some(tokio::spawn(close_unused(Arc::clone(&self.shared))));
        }
        Ok(opened)
    }

    fn forget(&self, key: &Key) {
        locked(&self.shared).files.forget(key);
    }
}

impl Drop for OpenFiles {
    fn drop(&mut self) {
        if let Some(closing) = locked(&self.shared).closing.take() {
            closing.abort();
        }
    }
}

fn locked(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Closes files that are not good any more, until none is open.
async fn close_unused(shared: Arc<Mutex<Shared>>) {
    loop {
        tokio::time::sleep(TRUSTED).await;
        let (expired, is_done) = {
            let mut shared = locked(&shared);
            let expired = shared.files.take_expired(Instant::now());
            let is_done = shared.files.is_empty();
            if is_done {
                // The next one that is opened begins anew.
                shared.closing = None;
            }
            (expired, is_done)
        };
        // To close a large file that has no name any more takes the disk's time.
        let closed = spawn_blocking(move || drop(expired)).await;
        if is_done || closed.is_err() {
            return;
        }
    }
}

#[async_trait]
impl Storage for OpenFiles {
    async fn put(&self, key: &Key, data: Bytes, mode: PutMode) -> Result<(), Error> {
        let done = self.folder.put(key, data, mode).await;
        self.forget(key);
        done
    }

    async fn put_file(&self, key: &Key, file: &Path, transfer: Transfer) -> Result<(), Error> {
        let done = self.folder.put_file(key, file, transfer).await;
        self.forget(key);
        done
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object, Error> {
        let OpenFile { file, meta } = self.open(key).await?;
        let range = clamp(key, range, meta.size)?;
        Ok(self.folder.object(file, meta, range))
    }

    async fn head(&self, key: &Key) -> Result<Meta, Error> {
        self.open(key).await.map(|open| open.meta)
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<Meta, Error>> {
        self.folder.list(prefix)
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        let done = self.folder.delete(key).await;
        self.forget(key);
        done
    }

    async fn tidy(&self, older_than: Duration) -> Result<u64, Error> {
        self.folder.tidy(older_than).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Weak;

    use super::*;

    async fn opened(library: &OpenFiles, key: &Key) -> Weak<File> {
        Arc::downgrade(&library.open(key).await.unwrap().file)
    }

    /// Nobody needs to ask for another one; and what is closed can be opened again. The clock stands while
    /// the disk is waited for.
    #[tokio::test(start_paused = true)]
    async fn a_file_that_nobody_asks_for_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let library = OpenFiles::new(Folder::new(folder.path()));
        let key: Key = "8e06/1.mp4".parse().unwrap();
        library.put(&key, Bytes::from_static(b"0123456789"), PutMode::Create).await.unwrap();
        for _ in 0..2 {
            let first = opened(&library, &key).await;
            tokio::time::sleep(TRUSTED / 2).await;
            assert!(first.ptr_eq(&opened(&library, &key).await), "it is open");
            // An answer that has begun has its file for as long as it takes.
            let begun = library.get(&key, None).await.unwrap();
            tokio::time::sleep(2 * TRUSTED).await;
            assert!(first.upgrade().is_some());
            assert_eq!(begun.bytes().await.unwrap(), "0123456789");
            assert!(first.upgrade().is_none(), "it is still open");
            assert!(locked(&library.shared).closing.is_none(), "nothing is left to be done");
        }
    }
}
