//! What a client does about an error of the controller: the error table's action, bounded (docs/protocol.md
//! §4). Browsers and boxes share it.

use crate::code::{Action, ErrorCode};
use crate::envelope::WireError;
use std::time::Duration;

/// The next step after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Take the answer's time for the right one and send again.
    AdoptTime,
    /// Renew the ticket, then send again.
    Renew,
    /// Take a newer stored ticket if another tab left one, else register; then send again. A box asks for a
    /// code.
    Register,
    /// Ask who is signed in, open that account's identity, register; then send again.
    Reidentify,
    /// Individualize again, then send again.
    Individualize,
    /// Wait so long, then send again.
    Wait(Duration),
    /// Tell the one who asked.
    GiveUp,
}

/// What was tried already for one envelope, or one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    clock: bool,
    renewed: bool,
    registered: bool,
    reidentified: bool,
    individualized: bool,
    waits: u32,
}

/// Waits after which the service is called busy.
const MOST_WAITS: u32 = 6;

impl Tried {
    /// What to do about `error`. Each remedy is taken once; waiting a few times. `random` is the jitter, from
    /// 0 to 1.
    pub fn step(&mut self, error: &WireError, random: f64) -> Step {
        let once = |tried: &mut bool, step| if std::mem::replace(tried, true) { Step::GiveUp } else { step };
        match (error.code, error.action) {
            (ErrorCode::RenewOtherCustomer, _) => once(&mut self.reidentified, Step::Reidentify),
            (_, Action::Clock) => once(&mut self.clock, Step::AdoptTime),
            (_, Action::Renew) if self.renewed => once(&mut self.registered, Step::Register),
            (_, Action::Renew) => once(&mut self.renewed, Step::Renew),
            (_, Action::Register) => once(&mut self.registered, Step::Register),
            (_, Action::Individualize) => once(&mut self.individualized, Step::Individualize),
            (_, Action::Backoff) => self.wait(random),
            _ => Step::GiveUp,
        }
    }

    /// What to do when nobody answered. `random` is the jitter, from 0 to 1.
    pub fn silent(&mut self, random: f64) -> Step {
        self.wait(random)
    }

    fn wait(&mut self, random: f64) -> Step {
        if self.waits >= MOST_WAITS {
            return Step::GiveUp;
        }
        let full = 0.5 * f64::from(1u32 << self.waits.min(4));
        self.waits += 1;
        Step::Wait(Duration::from_secs_f64(full * (0.5 + random / 2.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(tried: &mut Tried, code: ErrorCode) -> Step {
        tried.step(&WireError::from(code), 0.5)
    }

    #[test]
    fn a_ticket_that_ended_is_renewed_then_replaced_then_given_up() {
        let mut tried = Tried::default();
        assert_eq!(step(&mut tried, ErrorCode::TicketExpired), Step::Renew);
        assert_eq!(step(&mut tried, ErrorCode::DeviceUnknown), Step::Register);
        assert_eq!(step(&mut tried, ErrorCode::SequenceOutOfOrder), Step::GiveUp);
    }

    #[test]
    fn every_remedy_is_taken_once() {
        for (code, expected) in [
            (ErrorCode::ClockSkew, Step::AdoptTime),
            (ErrorCode::SequenceOutOfOrder, Step::Register),
            (ErrorCode::NotAuthentic, Step::Register),
            (ErrorCode::RenewOtherCustomer, Step::Reidentify),
            (ErrorCode::ChallengeInvalid, Step::Individualize),
            (ErrorCode::CertificateInvalid, Step::Individualize),
        ] {
            let mut tried = Tried::default();
            assert_eq!(step(&mut tried, code), expected, "{code}");
            assert_eq!(step(&mut tried, code), Step::GiveUp, "{code}");
        }
    }

    #[test]
    fn a_busy_service_is_asked_again_with_growing_waits() {
        let mut tried = Tried::default();
        let mut last = Duration::ZERO;
        for _ in 0..5 {
            let Step::Wait(wait) = step(&mut tried, ErrorCode::TryLater) else { panic!("gave up early") };
            assert!(wait > last && wait <= Duration::from_secs(8));
            last = wait;
        }
        assert!(matches!(tried.silent(0.0), Step::Wait(_)));
        assert_eq!(step(&mut tried, ErrorCode::TryLater), Step::GiveUp);
    }

    #[test]
    fn what_the_viewer_must_know_is_told_at_once() {
        for code in [
            ErrorCode::DeviceLimitReached,
            ErrorCode::NotSubscribed,
            ErrorCode::LoginRequired,
            ErrorCode::MovieUnknown,
            ErrorCode::PolicyRefused,
            ErrorCode::RequestInvalid,
        ] {
            assert_eq!(step(&mut Tried::default(), code), Step::GiveUp, "{code}");
        }
    }
}
