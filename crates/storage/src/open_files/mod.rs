//! Files of a folder that stay open for a moment.

mod table;

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

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
/// other bytes.
pub struct OpenFiles {
    folder: Folder,
    files: Mutex<Table<OpenFile>>,
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
        Self { folder, files: Mutex::new(Table::new(MOST, TRUSTED)) }
    }

    fn files(&self) -> MutexGuard<'_, Table<OpenFile>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn open(&self, key: &Key) -> Result<OpenFile, Error> {
        let (found, before) = {
            let mut files = self.files();
            (files.get(key, Instant::now()), files.forgotten())
        };
        if let Some(found) = found {
            return Ok(found);
        }
        let (file, meta) = self.folder.open(key).await?;
        let opened = OpenFile { file: Arc::new(file), meta };
        self.files().put(key.clone(), opened.clone(), Instant::now(), before);
        Ok(opened)
    }

    fn forget(&self, key: &Key) {
        self.files().forget(key);
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
