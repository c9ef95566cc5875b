//! The DRM module's core, as in browsers, with its private keys in this process's memory.

use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use decryptor::{Anchor, Cdm, Clocks, Keys, LicenseRequest, Opener, PendingLicense, SessionId};
use license::{Check, Display, DomainEpoch, KeyName, Policy, SoftwareRsaKey};
use nccp::{MovieId, Sequence};

use crate::state::Kept;
use crate::{Error, Identity};

/// A box drives the one screen that it is wired to.
const DISPLAY: Display = Display::Single;

/// Unix time as this machine has it, in seconds with fraction.
pub(crate) fn wall() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// What a license brought.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Granted {
    /// The policy's highest picture, in lines.
    pub(crate) max_height: Option<u32>,
    /// From when on to ask for a new license, by trusted time.
    pub(crate) renew_after: Option<u64>,
    /// When playback ends with it, by trusted time.
    pub(crate) ends: Option<u64>,
}

impl Granted {
    fn of(policy: &Policy) -> Self {
        let ends = policy.ends().filter(|_| policy.check == Check::Continuous);
        Self { max_height: policy.max_height, renew_after: policy.renew_after, ends }
    }
}

/// License sessions. Their RSA keys are wiped when dropped.
pub(crate) struct Drm {
    identity: Arc<Identity>,
    cdm: Cdm<Arc<SoftwareRsaKey>>,
    started: Instant,
}

impl Drm {
    pub(crate) fn new(identity: Arc<Identity>, anchor: Option<Anchor>) -> Self {
        let started = Instant::now();
        let cdm = Cdm::new(anchor, Clocks { wall: wall(), monotonic: 0.0 });
        Self { identity, cdm, started }
    }

    fn clocks(&self) -> Clocks {
        Clocks { wall: wall(), monotonic: self.started.elapsed().as_secs_f64() }
    }

    /// Trusted time, Unix seconds.
    pub(crate) fn now(&self) -> u64 {
        self.cdm.time.now(self.clocks())
    }

    /// What is known of the time, where it is to be kept now.
    pub(crate) fn time_to_keep(&mut self) -> Option<Anchor> {
        let clocks = self.clocks();
        self.cdm.time.to_keep(clocks)
    }

    pub(crate) fn create(&mut self) -> SessionId {
        self.cdm.create()
    }

    pub(crate) fn close(&mut self, session: SessionId) {
        self.cdm.close(session);
    }

    /// A challenge for these keys of a movie, or for all where none is named, with a fresh RSA key and the
    /// box's next sequence number. `time` is the server's, as far as it is known.
    pub(crate) fn challenge(
        &mut self,
        session: SessionId,
        movie: MovieId,
        (device_id, ticket): (&str, &str),
        keys: Vec<KeyName>,
        rsa: SoftwareRsaKey,
        (sequence, time): (Sequence, u64),
    ) -> Result<Vec<u8>, Error> {
        let (stream_id, display) = (movie.get(), DISPLAY);
        let sequence = sequence.get();
        let request = LicenseRequest { stream_id, device_id, ticket, keys, display, time, sequence };
        let pair = (rsa.modulus().map_err(decryptor::Error::from)?, Arc::new(rsa));
        let pending = self.cdm.begin_challenge(session, &self.identity.device()?, request, pair)?;
        let signature = self.identity.signing.sign(pending.message());
        let clocks = self.clocks();
        Ok(self.cdm.finish_challenge(pending, &signature, clocks)?)
    }

    /// Verifies a license and takes its keys.
    pub(crate) fn update(&mut self, session: SessionId, license: &[u8]) -> Result<Granted, Error> {
        let (clocks, device) = (self.clocks(), self.identity.device()?);
        let pending = self.cdm.begin_update(session, license, &device, clocks)?;
        self.finish(&pending, None)
    }

    /// Opens the license in DRM metadata by a domain's key that the registration brought.
    pub(crate) fn open_embedded(
        &mut self,
        session: SessionId,
        metadata: &[u8],
        kept: &Kept,
    ) -> Result<Granted, Error> {
        let (clocks, device) = (self.clocks(), self.identity.device()?);
        let pending = self.cdm.begin_embedded(session, metadata, DISPLAY, &device, clocks)?;
        self.finish(&pending, Some(kept))
    }

    /// Opens a verified license; one for a domain needs what the registration brought.
    fn finish(
        &mut self,
        pending: &PendingLicense<Arc<SoftwareRsaKey>>,
        kept: Option<&Kept>,
    ) -> Result<Granted, Error> {
        let key = match pending.opener() {
            Opener::Challenge(key) => Arc::clone(key),
            Opener::Domain(of) => Arc::new(self.domain_key(of, kept.ok_or(decryptor::Error::NoLicense)?)?),
        };
        let kek = key.decrypt(pending.kek_ciphertext()).map_err(decryptor::Error::from)?;
        let policy = self.cdm.finish_license(pending, &kek)?.policy();
        Ok(Granted::of(policy))
    }

    fn domain_key(&self, of: DomainEpoch, kept: &Kept) -> Result<SoftwareRsaKey, decryptor::Error> {
        let sealed = kept
            .domain_keys
            .iter()
            .find(|key| key.domain == of.domain.name() && key.epoch == of.epoch)
            .and_then(|key| URL_SAFE_NO_PAD.decode(&key.key).ok())
            .ok_or(decryptor::Error::NoLicense)?;
        Ok(of.open_for(&sealed, kept.device_id.as_str(), &self.identity.rsa)?)
    }

    /// The keys that may be used now.
    pub(crate) fn keys(&mut self) -> impl Keys {
        let clocks = self.clocks();
        self.cdm.keys(clocks)
    }
}

impl fmt::Debug for Drm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Drm(redacted)")
    }
}
