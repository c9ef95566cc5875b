//! A storage that stops working, as a machine does that loses its power.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use storage::{Error, Key, Meta, Object, PutMode, Storage, Transfer};

/// Passes so many writes on, then none.
#[derive(Debug)]
pub(crate) struct Failing {
    pub(crate) inner: Arc<dyn Storage>,
    pub(crate) writes_left: AtomicUsize,
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failing {}", self.inner)
    }
}

impl Failing {
    pub(crate) fn after(writes: usize, inner: &Arc<dyn Storage>) -> Self {
        Self { inner: Arc::clone(inner), writes_left: AtomicUsize::new(writes) }
    }

    fn write(&self, key: &Key) -> Result<(), Error> {
        let left = self.writes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        left.map(|_| ()).map_err(|_| Error::Io {
            key: key.to_string(),
            doing: "write",
            storage: self.to_string(),
            source: std::io::Error::other("no power"),
        })
    }
}

#[async_trait]
impl Storage for Failing {
    async fn put(&self, key: &Key, data: Bytes, mode: PutMode) -> Result<(), Error> {
        self.write(key)?;
        self.inner.put(key, data, mode).await
    }

    async fn put_file(&self, key: &Key, file: &Path, transfer: Transfer) -> Result<(), Error> {
        self.write(key)?;
        self.inner.put_file(key, file, transfer).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object, Error> {
        self.inner.get(key, range).await
    }

    async fn head(&self, key: &Key) -> Result<Meta, Error> {
        self.inner.head(key).await
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<Meta, Error>> {
        self.inner.list(prefix)
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.inner.delete(key).await
    }
}

/// Counts what is read.
#[derive(Debug)]
pub(crate) struct Counting {
    inner: Arc<dyn Storage>,
    gets: AtomicUsize,
}

impl fmt::Display for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Counting {
    pub(crate) fn new(inner: Arc<dyn Storage>) -> Self {
        Self { inner, gets: AtomicUsize::new(0) }
    }

    /// How often an object was opened.
    pub(crate) fn gets(&self) -> usize {
        self.gets.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Storage for Counting {
    async fn put(&self, key: &Key, data: Bytes, mode: PutMode) -> Result<(), Error> {
        self.inner.put(key, data, mode).await
    }

    async fn put_file(&self, key: &Key, file: &Path, transfer: Transfer) -> Result<(), Error> {
        self.inner.put_file(key, file, transfer).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object, Error> {
        self.gets.fetch_add(1, Ordering::SeqCst);
        self.inner.get(key, range).await
    }

    async fn head(&self, key: &Key) -> Result<Meta, Error> {
        self.inner.head(key).await
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<Meta, Error>> {
        self.inner.list(prefix)
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.inner.delete(key).await
    }
}

/// Tells on standard output what is written, before and behind.
#[derive(Debug)]
pub(crate) struct Telling(pub(crate) Arc<dyn Storage>);

impl fmt::Display for Telling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait]
impl Storage for Telling {
    async fn put(&self, key: &Key, data: Bytes, mode: PutMode) -> Result<(), Error> {
        println!("writes {key}");
        self.0.put(key, data, mode).await?;
        println!("wrote {key}");
        Ok(())
    }

    async fn put_file(&self, key: &Key, file: &Path, transfer: Transfer) -> Result<(), Error> {
        println!("writes {key}");
        self.0.put_file(key, file, transfer).await?;
        println!("wrote {key}");
        Ok(())
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object, Error> {
        self.0.get(key, range).await
    }

    async fn head(&self, key: &Key) -> Result<Meta, Error> {
        self.0.head(key).await
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<Meta, Error>> {
        self.0.list(prefix)
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.0.delete(key).await
    }
}
