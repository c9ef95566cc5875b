//! Whom a document's keys are encrypted for: certificates, and the private keys that belong to them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
use rsa::traits::PublicKeyParts as _;
use rsa::{Oaep, RsaPrivateKey, RsaPublicKey};
use sha1::Sha1;
use zeroize::Zeroizing;

use crate::Error;

/// Octets of an RSA modulus at least: 2048 bits.
const MIN_MODULUS: usize = 256;

/// A recipient: an X.509 certificate of an RSA key of 2048 bits or more. Who signed it and until when it
/// holds is not looked at: the one who names it trusts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// DER.
    certificate: Vec<u8>,
    key: RsaPublicKey,
}

impl Recipient {
    /// Reads the first certificate of a text in PEM (RFC 7468, section 5).
    ///
    /// # Errors
    /// [`Error::Certificate`].
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let body = text.split_once("-----BEGIN CERTIFICATE-----").map(|(_, rest)| rest);
        let body = body.and_then(|rest| rest.split_once("-----END CERTIFICATE-----")).map(|(body, _)| body);
        let body: String = body.ok_or(Error::Certificate)?.split_ascii_whitespace().collect();
        let certificate = BASE64.decode(body).map_err(|_| Error::Certificate)?;
        Self::from_der(certificate).ok_or(Error::Certificate)
    }

    pub(crate) fn from_der(certificate: Vec<u8>) -> Option<Self> {
        let key = public_key(&certificate).filter(|key| key.size() >= MIN_MODULUS)?;
        Some(Self { certificate, key })
    }

    /// DER.
    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// RSAES-OAEP (RFC 8017, section 7.1) with SHA-1, as CPIX has it, for this recipient.
    pub(crate) fn encrypt(&self, secret: &[u8]) -> Result<Vec<u8>, Error> {
        let mut rng = rsa::rand_core::UnwrapErr(getrandom::SysRng);
        self.key.encrypt(&mut rng, Oaep::<Sha1>::new(), secret).map_err(|_| Error::Certificate)
    }
}

/// A recipient's private key, RSA. Wiped when dropped; `Debug` does not show it.
pub struct RecipientKey(RsaPrivateKey);

impl RecipientKey {
    /// Reads a key in PEM that no password protects: `PRIVATE KEY` (PKCS#8, RFC 5208) or `RSA PRIVATE KEY`
    /// (PKCS#1).
    ///
    /// # Errors
    /// [`Error::PrivateKey`].
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        RsaPrivateKey::from_pkcs8_pem(text)
            .or_else(|_| RsaPrivateKey::from_pkcs1_pem(text))
            .map(Self)
            .map_err(|_| Error::PrivateKey)
    }

    /// Whether the recipient's certificate is of this key.
    pub fn is_of(&self, recipient: &Recipient) -> bool {
        RsaPublicKey::from(&self.0) == recipient.key
    }

    /// The inverse of [`Recipient::encrypt`], blinded. Whatever is wrong is one error.
    pub(crate) fn decrypt(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut rng = rsa::rand_core::UnwrapErr(getrandom::SysRng);
        self.0
            .decrypt_blinded(&mut rng, Oaep::<Sha1>::new(), sealed)
            .map(Zeroizing::new)
            .map_err(|_| Error::NotAuthentic)
    }
}

impl fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecipientKey(redacted)")
    }
}

/// The RSA key of a certificate (RFC 5280, section 4.1): `subjectPublicKeyInfo` stands behind serial number,
/// signature algorithm, issuer, validity and subject, before which a version may stand.
fn public_key(certificate: &[u8]) -> Option<RsaPublicKey> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let certificate = Value::read(certificate).filter(|value| value.tag == SEQUENCE)?;
    let signed = Value::read(certificate.content).filter(|value| value.tag == SEQUENCE)?;
    let mut field = Value::read(signed.content)?;
    let before = if field.tag == VERSION { 6 } else { 5 };
    for _ in 0..before {
        field = Value::read(field.after)?;
    }
    RsaPublicKey::from_public_key_der(field.whole).ok()
}

/// A value in DER (ITU-T X.690) at the begin of some octets.
struct Value<'a> {
    tag: u8,
    content: &'a [u8],
    /// With tag and length.
    whole: &'a [u8],
    after: &'a [u8],
}

impl<'a> Value<'a> {
    fn read(octets: &'a [u8]) -> Option<Self> {
        let (&tag, rest) = octets.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x83 => {
                let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (length.iter().fold(0, |all, &octet| (all << 8) | usize::from(octet)), rest)
            }
            _ => return None,
        };
        let (content, after) = rest.split_at_checked(length)?;
        Some(Self { tag, content, whole: &octets[..octets.len() - after.len()], after })
    }
}
