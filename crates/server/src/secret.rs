//! Random ids and secrets, and the hashes under which they are kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use zeroize::Zeroizing;

/// Random octets from the operating system.
///
/// # Panics
/// When the operating system has none: nothing here works without.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    getrandom::fill(&mut out).expect("the operating system gives random numbers");
    out
}

/// SHA-256.
pub(crate) fn sha256(octets: &[u8]) -> [u8; 32] {
    Sha256::digest(octets).into()
}

/// base64url without padding.
pub(crate) fn base64url(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

/// The octets of base64url without padding.
pub(crate) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Lowercase hex of random octets.
pub(crate) fn random_hex<const N: usize>() -> String {
    hex::encode(random::<N>())
}

/// A file with a secret: refused where others than its owner can read it.
pub(crate) fn read_file(path: &Path) -> Result<Zeroizing<String>, crate::Error> {
    let exposed = std::fs::metadata(path).map_err(crate::Error::io(path))?.permissions().mode() & 0o077 != 0;
    if exposed {
        return Err(crate::Error::KeysExposed(path.to_owned()));
    }
    std::fs::read_to_string(path).map(Zeroizing::new).map_err(crate::Error::io(path))
}

/// The value of a cookie: random, printed nowhere, kept only as a hash.
#[derive(Clone)]
pub(crate) struct CookieSecret(Zeroizing<String>);

impl CookieSecret {
    /// A fresh one of `N` random octets.
    pub(crate) fn generate<const N: usize>() -> Self {
        Self(Zeroizing::new(base64url(&random::<N>())))
    }

    /// One that a browser sent, if it has the form that [`CookieSecret::generate`] gives.
    pub(crate) fn parse<const N: usize>(value: &str) -> Option<Self> {
        let octets = Zeroizing::new(from_base64url(value)?);
        (octets.len() == N).then(|| Self(Zeroizing::new(value.to_owned())))
    }

    /// What goes into `Set-Cookie`.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// What goes into the database.
    pub(crate) fn hash(&self) -> [u8; 32] {
        sha256(self.0.as_bytes())
    }
}

impl fmt::Debug for CookieSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
