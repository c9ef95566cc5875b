use minicbor::{Decode, Encode};

#[cfg(feature = "issue")]
use crate::{DeviceCertificate, Error, Trust, sha256};
use crate::{KeyName, RsaModulus, SigningPublicKey, ToBeSigned, Typ, Version, cbor};

/// What is known of the displays that a window may be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Display {
    /// The browser does not say.
    #[default]
    #[n(0)]
    Unknown,
    /// One.
    #[n(1)]
    Single,
    /// More than one.
    #[n(2)]
    Extended,
}

/// A device's request for a license.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Challenge {
    /// SHA-256 of the ticket's text.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub ticket_sha256: [u8; 32],
    /// The device's id.
    #[n(2)]
    pub device_id: String,
    /// The movie's id, below 2^53.
    #[n(3)]
    pub stream_id: u64,
    /// The keys asked for; none: all that the policy grants.
    #[n(4)]
    pub keys: Vec<KeyName>,
    /// Modulus of the RSA key made for this challenge.
    #[n(5)]
    pub rsa_modulus: RsaModulus,
    /// Fresh random bytes.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// The client's clock, corrected, Unix seconds.
    #[n(7)]
    pub time: u64,
    /// The device certificate, COSE octets.
    #[cbor(n(8), with = "minicbor::bytes")]
    pub certificate: Vec<u8>,
    /// Version of the DRM module.
    #[n(9)]
    pub module_version: Version,
    /// SHA-256 of the app's wasm, or empty.
    #[cbor(n(10), with = "minicbor::bytes")]
    pub player_release: Vec<u8>,
    /// The displays.
    #[n(11)]
    pub display: Display,
}

impl Challenge {
    /// The challenge, to be signed by the device's signing key.
    pub fn to_be_signed(&self, public_url: &str, signing_key: &SigningPublicKey) -> ToBeSigned {
        ToBeSigned::new(Typ::Challenge, signing_key.as_bytes(), public_url, cbor::encode(self))
    }

    /// Verifies a challenge: form, device certificate at `now`, and signature by its key. Whether ticket, device, stream, time and
    /// keys are right is for the caller to compare.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::NotAuthentic`], and [`Error::Certificate`] for all that is wrong with the certificate.
    #[cfg(feature = "issue")]
    pub fn verify(octets: &[u8], trust: &Trust, now: u64) -> Result<VerifiedChallenge, Error> {
        let object = crate::cose::Unverified::parse(octets, Typ::Challenge)?;
        let challenge: Self = cbor::decode(object.payload)?;
        let well_formed = challenge.stream_id < 1 << 53 && matches!(challenge.player_release.len(), 0 | 32);
        if !well_formed {
            return Err(Error::Malformed);
        }
        let certificate =
            DeviceCertificate::verify(&challenge.certificate, trust, now).map_err(|_| Error::Certificate)?;
        object.verify_es256(&certificate.signing_key, trust.public_url())?;
        Ok(VerifiedChallenge { challenge, certificate, sha256: sha256(octets) })
    }
}

/// A challenge whose signature and certificate hold.
#[cfg(feature = "issue")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedChallenge {
    /// What it says.
    pub challenge: Challenge,
    /// The device's certificate.
    pub certificate: DeviceCertificate,
    /// SHA-256 of its octets.
    pub sha256: [u8; 32],
}
