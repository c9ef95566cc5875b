//! From the code on the screen to a slot of somebody's account (A111 to A118).

use std::time::Duration;

use nccp::{Activation, ErrorCode};

use crate::control::Control;
use crate::{Error, Notice, Screen, Trouble};

/// Seconds between polls, whatever the server says.
const INTERVAL: (u64, u64) = (1, 60);
/// Waits after errors that may pass.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Waits that grow, so that a thousand boxes do not ask at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next wait: doubled each time up to five minutes, then between half and all of it.
    pub(crate) fn next(&mut self, random: f64) -> Duration {
        let full = FIRST_WAIT.saturating_mul(1 << self.failures.min(10)).min(LONGEST_WAIT);
        self.failures += 1;
        full.mul_f64(0.5 + random / 2.0)
    }

    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

/// The wait before the next poll: the server's interval, and up to a fifth more.
fn poll_wait(interval: u64, random: f64) -> Duration {
    Duration::from_secs(interval.clamp(INTERVAL.0, INTERVAL.1)).mul_f64(1.0 + random / 5.0)
}

/// Shows codes until somebody has entered one and the box has its slot. With `once`, gives up when nobody
/// answers.
///
/// # Errors
/// What no later try can mend: a certificate that is refused, a region; with `once` all others, too.
pub(crate) async fn activate(control: &Control, screen: &mut dyn Screen, once: bool) -> Result<(), Error> {
    let identity = &control.shared.identity;
    let mut shown = String::new();
    let mut full = false;
    let mut backoff = Backoff::default();
    let mut interval = 5;
    loop {
        match control.activation().await {
            Ok(Activation::Registered(registration)) => {
                screen.show(&Notice::Activated { device_id: registration.device_id.to_string() });
                return Ok(());
            }
            Ok(Activation::Code { code, interval: seconds, expiration, .. }) => {
                (interval, full) = (seconds, false);
                if code != shown {
                    let left = expiration.saturating_sub(control.shared.server_now().max(0.0) as u64);
                    screen.show(&Notice::Code {
                        code: code.clone(),
                        url: identity.activate_url(),
                        link: identity.activate_link(&code),
                        expires: expiration,
                        seconds: left,
                    });
                    shown = code;
                }
            }
            Ok(Activation::Pending) => {}
            Err(error) => match error.code() {
                // The code stays good: as soon as a device is removed, the box has its slot.
                Some(ErrorCode::DeviceLimitReached) => {
                    if !std::mem::replace(&mut full, true) {
                        let url = format!("{}/devices", identity.trust.public_url());
                        screen.show(&Notice::LimitReached { url });
                    }
                }
                Some(ErrorCode::CodeExpired | ErrorCode::CodeUnknown) => shown.clear(),
                _ if once || !error.may_pass() => return Err(error),
                _ => {
                    let wait = backoff.next(fastrand::f64());
                    screen.show(&Notice::Trouble(Trouble::of(&error, Some(wait))));
                    tokio::time::sleep(wait).await;
                    continue;
                }
            },
        }
        backoff.reset();
        tokio::time::sleep(poll_wait(interval, fastrand::f64())).await;
    }
}

impl Trouble {
    pub(crate) fn of(error: &Error, wait: Option<Duration>) -> Self {
        Self {
            message: error.to_string(),
            code: error.code().map(ErrorCode::as_str),
            retry: wait.map(|wait| wait.as_secs_f64().ceil() as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_five_minutes() {
        let mut backoff = Backoff::default();
        let mut last = Duration::ZERO;
        for _ in 0..6 {
            let wait = backoff.next(0.5);
            assert!(wait > last && wait < LONGEST_WAIT, "{wait:?}");
            last = wait;
        }
        for _ in 0..100 {
            assert!(backoff.next(1.0) <= LONGEST_WAIT);
        }
        assert!(backoff.next(0.0) >= LONGEST_WAIT / 2);
        backoff.reset();
        assert!(backoff.next(1.0) <= FIRST_WAIT);
    }

    /// A113: at the server's interval, never faster.
    #[test]
    fn a113_polls_keep_the_interval() {
        for random in [0.0, 0.5, 1.0] {
            let wait = poll_wait(5, random);
            assert!((Duration::from_secs(5)..=Duration::from_secs(6)).contains(&wait));
        }
        assert!(poll_wait(0, 0.0) >= Duration::from_secs(1));
        assert!(poll_wait(u64::MAX, 1.0) <= Duration::from_secs(72));
    }
}
