//! What tokens are made with.

use std::fmt;
use zeroize::Zeroizing;

/// A secret or private key, as its owner writes it: octets for the keyed hashes, text for what has a text
/// form (PEM, hex). Printed nowhere, and wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The secret with these octets.
    pub fn new(octets: Vec<u8>) -> Self {
        Self(Zeroizing::new(octets))
    }

    pub(crate) fn octets(&self) -> &[u8] {
        &self.0
    }

    /// Its text, where it has one.
    pub(crate) fn text(&self) -> Result<&str, Unusable> {
        std::str::from_utf8(&self.0).map_err(|_| Unusable("a secret must be text"))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes().to_vec())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

/// Why a dialect cannot be spoken so; it names no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub &'static str);
