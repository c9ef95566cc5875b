use cenc::{AesCipher, Kid};
use license::{Display, Expected, Policy, Refusal, Situation, Trust, VerifiedLicense, Version};

use crate::Error;

mod embedded;
pub use embedded::Embedded;

/// Number of a session.
pub type SessionId = u32;

/// A content key ready for use. Wiped when dropped.
struct Key {
    kid: Kid,
    cipher: AesCipher,
}

/// What a license gave a session.
pub struct Granted {
    keys: Vec<Key>,
    policy: Policy,
    display: Display,
    /// Playback has started: from then on only what the policy checks continuously counts.
    started: bool,
}

struct Challenged {
    sha256: [u8; 32],
    device_id: String,
    display: Display,
}

#[derive(Default)]
struct Session {
    challenged: Option<Challenged>,
    granted: Option<Granted>,
}

/// Where keys are looked up while a fragment is decrypted.
pub trait Keys {
    /// The cipher of a key; `None`: nobody has it.
    ///
    /// # Errors
    /// [`Error::Refused`] if it is there but must not be used any more. One that the displays do not allow now is as if it were not there:
    /// what needs it waits.
    fn find(&mut self, kid: &Kid) -> Result<Option<&AesCipher>, Error>;
}

/// All license sessions of the module.
#[derive(Default)]
pub struct Sessions {
    sessions: Vec<(SessionId, Session)>,
    last: SessionId,
}

impl Sessions {
    /// Opens a session.
    pub fn create(&mut self) -> SessionId {
        self.last = self.last.wrapping_add(1);
        self.sessions.push((self.last, Session::default()));
        self.last
    }

    /// Closes a session; its keys are wiped.
    pub fn close(&mut self, id: SessionId) {
        self.sessions.retain(|(of, _)| *of != id);
    }

    fn get_mut(&mut self, id: SessionId) -> Result<&mut Session, Error> {
        let found = self.sessions.iter_mut().find(|(of, _)| *of == id);
        found.map(|(_, session)| session).ok_or(Error::NoSession)
    }

    /// Whether there is such a session.
    pub fn contains(&self, id: SessionId) -> bool {
        self.sessions.iter().any(|(of, _)| *of == id)
    }

    /// A challenge (its COSE octets) is on its way; only a license for it will be taken.
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn challenged(
        &mut self,
        id: SessionId,
        challenge: &[u8],
        device_id: &str,
        display: Display,
    ) -> Result<(), Error> {
        self.expect(id, license::sha256(challenge), device_id, display)
    }

    /// As [`challenged`](Self::challenged), for a challenge of which only the SHA-256 is known any more: a license that was kept
    /// answers it.
    ///
    /// # Errors
    /// [`Error::NoSession`].
    pub fn expect(
        &mut self,
        id: SessionId,
        sha256: [u8; 32],
        device_id: &str,
        display: Display,
    ) -> Result<(), Error> {
        let session = self.get_mut(id)?;
        session.challenged = Some(Challenged { sha256, device_id: device_id.to_owned(), display });
        Ok(())
    }

    /// The displays have changed, for all sessions.
    pub fn set_display(&mut self, display: Display) {
        for (_, session) in &mut self.sessions {
            if let Some(challenged) = &mut session.challenged {
                challenged.display = display;
            }
            if let Some(granted) = &mut session.granted {
                granted.display = display;
            }
        }
    }

    /// All sessions with a license.
    pub fn granted(&self) -> impl Iterator<Item = (SessionId, &Granted)> {
        self.sessions.iter().filter_map(|(id, session)| Some((*id, session.granted.as_ref()?)))
    }

