//! What is known of clear files: whether they are those that `source.json` tells of, and their indexes. What
//! has to be read to its end for that is read by a task of its own: a request that is dropped meanwhile loses
//! nothing.

use super::loaded::Loaded;
use super::sources::SourceError;
use super::stamp::Stamp;
use super::{digest, indexes};
use crate::lru::Lru;
use ::origin::{ContentPath, SourceIndex};
use pack::Representation;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

/// Clear files that are read whole at the same time.
const BUILDING: usize = 2;
/// Octets for what is known of files that are wrong, some ten thousand. No other film displaces them: a file
/// that is seen for the first time is believed, and these must not be.
const WRONG: usize = 16 << 20;

/// The clear file of a representation, by its number in a content.
type FileOf = (ContentPath, usize);

/// A clear file as it was seen, and the digest that `source.json` said it has.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SeenFile {
    sha256: String,
    stamp: Stamp,
}

impl SeenFile {
    /// Octets that it takes in memory, roughly.
    fn memory(&self) -> usize {
        512 + self.sha256.len()
    }
}

/// A file that is not what `source.json` says of it.
#[derive(Debug, Clone)]
struct WrongFile {
    file: SeenFile,
    /// What `source.json` was: another one may say something else.
    json: Stamp,
    /// In words for the operator.
    reason: String,
}

/// What an index is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum IndexOf {
    /// Any file with this digest and of this size.
    Digest(String, u64),
    /// A file that nobody has a digest of, as it was seen.
    Seen(FileOf, Stamp),
}

/// What is known of clear files.
#[derive(Debug)]
pub(super) struct KnownFiles {
    /// Where indexes are kept over restarts.
    kept: PathBuf,
    right: Lru<FileOf, SeenFile>,
    wrong: Lru<FileOf, WrongFile>,
    indexes: Lru<IndexOf, Arc<SourceIndex>>,
    building: Arc<Semaphore>,
}

/// What `loaded` says of a clear file: which it is, what it was when it was looked at, and its description.
struct Told<'a> {
    key: FileOf,
    file: SeenFile,
    json: Stamp,
    r: &'a Representation,
}

impl<'a> Told<'a> {
    fn of(loaded: &'a Loaded, representation: usize) -> Result<Self, SourceError> {
        let r = loaded.source.pack.representations.get(representation);
        let (Some(r), Some(stamp), Some(json)) = (r, loaded.stamp(representation), loaded.json_stamp())
        else {
            return Err(SourceError::Wrong("there is no such representation".to_owned()));
        };
        let file = SeenFile { sha256: r.sha256.clone(), stamp: stamp.clone() };
        Ok(Self { key: (loaded.content().clone(), representation), file, json: json.clone(), r })
    }

    fn index(&self) -> IndexOf {
        match digest::has_digest(self.r) {
            true => IndexOf::Digest(self.r.sha256.to_ascii_lowercase(), self.r.size),
            false => IndexOf::Seen(self.key.clone(), self.file.stamp.clone()),
        }
    }
}

impl KnownFiles {
    /// Nothing is known yet. `kept`: where indexes are kept over restarts; `memory`: octets for all that is
    /// known of films.
    pub(super) fn new(kept: PathBuf, memory: usize) -> Self {
        Self {
            kept,
            right: Lru::new(memory / 16),
            wrong: Lru::new(WRONG),
            indexes: Lru::new(memory / 2),
            building: Arc::new(Semaphore::new(BUILDING)),
        }
    }

    /// Whether a clear file is the one that `source.json` tells of. What is seen first is believed; one that
    /// was touched or replaced since it was seen is read to its end once, for `source.json` may tell of the
    /// one before.
    ///
    /// # Errors
    /// [`SourceError::Wrong`] if it is another one.
    pub(super) async fn verify(
        self: &Arc<Self>,
        loaded: &Arc<Loaded>,
        representation: usize,
    ) -> Result<(), SourceError> {
        let told = Told::of(loaded, representation)?;
        if let Some(verdict) = self.verdict(&told) {
            return verdict;
        }
        let permit = self.permit().await?;
        // Somebody else may have read it meanwhile.
        if let Some(verdict) = self.verdict(&told) {
            return verdict;
        }
        let Told { key, file, json, .. } = told;
        let (this, loaded) = (Arc::clone(self), Arc::clone(loaded));
        let task = tokio::spawn(async move {
            let _permit = permit;
            let read = indexes::check(&loaded, representation).await;
            this.note(key, file, json, read.as_ref().err());
            read
        });
        done(task).await
    }

