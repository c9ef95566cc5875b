use crate::cbor::{cbor_array, cbor_map, cbor_number};
use crate::{Display, KeyLevel};

/// Rules under which keys may be used; absolute times in Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name in the operator's configuration.
    pub name: String,
    /// Playback must start at or before this time.
    pub not_after: Option<u64>,
    /// End of playback: first play plus the playback duration.
    pub play_until: Option<u64>,
    /// When the two are checked.
    pub check: Check,
    /// May be kept for later sessions.
    pub persistent: bool,
    /// Ask for a new license from this time on.
    pub renew_after: Option<u64>,
    /// Lowest key level.
    pub key_level: KeyLevel,
    /// Protection of digital outputs.
    pub output_digital: Output,
    /// Protection of analog outputs.
    pub output_analog: Output,
    /// Highest picture, in lines.
    pub max_height: Option<u32>,
    /// The only players that may; `None`: any.
    pub players: Option<Vec<Player>>,
}

cbor_map!(Policy {
    1: name,
    2: not_after,
    3: play_until,
    4: check,
    5: persistent,
    6: renew_after,
    7: key_level,
    8: output_digital,
    9: output_analog,
    10: max_height,
    11: players
});

/// When a policy's times are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// When playback starts only.
    Start,
    /// All the time.
    Continuous,
}

cbor_number!(Check { 0: Start, 1: Continuous });

/// How an output must be protected. Matters only where there is a second display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Need not be.
    NotRequired,
    /// Where it can be.
    BestAvailable,
    /// Or nothing plays.
    Required,
}

cbor_number!(Output { 0: NotRequired, 1: BestAvailable, 2: Required });

/// A player on a whitelist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Player {
    /// Its origin.
    pub origin: String,
    /// SHA-256 of its release; `None`: any.
    pub release: Option<[u8; 32]>,
}

cbor_map!(Player { 1: origin, 2: release });

cbor_array!(Player);

/// Where and when keys are to be used.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// Trusted time, Unix seconds.
    pub now: u64,
    /// How this device keeps its keys.
    pub key_level: KeyLevel,
    /// The displays.
    pub display: Display,
    /// The page's origin.
    pub origin: &'a str,
    /// SHA-256 of the app, if known.
    pub release: Option<[u8; 32]>,
}

/// The rule that was not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The time is over.
    Expired,
    /// The device's key level is too low.
    KeyLevel,
    /// Outputs cannot be protected as required.
    Output,
    /// The player is not on the whitelist.
    Player,
}

impl Policy {
    /// May playback start here and now?
    ///
    /// # Errors
    /// The first rule that is not met.
    pub fn check(&self, situation: &Situation<'_>) -> Result<(), Refusal> {
        if situation.key_level < self.key_level {
            return Err(Refusal::KeyLevel);
        }
        let listed = |player: &Player| {
            player.origin == situation.origin
                && player.release.is_none_or(|release| situation.release == Some(release))
        };
        if self.players.as_ref().is_some_and(|players| !players.iter().any(listed)) {
            return Err(Refusal::Player);
        }
        self.check_display_and_time(situation.now, situation.display)
    }

    /// May playback start now, on these displays? What does not change while a page is open is not looked at.
    ///
    /// # Errors
    /// The first rule that is not met.
    pub fn check_display_and_time(&self, now: u64, display: Display) -> Result<(), Refusal> {
        self.check_output(display)?;
        if self.ends().is_some_and(|end| now > end) { Err(Refusal::Expired) } else { Ok(()) }
    }

    /// May playback that has started go on? Times count only with [`Check::Continuous`], and only the end of
    /// playback.
    ///
    /// # Errors
    /// The first rule that is not met.
    pub fn check_running(&self, now: u64, display: Display) -> Result<(), Refusal> {
        self.check_output(display)?;
        let over = self.check == Check::Continuous && self.ends().is_some_and(|end| now > end);
        if over { Err(Refusal::Expired) } else { Ok(()) }
    }

    /// When the license ends: the earlier of the two times.
    pub fn ends(&self) -> Option<u64> {
        match (self.not_after, self.play_until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// A browser can protect no output, so `required` is refused unless it is certain that there is no second
    /// display.
    fn check_output(&self, display: Display) -> Result<(), Refusal> {
        let required = [self.output_digital, self.output_analog].contains(&Output::Required);
        if required && display != Display::Single { Err(Refusal::Output) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy {
            name: "24h".into(),
            not_after: Some(1000),
            play_until: None,
            check: Check::Start,
            persistent: false,
            renew_after: None,
            key_level: KeyLevel::Software,
            output_digital: Output::NotRequired,
            output_analog: Output::NotRequired,
            max_height: None,
            players: None,
        }
    }

    fn here(now: u64) -> Situation<'static> {
        Situation {
            now,
            key_level: KeyLevel::Webcrypto,
            display: Display::Single,
            origin: "http://localhost",
            release: None,
        }
    }

    /// B14, B17: refused after the end, but what has started continues.
    #[test]
    fn times_are_checked_at_start() {
        assert_eq!(policy().check(&here(1000)), Ok(()));
        assert_eq!(policy().check(&here(1001)), Err(Refusal::Expired));
        assert_eq!(policy().check_running(1001, Display::Single), Ok(()));
        let continuous = Policy { check: Check::Continuous, ..policy() };
        assert_eq!(continuous.check_running(1001, Display::Single), Err(Refusal::Expired));
        let rental = Policy { play_until: Some(500), ..policy() };
        assert_eq!(rental.check(&here(501)), Err(Refusal::Expired));
    }

    /// B54 to B59.
    #[test]
    fn outputs_matter_with_a_second_display() {
        let strict = Policy { output_analog: Output::Required, ..policy() };
        let best = Policy { output_digital: Output::BestAvailable, ..policy() };
        for display in [Display::Single, Display::Extended, Display::Unknown] {
            let here = Situation { display, ..here(0) };
            assert_eq!(policy().check(&here), Ok(()));
            assert_eq!(best.check(&here), Ok(()));
            let refused = if display == Display::Single { Ok(()) } else { Err(Refusal::Output) };
            assert_eq!(strict.check(&here), refused);
            assert_eq!(strict.check_running(0, display), refused);
        }
    }

    /// B76 to B79.
    #[test]
    fn only_listed_players() {
        let release = [7; 32];
        let players = vec![
            Player { origin: "https://a".into(), release: None },
            Player { origin: "https://b".into(), release: Some(release) },
        ];
        let listed = Policy { players: Some(players), ..policy() };
        let at = |origin, release| listed.check(&Situation { origin, release, ..here(0) });
        assert_eq!(at("https://a", None), Ok(()));
        assert_eq!(at("https://b", Some(release)), Ok(()));
        assert_eq!(at("https://b", Some([8; 32])), Err(Refusal::Player));
        assert_eq!(at("https://b", None), Err(Refusal::Player));
        assert_eq!(at("https://c", Some(release)), Err(Refusal::Player));
    }

    #[test]
    fn key_levels_are_ordered() {
        let boxes = Policy { key_level: KeyLevel::Box, ..policy() };
        assert_eq!(boxes.check(&here(0)), Err(Refusal::KeyLevel));
        assert_eq!(boxes.check(&Situation { key_level: KeyLevel::Box, ..here(0) }), Ok(()));
    }
}
