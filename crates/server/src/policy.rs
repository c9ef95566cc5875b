//! The named policies, and how one becomes the rules of a license.

use license::{Check, KeyLevel, Output, Policy};

const DAY: u64 = 86_400;

/// A reusable set of rules, with times that count from the license.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PolicyTemplate {
    /// Its name.
    pub name: &'static str,
    /// What it means, for people.
    pub description: &'static str,
    /// Seconds from issue within which playback must start.
    pub validity: Option<u64>,
    /// Seconds from first play to the end of playback.
    pub playback: Option<u64>,
    /// Whether a second display must be absent or protected.
    pub output_required: bool,
}

/// The policy of films that name none.
pub const DEFAULT: &str = "24h";

/// The policies that every server has.
pub const BUILT_IN: &[PolicyTemplate] = &[
    PolicyTemplate {
        name: "24h",
        description: "Playback starts within 24 hours of the license.",
        validity: Some(DAY),
        playback: None,
        output_required: false,
    },
    PolicyTemplate {
        name: "48h",
        description: "Playback starts within 48 hours of the license.",
        validity: Some(2 * DAY),
        playback: None,
        output_required: false,
    },
    PolicyTemplate {
        name: "unlimited",
        description: "No time limit.",
        validity: None,
        playback: None,
        output_required: false,
    },
    PolicyTemplate {
        name: "rental",
        description: "Playback starts within 30 days of the license and within 48 hours of the first play.",
        validity: Some(30 * DAY),
        playback: Some(2 * DAY),
        output_required: false,
    },
    PolicyTemplate {
        name: "24h-output-required",
        description: "Like 24h, and only where no unprotected second display is connected.",
        validity: Some(DAY),
        playback: None,
        output_required: true,
    },
];

/// The policy of that name.
pub fn find(name: &str) -> Option<&'static PolicyTemplate> {
    BUILT_IN.iter().find(|policy| policy.name == name)
}

impl PolicyTemplate {
    /// The rules of a license issued `now`, of a film first played at `first_play`.
    pub fn rules(&self, now: u64, first_play: u64) -> Policy {
        let output = if self.output_required { Output::Required } else { Output::NotRequired };
        Policy {
            name: self.name.to_owned(),
            not_after: self.validity.map(|seconds| now.saturating_add(seconds)),
            play_until: self.playback.map(|seconds| first_play.saturating_add(seconds)),
            check: Check::Start,
            persistent: false,
            renew_after: None,
            key_level: KeyLevel::Software,
            output_digital: output,
            output_analog: output,
            max_height: None,
            players: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B8: the documented names.
    #[test]
    fn the_built_in_set() {
        let names: Vec<_> = BUILT_IN.iter().map(|policy| policy.name).collect();
        assert_eq!(names, ["24h", "48h", "unlimited", "rental", "24h-output-required"]);
        assert!(find(DEFAULT).is_some());
        let rental = find("rental").unwrap().rules(1000, 500);
        assert_eq!((rental.not_after, rental.play_until), (Some(1000 + 30 * DAY), Some(500 + 2 * DAY)));
        assert_eq!(find("unlimited").unwrap().rules(1000, 500).ends(), None);
        assert!(find("weekly").is_none());
    }
}
