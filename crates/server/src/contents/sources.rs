use super::SETTINGS;
use super::clear_file::{ClearFile, Watched};
use super::stamp::Stamp;
use crate::{Config, Error, library};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use pack::layout::SOURCE_JSON;
use std::fs;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::{Cached, Key, Storage};
use tokio::task::spawn_blocking;

/// Deepest folder with a content.
const MAX_DEPTH: usize = 16;
/// Files that are looked at together.
const TOGETHER: usize = 8;

/// Where the clear films are. Files in it are named by their paths below.
#[derive(Debug, Clone)]
pub(crate) enum Sources {
    /// A local folder.
    Folder(PathBuf),
    /// A bucket.
    Bucket(Bucket),
}

/// A bucket, which is looked at anew each time, and what was read of it.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    store: Arc<dyn Storage>,
    parts: Arc<Cached>,
}

/// Why something cannot be taken from the sources, in words for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SourceError {
    /// Nobody can say now what is there: disk or store do not tell.
    #[error("{0}")]
    Unreadable(String),
    /// It is there, and is not what it has to be.
    #[error("{0}")]
    Wrong(String),
}

impl Bucket {
    /// Nothing is kept of it on the local disk.
    pub(super) fn plain(store: Arc<dyn Storage>) -> Self {
        Self { parts: Cached::new(Arc::clone(&store), None), store }
    }

    /// Parts are kept, as far as the configuration has room for them.
    pub(super) fn open_cached(config: &Config) -> Result<Option<Self>, Error> {
        let Some(store) = library::open_sources(config)? else { return Ok(None) };
        Ok(Some(Self { parts: library::cached_sources(config, &store)?, store }))
    }
}

impl Sources {
    /// The sources for who reads little of them; `None`: there are none.
    ///
    /// # Errors
    /// [`Error`] where a bucket's settings or credentials cannot be.
    pub(super) fn open(config: &Config) -> Result<Option<Self>, Error> {
        match library::open_sources(config)? {
            Some(store) => Ok(Some(Self::Bucket(Bucket::plain(store)))),
            None => Ok(config.sources().map(Self::Folder)),
        }
    }

    /// The bucket, where they are in one.
    pub(super) fn into_bucket(self) -> Option<Bucket> {
        match self {
            Self::Folder(_) => None,
            Self::Bucket(bucket) => Some(bucket),
        }
    }

    /// What a file is called in messages.
    pub(crate) fn name(&self, path: &str) -> PathBuf {
        match self {
            Self::Folder(root) => root.join(path),
            Self::Bucket(bucket) => PathBuf::from(format!("{}/{path}", bucket.store)),
        }
    }

    fn unreadable(&self, path: &str) -> impl FnOnce(io::Error) -> SourceError {
        let name = self.name(path);
        move |error| SourceError::Unreadable(format!("{}: {error}", name.display()))
    }

    /// What a file is now; `None`: there is none.
    pub(super) async fn stamp(&self, path: &str) -> Result<Option<Stamp>, SourceError> {
        match self {
            Self::Folder(root) => match tokio::fs::metadata(root.join(path)).await {
                Ok(metadata) => Ok(Some(Stamp::of(&metadata))),
                Err(error) if is_missing(&error) => Ok(None),
                Err(error) => Err(self.unreadable(path)(error)),
            },
            Self::Bucket(bucket) => {
                // What cannot be named is not there.
                let Ok(key) = path.parse::<Key>() else { return Ok(None) };
                match bucket.store.head(&key).await {
                    Ok(meta) => Ok(Some(Stamp::Object(meta))),
                    Err(error) if error.is_not_found() => Ok(None),
                    Err(error) => Err(SourceError::Unreadable(error.to_string())),
                }
            }
        }
    }

    /// As [`stamp`](Self::stamp), of several, in their order.
    pub(super) async fn stamps(&self, paths: Vec<String>) -> Result<Vec<Option<Stamp>>, SourceError> {
        let looks = paths.into_iter().map(|path| {
            let sources = self.clone();
            async move { sources.stamp(&path).await }
        });
        stream::iter(looks).buffered(TOGETHER).try_collect().await
    }

