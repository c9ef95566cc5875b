//! Challenges, licenses, keys: the browser's DRM module with its keys in this process's memory.

use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use decryptor::{Anchor, Clocks, Embedded, Keys, SessionId, Sessions, TrustedTime};
use license::{
    Challenge, Check, Display, KeyLevel, KeyName, Policy, Situation, SoftwareRsaKey, Version, sha256,
};
use nccp::MovieId;

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
    /// To be kept.
    pub(crate) anchor: Option<Anchor>,
}

impl Granted {
    fn of(policy: &Policy, anchor: Option<Anchor>) -> Self {
        let ends = policy.ends().filter(|_| policy.check == Check::Continuous);
        Self { max_height: policy.max_height, renew_after: policy.renew_after, ends, anchor }
    }
}

/// License sessions, and the keys of their challenges.
pub(crate) struct Drm {
    identity: Arc<Identity>,
    sessions: Sessions,
    time: TrustedTime,
    started: Instant,
    /// RSA keys whose licenses have not come. Wiped when dropped.
    out: Vec<(SessionId, SoftwareRsaKey)>,
}

impl Drm {
    pub(crate) fn new(identity: Arc<Identity>, anchor: Option<Anchor>) -> Self {
        let started = Instant::now();
        let time = TrustedTime::new(anchor, Clocks { wall: wall(), monotonic: 0.0 });
        Self { identity, sessions: Sessions::default(), time, started, out: Vec::new() }
    }

    fn clocks(&self) -> Clocks {
        Clocks { wall: wall(), monotonic: self.started.elapsed().as_secs_f64() }
    }

    /// Trusted time, Unix seconds.
    pub(crate) fn now(&self) -> u64 {
        self.time.now(self.clocks())
    }

    pub(crate) fn create(&mut self) -> SessionId {
        self.sessions.create()
    }

    pub(crate) fn close(&mut self, session: SessionId) {
        self.sessions.close(session);
        self.out.retain(|(of, _)| *of != session);
    }

    /// A challenge for these keys of a movie, or for all where none is named, with a fresh RSA key. `time` is the server's, as far as it is
    /// known.
    pub(crate) fn challenge(
        &mut self,
        session: SessionId,
        movie: MovieId,
        (device, ticket): (&str, &str),
        keys: Vec<KeyName>,
        rsa: SoftwareRsaKey,
        time: u64,
    ) -> Result<Vec<u8>, Error> {
        let challenge = Challenge {
            ticket_sha256: sha256(ticket.as_bytes()),
            device_id: device.to_owned(),
            stream_id: movie.get(),
            keys,
            rsa_modulus: rsa.modulus().map_err(decryptor::Error::from)?,
            nonce: license::nonce().map_err(|_| Error::Random)?,
            time,
            certificate: self.identity.certificate.clone(),
            module_version: module_version(),
            player_release: Vec::new(),
            display: DISPLAY,
        };
        let signing = &self.identity.signing;
        let public = signing.public_key().map_err(decryptor::Error::from)?;
        let unsigned = challenge.to_be_signed(self.identity.trust.public_url(), &public);
        let signature = signing.sign(unsigned.message());
        let octets = unsigned.finish(&signature);
        self.sessions.challenged(session, &octets, device, DISPLAY)?;
        self.out.retain(|(of, _)| *of != session);
        self.out.push((session, rsa));
        Ok(octets)
    }

    /// Verifies a license and takes its keys.
    pub(crate) fn update(&mut self, session: SessionId, octets: &[u8]) -> Result<Granted, Error> {
        let clocks = self.clocks();
        let situation = self.situation(clocks);
        let anchor = Some(self.time.greatest());
        let trust = &self.identity.trust;
        let verified = self.sessions.verify(session, octets, trust, anchor, module_version(), &situation)?;
        let anchor = self.time.learn(verified.license().issued, clocks);
        let at = self.out.iter().position(|(of, _)| *of == session);
        let (_, rsa) = self.out.swap_remove(at.ok_or(decryptor::Error::NoChallenge)?);
        let kek = rsa.decrypt(verified.kek_ciphertext()).map_err(decryptor::Error::from)?;
        let policy = self.sessions.install(session, &verified, &kek)?.policy();
        Ok(Granted::of(policy, anchor))
    }

    /// Opens the license in DRM metadata by a domain's key that the registration brought.
    pub(crate) fn open_embedded(
        &mut self,
        session: SessionId,
        metadata: &[u8],
        kept: &Kept,
    ) -> Result<Granted, Error> {
        let clocks = self.clocks();
        let situation = self.situation(clocks);
        let embedded = Embedded::verify(metadata, &self.identity.trust, module_version(), &situation)?;
        let of = embedded.domain;
        let sealed = kept
            .domain_keys
            .iter()
            .find(|key| key.domain == of.domain.name() && key.epoch == of.epoch)
            .and_then(|key| URL_SAFE_NO_PAD.decode(&key.key).ok())
            .ok_or(decryptor::Error::NoLicense)?;
        let device = kept.device_id.as_str();
        let key = of.open_for(&sealed, device, &self.identity.rsa).map_err(decryptor::Error::from)?;
        let license = &embedded.license;
        let kek = key.decrypt(license.kek_ciphertext()).map_err(decryptor::Error::from)?;
        let anchor = self.time.learn_at_least(license.license().issued, clocks);
        let policy = self.sessions.install_embedded(session, &embedded, &kek, DISPLAY)?.policy();
        Ok(Granted::of(policy, anchor))
    }

    fn situation(&self, clocks: Clocks) -> Situation<'_> {
        Situation {
            now: self.time.now(clocks),
            key_level: KeyLevel::Box,
            display: DISPLAY,
            origin: self.identity.trust.public_url(),
            release: None,
        }
    }

    /// The keys that may be used now.
    pub(crate) fn keys(&mut self) -> impl Keys {
        let now = self.now();
        self.sessions.at(now)
    }
}

impl fmt::Debug for Drm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Drm(redacted)")
    }
}

fn module_version() -> Version {
    // The workspace's version, which has three numbers.
    decryptor::VERSION.parse().unwrap_or(Version::new(0, 0, 0))
}
