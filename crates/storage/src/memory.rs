use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};

use crate::storage::clamp;
use crate::{Error, Key, Meta, Object, PutMode, Storage, Transfer};

/// Objects in memory: for tests, and for live streams that nobody keeps.
#[derive(Debug, Default)]
pub struct Memory {
    objects: RwLock<BTreeMap<Key, (Bytes, SystemTime)>>,
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory")
    }
}

impl Memory {
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Key, (Bytes, SystemTime)>> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<Key, (Bytes, SystemTime)>> {
        self.objects.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, key: &Key) -> Result<(Bytes, SystemTime), Error> {
        let not_found = || Error::NotFound { key: key.clone(), storage: self.to_string() };
        self.read().get(key).cloned().ok_or_else(not_found)
    }
}

fn meta(key: &Key, data: &Bytes, modified: SystemTime) -> Meta {
    Meta { key: key.clone(), size: data.len() as u64, modified, e_tag: None }
}

#[async_trait]
impl Storage for Memory {
    async fn put(&self, key: &Key, data: Bytes, mode: PutMode) -> Result<(), Error> {
        let data = (data, SystemTime::now());
        match (self.write().entry(key.clone()), mode) {
            (Entry::Occupied(_), PutMode::Create) => {
                return Err(Error::AlreadyExists { key: key.clone(), storage: self.to_string() });
            }
            (Entry::Occupied(mut there), PutMode::Overwrite) => drop(there.insert(data)),
            (Entry::Vacant(free), _) => drop(free.insert(data)),
        }
        Ok(())
    }

    async fn put_file(&self, key: &Key, file: &Path, _: Transfer) -> Result<(), Error> {
        let data = tokio::fs::read(file).await;
        let data = data.map_err(|source| Error::Source { path: file.into(), source })?;
        self.put(key, data.into(), PutMode::Overwrite).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object, Error> {
        let (data, modified) = self.find(key)?;
        let range = clamp(key, range, data.len() as u64)?;
        let meta = meta(key, &data, modified);
        let part = data.slice(range.start as usize..range.end as usize);
        Ok(Object { meta, range, body: stream::iter([Ok(part)]).boxed() })
    }

    async fn head(&self, key: &Key) -> Result<Meta, Error> {
        let (data, modified) = self.find(key)?;
        Ok(meta(key, &data, modified))
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<Meta, Error>> {
        let objects = self.read();
        let below = objects.iter().filter(|(key, _)| prefix.is_none_or(|prefix| key.is_below(prefix)));
        let found: Vec<_> = below.map(|(key, (data, modified))| Ok(meta(key, data, *modified))).collect();
        stream::iter(found).boxed()
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.write().remove(key);
        Ok(())
    }
}
