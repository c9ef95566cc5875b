//! Which packs are there. That is asked for each file of a pack that is served, so it is remembered for a
//! while.

use crate::Error;
use pack::layout::PACK_JSON;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};
use storage::{Key, Storage};
use tokio::time::timeout;

/// How long it is remembered that a pack is there.
pub(super) const FRESH: Duration = Duration::from_secs(10);
/// How long a storage that is asked again is waited for: a pack that was there has viewers.
const AGAIN: Duration = Duration::from_secs(2);
/// Packs that are remembered.
const KEPT: usize = 4096;

/// Packs that were there.
#[derive(Debug, Default)]
pub(super) struct Presence(RwLock<HashMap<String, Seen>>);

#[derive(Debug, Clone, Copy)]
struct Seen {
    /// When it was there.
    at: Instant,
    /// When somebody began to ask again, whose answer others need not wait for.
    asked: Option<Instant>,
}

impl Presence {
    /// Whether a pack has its `pack.json`, asked of the library unless that was seen within `fresh`. Where
    /// the library cannot say it now, a pack is there that was.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub(super) async fn of(&self, library: &dyn Storage, id: &str, fresh: Duration) -> Result<bool, Error> {
        let seen = self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).copied();
        if seen.is_some_and(|seen| seen.at.elapsed() < fresh || is_asked(seen.asked, fresh)) {
            return Ok(true);
        }
        if let Some(Seen { at, .. }) = seen {
            self.note(id, Seen { at, asked: Some(Instant::now()) });
        }
        let key: Key = format!("{id}/{PACK_JSON}").parse().map_err(storage::Error::from)?;
        let asked = match seen {
            None => library.head(&key).await,
            Some(_) => match timeout(AGAIN, library.head(&key)).await {
                Ok(asked) => asked,
                Err(_) => return Ok(true),
            },
        };
        match asked {
            Ok(_) => {
                self.note(id, Seen { at: Instant::now(), asked: None });
                Ok(true)
            }
            Err(error) if error.is_not_found() => {
                self.0.write().unwrap_or_else(PoisonError::into_inner).remove(id);
                Ok(false)
            }
            Err(_) if seen.is_some() => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    fn note(&self, id: &str, seen: Seen) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT && !all.contains_key(id) {
            all.retain(|_, seen| seen.at.elapsed() < FRESH);
        }
        if all.len() < KEPT || all.contains_key(id) {
            all.insert(id.to_owned(), seen);
        }
    }
}

/// Whether somebody asks just now; who has hung up meanwhile asks no more.
fn is_asked(asked: Option<Instant>, fresh: Duration) -> bool {
    asked.is_some_and(|asked| asked.elapsed() < AGAIN.min(fresh))
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::{Memory, PutMode};

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn a_pack_is_there_by_its_description() {
        let (library, presence) = (Memory::default(), Presence::default());
        let put = async |name: &str| {
            library.put(&name.parse().unwrap(), "x".into(), PutMode::Overwrite).await.unwrap();
        };
        put("a/541/1811192541.mp4").await;
        assert!(!presence.of(&library, "a", HOUR).await.unwrap(), "files alone are no pack");
        put("a/pack.json").await;
        assert!(presence.of(&library, "a", HOUR).await.unwrap(), "what is not there is not remembered");
        library.delete(&"a/pack.json".parse().unwrap()).await.unwrap();
        assert!(presence.of(&library, "a", HOUR).await.unwrap(), "it was seen just now");
        assert!(!presence.of(&library, "a", Duration::ZERO).await.unwrap());
        assert!(!presence.of(&library, "a", HOUR).await.unwrap(), "that it is gone is known");
    }

    #[test]
    fn a_bounded_number_is_remembered() {
        let presence = Presence::default();
        for n in 0..=KEPT {
            presence.note(&n.to_string(), Seen { at: Instant::now(), asked: None });
        }
        assert_eq!(presence.0.read().unwrap().len(), KEPT);
    }
}
