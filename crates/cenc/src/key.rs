use core::fmt;
use core::str::FromStr;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::Error;

/// Reads 32 hexadecimal digits, upper or lower case.
fn hex16(text: &[u8]) -> Option<[u8; 16]> {
    if text.len() != 32 {
        return None;
    }
    let mut out = [0u8; 16];
    for (byte, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
        let mut value = 0;
        for &digit in pair {
            value = value << 4 | char::from(digit).to_digit(16)? as u8;
        }
        *byte = value;
    }
    Some(out)
}

/// Key id: names a content key in boxes, licenses and logs. Not a secret.
///
/// Displays as 32 lowercase hexadecimal digits; parses these and the hyphenated UUID form, in any case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kid(pub [u8; 16]);

impl Kid {
    /// The KID's 16 bytes, in the order in which boxes carry them.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl From<[u8; 16]> for Kid {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl TryFrom<&[u8]> for Kid {
    type Error = Error;

    fn try_from(bytes: &[u8]) -> Result<Self, Error> {
        bytes.try_into().map(Self).map_err(|_| Error::NotHex16)
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kid({self})")
    }
}

impl FromStr for Kid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let uuid = text.len() == 36 && [8, 13, 18, 23].iter().all(|&at| text.as_bytes()[at] == b'-');
        let digits: Vec<u8> = text.bytes().filter(|&byte| !(uuid && byte == b'-')).collect();
        hex16(&digits).map(Self).ok_or(Error::NotHex16)
    }
}

macro_rules! secret_16 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Zeroize, ZeroizeOnDrop)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Takes the 16 bytes of the secret.
            pub const fn new(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Shows the secret's bytes; for ciphers and key wrapping only.
            pub const fn expose(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = Error;

            fn try_from(bytes: &[u8]) -> Result<Self, Error> {
                bytes.try_into().map(Self).map_err(|_| Error::KeyLength(bytes.len()))
            }
        }

        impl FromStr for $name {
            type Err = Error;

            /// Reads 32 hexadecimal digits.
            fn from_str(text: &str) -> Result<Self, Error> {
                hex16(text.as_bytes()).map(Self).ok_or(Error::NotHex16)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }

        /// Compares in constant time.
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.ct_eq(&other.0).into()
            }
        }

        impl Eq for $name {}
    };
}

secret_16! {
    /// Content encryption key: the AES-128 key of a film's samples. Wiped when dropped, redacted in `Debug`,
    /// compared in constant time, and not `Clone`: each copy is made on purpose.
    Cek
}

secret_16! {
    /// The operator's common key, from which content keys are derived ([`derive_cek`](crate::derive_cek)).
    /// Treated like a [`Cek`].
    CommonKey
}

/// A content key given by the operator together with its KID, as `--key KID:KEY` writes it.
#[derive(Debug, PartialEq, Eq)]
pub struct KidAndKey {
    /// The key's id.
    pub kid: Kid,
    /// The key.
    pub cek: Cek,
}

impl FromStr for KidAndKey {
    type Err = Error;

    /// Reads `KID:KEY`, 32 hexadecimal digits each.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (kid, cek) = text.split_once(':').ok_or(Error::NotKidAndKey)?;
        Ok(Self {
            kid: kid.parse().map_err(|_| Error::NotKidAndKey)?,
            cek: cek.parse().map_err(|_| Error::NotKidAndKey)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kid_text_forms() {
        let kid: Kid = "4060A865-8878-4267-9CBF-91AE5BAE1E72".parse().unwrap();
        assert_eq!(kid.to_string(), "4060a865887842679cbf91ae5bae1e72");
        assert_eq!(kid.to_string().parse::<Kid>().unwrap(), kid);
        for bad in
            ["", "4060a8", "4060a865887842679cbf91ae5bae1e7g", "4060a865-887842679cbf91ae5bae1e72", "é0"]
        {
            assert_eq!(bad.parse::<Kid>(), Err(Error::NotHex16), "{bad}");
        }
    }

    #[test]
    fn secrets_stay_out_of_debug() {
        let pair: KidAndKey =
            "000102030405060708090a0b0c0d0e0f:ffeeddccbbaa99887766554433221100".parse().unwrap();
        assert_eq!(
            format!("{pair:?}"),
            "KidAndKey { kid: Kid(000102030405060708090a0b0c0d0e0f), cek: Cek(redacted) }"
        );
        assert_eq!(format!("{:?}", CommonKey::new([3; 16])), "CommonKey(redacted)");
        assert!("00:11".parse::<KidAndKey>().is_err());
        assert_eq!(Cek::new([1; 16]), Cek::new([1; 16]));
        assert_ne!(Cek::new([1; 16]), Cek::new([2; 16]));
    }
}
