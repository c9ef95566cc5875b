//! By RustCrypto.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use ed25519_dalek::{Signer as _, SigningKey};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use rsa::{BoxedUint, Oaep, RsaPublicKey};
use sha2::Sha256;

use crate::{Error, RsaModulus, SigningPoint};

pub(crate) struct OaepKey(RsaPublicKey);

impl OaepKey {
    pub(crate) fn new(modulus: &RsaModulus) -> Result<Self, Error> {
        let n = BoxedUint::from_be_slice(modulus.as_bytes(), 2048).map_err(|_| Error::Malformed)?;
        RsaPublicKey::new(n, BoxedUint::from(65_537u32)).map(Self).map_err(|_| Error::Malformed)
    }

    pub(crate) fn encrypt(&self, plaintext: &[u8]) -> Result<[u8; 256], Error> {
        let mut rng = rsa::rand_core::UnwrapErr(getrandom::SysRng);
        let ciphertext = self.0.encrypt(&mut rng, Oaep::<Sha256>::new(), plaintext);
        ciphertext.map_err(|_| Error::Malformed)?.try_into().map_err(|_| Error::Malformed)
    }
}

pub(crate) fn seal_gcm(
    key: &[u8; 32],
    nonce: [u8; 12],
    additional: &[u8],
    octets: &[u8],
) -> Result<Vec<u8>, Error> {
    let payload = Payload { msg: octets, aad: additional };
    let cipher = Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key));
    cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| Error::Malformed)
}

pub(crate) fn verify_es256(point: &SigningPoint, message: &[u8], signature: &[u8; 64]) -> Result<(), Error> {
    let key = VerifyingKey::from_sec1_bytes(point.as_bytes()).map_err(|_| Error::NotAuthentic)?;
    let signature = Signature::from_slice(signature).map_err(|_| Error::NotAuthentic)?;
    key.verify(message, &signature).map_err(|_| Error::NotAuthentic)
}

/// Wiped when dropped.
pub(crate) struct Ed25519Key(SigningKey);

// The errors are the other library's: these cannot fail.
#[allow(clippy::unnecessary_wraps)]
impl Ed25519Key {
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Result<Self, Error> {
        Ok(Self(SigningKey::from_bytes(seed)))
    }

    pub(crate) fn public_key(&self) -> Result<[u8; 32], Error> {
        Ok(self.0.verifying_key().to_bytes())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<[u8; 64], Error> {
        Ok(self.0.sign(message).to_bytes())
    }
}
