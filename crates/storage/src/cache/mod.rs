//! Parts of objects that lie elsewhere, on the local disk.

mod disk;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};

pub use self::disk::Disk;
use self::disk::{Part, Version};
use crate::storage::clamp;
use crate::{Error, Key, Meta, Object, PutMode, Storage, Transfer};

/// Bytes of a part: what is fetched and kept at once.
pub(super) const PART: u64 = 1 << 20;
/// Parts that are fetched ahead for one reader, the one that is read included.
const AHEAD: usize = 2;
/// Objects of which the size is remembered.
const REMEMBERED: usize = 50_000;

/// A storage elsewhere whose objects never change, read through memory of what is there and, where there is a
/// [`Disk`], parts on the local disk. What is removed elsewhere may be found here until it is displaced. What
/// is written anew elsewhere is known by its tag or its time, when a part is fetched: no bytes of two objects
/// are mixed.
pub struct Cached {
    inner: Arc<dyn Storage>,
    disk: Option<Arc<Disk>>,
    known: Mutex<HashMap<Key, Meta>>,
    /// One reader fetches a part; others that want it wait.
    fetching: Mutex<HashMap<Part, Arc<tokio::sync::Mutex<()>>>>,
}

/// A turn to fetch a part. Whoever gives up the last one, a reader that is gone, too, clears it away.
struct Turn<'a> {
    cached: &'a Cached,
    part: Part,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl<'a> Turn<'a> {
    fn of(cached: &'a Cached, part: &Part) -> Self {
        let mut fetching = cached.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = Arc::clone(fetching.entry(part.clone()).or_default());
        Self { cached, part: part.clone(), turn }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut fetching = self.cached.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        // The map has one, and this one the other: taken and given up under the lock, so nobody comes
        // between.
        if Arc::strong_count(&self.turn) == 2 {
            fetching.remove(&self.part);
        }
    }
}

impl fmt::Debug for Cached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached").field("inner", &self.inner).field("disk", &self.disk.is_some()).finish()
    }
}

impl fmt::Display for Cached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Cached {
    /// A storage, and where parts of it are kept, if anywhere.
    pub fn new(inner: Arc<dyn Storage>, disk: Option<Arc<Disk>>) -> Arc<Self> {
        Arc::new(Self { inner, disk, known: Mutex::default(), fetching: Mutex::default() })
    }

    /// A range of the object that `meta` tells of, and of no other that was put in its place since: for
    /// objects that may change, and are looked at again and again. Nothing that is remembered of the object
    /// is asked.
    ///
    /// # Errors
    /// [`Error::Changed`], when the bytes are read, too; and as [`Storage::get`].
    pub async fn get_same(self: &Arc<Self>, meta: &Meta, range: Range<u64>) -> Result<Object, Error> {
        let range = clamp(&meta.key, Some(range), meta.size)?;
        if let Some(disk) = &self.disk {
            return Ok(self.object(disk, meta.clone(), range));
        }
        self.get_now(meta, range).await
    }

    /// A range of the object that `meta` tells of, from elsewhere.
    async fn get_now(&self, meta: &Meta, range: Range<u64>) -> Result<Object, Error> {
        match self.inner.get(&meta.key, Some(range)).await {
            Ok(object) if object.meta.is_same(meta) => Ok(object),
            // A shorter one may lack the range.
            Ok(_) | Err(Error::Range { .. }) => {
                Err(Error::Changed { key: meta.key.clone(), storage: self.to_string() })
            }
            Err(error) => Err(error),
        }
    }

    /// A range that lies in the object, which is read in parts.
    fn object(self: &Arc<Self>, disk: &Arc<Disk>, meta: Meta, range: Range<u64>) -> Object {
        let (this, disk) = (Arc::clone(self), Arc::clone(disk));
        let (of, wanted) = (Arc::new(meta.clone()), range.clone());
        let read = move |number: u64| {
            let (this, disk, of) = (Arc::clone(&this), Arc::clone(&disk), Arc::clone(&of));
            let begin = number * PART;
            let (from, to) = (wanted.start.max(begin) - begin, wanted.end.min(begin + PART) - begin);
            async move {
                let data = this.part(&disk, number, &of).await?;
                Ok::<_, Error>(data.slice(from as usize..to as usize))
            }
        };
        let numbers = range.start / PART..range.end.div_ceil(PART);
        let body = stream::iter(numbers).map(read).buffered(AHEAD).boxed();
        Object { meta, range, body }
    }

