//! Common Access Token (CTA-5007-B): `CAT=T`, T = base64url of a CWT (RFC 8392) in COSE, with the claims
//! `exp`, `catv` and `catu`, the last of which says which paths it opens. COSE_Mac0 with HMAC-SHA256, where
//! the secret is hex digits; COSE_Sign1 with ES256, where it is a P-256 key in PEM. The key's name
//! (`key_id`), if it has one, is in the unprotected header.
//!
//! Taken are tokens with those claims and `iss`, `nbf`, `iat`, `cti`, `catm`, with the CWT tag or without it.
//! A token with any other claim is refused: it restricts what this edge does not look at.

use super::Form;
use crate::encoding::{base64url, from_base64url, pem};
use crate::settings::{Settings, Validity};
use crate::{Place, Reach, Secret, Unusable};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use minicbor::data::{Tag, Type};
use minicbor::{Decoder, Encoder};
use zeroize::Zeroizing;

/// Octets of a token at most.
const MOST: usize = 2048;
/// RFC 8392, section 6.
const CWT: Tag = Tag::new(61);

/// Claims: RFC 8392, section 4, and CTA-5007.
mod claim {
    pub(super) const ISS: u64 = 1;
    pub(super) const EXP: u64 = 4;
    pub(super) const NBF: u64 = 5;
    pub(super) const IAT: u64 = 6;
    pub(super) const CTI: u64 = 7;
    pub(super) const CATV: u64 = 310;
    pub(super) const CATU: u64 = 312;
    pub(super) const CATM: u64 = 313;
}

/// Parts of a URI, and how they are compared: CTA-5007, `catu`.
mod uri {
    pub(super) const SCHEME: u64 = 0;
    pub(super) const HOST: u64 = 1;
    pub(super) const PATH: u64 = 3;
    pub(super) const EXACT: u64 = 0;
    pub(super) const PREFIX: u64 = 1;
    pub(super) const SUFFIX: u64 = 2;
    pub(super) const CONTAINS: u64 = 3;
}

enum Key {
    Mac(Box<hmac::Key>),
    Sign(Box<EcdsaKeyPair>),
}

impl Key {
    fn tag(&self) -> Tag {
        match self {
            Self::Mac(_) => Tag::new(17),
            Self::Sign(_) => Tag::new(18),
        }
    }

    /// The protected header: the algorithm alone, 5 or -7 (RFC 9053).
    fn protected(&self) -> [u8; 3] {
        match self {
            Self::Mac(_) => [0xA1, 0x01, 0x05],
            Self::Sign(_) => [0xA1, 0x01, 0x26],
        }
    }

    /// What is signed: RFC 9052, sections 4.4 and 6.3.
    fn structure(&self, claims: &[u8]) -> Vec<u8> {
        let context = match self {
            Self::Mac(_) => "MAC0",
            Self::Sign(_) => "Signature1",
        };
        written(|e| {
            e.array(4)?.str(context)?.bytes(&self.protected())?.bytes(b"")?.bytes(claims)?;
            Ok(())
        })
    }

    fn sign(&self, claims: &[u8]) -> Vec<u8> {
        let structure = self.structure(claims);
        match self {
            Self::Mac(key) => hmac::sign(key, &structure).as_ref().to_vec(),
            // It fails only where memory does: the token is then one that nobody takes.
            Self::Sign(key) => key
                .sign(&SystemRandom::new(), &structure)
                .map_or_else(|_| Vec::new(), |s| s.as_ref().to_vec()),
        }
    }

    fn verify(&self, claims: &[u8], signature: &[u8]) -> Option<()> {
        let structure = self.structure(claims);
        match self {
            Self::Mac(key) => hmac::verify(key, &structure, signature).ok(),
            Self::Sign(key) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key())
                .verify(&structure, signature)
                .ok(),
        }
    }
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn written(write: impl FnOnce(&mut Encoder<&mut Vec<u8>>) -> Written) -> Vec<u8> {
    let mut out = Vec::new();
    // Writing into memory does not fail.
    let _ = write(&mut Encoder::new(&mut out));
    out
}

pub(super) struct Cat {
    key: Key,
    /// The name of the key, if tokens say it.
    id: Option<String>,
    parameter: String,
}