    /// The bytes of a small file, and what it is; `None`: there is none.
    ///
    /// # Errors
    /// [`SourceError::Wrong`] if it has over `most` octets.
    pub(super) async fn read(&self, path: &str, most: u64) -> Result<Option<(Stamp, Bytes)>, SourceError> {
        let too_long = || SourceError::Wrong(format!("{} has over {most} octets", self.name(path).display()));
        let (stamp, bytes) = match self {
            Self::Folder(root) => {
                let file = root.join(path);
                let read = spawn_blocking(move || read_file(&file, most)).await.map_err(io::Error::other);
                match read.and_then(|read| read) {
                    Ok(read) => read,
                    Err(error) if is_missing(&error) => return Ok(None),
                    Err(error) => return Err(self.unreadable(path)(error)),
                }
            }
            Self::Bucket(bucket) => {
                let Ok(key) = path.parse::<Key>() else { return Ok(None) };
                let object = match bucket.store.get(&key, None).await {
                    Ok(object) if object.meta.size > most => return Err(too_long()),
                    Ok(object) => object,
                    Err(error) if error.is_not_found() => return Ok(None),
                    Err(error) => return Err(SourceError::Unreadable(error.to_string())),
                };
                let stamp = Stamp::Object(object.meta.clone());
                let bytes = object.bytes().await;
                (stamp, bytes.map_err(|error| SourceError::Unreadable(error.to_string()))?)
            }
        };
        match bytes.len() as u64 > most {
            true => Err(too_long()),
            false => Ok(Some((stamp, bytes))),
        }
    }

    /// Opens a clear file, if it is still the one that was looked at. A bucket is not asked for that.
    pub(super) async fn open_clear(&self, path: &str, stamp: &Stamp) -> Result<ClearFile, SourceError> {
        match (self, stamp) {
            (Self::Bucket(bucket), Stamp::Object(meta)) => {
                Ok(ClearFile::Object(Arc::clone(&bucket.parts), meta.clone()))
            }
            _ => {
                let (file, stamp) = (self.name(path), stamp.clone());
                let opened = spawn_blocking(move || Watched::open(&file, stamp)).await;
                let opened = opened.map_err(io::Error::other).and_then(|opened| opened);
                Ok(ClearFile::File(Arc::new(opened.map_err(self.unreadable(path))?)))
            }
        }
    }

    /// Contents and settings in a bucket that cannot be asked for, by the names of their files. All of the
    /// bucket is listed.
    pub(crate) async fn unnamed(&self) -> Result<Vec<String>, SourceError> {
        let Self::Bucket(bucket) = self else { return Ok(Vec::new()) };
        let names = bucket.store.unnamed().try_filter(|name| {
            let last = name.rsplit('/').next().unwrap_or_default();
            std::future::ready([SOURCE_JSON, SETTINGS].contains(&last))
        });
        names.try_collect().await.map_err(|error| SourceError::Unreadable(error.to_string()))
    }

    /// All folders with a clear film, by their paths below the root, and all that have settings. Symbolic
    /// links and hidden folders are not followed. A bucket is listed page by page.
    pub(crate) async fn walk(&self) -> Result<Walk, SourceError> {
        let mut walk = match self {
            Self::Folder(root) => {
                let root = root.clone();
                let walked = spawn_blocking(move || {
                    let mut walk = Walk::default();
                    walk_into(&root, "", 0, &mut walk).map(|()| walk)
                });
                let walked = walked.await.map_err(io::Error::other).and_then(|walked| walked);
                walked.map_err(self.unreadable(""))?
            }
            Self::Bucket(bucket) => {
                let mut walk = Walk::default();
                let mut objects = bucket.store.list(None);
                loop {
                    let next = objects.try_next().await;
                    match next.map_err(|error| SourceError::Unreadable(error.to_string()))? {
                        Some(meta) => walk.add(meta.key.as_str()),
                        None => break walk,
                    }
                }
            }
        };
        walk.contents.sort();
        walk.settings.sort();
        Ok(walk)
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// At most one octet more than `most`.
fn read_file(path: &Path, most: u64) -> io::Result<(Stamp, Bytes)> {
    let file = fs::File::open(path)?;
    let stamp = Stamp::of(&file.metadata()?);
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((stamp, bytes.into()))
}

/// What there is below the sources.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Paths of folders with `source.json`.
    pub(crate) contents: Vec<String>,
    /// Paths of folders with settings.
    pub(crate) settings: Vec<String>,
}

impl Walk {
    /// Takes an object of a bucket.
    fn add(&mut self, key: &str) {
        let (folder, name) = key.rsplit_once('/').unwrap_or(("", key));
        if folder.split('/').count() > MAX_DEPTH {
            return;
        }
        match name {
            SOURCE_JSON => self.contents.push(folder.to_owned()),
            SETTINGS => self.settings.push(folder.to_owned()),
            _ => {}
        }
    }
}

fn walk_into(folder: &Path, path: &str, depth: usize, walk: &mut Walk) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type()?;
        match &name[..] {
            SOURCE_JSON if kind.is_file() => walk.contents.push(path.to_owned()),
            SETTINGS if kind.is_file() => walk.settings.push(path.to_owned()),
            _ if kind.is_dir() && !name.starts_with('.') && depth < MAX_DEPTH => {
                let below = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                walk_into(&entry.path(), &below, depth + 1, walk)?;
            }
            _ => {}
        }
    }
    Ok(())
}
