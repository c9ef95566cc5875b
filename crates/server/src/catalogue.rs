//! The packs in the library, as the packager left them: read once, never changing.

mod describing;
mod pack;
mod presence;
mod reading;

pub use self::pack::{Pack, Representation, Segment};
pub(crate) use describing::LiveRepresentation;
pub(crate) use reading::MAX_PACK_JSON;

use crate::Error;
use crate::media_url::MediaPath;
use ::pack::layout;
use presence::Presence;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use storage::{Key, Storage, Trouble};

/// Packs that cannot be read, of which that is remembered: anybody may ask for any.
const MAX_FAILED: usize = 1024;

/// The packs in a storage, `{pack id}/pack.json`.
#[derive(Debug)]
pub struct Catalogue {
    library: Arc<dyn Storage>,
    /// How long it is remembered that a pack cannot be read or lacks keys; `None` where reading costs
    /// nothing.
    memory: Option<Duration>,
    /// With when they were read.
    packs: RwLock<HashMap<String, (Arc<Pack>, Instant)>>,
    /// Why packs cannot be read, with when that was tried.
    failed: RwLock<HashMap<String, (Error, Instant)>>,
    /// Packs that were there when somebody asked.
    presence: Presence,
    /// Packs that are being read: whoever wants one of them waits for its turn.
    reading: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// What is live now, as far as there is anything of it.
    live: RwLock<HashMap<String, Arc<Pack>>>,
}

impl Catalogue {
    /// The packs of a library; none is read yet. With a memory, packs that cannot be read or lack keys are
    /// read again after that time only.
    pub fn new(library: Arc<dyn Storage>, memory: Option<Duration>) -> Self {
        Self {
            library,
            memory,
            packs: RwLock::default(),
            failed: RwLock::default(),
            presence: Presence::default(),
            reading: Mutex::default(),
            live: RwLock::default(),
        }
    }

    /// A pack by its id. Read from the library once, and by one at a time.
    ///
    /// # Errors
    /// [`Error::Pack`], [`Error::Storage`].
    pub async fn pack(&self, id: &str) -> Result<Arc<Pack>, Error> {
        if let Some(found) = self.found(id, self.memory.unwrap_or_default()) {
            return found;
        }
        let begun = Instant::now();
        let turn = Turn::new(self, id);
        let _held = turn.turn.lock().await;
        // What somebody else has read meanwhile is as good.
        if let Some(found) = self.found(id, begun.elapsed()) {
            return found;
        }
        let read = self.read(id).await;
        self.remember(id, &read);
        read
    }

    /// Whether there is such a pack: whether it has its `pack.json`, now or some seconds ago. It is not read.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub(crate) async fn has(&self, id: &str) -> Result<bool, Error> {
        self.presence.of(&*self.library, id, presence::FRESH).await
    }

    /// Whether [`Catalogue::pack`] answers at once, or from a disk.
    pub(crate) fn is_at_hand(&self, id: &str) -> bool {
        self.memory.is_none_or(|memory| self.found(id, memory).is_some())
    }

    /// A pack was waited for too long: that counts as a failure.
    pub(crate) fn give_up(&self, id: &str) {
        let error = Error::Storage(storage::Error::Store {
            key: id.to_owned(),
            doing: "read",
            storage: self.library.to_string(),
            trouble: Trouble::Silent,
            said: String::new(),
        });
        tracing::warn!(%error, "a film was waited for too long");
        self.remember(id, &Err(error));
    }

    /// What is known of a pack; what may have changed since it was read, if it is younger than this.
    fn found(&self, id: &str, age: Duration) -> Option<Result<Arc<Pack>, Error>> {
        if let Some(live) = self.live.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Some(Ok(Arc::clone(live)));
        }
        if !layout::is_pack_id(id) {
            return Some(Err(Error::Pack { pack: id.to_owned(), reason: "that is no pack id".to_owned() }));
        }
        let is_young = |at: &Instant| at.elapsed() < age;
        if let Some((error, at)) = self.failed.read().unwrap_or_else(PoisonError::into_inner).get(id)
            && is_young(at)
        {
            return Some(Err(again(id, error)));
        }
        // What lacks its keys may have been given them meanwhile.
        match self.packs.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            Some((pack, at)) if is_young(at) || pack.missing_keys().next().is_none() => {
                Some(Ok(Arc::clone(pack)))
            }
            _ => None,
        }
    }

    fn remember(&self, id: &str, read: &Result<Arc<Pack>, Error>) {
        let mut failed = self.failed.write().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match read {
            Ok(pack) => {
                failed.remove(id);
                let mut packs = self.packs.write().unwrap_or_else(PoisonError::into_inner);
                packs.insert(id.to_owned(), (Arc::clone(pack), now));
            }
            Err(error) => {
                if failed.len() >= MAX_FAILED {
                    let memory = self.memory.unwrap_or_default();
                    failed.retain(|_, (_, at)| at.elapsed() < memory);
                }
                if failed.len() < MAX_FAILED {
                    failed.insert(id.to_owned(), (again(id, error), now));
                }
            }
        }
    }

    async fn read(&self, id: &str) -> Result<Arc<Pack>, Error> {
        let key = id.parse().map_err(storage::Error::from)?;
        let pack = Arc::new(Pack::read(&*self.library, Some(&key)).await?);
        if pack.id != id {
            let reason = "pack.json is another pack's".to_owned();
            return Err(Error::Pack { pack: id.to_owned(), reason });
        }
        Ok(pack)
    }

    /// What is live is this from now on.
    pub(crate) fn set_live(&self, pack: Pack) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        live.insert(pack.id.clone(), Arc::new(pack));
    }

    /// It is over.
    pub(crate) fn forget_live(&self, id: &str) {
        self.live.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// Where the packs lie.
    pub fn library(&self) -> &dyn Storage {
        &*self.library
    }

    /// The object behind a path; `None` if it can have none.
    pub fn media_key(&self, path: &MediaPath) -> Option<Key> {
        format!("{}/{}", path.pack, path.file).parse().ok()
    }
}