impl Cat {
    pub(super) fn new(settings: &Settings, secret: &Secret) -> Result<Self, Unusable> {
        let text = secret.text()?.trim();
        let key = if text.starts_with("-----BEGIN") {
            let der = pem(text)?;
            let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
            let key = EcdsaKeyPair::from_pkcs8(algorithm, &der)
                .or_else(|_| EcdsaKeyPair::from_private_key_der(algorithm, &der));
            Key::Sign(Box::new(key.map_err(|_| Unusable("a CAT key in PEM must be a P-256 private key"))?))
        } else {
            let octets = hex::decode(text).map(Zeroizing::new);
            let octets =
                octets.map_err(|_| Unusable("a CAT secret must be hex digits, or a P-256 key in PEM"))?;
            if octets.len() < 32 {
                return Err(Unusable("a CAT secret must have at least 32 octets"));
            }
            Key::Mac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &octets)))
        };
        let id = settings.key_id.is_some().then(|| settings.key_id()).transpose()?;
        Ok(Self { key, id, parameter: settings.parameter("CAT")? })
    }

    /// The COSE object, without the CWT tag.
    fn object(&self, claims: &[u8], signature: &[u8]) -> Vec<u8> {
        written(|e| {
            e.tag(self.key.tag())?.array(4)?.bytes(&self.key.protected())?;
            match &self.id {
                Some(id) => e.map(1)?.u8(4)?.bytes(id.as_bytes())?,
                None => e.map(0)?,
            };
            e.bytes(claims)?.bytes(signature)?;
            Ok(())
        })
    }
}

impl Form for Cat {
    fn query(&self, place: &Place<'_>, reach: Reach, expires: u64) -> String {
        let (how, path) = match reach {
            Reach::File => (uri::EXACT, place.cdn_path()),
            Reach::Ranges => (uri::PREFIX, place.cdn_path()),
            Reach::Folder => (uri::PREFIX, place.cdn_folder()),
        };
        let claims = written(|e| {
            e.map(3)?.u64(claim::EXP)?.u64(expires)?.u64(claim::CATV)?.u8(1)?;
            e.u64(claim::CATU)?.map(1)?.u64(uri::PATH)?.map(1)?.u64(how)?.str(&path)?;
            Ok(())
        });
        let object = self.object(&claims, &self.key.sign(&claims));
        let token = written(|e| e.tag(CWT).map(drop));
        format!("{}={}", self.parameter, base64url(&[token, object].concat()))
    }

    fn check(&self, place: &Place<'_>, query: &str) -> Option<Validity> {
        let text = query.strip_prefix(&self.parameter)?.strip_prefix('=')?;
        let octets = from_base64url(text).filter(|octets| octets.len() <= MOST)?;
        let cwt = written(|e| e.tag(CWT).map(drop));
        let object = octets.strip_prefix(&cwt[..]).unwrap_or(&octets);
        let (claims, signature) = parts(object)?;
        // The outer form and the key's name are not signed; there is one that is taken.
        if self.object(claims, signature) != object {
            return None;
        }
        self.key.verify(claims, signature)?;
        validity(claims, place)
    }
}

/// Claims and signature of a COSE object, whatever else is in it.
fn parts(object: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut d = Decoder::new(object);
    d.tag().ok()?;
    d.array().ok().filter(|n| *n == Some(4))?;
    d.bytes().ok()?;
    // The name of its key, or nothing.
    if d.map().ok().flatten().filter(|n| *n <= 1)? == 1 {
        d.u8().ok()?;
        d.bytes().ok()?;
    }
    Some((d.bytes().ok()?, d.bytes().ok()?))
}

/// When the claims hold for a place, if they do.
fn validity(claims: &[u8], place: &Place<'_>) -> Option<Validity> {
    let mut d = Decoder::new(claims);
    let (mut from, mut until, mut fits) = (0, None, false);
    for _ in 0..d.map().ok()?? {
        match d.u64().ok()? {
            claim::EXP => until = Some(d.u64().ok()?),
            claim::NBF => from = d.u64().ok()?,
            claim::ISS => _ = d.str().ok()?,
            claim::IAT => _ = d.u64().ok()?,
            claim::CTI => _ = d.bytes().ok()?,
            claim::CATV => _ = d.u64().ok().filter(|version| *version == 1)?,
            claim::CATM => {
                let mut is_read = false;
                for _ in 0..d.array().ok()?? {
                    is_read |= d.str().ok()? == "GET";
                }
                is_read.then_some(())?;
            }
            claim::CATU => {
                uri_fits(&mut d, place)?;
                fits = true;
            }
            _ => return None,
        }
    }
    if d.datatype().is_ok() || !fits {
        return None;
    }
    Some(Validity { from, until: until? })
}

/// Reads `catu`; whether the place fits it.
fn uri_fits(d: &mut Decoder<'_>, place: &Place<'_>) -> Option<()> {
    let url = place.asked_url();
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', ':']).next()?;
    let path = place.cdn_asked_path();
    for _ in 0..d.map().ok()?? {
        let part = match d.u64().ok()? {
            uri::SCHEME => scheme,
            uri::HOST => host,
            uri::PATH => &path,
            _ => return None,
        };
        for _ in 0..d.map().ok()?? {
            let how = d.u64().ok()?;
            if d.datatype().ok()? != Type::String {
                return None;
            }
            let with = d.str().ok()?;
            let same = match how {
                uri::EXACT => part == with,
                uri::PREFIX => part.starts_with(with),
                uri::SUFFIX => part.ends_with(with),
                uri::CONTAINS => part.contains(with),
                _ => false,
            };
            same.then_some(())?;
        }
    }
    Some(())
}
