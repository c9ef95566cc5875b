//! The key that seals what the server keeps beside its key files: domains' keys, content keys that were
//! given.

use super::file::{KeyFile, KeyKind, KeyState};
use crate::Error;
use crate::secret::random;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use std::fmt;
use zeroize::Zeroizing;

/// AES-256-GCM under the site's `seal` key. Sealed octets are a random nonce (12), ciphertext and tag (16).
pub(crate) struct SealKey(Aes256Gcm);

impl SealKey {
    /// The active one of a key folder's.
    pub(super) fn of(keys: &[KeyFile]) -> Result<Self, Error> {
        let key = keys
            .iter()
            .find(|key| key.kind == KeyKind::Seal && key.state == KeyState::Active)
            .ok_or_else(|| Error::Keys("no seal key is active; run `matinee keys generate`".to_owned()))?;
        Ok(Self(Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key.secret_array::<32>()?))))
    }

    /// Seals octets under a name, which must be the same when they are opened.
    pub(super) fn seal(&self, octets: &[u8], name: &[u8]) -> Result<Vec<u8>, Error> {
        let nonce = random::<12>();
        let sealed = self
            .0
            .encrypt(&Nonce::from(nonce), Payload { msg: octets, aad: name })
            .map_err(|_| Error::Internal("a key cannot be sealed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Opens what was sealed under this name; `None` for anything else.
    pub(crate) fn open(&self, sealed: &[u8], name: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_first_chunk::<12>()?;
        let opened = self.0.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: name });
        opened.map(Zeroizing::new).ok()
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey([redacted])")
    }
}
