use license::{Display, KeyLevel, RsaModulus, SigningPublicKey, Situation, Trust};

use crate::{Anchor, Clocks, Error, TrustedTime};

mod challenge;
mod granted;
mod opening;

pub use challenge::{LicenseRequest, PendingChallenge};
pub use granted::{Granted, Keys};
pub use opening::{KeptLicense, Opener, PendingLicense};

/// Number of a session.
pub type SessionId = u32;

/// What a device is to those who give it licenses.
#[derive(Debug, Clone, Copy)]
pub struct Device<'a> {
    /// Whose signatures it takes, and the URL that everything is signed for.
    pub trust: &'a Trust,
    /// Its certificate, COSE octets.
    pub certificate: &'a [u8],
    /// Public half of the key that it signs with.
    pub signing_key: SigningPublicKey,
    /// How it keeps its keys.
    pub key_level: KeyLevel,
    /// Where it plays: the page's origin; for a box, the site's.
    pub origin: &'a str,
    /// SHA-256 of the player's wasm, if known.
    pub release: Option<[u8; 32]>,
}

/// A challenge that is out: only a license for it is taken.
struct Challenged<K> {
    sha256: [u8; 32],
    device_id: String,
    stream_id: u64,
    key: K,
    /// When it went out.
    asked: Clocks,
}

struct Session<K> {
    challenged: Option<Challenged<K>>,
    granted: Option<Granted>,
    /// The displays, as last heard of.
    display: Display,
}

/// The license sessions of a device, their keys, and the clock that their rules go by.
///
/// Whatever needs a private key is two steps, because WebCrypto's answers come later: the first composes or
/// verifies and says which key operation is wanted, the second takes its result. `K` stands for an RSA
/// private key: a `CryptoKey`, or one in memory behind a pointer.
///
/// * A challenge: [`begin_challenge`](Self::begin_challenge); sign [`PendingChallenge::message`];
///   [`finish_challenge`](Self::finish_challenge).
/// * A license: [`begin_update`](Self::begin_update) for the one that answers it,
///   [`begin_load`](Self::begin_load) for one that was kept, [`begin_embedded`](Self::begin_embedded) for one
///   in DRM metadata; decrypt [`PendingLicense::kek_ciphertext`] by the key that [`PendingLicense::opener`]
///   names; [`finish_license`](Self::finish_license).
pub struct Cdm<K> {
    sessions: Vec<(SessionId, Session<K>)>,
    last: SessionId,
    /// The clock: of what is signed, licenses are learned from here, and everything else by whoever takes it.
    pub time: TrustedTime,
}

impl<K: Clone> Cdm<K> {
    /// No session yet, on a clock that begins where it was kept.
    pub fn new(kept: Option<Anchor>, clocks: Clocks) -> Self {
        Self { sessions: Vec::new(), last: 0, time: TrustedTime::new(kept, clocks) }
    }

    /// Opens a session.
    pub fn create(&mut self) -> SessionId {
        self.last = self.last.wrapping_add(1);
        let session = Session { challenged: None, granted: None, display: Display::Unknown };
        self.sessions.push((self.last, session));
        self.last
    }

    /// Closes a session; its keys are wiped.
    pub fn close(&mut self, id: SessionId) {
        self.sessions.retain(|(of, _)| *of != id);
    }

    /// Whether there is such a session.
    pub fn contains(&self, id: SessionId) -> bool {
        self.sessions.iter().any(|(of, _)| *of == id)
    }

    /// The displays have changed, for all sessions.
    pub fn set_display(&mut self, display: Display) {
        for (_, session) in &mut self.sessions {
            session.display = display;
            if let Some(granted) = &mut session.granted {
                granted.set_display(display);
            }
        }
    }

    /// All sessions with a license.
    pub fn granted(&self) -> impl Iterator<Item = (SessionId, &Granted)> {
        self.sessions.iter().filter_map(|(id, session)| Some((*id, session.granted.as_ref()?)))
    }

    /// The keys of all sessions, for use now.
    pub fn keys(&mut self, clocks: Clocks) -> impl Keys {
        granted::At { now: self.time.now(clocks), sessions: &mut self.sessions }
    }

    fn session(&mut self, id: SessionId) -> Result<&mut Session<K>, Error> {
        let found = self.sessions.iter_mut().find(|(of, _)| *of == id);
        found.map(|(_, session)| session).ok_or(Error::NoSession)
    }
}

/// An RSA pair for a challenge: its modulus and its private half.
type Pair<K> = (RsaModulus, K);

impl<'a> Device<'a> {
    fn situation(&self, now: u64, display: Display) -> Situation<'a> {
        Situation { now, key_level: self.key_level, display, origin: self.origin, release: self.release }
    }
}
