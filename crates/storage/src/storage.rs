use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::{Error, Key};

/// Objects under keys. Implementations agree in everything that the suite of contract tests looks at.
///
/// An object is there whole or not at all: who reads while it is written gets the old one, or none. What a
/// method reported as done outlives a power failure, as far as the storage can outlive one.
#[async_trait]
pub trait Storage: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// Writes an object.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`] in [`PutMode::Create`], whoever created it, even at the same moment;
    /// [`Error::Io`], [`Error::Store`].
    async fn put(&self, key: &Key, data: Bytes, mode: PutMode) -> Result<(), Error>;

    /// Writes an object from a local file of any size, over what was there.
    ///
    /// # Errors
    /// [`Error::Source`] if the file cannot be read; [`Error::Io`], [`Error::Store`].
    async fn put_file(&self, key: &Key, file: &Path, transfer: Transfer) -> Result<(), Error>;

    /// Opens an object, or a range of its bytes. A range that reaches past the end stops there.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Range`] for a range that has no byte in the object; [`Error::Io`],
    /// [`Error::Store`].
    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object, Error>;

    /// What is known of an object without its bytes.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Io`], [`Error::Store`].
    async fn head(&self, key: &Key) -> Result<Meta, Error>;

    /// All objects below a prefix, or all there are, in no particular order. An object that has the prefix
    /// itself for its key is not below it.
    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<Meta, Error>>;

    /// Names of objects that no [`Key`] can be of, as the storage has them: nothing else here knows of these.
    /// Most storages have none.
    fn unnamed(&self) -> BoxStream<'static, Result<String, Error>> {
        stream::empty().boxed()
    }

    /// Removes an object. That there is none is no error.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Store`].
    async fn delete(&self, key: &Key) -> Result<(), Error>;

    /// Removes what writers left that were killed, as far as that is no object and nobody can still be at
    /// work on it: nothing was written to it for so long. Gives how many there were.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Store`].
    async fn tidy(&self, _older_than: Duration) -> Result<u64, Error> {
        Ok(0)
    }

    /// A URL by which whoever has it reads the object, for so long, as this media type; `None`: this storage
    /// has no such thing. Whether there is the object is not asked.
    ///
    /// # Errors
    /// [`Error::Store`].
    async fn signed_url(
        &self,
        _key: &Key,
        _media_type: &str,
        _life: Duration,
    ) -> Result<Option<String>, Error> {
        Ok(None)
    }
}

/// What to do where there is an object of that key already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutMode {
    /// Replace it.
    Overwrite,
    /// Refuse (`If-None-Match: *`).
    Create,
}

/// What becomes of a local file whose content was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// It stays as it is.
    Copy,
    /// It may be gone: a storage on the same disk takes the file itself.
    Move,
}

/// What is known of an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Meta {
    /// Its key.
    pub key: Key,
    /// Bytes.
    pub size: u64,
    /// When it was written.
    pub modified: SystemTime,
    /// What the storage tells its bytes from others by; `None`: it has no such thing.
    pub e_tag: Option<String>,
}

impl Meta {
    /// Whether both tell of the same bytes: by their tags, where there are some, else by size and time.
    pub fn is_same(&self, other: &Self) -> bool {
        self.key == other.key
            && self.size == other.size
            && match (&self.e_tag, &other.e_tag) {
                (Some(a), Some(b)) => a == b,
                _ => self.modified == other.modified,
            }
    }
}

/// An object that is being read.
pub struct Object {
    /// What is known of the whole object that the bytes are of.
    pub meta: Meta,
    /// Which of its bytes come.
    pub range: Range<u64>,
    /// The bytes of the range in pieces of bounded size; it ends early only with an error.
    pub body: BoxStream<'static, Result<Bytes, Error>>,
}

impl Object {
    /// All bytes of the range in memory: for what is known to be small.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Store`].
    pub async fn bytes(self) -> Result<Bytes, Error> {
        let mut all = BytesMut::new();
        let mut body = self.body;
        while let Some(piece) = body.try_next().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").field("meta", &self.meta).field("range", &self.range).finish_non_exhaustive()
    }
}

/// The part of a range that lies in an object of some size.
pub(crate) fn clamp(key: &Key, range: Option<Range<u64>>, size: u64) -> Result<Range<u64>, Error> {
    let Some(Range { start, end }) = range else { return Ok(0..size) };
    match start < end && start < size {
        true => Ok(start..end.min(size)),
        false => Err(Error::Range { key: key.clone(), start, end, size }),
    }
}
