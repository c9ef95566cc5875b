use crate::cbor::{cbor_map, cbor_number};
#[cfg(feature = "issue")]
use crate::{CheckedDevice, Error, Trust, sha256};
use crate::{KeyName, RsaModulus, SigningPublicKey, ToBeSigned, Typ, Version, cbor};
#[cfg(feature = "issue")]
use std::sync::Arc;

/// What is known of the displays that a window may be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Display {
    /// The browser does not say.
    #[default]
    Unknown,
    /// One.
    Single,
    /// More than one.
    Extended,
}

cbor_number!(Display { 0: Unknown, 1: Single, 2: Extended });

/// A device's request for a license.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// SHA-256 of the ticket's text.
    pub ticket_sha256: [u8; 32],
    /// The device's id.
    pub device_id: String,
    /// The movie's id, below 2^53.
    pub stream_id: u64,
    /// The keys asked for; none: all that the policy grants.
    pub keys: Vec<KeyName>,
    /// Modulus of the RSA key made for this challenge.
    pub rsa_modulus: RsaModulus,
    /// Fresh random bytes.
    pub nonce: [u8; 16],
    /// The client's clock, corrected, Unix seconds.
    pub time: u64,
    /// The device certificate, COSE octets.
    pub certificate: Vec<u8>,
    /// Version of the DRM module.
    pub module_version: Version,
    /// SHA-256 of the app's wasm, or empty.
    pub player_release: Vec<u8>,
    /// The displays.
    pub display: Display,
    /// The device's sequence number, from 1, below 2^53: from the same counter as the envelopes'.
    pub sequence: u64,
}

cbor_map!(Challenge {
    1: ticket_sha256,
    2: device_id,
    3: stream_id,
    4: keys,
    5: rsa_modulus,
    6: nonce,
    7: time,
    8: certificate,
    9: module_version,
    10: player_release,
    11: display,
    12: sequence
});

impl Challenge {
    /// The challenge, to be signed by the device's signing key.
    pub fn to_be_signed(&self, public_url: &str, signing_key: &SigningPublicKey) -> ToBeSigned {
        ToBeSigned::new(Typ::Challenge, signing_key.as_bytes(), public_url, cbor::encode(self))
    }

    /// Verifies a challenge: form, device certificate at `now`, and signature by its key. Whether ticket,
    /// device, stream, time, sequence number and keys are right is for the caller to compare.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::NotAuthentic`], and [`Error::Certificate`] for all that is wrong with
    /// the certificate.
    #[cfg(feature = "issue")]
    pub fn verify(octets: &[u8], trust: &Trust, now: u64) -> Result<VerifiedChallenge, Error> {
        let device = |certificate: &[u8]| CheckedDevice::verify(certificate, trust, now).map(Arc::new);
        Self::verify_by(octets, trust.public_url(), device)
    }

    /// As [`Challenge::verify`], where `device` says whether the certificate's octets hold: a server has met
    /// most devices before.
    ///
    /// # Errors
    /// As [`Challenge::verify`].
    #[cfg(feature = "issue")]
    pub fn verify_by(
        octets: &[u8],
        public_url: &str,
        device: impl FnOnce(&[u8]) -> Result<Arc<CheckedDevice>, Error>,
    ) -> Result<VerifiedChallenge, Error> {
        let object = crate::cose::Unverified::parse(octets, Typ::Challenge)?;
        let challenge: Self = cbor::decode(object.payload)?;
        let well_formed = challenge.stream_id < 1 << 53
            && (1..1 << 53).contains(&challenge.sequence)
            && matches!(challenge.player_release.len(), 0 | 32);
        if !well_formed {
            return Err(Error::Malformed);
        }
        let device = device(&challenge.certificate).map_err(|_| Error::Certificate)?;
        object.verify_es256(&device.point, public_url)?;
        Ok(VerifiedChallenge { challenge, device, sha256: sha256(octets) })
    }
}

/// A challenge whose signature and certificate hold.
#[cfg(feature = "issue")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedChallenge {
    /// What it says.
    pub challenge: Challenge,
    /// The device, by its certificate.
    pub device: Arc<CheckedDevice>,
    /// SHA-256 of its octets.
    pub sha256: [u8; 32],
}