    /// The index of a clear file: kept in memory, on disk, or made now.
    ///
    /// # Errors
    /// [`SourceError::Wrong`] if the file is not what `source.json` says.
    pub(super) async fn index(
        self: &Arc<Self>,
        loaded: &Arc<Loaded>,
        representation: usize,
    ) -> Result<Arc<SourceIndex>, SourceError> {
        let told = Told::of(loaded, representation)?;
        let of = told.index();
        if let Some(index) = self.indexes.get(&of) {
            return Ok(index);
        }
        if let Some(index) = indexes::kept(&self.kept, told.r).await {
            return Ok(self.remember(of, index));
        }
        let permit = self.permit().await?;
        // Somebody else may have made it meanwhile, or have found that it cannot be.
        if let Some(index) = self.indexes.get(&of) {
            return Ok(index);
        }
        if let Some(reason) = self.wrong(&told) {
            return Err(SourceError::Wrong(reason));
        }
        let Told { key, file, json, .. } = told;
        let (this, loaded) = (Arc::clone(self), Arc::clone(loaded));
        let task = tokio::spawn(async move {
            let _permit = permit;
            let made = indexes::make(&this.kept, &loaded, representation).await;
            this.note(key, file, json, made.as_ref().err());
            made.map(|index| this.remember(of, index))
        });
        done(task).await
    }

    /// What is known of a file; `None`: it has to be read first.
    fn verdict(&self, told: &Told<'_>) -> Option<Result<(), SourceError>> {
        if let Some(reason) = self.wrong(told) {
            return Some(Err(SourceError::Wrong(reason)));
        }
        let (right, wrong) = (self.right.get(&told.key), self.wrong.get(&told.key));
        if right.as_ref() == Some(&told.file) {
            return Some(Ok(()));
        }
        let mut before = right.into_iter().chain(wrong.map(|wrong| wrong.file));
        if before.any(|file| file.sha256 == told.file.sha256) {
            return None;
        }
        self.right.put(told.key.clone(), told.file.clone(), told.file.memory());
        Some(Ok(()))
    }

    /// Why a file is known to be wrong.
    fn wrong(&self, told: &Told<'_>) -> Option<String> {
        let wrong = self.wrong.get(&told.key)?;
        (wrong.file == told.file && wrong.json == told.json).then_some(wrong.reason)
    }

    /// Keeps what reading a file to its end gave. What could not be read says nothing of the file.
    fn note(&self, key: FileOf, file: SeenFile, json: Stamp, error: Option<&SourceError>) {
        match error {
            None => {
                let memory = file.memory();
                self.right.put(key, file, memory);
            }
            Some(SourceError::Wrong(reason)) => {
                self.right.remove(&key);
                let memory = file.memory() + 512 + reason.len();
                self.wrong.put(key, WrongFile { file, json, reason: reason.clone() }, memory);
            }
            Some(SourceError::Unreadable(_)) => {}
        }
    }

    fn remember(&self, of: IndexOf, index: SourceIndex) -> Arc<SourceIndex> {
        let index = Arc::new(index);
        self.indexes.put(of, Arc::clone(&index), index.memory());
        index
    }

    /// Waits for a turn to read a file whole. Who gives up waiting leaves nothing behind.
    async fn permit(&self) -> Result<OwnedSemaphorePermit, SourceError> {
        let permit = Arc::clone(&self.building).acquire_owned().await;
        permit.map_err(|error| SourceError::Unreadable(error.to_string()))
    }
}

/// What a task gives that goes on without those who wait for it.
async fn done<T>(task: JoinHandle<Result<T, SourceError>>) -> Result<T, SourceError> {
    task.await.unwrap_or_else(|error| Err(SourceError::Unreadable(error.to_string())))
}