    /// Verifies a license for the session's challenge, its rules included. Nothing is unwrapped yet. `anchor` is the greatest
    /// signed time seen, `None` for a license that was kept. Of `situation` the display is taken from the challenge, and the time
    /// counts only for a license that was kept: one for a fresh challenge proves its own.
    ///
    /// # Errors
    /// [`Error::NoSession`], [`Error::NoChallenge`], [`Error::License`], [`Error::Refused`].
    pub fn verify(
        &self,
        id: SessionId,
        octets: &[u8],
        trust: &Trust,
        anchor: Option<u64>,
        module_version: Version,
        situation: &Situation<'_>,
    ) -> Result<VerifiedLicense, Error> {
        let (_, session) = self.sessions.iter().find(|(of, _)| *of == id).ok_or(Error::NoSession)?;
        let challenged = session.challenged.as_ref().ok_or(Error::NoChallenge)?;
        let expected = Expected {
            device_id: &challenged.device_id,
            challenge_sha256: challenged.sha256,
            anchor: anchor.unwrap_or_default(),
            module_version,
        };
        let verified = VerifiedLicense::verify(octets, trust, &expected)?;
        let license = verified.license();
        // A wall clock that runs ahead must not end a fresh one.
        let now = if anchor.is_some() { license.issued } else { situation.now };
        let situation = Situation { now, display: challenged.display, ..*situation };
        license.policy.check(&situation).map_err(Error::Refused)?;
        Ok(verified)
    }

    /// Takes the keys of a verified license, replacing the session's. The challenge is used up.
    ///
    /// # Errors
    /// [`Error::NoSession`], [`Error::NoChallenge`]; [`Error::License`] if a key does not unwrap under the KEK.
    pub fn install(
        &mut self,
        id: SessionId,
        license: &VerifiedLicense,
        kek: &[u8],
    ) -> Result<&Granted, Error> {
        let session = self.get_mut(id)?;
        let mut granted = Granted::new(license, kek, Display::Unknown)?;
        // Bound to the challenge that is out: not to one that was replaced while the KEK was being decrypted.
        let challenged = session.challenged.take_if(|c| Some(c.sha256) == license.license().challenge_sha256);
        granted.display = challenged.ok_or(Error::NoChallenge)?.display;
        Ok(session.granted.insert(granted))
    }

    /// The keys of all sessions, for use at this trusted time.
    pub fn at(&mut self, now: u64) -> impl Keys {
        At { sessions: self, now }
    }
}

impl Granted {
    fn new(license: &VerifiedLicense, kek: &[u8], display: Display) -> Result<Self, Error> {
        let keys = license.unwrap(kek)?;
        let keys = keys.iter().map(|(kid, cek)| Key { kid: *kid, cipher: AesCipher::new(cek) }).collect();
        Ok(Self { keys, policy: license.license().policy.clone(), display, started: false })
    }

    /// The KIDs.
    pub fn kids(&self) -> impl Iterator<Item = Kid> {
        self.keys.iter().map(|key| key.kid)
    }

    /// The rules.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What its keys are good for at this trusted time.
    pub fn state(&self, now: u64) -> Result<(), Refusal> {
        if self.started {
            self.policy.check_running(now, self.display)
        } else {
            self.policy.check_display_and_time(now, self.display)
        }
    }

    /// May it be used now? The first use is the start of playback (B14).
    fn check(&mut self, now: u64) -> Result<(), Refusal> {
        self.state(now)?;
        self.started = true;
        Ok(())
    }
}

struct At<'a> {
    sessions: &'a mut Sessions,
    now: u64,
}

impl Keys for At<'_> {
    fn find(&mut self, kid: &Kid) -> Result<Option<&AesCipher>, Error> {
        let mut refused = None;
        for (_, session) in &mut self.sessions.sessions {
            let Some(granted) = &mut session.granted else { continue };
            let Some(at) = granted.keys.iter().position(|key| key.kid == *kid) else { continue };
            match granted.check(self.now) {
                Ok(()) => return Ok(Some(&granted.keys[at].cipher)),
                Err(Refusal::Output) => {}
                Err(refusal) => refused = Some(Error::Refused(refusal)),
            }
        }
        refused.map_or(Ok(None), Err)
    }
}
