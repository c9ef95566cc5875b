use core::fmt;

use crate::cbor::{Cbor, Reader, Writer};
use crate::{Error, sha256};

/// Short name of a public key: the first 8 bytes of its SHA-256.
pub(crate) fn kid_of(public_key: &[u8]) -> [u8; 8] {
    let mut kid = [0; 8];
    kid.copy_from_slice(&sha256(public_key)[..8]);
    kid
}

/// Public part of a device's signing key: a P-256 point, compressed (SEC 1 §2.3.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SigningPublicKey([u8; 33]);

impl SigningPublicKey {
    /// The 33 octets.
    pub const fn as_bytes(&self) -> &[u8; 33] {
        &self.0
    }

    /// From the uncompressed form (0x04 ‖ x ‖ y), as WebCrypto's `raw` export gives it.
    ///
    /// # Errors
    /// [`Error::Malformed`] for another form. The point is not checked to be on the curve; verifying does
    /// that.
    pub fn from_uncompressed(point: &[u8]) -> Result<Self, Error> {
        let (&[4], &[.., last]) = (point.get(..1).ok_or(Error::Malformed)?, point) else {
            return Err(Error::Malformed);
        };
        let mut key = [0; 33];
        if point.len() != 65 {
            return Err(Error::Malformed);
        }
        key[0] = 2 | (last & 1);
        key[1..].copy_from_slice(&point[1..33]);
        Ok(Self(key))
    }
}

/// A device's signing key with both coordinates of its point, uncompressed (SEC 1 §2.3.3), as verifying needs
/// it. Taking y's root costs half as much as verifying a signature, so who meets a key often keeps this.
#[cfg(feature = "issue")]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SigningPoint([u8; 65]);

#[cfg(feature = "issue")]
impl SigningPoint {
    /// The 65 octets: 0x04 ‖ x ‖ y.
    pub const fn as_bytes(&self) -> &[u8; 65] {
        &self.0
    }

    /// The key as objects name it.
    pub fn compressed(&self) -> SigningPublicKey {
        let mut key = [2 | (self.0[64] & 1); 33];
        key[1..].copy_from_slice(&self.0[1..33]);
        SigningPublicKey(key)
    }
}

/// The point is not checked to be on the curve; verifying does that.
#[cfg(feature = "issue")]
impl TryFrom<[u8; 65]> for SigningPoint {
    type Error = Error;

    fn try_from(point: [u8; 65]) -> Result<Self, Error> {
        if point[0] == 4 { Ok(Self(point)) } else { Err(Error::Malformed) }
    }
}

#[cfg(feature = "issue")]
impl fmt::Debug for SigningPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.compressed().fmt(f)
    }
}

#[cfg(feature = "issue")]
impl SigningPublicKey {
    /// The key's point.
    ///
    /// # Errors
    /// [`Error::NotAuthentic`] when the curve has no point of this x.
    pub fn decompress(&self) -> Result<SigningPoint, Error> {
        use p256::elliptic_curve::sec1::ToSec1Point as _;

        let key = p256::PublicKey::from_sec1_bytes(&self.0).map_err(|_| Error::NotAuthentic)?;
        let point = key.to_sec1_point(false);
        point.as_bytes().try_into().map(SigningPoint).map_err(|_| Error::NotAuthentic)
    }

    /// As [`SigningPoint::verify`], for a key that is met once.
    ///
    /// # Errors
    /// [`Error::NotAuthentic`], also when the key is no point of the curve.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), Error> {
        self.decompress()?.verify(message, signature)
    }
}

impl TryFrom<[u8; 33]> for SigningPublicKey {
    type Error = Error;

    fn try_from(key: [u8; 33]) -> Result<Self, Error> {
        if matches!(key[0], 2 | 3) { Ok(Self(key)) } else { Err(Error::Malformed) }
    }
}

/// Modulus of an RSA-2048 public key, big-endian; the exponent is always 65537.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RsaModulus([u8; 256]);

impl RsaModulus {
    /// The 256 octets.
    pub const fn as_bytes(&self) -> &[u8; 256] {
        &self.0
    }
}

impl TryFrom<[u8; 256]> for RsaModulus {
    type Error = Error;

    fn try_from(modulus: [u8; 256]) -> Result<Self, Error> {
        if modulus[0] & 0x80 != 0 && modulus[255] & 1 != 0 {
            Ok(Self(modulus))
        } else {
            Err(Error::Malformed)
        }
    }
}

impl TryFrom<&[u8]> for RsaModulus {
    type Error = Error;

    fn try_from(modulus: &[u8]) -> Result<Self, Error> {
        <[u8; 256]>::try_from(modulus).map_err(|_| Error::Malformed)?.try_into()
    }
}

macro_rules! octets {
    ($name:ident, $len:literal) => {
        impl Cbor for $name {
            fn write(&self, out: &mut Writer) {
                out.bytes(&self.0);
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
                Self::try_from(<[u8; $len]>::read(reader)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                kid_of(&self.0).iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str("…)")
            }
        }
    };
}

octets!(SigningPublicKey, 33);
octets!(RsaModulus, 256);
