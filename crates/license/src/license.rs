use core::fmt;

use aes_kw::{AesKw, KeyInit};
use aes_simd::Aes256;
use cenc::{Cek, Kid};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::cbor::{cbor_array, cbor_map};
use crate::signer::SignedByServer;
use crate::{DomainEpoch, Error, Policy, Trust, Typ, Version};

/// How far a server's clock may lie behind the greatest signed time seen, which may have come from another
/// server.
const SERVER_CLOCKS: u64 = 300;

/// Content keys with the rules for their use: for one device and one challenge, or for all devices of a
/// domain; for exactly one of both.
#[derive(Clone, PartialEq, Eq)]
pub struct License {
    /// The signer's certificate, COSE octets.
    pub signer: Vec<u8>,
    /// Names this license.
    pub id: [u8; 16],
    /// What the keys are for.
    pub content_id: String,
    /// The device that it is for; `None` with a domain.
    pub device_id: Option<String>,
    /// SHA-256 of the challenge's COSE octets; `None` with a domain.
    pub challenge_sha256: Option<[u8; 32]>,
    /// When it was issued, Unix seconds.
    pub issued: u64,
    /// The rules.
    pub policy: Policy,
    /// RSAES-OAEP (SHA-256, MGF1 with SHA-256, empty label) of the 32-byte KEK under the challenge's RSA key,
    /// or the domain's.
    pub kek: [u8; 256],
    /// The content keys; at least one.
    pub keys: Vec<WrappedKey>,
    /// Oldest module version that may use it.
    pub oldest_module: Version,
    /// The domain whose devices it is for; `None` with a challenge.
    pub domain: Option<DomainEpoch>,
}

cbor_map!(License {
    0: signer,
    1: id,
    2: content_id,
    3: device_id,
    4: challenge_sha256,
    5: issued,
    6: policy,
    7: kek,
    8: keys,
    9: oldest_module,
    10: domain
});

/// A content key under AES-256-KW (RFC 3394).
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Its KID.
    pub kid: Kid,
    /// The wrapped 16 bytes.
    pub key: [u8; 24],
}

cbor_map!(WrappedKey { 1: kid, 2: key });

cbor_array!(WrappedKey);

impl SignedByServer for License {
    const TYP: Typ = Typ::License;

    fn signer(&self) -> &[u8] {
        &self.signer
    }

    fn issued(&self) -> u64 {
        self.issued
    }

    fn check_form(&self) -> Result<(), Error> {
        let nobody = self.policy.players.as_ref().is_some_and(Vec::is_empty);
        let to_device = self.device_id.is_some();
        let bound = to_device == self.challenge_sha256.is_some() && to_device != self.domain.is_some();
        if self.keys.is_empty() || nobody || !bound { Err(Error::Malformed) } else { Ok(()) }
    }
}

impl fmt::Debug for License {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kids = self.keys.iter().map(|key| key.kid).collect::<Vec<_>>();
        f.debug_struct("License")
            .field("content_id", &self.content_id)
            .field("device_id", &self.device_id)
            .field("domain", &self.domain)
            .field("issued", &self.issued)
            .field("policy", &self.policy)
            .field("kids", &kids)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedKey({})", self.kid)
    }
}

/// What a device knows before a license comes.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The device's id.
    pub device_id: &'a str,
    /// SHA-256 of the COSE octets of the challenge that it sent.
    pub challenge_sha256: [u8; 32],
    /// Greatest signed time seen, Unix seconds; 0 when none.
    pub anchor: u64,
    /// This module's version.
    pub module_version: Version,
}

/// A license that is authentic and meant for this device and challenge, or for a domain; nothing in it has
/// been decrypted yet.
pub struct VerifiedLicense(License);