    async fn known(&self, key: &Key) -> Result<Meta, Error> {
        let known = |this: &Self| this.known.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        if let Some(found) = known(self) {
            return Ok(found);
        }
        let found = self.inner.head(key).await?;
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(key.clone(), found.clone());
        Ok(found)
    }

    async fn forget(&self, key: &Key) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        if let Some(disk) = &self.disk {
            let (disk, key) = (Arc::clone(disk), key.clone());
            // What is left would be known by its time.
            let _ = tokio::task::spawn_blocking(move || disk.forget(&key)).await;
        }
    }

    /// A part, from the disk or from elsewhere.
    async fn part(&self, disk: &Arc<Disk>, number: u64, of: &Meta) -> Result<Bytes, Error> {
        let part = Part { key: of.key.clone(), number };
        if let Some(found) = on_disk(disk, &part, Version::of(of)).await {
            return Ok(found);
        }
        let turn = Turn::of(self, &part);
        let _held = turn.turn.lock().await;
        self.fetch(disk, &part, of).await
    }

    async fn fetch(&self, disk: &Arc<Disk>, part: &Part, of: &Meta) -> Result<Bytes, Error> {
        let version = Version::of(of);
        // Whoever was first has put it there.
        if let Some(found) = on_disk(disk, part, version).await {
            return Ok(found);
        }
        let start = part.number * PART;
        let object = self.get_now(of, start..(start + PART).min(version.size)).await;
        if matches!(object, Err(Error::Changed { .. })) {
            // Who asks again is told of the new one.
            self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&part.key);
        }
        let object = object?;
        let data = object.bytes().await?;
        let (disk, kept, copy) = (Arc::clone(disk), part.clone(), data.clone());
        let written = tokio::task::spawn_blocking(move || disk.write(&kept, &copy, version)).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "a part of a film cannot be kept in the cache");
        }
        Ok(data)
    }
}

async fn on_disk(disk: &Arc<Disk>, part: &Part, version: Version) -> Option<Bytes> {
    let (disk, part) = (Arc::clone(disk), part.clone());
    let wanted = (version.size - part.number * PART).min(PART);
    let found = tokio::task::spawn_blocking(move || disk.read(&part, version)).await.ok().flatten();
    found.filter(|data| data.len() as u64 == wanted)
}

/// A storage that reads parts while it is read itself.
#[async_trait]
impl Storage for Arc<Cached> {
    async fn put(&self, key: &Key, data: Bytes, mode: PutMode) -> Result<(), Error> {
        let done = self.inner.put(key, data, mode).await;
        self.forget(key).await;
        done
    }

    async fn put_file(&self, key: &Key, file: &Path, transfer: Transfer) -> Result<(), Error> {
        let done = self.inner.put_file(key, file, transfer).await;
        self.forget(key).await;
        done
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object, Error> {
        let Some(disk) = self.disk.clone() else { return self.inner.get(key, range).await };
        let meta = self.known(key).await?;
        let range = clamp(key, range, meta.size)?;
        if range.is_empty() {
            return self.inner.get(key, None).await;
        }
        Ok(self.object(&disk, meta, range))
    }

    async fn head(&self, key: &Key) -> Result<Meta, Error> {
        self.known(key).await
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<Meta, Error>> {
        self.inner.list(prefix)
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        let done = self.inner.delete(key).await;
        self.forget(key).await;
        done
    }

    async fn tidy(&self, older_than: Duration) -> Result<u64, Error> {
        self.inner.tidy(older_than).await
    }

    async fn signed_url(&self, key: &Key, media_type: &str, life: Duration) -> Result<Option<String>, Error> {
        self.inner.signed_url(key, media_type, life).await
    }
}
