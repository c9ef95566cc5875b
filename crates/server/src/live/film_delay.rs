//! A film that could not be made yet: what is written down of it in the event's folder, so that whichever
//! server comes next knows when to try again.

use serde::{Deserialize, Serialize};

/// Before it is tried again, in seconds: the first time, and at most.
const PAUSE: (u64, u64) = (15, 900);
/// After so many attempts, some five hours, it is tried this seldom, in seconds: what fails that long is
/// unlikely to go away by itself, and each attempt may read hours of film.
const SELDOM: (u32, u64) = (24, 14_400);

/// Longest reason that is written down, in characters.
const MOST: usize = 500;

/// What is known of a film that could not be made yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilmDelay {
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed, for people.
    pub reason: String,
    /// When the first attempt failed, Unix seconds.
    pub since: u64,
    /// When it is tried again, Unix seconds.
    pub next: u64,
}

impl FilmDelay {
    /// Another attempt has failed.
    pub(super) fn after(before: Option<Self>, reason: &str, now: u64) -> Self {
        let (attempts, since) =
            before.map_or((1, now), |before| (before.attempts.saturating_add(1), before.since));
        let mut reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((end, _)) = reason.char_indices().nth(MOST) {
            reason.truncate(end);
        }
        Self { attempts, reason, since, next: now.saturating_add(pause(attempts)) }
    }

    /// Whether it is to be tried again. A clock that was set back delays it no longer than the longest pause.
    pub(super) fn is_due(&self, now: u64) -> bool {
        self.next <= now || self.next - now > pause(self.attempts)
    }
}

/// Seconds until the next attempt, after so many.
fn pause(attempts: u32) -> u64 {
    if attempts >= SELDOM.0 {
        return SELDOM.1;
    }
    let doubled = 1u64 << attempts.saturating_sub(1).min(16);
    PAUSE.0.saturating_mul(doubled).min(PAUSE.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_have_an_end() {
        let seconds = [0, 1, 2, 3, 6, 7, 23, 24, u32::MAX].map(pause);
        assert_eq!(seconds, [15, 15, 30, 60, 480, 900, 900, 14_400, 14_400]);
    }

    #[test]
    fn it_is_known_since_when_and_until_when() {
        let first = FilmDelay::after(None, "away", 1000);
        assert_eq!((first.attempts, first.since, first.next), (1, 1000, 1015));
        assert!(!first.is_due(1014) && first.is_due(1015));
        let second = FilmDelay::after(Some(first), "still\naway", 1020);
        assert_eq!((second.attempts, second.since, second.next), (2, 1000, 1050));
        assert_eq!(second.reason, "still away");
        let long = FilmDelay::after(None, &"ü".repeat(9999), 1);
        assert_eq!(long.reason.chars().count(), MOST);
        // The clock was an hour ahead when that was written.
        assert!(second.is_due(100));
    }
}
