//! What a client does about an error: the error table's action, bounded (`docs/protocol.md`, §4).

use std::time::Duration;

use nccp::{Action, ErrorCode, WireError};

/// Times that a busy or silent service is asked again for one message.
pub const MOST_WAITS: u32 = 6;

/// One remedy. After it the message is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Take the answer's time for the right one. Every answer's time is adopted where it arrives, so nothing
    /// else is to be done.
    AdoptTime,
    /// Renew the ticket.
    Renew,
    /// Take a newer registration if another tab left one, else register. A device that is registered by a
    /// code forgets its registration, and its askers hear that it is not activated.
    Register,
    /// Ask who is signed in, and become that account's device.
    Reidentify,
    /// Get a new certificate for the same keys.
    Individualize,
    /// Nothing: a license's challenge is made anew for each envelope.
    Again,
    /// Wait a while, longer each time.
    Wait,
}

impl Step {
    /// Of use only to messages that need a registration.
    fn is_about_registration(self) -> bool {
        matches!(self, Self::Renew | Self::Register | Self::Reidentify)
    }
}

/// What a kind of device does about each error: the steps to try, in order. All but [`Step::Wait`] are taken
/// once for each message, whatever the error; when none is left, whoever asked is told the error.
#[derive(Debug)]
pub struct Recoveries {
    /// Codes for which something else holds than for their action.
    codes: &'static [(ErrorCode, &'static [Step])],
    /// Actions that are not listed have no steps.
    actions: &'static [(Action, &'static [Step])],
}

impl Recoveries {
    /// A browser's, which can register by its cookies at any time.
    pub const BROWSER: Self = Self {
        codes: &[(ErrorCode::RenewOtherCustomer, &[Step::Reidentify])],
        actions: &[
            (Action::Clock, &[Step::AdoptTime]),
            (Action::Renew, &[Step::Renew, Step::Register]),
            (Action::Register, &[Step::Register]),
            (Action::Individualize, &[Step::Individualize]),
            (Action::Backoff, &[Step::Wait]),
        ],
    };

    /// A browser's that registers by grants. One that is not valid is asked for anew, and then again: the
    /// driver gets another when it looks for a registration. The account is the grant's, whoever is signed
    /// in.
    pub const GRANTED: Self = Self {
        codes: &[
            (ErrorCode::GrantInvalid, &[Step::Register, Step::Again]),
            (ErrorCode::RenewOtherCustomer, &[]),
        ],
        ..Self::BROWSER
    };

    /// A box's. It has no session: where a browser would register or sign in, its registration is over. What
    /// was damaged on its way is no reason for that, so what is not authentic is sent again, and then its
    /// ticket renewed. Its certificate is the factory's, but ticket or clock may have changed since a
    /// challenge that was refused.
    pub const BOX: Self = Self {
        codes: &[
            (ErrorCode::NotAuthentic, &[Step::Again, Step::Renew, Step::Register]),
            (ErrorCode::ChallengeInvalid, &[Step::Again]),
            (ErrorCode::DeviceLimitReached, &[Step::Register]),
        ],
        actions: &[
            (Action::Clock, &[Step::AdoptTime]),
            (Action::Renew, &[Step::Renew, Step::Register]),
            (Action::Register, &[Step::Register]),
            (Action::Login, &[Step::Register]),
            (Action::Backoff, &[Step::Wait]),
        ],
    };

    /// The steps for an error of the controller's.
    pub fn steps(&self, error: &WireError) -> &'static [Step] {
        let by_code = self.codes.iter().find(|(code, _)| *code == error.code).map(|(_, steps)| *steps);
        let by_action = || self.actions.iter().find(|(action, _)| *action == error.action);
        by_code.or_else(|| by_action().map(|(_, steps)| *steps)).unwrap_or_default()
    }
}

/// What was tried already for one message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tried {
    steps: Vec<Step>,
    waits: u32,
}

impl Tried {
    /// The first of the steps that is left.
    pub(crate) fn next(&mut self, steps: &[Step], needs_registration: bool) -> Option<Step> {
        let left = |step: &&Step| match step {
            Step::Wait => self.waits < MOST_WAITS,
            step => !self.steps.contains(step) && (needs_registration || !step.is_about_registration()),
        };
        let step = *steps.iter().find(left)?;
        match step {
            Step::Wait => self.waits += 1,
            step => self.steps.push(step),
        }
        Some(step)
    }

    /// A step was taken, whoever needed it.
    pub(crate) fn note(&mut self, step: Step) {
        if !self.steps.contains(&step) {
            self.steps.push(step);
        }
    }

    /// Whether there was waiting enough.
    pub(crate) fn is_tired(&self) -> bool {
        self.waits >= MOST_WAITS
    }

    /// How long the wait is to be that was decided on last: doubled each time up to eight seconds, then
    /// between half and all of it. `random` is from 0 to 1.
    pub(crate) fn pause(&self, random: f64) -> Duration {
        let full = 0.5 * f64::from(1u32 << self.waits.saturating_sub(1).min(4));
        Duration::from_secs_f64(full * (0.5 + random / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_but_waiting_is_taken_once() {
        let mut tried = Tried::default();
        assert_eq!(tried.next(&[Step::Renew, Step::Register], true), Some(Step::Renew));
        assert_eq!(tried.next(&[Step::Renew, Step::Register], true), Some(Step::Register));
        assert_eq!(tried.next(&[Step::Register], true), None, "whatever the error");
        assert_eq!(tried.next(&[Step::AdoptTime], true), Some(Step::AdoptTime));
    }

    #[test]
    fn messages_without_a_registration_do_not_mend_it() {
        let mut tried = Tried::default();
        assert_eq!(tried.next(&[Step::Renew, Step::Register], false), None);
        assert_eq!(tried.next(&[Step::Reidentify, Step::AdoptTime], false), Some(Step::AdoptTime));
    }

    #[test]
    fn waits_grow_to_eight_seconds_and_are_counted() {
        let mut tried = Tried::default();
        let mut last = Duration::ZERO;
        for count in 1..=MOST_WAITS {
            assert_eq!(tried.next(&[Step::Wait], true), Some(Step::Wait));
            let pause = tried.pause(0.5);
            assert!(pause > last || count > 5, "{pause:?}");
            assert!(tried.pause(0.0) >= tried.pause(1.0) / 2 && tried.pause(1.0) <= Duration::from_secs(8));
            last = pause;
        }
        assert_eq!(tried.next(&[Step::Wait], true), None);
    }
}
