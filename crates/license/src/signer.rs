use ed25519_dalek::VerifyingKey;

use crate::cbor::{Cbor, cbor_map};
use crate::cose::Unverified;
use crate::{Error, Typ, cbor};

/// The site CA's word for one signing key: which key, for which type, for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerCertificate {
    /// Ed25519 public key.
    pub key: [u8; 32],
    /// The name of the one type that it may sign ([`Typ::name`]).
    pub typ: String,
    /// Id of the key, for operators.
    pub id: String,
    /// First second of validity.
    pub not_before: u64,
    /// Last second of validity.
    pub not_after: u64,
}

cbor_map!(SignerCertificate { 1: key, 2: typ, 3: id, 4: not_before, 5: not_after });

/// What a verifier takes for granted: the site's public URL, which is signed along, and the site CA's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    public_url: String,
    ca_keys: Vec<VerifyingKey>,
    /// The only signers that are trusted; `None`: all that the CA certified.
    signers: Option<Vec<[u8; 32]>>,
    /// Signer certificates that were verified before, and their octets.
    #[cfg(feature = "issue")]
    known: Vec<(Vec<u8>, SignerCertificate)>,
}

impl Trust {
    /// Takes the configured origin (no trailing slash) and the Ed25519 public keys of the CA.
    ///
    /// # Errors
    /// [`Error::Malformed`] if a key is not a usable Ed25519 point.
    pub fn new(public_url: impl Into<String>, ca_keys: &[[u8; 32]]) -> Result<Self, Error> {
        let key =
            |key| VerifyingKey::from_bytes(key).ok().filter(|key| !key.is_weak()).ok_or(Error::Malformed);
        Ok(Self {
            public_url: public_url.into(),
            ca_keys: ca_keys.iter().map(key).collect::<Result<_, _>>()?,
            signers: None,
            #[cfg(feature = "issue")]
            known: Vec::new(),
        })
    }

    /// From now on trusts these signers only: what others signed is refused, whatever their certificates say.
    pub fn only_signers(&mut self, keys: Vec<[u8; 32]>) {
        self.signers = Some(keys);
    }

    /// Verifies a signer certificate now, so that objects that bring the very same octets need not wait for
    /// it: a server meets its own signers in each device certificate.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::NotAuthentic`].
    #[cfg(feature = "issue")]
    pub fn remember(&mut self, certificate: &[u8]) -> Result<(), Error> {
        let verified = self.signer(certificate)?;
        self.known.push((certificate.to_vec(), verified));
        Ok(())
    }

    /// The origin that all objects are signed for.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Verifies a signer certificate: form and CA signature.
    pub(crate) fn signer(&self, certificate: &[u8]) -> Result<SignerCertificate, Error> {
        #[cfg(feature = "issue")]
        if let Some((_, known)) = self.known.iter().find(|(octets, _)| octets == certificate) {
            return Ok(known.clone());
        }
        let object = Unverified::parse(certificate, Typ::SignerCertificate)?;
        if !self.ca_keys.iter().any(|key| object.verify_ed25519(key, &self.public_url).is_ok()) {
            return Err(Error::NotAuthentic);
        }
        let certificate: SignerCertificate = cbor::decode(object.payload)?;
        match &self.signers {
            Some(keys) if !keys.contains(&certificate.key) => Err(Error::NotAuthentic),
            _ => Ok(certificate),
        }
    }

    /// Verifies an object that a signer signed, down to the CA. The signer must have been valid when it was
    /// issued.
    pub(crate) fn verify<T>(&self, octets: &[u8]) -> Result<T, Error>
    where
        T: SignedByServer + Cbor,
    {
        let object = Unverified::parse(octets, T::TYP)?;
        let value: T = cbor::decode(object.payload)?;
        let signer = self.signer(value.signer())?;
        if signer.typ != T::TYP.name() {
            return Err(Error::NotAuthentic);
        }
        let key = VerifyingKey::from_bytes(&signer.key).map_err(|_| Error::NotAuthentic)?;
        object.verify_ed25519(&key, &self.public_url)?;
        if !(signer.not_before..=signer.not_after).contains(&value.issued()) {
            return Err(Error::Validity);
        }
        value.check_form()?;
        Ok(value)
    }
}

/// Payloads of objects that a certified server key signs.
pub(crate) trait SignedByServer {
    /// The object's type.
    const TYP: Typ;

    /// The signer's certificate inside.
    fn signer(&self) -> &[u8];

    /// The signed time.
    fn issued(&self) -> u64;

    /// Rules of form that the types do not carry.
    fn check_form(&self) -> Result<(), Error>;
}