impl VerifiedLicense {
    /// Verifies signer chain, signature, binding, issue time and module version. The policy is for the caller
    /// to [check](Policy::check) before it unwraps.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::NotAuthentic`], [`Error::Validity`], [`Error::Binding`],
    /// [`Error::Stale`], [`Error::Module`].
    pub fn verify(octets: &[u8], trust: &Trust, expected: &Expected<'_>) -> Result<Self, Error> {
        let license: License = trust.verify(octets)?;
        let this_challenge =
            license.challenge_sha256.is_some_and(|sha256| sha256.ct_eq(&expected.challenge_sha256).into());
        if license.device_id.as_deref() != Some(expected.device_id) || !this_challenge {
            return Err(Error::Binding);
        }
        if license.issued.saturating_add(SERVER_CLOCKS) < expected.anchor {
            return Err(Error::Stale);
        }
        if expected.module_version < license.oldest_module {
            return Err(Error::Module);
        }
        Ok(Self(license))
    }

    /// Verifies a license that is embedded in DRM metadata for this content, and that it is bound to a
    /// domain; gives the domain, whose key opens it. That it was issued earlier than signed times seen is as
    /// it should be: metadata is kept in caches.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::NotAuthentic`], [`Error::Validity`], [`Error::Binding`],
    /// [`Error::Module`].
    pub fn verify_embedded(
        octets: &[u8],
        trust: &Trust,
        content_id: &str,
        module_version: Version,
    ) -> Result<(Self, DomainEpoch), Error> {
        let license: License = trust.verify(octets)?;
        let domain = license.domain.filter(|_| license.content_id == content_id).ok_or(Error::Binding)?;
        if module_version < license.oldest_module {
            return Err(Error::Module);
        }
        Ok((Self(license), domain))
    }

    /// What it says.
    pub fn license(&self) -> &License {
        &self.0
    }

    /// The OAEP ciphertext that the challenge's RSA key, or the domain's, opens; its plaintext goes to
    /// [`unwrap`](Self::unwrap).
    pub fn kek_ciphertext(&self) -> &[u8; 256] {
        &self.0.kek
    }

    /// Unwraps the content keys.
    ///
    /// # Errors
    /// [`Error::NotAuthentic`] if the KEK has not 32 bytes or a key does not unwrap under it.
    pub fn unwrap(&self, kek: &[u8]) -> Result<Vec<(Kid, Cek)>, Error> {
        let cipher = AesKw::<Aes256>::new_from_slice(kek).map_err(|_| Error::NotAuthentic)?;
        let unwrap = |wrapped: &WrappedKey| {
            let mut cek = Zeroizing::new([0; 16]);
            cipher.unwrap_key(&wrapped.key, cek.as_mut()).map_err(|_| Error::NotAuthentic)?;
            Ok((wrapped.kid, Cek::new(*cek)))
        };
        self.0.keys.iter().map(unwrap).collect()
    }
}

impl fmt::Debug for VerifiedLicense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VerifiedLicense").field(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Check, KeyLevel, Output};

    /// RFC 3394 §4.3: 128 bits of key data with a 256-bit KEK.
    #[test]
    fn rfc_3394_vector() {
        let wrapped = "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7";
        let key = hex::decode(wrapped).unwrap().try_into().unwrap();
        let policy = Policy {
            name: String::new(),
            not_after: None,
            play_until: None,
            check: Check::Start,
            persistent: false,
            renew_after: None,
            key_level: KeyLevel::Software,
            output_digital: Output::NotRequired,
            output_analog: Output::NotRequired,
            max_height: None,
            players: None,
        };
        let kid = Kid([9; 16]);
        let license = VerifiedLicense(License {
            signer: vec![],
            id: [0; 16],
            content_id: String::new(),
            device_id: Some(String::new()),
            challenge_sha256: Some([0; 32]),
            issued: 0,
            policy,
            kek: [0; 256],
            keys: vec![WrappedKey { kid, key }],
            oldest_module: Version::new(0, 0, 0),
            domain: None,
        });
        let mut kek: Vec<u8> = (0..32).collect();
        let keys = license.unwrap(&kek).unwrap();
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0].0, kid);
        assert_eq!(keys[0].1, "00112233445566778899aabbccddeeff".parse().unwrap());
        kek[31] ^= 1;
        assert_eq!(license.unwrap(&kek).unwrap_err(), Error::NotAuthentic);
        assert_eq!(license.unwrap(&kek[..16]).unwrap_err(), Error::NotAuthentic);
    }
}
