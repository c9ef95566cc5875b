//! Domains: groups of devices that share a key pair, so that a license can come along with a film instead of
//! being asked for.

use core::fmt;
use core::str::FromStr;

use crate::cbor::{cbor_map, cbor_number};
use crate::{Error, KeyLevel};

/// Seconds of an epoch: 30 days. Each epoch has key pairs of its own.
pub const EPOCH_SECONDS: u64 = 30 * 86_400;

/// Octets of RSA-2048's ciphertext, with which a sealed domain key begins.
const OAEP: usize = 256;

/// Begins the additional data of a sealed domain key.
const CONTEXT: &[u8] = b"matinee/domain/1";

/// A group of devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// Browsers that keep keys in WebCrypto.
    Browser,
    /// Boxes.
    Box,
    /// Both.
    All,
}

cbor_number!(Domain { 1: Browser, 2: Box, 3: All });

impl Domain {
    /// Every domain.
    pub const ALL: [Self; 3] = [Self::Browser, Self::Box, Self::All];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Box => "box",
            Self::All => "all",
        }
    }

    /// The domains of a device that keeps its keys so. Keys in a program's memory are in none.
    pub const fn of_level(level: KeyLevel) -> &'static [Self] {
        match level {
            KeyLevel::Software => &[],
            KeyLevel::Webcrypto => &[Self::Browser, Self::All],
            KeyLevel::Box => &[Self::Box, Self::All],
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Domain {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|domain| domain.name() == name).ok_or(Error::Malformed)
    }
}

/// A domain in one of its epochs: names a key pair. It never ends (B51): what it opens has an end of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainEpoch {
    /// The group.
    pub domain: Domain,
    /// Unix time divided by [`EPOCH_SECONDS`].
    pub epoch: u64,
}

cbor_map!(DomainEpoch { 1: domain, 2: epoch });

impl DomainEpoch {
    /// The domain at a time (Unix seconds).
    pub const fn at(domain: Domain, now: u64) -> Self {
        Self { domain, epoch: now / EPOCH_SECONDS }
    }

    /// The one after it.
    pub const fn next(self) -> Self {
        Self { epoch: self.epoch + 1, ..self }
    }

    /// Additional data of AES-GCM when the private key is sealed for a device (`docs/protocol.md` §6).
    pub fn additional_data(&self, device_id: &str) -> Vec<u8> {
        let epoch = self.epoch.to_be_bytes();
        [CONTEXT, b"\0", self.domain.name().as_bytes(), b"\0", &epoch, device_id.as_bytes()].concat()
    }
}

/// Nonce of AES-256-GCM when a domain's private key is sealed: each AES key seals one thing.
pub const DOMAIN_KEY_NONCE: [u8; 12] = [0; 12];

/// Splits a sealed domain key: the AES key under the device's RSA key (RSAES-OAEP), PKCS#8 under AES-256-GCM
/// with its tag.
///
/// # Errors
/// [`Error::Malformed`].
pub fn split_domain_key(sealed: &[u8]) -> Result<(&[u8; OAEP], &[u8]), Error> {
    sealed.split_first_chunk().ok_or(Error::Malformed)
}

#[cfg(feature = "issue")]
pub use sealing::Recipient;

#[cfg(feature = "issue")]
mod sealing {
    use core::fmt;

    use super::{DOMAIN_KEY_NONCE, DomainEpoch};
    use crate::backend::{OaepKey, seal_gcm};
    use crate::issue::random_seed;
    use crate::{Error, RsaModulus};

    /// A device for which domains' keys are sealed, by its RSA key.
    pub struct Recipient(OaepKey);

    impl Recipient {
        /// The device of this key.
        ///
        /// # Errors
        /// [`Error::Malformed`] for an unusable modulus.
        pub fn new(modulus: &RsaModulus) -> Result<Self, Error> {
            OaepKey::new(modulus).map(Self)
        }
    }

    impl fmt::Debug for Recipient {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Recipient(..)")
        }
    }

    impl DomainEpoch {
        /// Seals the private key (PKCS#8) for a device: nobody else opens it (B50). Never twice the same.
        ///
        /// # Errors
        /// [`Error::Random`]; [`Error::Malformed`].
        pub fn seal_for(
            &self,
            pkcs8: &[u8],
            device_id: &str,
            recipient: &Recipient,
        ) -> Result<Vec<u8>, Error> {
            let key = random_seed()?;
            let sealed = seal_gcm(&key, DOMAIN_KEY_NONCE, &self.additional_data(device_id), pkcs8)?;
            Ok([recipient.0.encrypt(key.as_ref())?.as_slice(), &sealed].concat())
        }
    }
}

#[cfg(feature = "software")]
mod opening {
    use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
    use aes_gcm::{Aes256Gcm, Key, Nonce};
    use zeroize::{Zeroize as _, Zeroizing};

    use super::{DOMAIN_KEY_NONCE, DomainEpoch, split_domain_key};
    use crate::{Error, SoftwareRsaKey};

    impl DomainEpoch {
        /// Opens a private key that was sealed for this device.
        ///
        /// # Errors
        /// [`Error::Malformed`]; [`Error::NotAuthentic`] if it is another device's, domain's or epoch's.
        pub fn open_for(
            &self,
            sealed: &[u8],
            device_id: &str,
            device_key: &SoftwareRsaKey,
        ) -> Result<SoftwareRsaKey, Error> {
            let (wrapped, sealed) = split_domain_key(sealed)?;
            let key = device_key.decrypt(wrapped)?;
            let mut key = <[u8; 32]>::try_from(key.as_slice()).map_err(|_| Error::NotAuthentic)?;
            let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(key));
            key.zeroize();
            let aad = self.additional_data(device_id);
            let pkcs8 = cipher
                .decrypt(&Nonce::from(DOMAIN_KEY_NONCE), Payload { msg: sealed, aad: &aad })
                .map(Zeroizing::new)
                .map_err(|_| Error::NotAuthentic)?;
            SoftwareRsaKey::from_pkcs8(&pkcs8)
        }
    }
}
