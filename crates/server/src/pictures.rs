//! Posters in memory: everybody who opens the library asks for all of them.

use crate::lru::Lru;
use axum::body::Bytes;

/// Octets of all that are kept, and the most of one.
const MEMORY: usize = 32 << 20;
const LARGEST: usize = 2 << 20;
/// Seconds after which one is read again: an operator may have taken it away, or mended it.
const FRESH: u64 = 60;

/// Pictures that were read a short time ago, by their paths below `/art/`.
#[derive(Debug)]
pub(crate) struct Pictures(Lru<String, (Bytes, u64)>);

impl Default for Pictures {
    fn default() -> Self {
        Self(Lru::new(MEMORY))
    }
}

impl Pictures {
    /// One that is kept. `now`: Unix seconds.
    pub(crate) fn get(&self, path: &str, now: u64) -> Option<Bytes> {
        let (octets, at) = self.0.get(&path.to_owned())?;
        (at..at.saturating_add(FRESH)).contains(&now).then_some(octets)
    }

    /// Whether one of so many octets is kept.
    pub(crate) fn keeps(size: u64) -> bool {
        size <= LARGEST as u64
    }

    /// Keeps one, if it is not too large.
    pub(crate) fn put(&self, path: String, octets: Bytes, now: u64) {
        let size = path.len() + octets.len();
        if Self::keeps(octets.len() as u64) {
            self.0.put(path, (octets, now), size);
        }
    }
}
