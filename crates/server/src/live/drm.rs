//! When live DRM metadata is new: B71, B83.

use crate::secret::sha256;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// What DRM metadata of a session last said of who may play, and since when.
#[derive(Debug, Default)]
pub(crate) struct Allowed(Mutex<HashMap<String, ([u8; 32], u64)>>);

impl Allowed {
    /// Since when this has been said of this session, Unix seconds, and a tag of it.
    pub(crate) fn since(&self, session: &str, said: &str, now: u64) -> (u64, String) {
        let digest = sha256(said.as_bytes());
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = known.entry(session.to_owned()).or_insert((digest, now));
        if entry.0 != digest {
            *entry = (digest, now);
        }
        (entry.1, hex::encode(&entry.0[..12]))
    }

    /// The session is over.
    pub(crate) fn forget(&self, session: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
    }
}
