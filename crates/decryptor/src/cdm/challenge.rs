use license::{Challenge, Display, KeyName, ToBeSigned, sha256};

use super::{Cdm, Challenged, Device, Pair, SessionId};
use crate::{Clocks, Error, module_version};

/// What a challenge asks for, and for whom.
#[derive(Debug, Clone)]
pub struct LicenseRequest<'a> {
    /// The movie, as the protocol's stream id.
    pub stream_id: u64,
    /// Device id of the ticket.
    pub device_id: &'a str,
    /// The ticket that the license request goes with.
    pub ticket: &'a str,
    /// The keys; none: every key that the policy grants.
    pub keys: Vec<KeyName>,
    /// The displays.
    pub display: Display,
    /// The server's time as far as it is known, Unix seconds.
    pub time: u64,
    /// The device's next sequence number.
    pub sequence: u64,
}

/// A challenge that waits for the device's signature.
pub struct PendingChallenge<K> {
    session: SessionId,
    device_id: String,
    stream_id: u64,
    key: K,
    object: ToBeSigned,
}

impl<K> PendingChallenge<K> {
    /// What the device's signing key is to sign (ES256).
    pub fn message(&self) -> &[u8] {
        self.object.message()
    }
}

impl<K: Clone> Cdm<K> {
    /// Composes a challenge with an RSA pair that was made for it.
    ///
    /// # Errors
    /// [`Error::NoSession`], [`Error::Random`].
    pub fn begin_challenge(
        &mut self,
        session: SessionId,
        device: &Device<'_>,
        request: LicenseRequest<'_>,
        (rsa_modulus, key): Pair<K>,
    ) -> Result<PendingChallenge<K>, Error> {
        self.session(session)?.display = request.display;
        let challenge = Challenge {
            ticket_sha256: sha256(request.ticket.as_bytes()),
            device_id: request.device_id.to_owned(),
            stream_id: request.stream_id,
            keys: request.keys,
            rsa_modulus,
            nonce: license::nonce().map_err(|_| Error::Random)?,
            time: request.time,
            certificate: device.certificate.to_vec(),
            module_version: module_version(),
            player_release: device.release.map(Vec::from).unwrap_or_default(),
            display: request.display,
            sequence: request.sequence,
        };
        let object = challenge.to_be_signed(device.trust.public_url(), &device.signing_key);
        let Challenge { device_id, stream_id, .. } = challenge;
        Ok(PendingChallenge { session, device_id, stream_id, key, object })
    }

    /// The challenge's COSE octets. From now on the session takes a license for it, and for no earlier one.
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn finish_challenge(
        &mut self,
        pending: PendingChallenge<K>,
        signature: &[u8; 64],
        clocks: Clocks,
    ) -> Result<Vec<u8>, Error> {
        let PendingChallenge { session, device_id, stream_id, key, object } = pending;
        let session = self.session(session)?;
        let octets = object.finish(signature);
        let sha256 = sha256(&octets);
        session.challenged = Some(Challenged { sha256, device_id, stream_id, key, asked: clocks });
        Ok(octets)
    }
}
