use cenc::{AesCipher, Kid};
use license::{Display, Policy, Refusal, VerifiedLicense};

use super::{Session, SessionId};
use crate::Error;

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

/// Where keys are looked up while a fragment is decrypted.
pub trait Keys {
    /// The cipher of a key; `None`: nobody has it.
    ///
    /// # Errors
    /// [`Error::Refused`] if it is there but must not be used any more. One that the displays do not allow
    /// now is as if it were not there: what needs it waits.
    fn find(&mut self, kid: &Kid) -> Result<Option<&AesCipher>, Error>;
}

impl Granted {
    pub(super) fn new(license: &VerifiedLicense, kek: &[u8], display: Display) -> Result<Self, Error> {
        let keys = license.unwrap(kek)?;
        let keys = keys.iter().map(|(kid, cek)| Key { kid: *kid, cipher: AesCipher::new(cek) }).collect();
        Ok(Self { keys, policy: license.license().policy.clone(), display, started: false })
    }

    pub(super) fn set_display(&mut self, display: Display) {
        self.display = display;
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
    ///
    /// # Errors
    /// The rule that is not met.
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

/// All sessions at one moment.
pub(super) struct At<'a, K> {
    pub(super) sessions: &'a mut [(SessionId, Session<K>)],
    pub(super) now: u64,
}

impl<K> Keys for At<'_, K> {
    fn find(&mut self, kid: &Kid) -> Result<Option<&AesCipher>, Error> {
        let mut refused = None;
        for (_, session) in &mut *self.sessions {
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
