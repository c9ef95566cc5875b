use core::fmt;

use cenc::{Cek, Kid};
use p256::ecdsa::signature::Signer as _;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BoxedUint, Oaep, RsaPrivateKey};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{Error, RsaModulus, SigningPublicKey, VerifiedLicense};

/// A device signing key (P-256) in memory. Wiped when dropped.
pub struct SoftwareSigningKey(p256::ecdsa::SigningKey);

impl SoftwareSigningKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn generate() -> Result<Self, Error> {
        // A random scalar is out of range once in 2^32 times.
        for _ in 0..8 {
            let mut scalar = Zeroizing::new([0; 32]);
            getrandom::fill(scalar.as_mut()).map_err(|_| Error::Random)?;
            if let Ok(key) = Self::from_bytes(&scalar) {
                return Ok(key);
            }
        }
        Err(Error::Random)
    }

    /// A stored key: the scalar, big-endian.
    ///
    /// # Errors
    /// [`Error::Malformed`] if it is 0 or not below the group's order.
    pub fn from_bytes(scalar: &[u8; 32]) -> Result<Self, Error> {
        p256::ecdsa::SigningKey::from_slice(scalar).map(Self).map_err(|_| Error::Malformed)
    }

    /// The scalar, to be stored.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The public part.
    ///
    /// # Errors
    /// None in practice; [`Error::Malformed`] stands for an encoding that the curve library does not produce.
    pub fn public_key(&self) -> Result<SigningPublicKey, Error> {
        SigningPublicKey::from_uncompressed(self.0.verifying_key().to_sec1_point(false).as_bytes())
    }

    /// Signs (RFC 6979), giving r ‖ s.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature: p256::ecdsa::Signature = self.0.sign(message);
        signature.to_bytes().into()
    }
}

impl fmt::Debug for SoftwareSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SoftwareSigningKey(redacted)")
    }
}

/// An RSA-2048 key in memory, for challenges where there is no WebCrypto. Wiped when dropped.
pub struct SoftwareRsaKey(RsaPrivateKey);

impl SoftwareRsaKey {
    /// A fresh key.
    ///
    /// # Errors
    /// [`Error::Random`].
    pub fn generate() -> Result<Self, Error> {
        let mut rng = rsa::rand_core::UnwrapErr(getrandom::SysRng);
        RsaPrivateKey::new(&mut rng, 2048).map(Self).map_err(|_| Error::Random)
    }

    /// A stored key: PKCS#8 (RFC 5208), DER.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        RsaPrivateKey::from_pkcs8_der(der).map(Self).map_err(|_| Error::Malformed)
    }

    /// PKCS#8 (RFC 5208), DER, to be stored.
    ///
    /// # Errors
    /// [`Error::Malformed`] stands for what the encoder does not refuse.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.0.to_pkcs8_der().map(|der| Zeroizing::new(der.as_bytes().to_vec())).map_err(|_| Error::Malformed)
    }

    /// A stored key: its two primes, 128 octets each, big-endian.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn from_primes(primes: &[u8; 256]) -> Result<Self, Error> {
        let prime = |octets| BoxedUint::from_be_slice(octets, 1024).map_err(|_| Error::Malformed);
        let (p, q) = primes.split_at(128);
        RsaPrivateKey::from_p_q(prime(p)?, prime(q)?, 65_537_u64.into())
            .map(Self)
            .map_err(|_| Error::Malformed)
    }

    /// The two primes, to be stored: without them the modulus is of no use, and all else follows from them.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a key that has not two primes of 1024 bits.
    pub fn to_primes(&self) -> Result<Zeroizing<[u8; 256]>, Error> {
        let mut primes = Zeroizing::new([0; 256]);
        let [p, q] = self.0.primes() else { return Err(Error::Malformed) };
        for (place, prime) in primes.chunks_exact_mut(128).zip([p, q]) {
            let octets = Zeroizing::new(prime.to_be_bytes());
            if octets.len() != place.len() {
                return Err(Error::Malformed);
            }
            place.copy_from_slice(&octets);
        }
        Ok(primes)
    }

    /// The public part.
    ///
    /// # Errors
    /// [`Error::Malformed`] for a key that has not 2048 bits.
    pub fn modulus(&self) -> Result<RsaModulus, Error> {
        RsaModulus::try_from(&*self.0.n().to_be_bytes())
    }

    /// Decrypts RSAES-OAEP (SHA-256, MGF1 with SHA-256, empty label), blinded.
    ///
    /// # Errors
    /// [`Error::NotAuthentic`].
    pub fn decrypt(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut rng = rsa::rand_core::UnwrapErr(getrandom::SysRng);
        self.0
            .decrypt_blinded(&mut rng, Oaep::<Sha256>::new(), ciphertext)
            .map(Zeroizing::new)
            .map_err(|_| Error::NotAuthentic)
    }
}

impl From<RsaPrivateKey> for SoftwareRsaKey {
    fn from(key: RsaPrivateKey) -> Self {
        Self(key)
    }
}

impl fmt::Debug for SoftwareRsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SoftwareRsaKey(redacted)")
    }
}

impl VerifiedLicense {
    /// Opens the license with the challenge's RSA key in one step.
    ///
    /// # Errors
    /// [`Error::NotAuthentic`].
    pub fn open_with_rsa(&self, key: &SoftwareRsaKey) -> Result<Vec<(Kid, Cek)>, Error> {
        self.unwrap(&key.decrypt(self.kek_ciphertext())?)
    }
}