/// One that reads a pack, or waits until another has read it.
struct Turn<'a> {
    catalogue: &'a Catalogue,
    id: &'a str,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl<'a> Turn<'a> {
    fn new(catalogue: &'a Catalogue, id: &'a str) -> Self {
        let mut reading = catalogue.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = Arc::clone(reading.entry(id.to_owned()).or_default());
        Self { catalogue, id, turn }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut reading = self.catalogue.reading.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's and this one: they are cloned under the lock only.
        if Arc::strong_count(&self.turn) <= 2 {
            reading.remove(self.id);
        }
    }
}

/// The same error once more, in the same words.
fn again(pack: &str, error: &Error) -> Error {
    match error {
        Error::Pack { pack, reason } => Error::Pack { pack: pack.clone(), reason: reason.clone() },
        Error::Storage(storage::Error::Store { key, doing, storage, trouble, said }) => {
            Error::Storage(storage::Error::Store {
                key: key.clone(),
                doing,
                storage: storage.clone(),
                trouble: *trouble,
                said: said.clone(),
            })
        }
        Error::Storage(storage::Error::Io { key, doing, storage, source }) => {
            Error::Storage(storage::Error::Io {
                key: key.clone(),
                doing,
                storage: storage.clone(),
                source: std::io::Error::new(source.kind(), source.to_string()),
            })
        }
        Error::Storage(storage::Error::NotFound { key, storage }) => {
            Error::Storage(storage::Error::NotFound { key: key.clone(), storage: storage.clone() })
        }
        other => Error::Pack { pack: pack.to_owned(), reason: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::Folder;

    const ID: &str = "00000000000000000000000000000007";

    /// A pack that cannot be read is asked for once in a while where the library is far away, and each time
    /// where it is not; nothing stays of who reads.
    #[tokio::test]
    async fn failures_are_remembered_for_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let library: Arc<dyn Storage> = Arc::new(Folder::new(folder.path()));
        let far = Catalogue::new(Arc::clone(&library), Some(Duration::from_secs(3600)));
        assert!(!far.is_at_hand(ID) && far.is_at_hand("no id of a pack"));
        let (one, other) = tokio::join!(far.pack(ID), far.pack(ID));
        assert_eq!(one.unwrap_err().to_string(), other.unwrap_err().to_string());
        assert!(far.is_at_hand(ID) && far.reading.lock().unwrap().is_empty());
        std::fs::create_dir(folder.path().join(ID)).unwrap();
        std::fs::write(folder.path().join(ID).join(layout::PACK_JSON), "{").unwrap();
        let near = Catalogue::new(library, None);
        assert!(near.is_at_hand(ID));
        assert_ne!(far.pack(ID).await.unwrap_err().to_string(), near.pack(ID).await.unwrap_err().to_string());
    }

    #[tokio::test]
    async fn failures_are_a_bounded_number() {
        let folder = tempfile::tempdir().unwrap();
        let far = Catalogue::new(Arc::new(Folder::new(folder.path())), Some(Duration::from_secs(3600)));
        for n in 0..=MAX_FAILED {
            far.pack(&format!("{n:032x}")).await.unwrap_err();
        }
        assert_eq!(far.failed.read().unwrap().len(), MAX_FAILED);
    }
}
