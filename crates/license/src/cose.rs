//! COSE_Sign1 (RFC 9052 §4.2), untagged, with an attached payload and exactly the protected headers alg, kid
//! and typ.

use crate::cbor::{Cbor, Reader, Writer};
use crate::keys::kid_of;
use crate::{Error, Typ};
use ed25519_dalek::VerifyingKey;

/// Labels of the protected header (RFC 9052 §3.1, RFC 9596).
mod label {
    pub(super) const ALG: u64 = 1;
    pub(super) const KID: u64 = 4;
    pub(super) const TYP: u64 = 16;
}

fn protected_header(typ: Typ, kid: [u8; 8]) -> Vec<u8> {
    let mut out = Writer::default();
    out.map(3);
    out.unsigned(label::ALG);
    out.negative(typ.algorithm());
    out.unsigned(label::KID);
    out.bytes(&kid);
    out.unsigned(label::TYP);
    out.text(typ.name());
    out.into_octets()
}

fn kid_in(protected: &[u8]) -> Result<[u8; 8], Error> {
    let mut reader = Reader::new(protected)?;
    let mut map = reader.map()?;
    map.label(label::ALG)?;
    map.reader.negative()?;
    map.label(label::KID)?;
    <[u8; 8]>::read(map.reader)
}

/// `Sig_structure` (RFC 9052 §4.4).
fn signature_input(protected: &[u8], public_url: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = Writer::default();
    out.array(4);
    out.text("Signature1");
    out.bytes(protected);
    out.bytes(public_url.as_bytes());
    out.bytes(payload);
    out.into_octets()
}

/// EdDSA as the site's keys sign: Ed25519 (RFC 8032), and of what implementations disagree on, nothing is
/// taken.
pub(crate) fn verify_eddsa(key: &VerifyingKey, message: &[u8], signature: &[u8; 64]) -> Result<(), Error> {
    key.verify_strict(message, &(*signature).into()).map_err(|_| Error::NotAuthentic)
}

/// An object of the right form whose signature has not been looked at.
pub(crate) struct Unverified<'b> {
    protected: &'b [u8],
    kid: [u8; 8],
    /// The payload, as received.
    pub(crate) payload: &'b [u8],
    signature: [u8; 64],
}

impl<'b> Unverified<'b> {
    /// Checks the form and the type.
    pub(crate) fn parse(octets: &'b [u8], typ: Typ) -> Result<Self, Error> {
        let mut reader = Reader::new(octets)?;
        if reader.array()? != 4 {
            return Err(Error::Malformed);
        }
        let protected = reader.bytes()?;
        reader.map()?.end()?;
        let payload = reader.bytes()?;
        let signature = <[u8; 64]>::read(&mut reader)?;
        reader.end()?;
        let kid = kid_in(protected)?;
        // Exactly alg, kid and typ, as this type has them.
        if protected != protected_header(typ, kid) {
            return Err(Error::Malformed);
        }
        Ok(Self { protected, kid, payload, signature })
    }

    /// Verifies EdDSA (Ed25519, RFC 8032, strict) by a key that the kid must name.
    pub(crate) fn verify_ed25519(&self, key: &VerifyingKey, public_url: &str) -> Result<(), Error> {
        if self.kid != kid_of(key.as_bytes()) {
            return Err(Error::NotAuthentic);
        }
        verify_eddsa(key, &signature_input(self.protected, public_url, self.payload), &self.signature)
    }

    /// Verifies ES256 by a key that the kid must name.
    #[cfg(feature = "issue")]
    pub(crate) fn verify_es256(&self, key: &crate::SigningPoint, public_url: &str) -> Result<(), Error> {
        if self.kid != kid_of(key.compressed().as_bytes()) {
            return Err(Error::NotAuthentic);
        }
        let input = signature_input(self.protected, public_url, self.payload);
        key.verify(&input, &self.signature)
    }
}

/// An object that waits for its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToBeSigned {
    protected: Vec<u8>,
    payload: Vec<u8>,
    message: Vec<u8>,
}

impl ToBeSigned {
    pub(crate) fn new(typ: Typ, public_key: &[u8], public_url: &str, payload: Vec<u8>) -> Self {
        let protected = protected_header(typ, kid_of(public_key));
        let message = signature_input(&protected, public_url, &payload);
        Self { protected, payload, message }
    }

    /// What to sign: the octets of the `Sig_structure`.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// The whole object, with its signature (ES256: r ‖ s; EdDSA: RFC 8032).
    pub fn finish(self, signature: &[u8; 64]) -> Vec<u8> {
        let mut out = Writer::default();
        out.array(4);
        out.bytes(&self.protected);
        out.map(0);
        out.bytes(&self.payload);
        out.bytes(signature);
        out.into_octets()
    }
}

#[cfg(feature = "issue")]
impl crate::SigningPoint {
    /// Verifies an ES256 signature (r ‖ s, 64 bytes) of a message by this key, as `X-NCCP-Signature` has it.
    ///
    /// # Errors
    /// [`Error::NotAuthentic`], also when the key is no point of the curve.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), Error> {
        crate::backend::verify_es256(self, message, signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9052 §4.4, written out by hand.
    #[test]
    fn signature_input_is_the_sig_structure() {
        let object = ToBeSigned::new(Typ::License, b"key", "http://a", vec![0xa0]);
        let kid = kid_of(b"key");
        let mut protected = vec![0xa3, 0x01, 0x27, 0x04, 0x48];
        protected.extend_from_slice(&kid);
        protected.push(0x10);
        protected.push(0x6f);
        protected.extend_from_slice(b"matinee-license");
        let mut expected = vec![0x84, 0x6a];
        expected.extend_from_slice(b"Signature1");
        expected.extend_from_slice(&[0x58, protected.len() as u8]);
        expected.extend_from_slice(&protected);
        expected.push(0x48);
        expected.extend_from_slice(b"http://a");
        expected.extend_from_slice(&[0x41, 0xa0]);
        assert_eq!(object.message(), expected);
        let mut whole = vec![0x84, 0x58, protected.len() as u8];
        whole.extend_from_slice(&protected);
        whole.extend_from_slice(&[0xa0, 0x41, 0xa0, 0x58, 0x40]);
        whole.extend_from_slice(&[5; 64]);
        assert_eq!(object.finish(&[5; 64]), whole);
    }
}
