//! By aws-lc, a third of RustCrypto's time.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use zeroize::Zeroizing;

use crate::{Error, RsaModulus, SigningPoint};

pub(crate) struct OaepKey(OaepPublicEncryptingKey);

impl OaepKey {
    pub(crate) fn new(modulus: &RsaModulus) -> Result<Self, Error> {
        let key = PublicKeyComponents { n: &modulus.as_bytes()[..], e: &[1, 0, 1][..] };
        let key: PublicEncryptingKey = key.try_into().map_err(|_| Error::Malformed)?;
        OaepPublicEncryptingKey::new(key).map(Self).map_err(|_| Error::Malformed)
    }

    pub(crate) fn encrypt(&self, plaintext: &[u8]) -> Result<[u8; 256], Error> {
        let mut out = [0; 256];
        let written = self.0.encrypt(&OAEP_SHA256_MGF1SHA256, plaintext, &mut out, None);
        match written.map_err(|_| Error::Malformed)?.len() {
            256 => Ok(out),
            _ => Err(Error::Malformed),
        }
    }
}

pub(crate) fn seal_gcm(
    key: &[u8; 32],
    nonce: [u8; 12],
    additional: &[u8],
    octets: &[u8],
) -> Result<Vec<u8>, Error> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| Error::Malformed)?;
    // It is encrypted where it lies, and does not move when the tag comes behind it.
    let mut sealed = Zeroizing::new(Vec::with_capacity(octets.len() + AES_256_GCM.tag_len()));
    sealed.extend_from_slice(octets);
    let nonce = Nonce::assume_unique_for_key(nonce);
    LessSafeKey::new(key)
        .seal_in_place_append_tag(nonce, Aad::from(additional), &mut *sealed)
        .map_err(|_| Error::Malformed)?;
    Ok(std::mem::take(&mut *sealed))
}

pub(crate) fn verify_es256(point: &SigningPoint, message: &[u8], signature: &[u8; 64]) -> Result<(), Error> {
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.as_bytes());
    key.verify(message, signature).map_err(|_| Error::NotAuthentic)
}

/// Wiped when dropped, by aws-lc.
pub(crate) struct Ed25519Key(Ed25519KeyPair);

impl Ed25519Key {
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Result<Self, Error> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(Self).map_err(|_| Error::Malformed)
    }

    pub(crate) fn public_key(&self) -> Result<[u8; 32], Error> {
        self.0.public_key().as_ref().try_into().map_err(|_| Error::Malformed)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<[u8; 64], Error> {
        let signature = self.0.try_sign(message).map_err(|_| Error::Random)?;
        signature.as_ref().try_into().map_err(|_| Error::Malformed)
    }
}
