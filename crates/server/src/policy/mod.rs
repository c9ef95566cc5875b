//! The named policies, and how one becomes the rules of a license.

mod embedding;
mod file;

pub(crate) use embedding::check_all;
pub use embedding::check_mode;

use crate::{Config, Error};
use license::{Check, KeyLevel, Output, Player, Policy};
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

const DAY: u64 = 86_400;

/// The policy of films that name none.
pub const DEFAULT: &str = "24h";

/// From when on a policy's validity counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Since {
    /// From when the license was made, however late it reaches the device (B12).
    #[default]
    Issue,
    /// From when the device got it (B13): a license that lies in caches cannot tell, so it is never embedded.
    Acquisition,
}

/// Highest picture by key level, in lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heights {
    /// Keys in a program's memory.
    pub software: Option<u32>,
    /// Non-extractable browser keys.
    pub webcrypto: Option<u32>,
    /// Factory boxes.
    pub tv_box: Option<u32>,
}

impl Heights {
    /// The highest picture of devices that keep their keys so.
    pub const fn of(&self, level: KeyLevel) -> Option<u32> {
        match level {
            KeyLevel::Software => self.software,
            KeyLevel::Webcrypto => self.webcrypto,
            KeyLevel::Box => self.tv_box,
        }
    }
}

/// What players that are not Matinee's get (docs/delivery.md): nothing, unless a policy says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Interop {
    /// Keys for EME's ClearKey.
    pub clear_key: bool,
    /// Keys at addresses that HLS playlists name.
    pub hls_keys: bool,
}

impl Interop {
    /// Whether it gives anything.
    pub const fn is_any(self) -> bool {
        self.clear_key || self.hls_keys
    }
}

/// A reusable set of rules, with times that count from the license.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyTemplate {
    /// Its name.
    pub name: String,
    /// What it means, for people.
    pub description: String,
    /// Comes with every server.
    pub built_in: bool,
    /// Seconds within which playback must start.
    pub validity: Option<u64>,
    /// From when on those count.
    pub since: Since,
    /// Playback must start before this time, Unix seconds.
    pub ends: Option<u64>,
    /// Seconds from first play to the end of playback.
    pub playback: Option<u64>,
    /// When the times are checked.
    pub check: Check,
    /// The device may keep the license.
    pub persistent: bool,
    /// Seconds from issue on after which the device asks for a new license.
    pub renew_after: Option<u64>,
    /// Lowest key level.
    pub key_level: KeyLevel,
    /// Protection of digital outputs.
    pub digital: Output,
    /// Protection of analog outputs.
    pub analog: Output,
    /// Highest picture.
    pub max_height: Heights,
    /// The only players that may; `None`: any.
    pub players: Option<Vec<Player>>,
    /// What players of others get.
    pub interop: Interop,
}

/// Every policy that a server knows: the built-in ones and the operator's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies(Vec<Known>);

/// A policy, and the name of its rules, which each license has with it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    policy: PolicyTemplate,
    version: String,
}

/// The policies that every server has.
fn built_in() -> Vec<PolicyTemplate> {
    let policy = |name: &str, description: &str| PolicyTemplate {
        description: description.to_owned(),
        built_in: true,
        ..PolicyTemplate::unlimited(name)
    };
    vec![
        PolicyTemplate {
            validity: Some(DAY),
            ..policy("24h", "Playback starts within 24 hours of the license.")
        },
        PolicyTemplate {
            validity: Some(2 * DAY),
            ..policy("48h", "Playback starts within 48 hours of the license.")
        },
        policy("unlimited", "No time limit."),
        PolicyTemplate {
            validity: Some(30 * DAY),
            playback: Some(2 * DAY),
            ..policy(
                "rental",
                "Playback starts within 30 days of the license and within 48 hours of the first play.",
            )
        },
        PolicyTemplate {
            validity: Some(DAY),
            digital: Output::Required,
            analog: Output::Required,
            ..policy(
                "24h-output-required",
                "Like 24h, and only where no unprotected second display is connected.",
            )
        },
    ]
}

impl From<PolicyTemplate> for Known {
    fn from(policy: PolicyTemplate) -> Self {
        let version = policy.version();
        Self { policy, version }
    }
}

impl Default for Policies {
    fn default() -> Self {
        Self(built_in().into_iter().map(Known::from).collect())
    }
}

impl Policies {
    /// The built-in policies and those of the operator's file, where there is one.
    ///
    /// # Errors
    /// [`Error::Config`] that names the file and the rule; [`Error::Io`].
    pub fn load(config: &Config) -> Result<Self, Error> {
        let path = config.policies();
        match std::fs::read_to_string(&path) {
            Ok(text) => file::parse(&path, &text),
            // Nobody said that there is one.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && config.drm.policies.is_none() => {
                Ok(Self::default())
            }
            Err(error) => Err(Error::io(path)(error)),
        }
    }

    /// The policy of that name.
    pub fn find(&self, name: &str) -> Option<&PolicyTemplate> {
        self.find_version(name).map(|(policy, _)| policy)
    }

    /// As [`Policies::find`], with the policy's [`version`](PolicyTemplate::version).
    pub fn find_version(&self, name: &str) -> Option<(&PolicyTemplate, &str)> {
        self.0.iter().find(|known| known.policy.name == name).map(|known| (&known.policy, &known.version[..]))
    }

    /// All of them: the built-in ones, then the operator's by name.
    pub fn iter(&self) -> impl Iterator<Item = &PolicyTemplate> {
        self.0.iter().map(|known| &known.policy)
    }

    /// Whether a policy of that name exists.
    ///
    /// # Errors
    /// [`Error::Setting`] that names the existing ones.
    pub fn check(&self, name: &str) -> Result<(), Error> {
        if self.find(name).is_some() {
            return Ok(());
        }
        let names: Vec<_> = self.iter().map(|policy| policy.name.as_str()).collect();
        let reason = format!("there is no policy \"{name}\", only {}", names.join(", "));
        Err(Error::Setting { name: "policy", reason })
    }
}

impl PolicyTemplate {
    /// A policy that allows everything.
    pub fn unlimited(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            description: String::new(),
            built_in: false,
            validity: None,
            since: Since::Issue,
            ends: None,
            playback: None,
            check: Check::Start,
            persistent: false,
            renew_after: None,
            key_level: KeyLevel::Software,
            digital: Output::NotRequired,
            analog: Output::NotRequired,
            max_height: Heights::default(),
            players: None,
            interop: Interop::default(),
        }
    }

    /// The rules of a license that is issued `now` to a device of this level, of a film first played at
    /// `first_play`. A license that is asked for is acquired when it is issued.
    pub fn rules(&self, now: u64, first_play: u64, level: KeyLevel) -> Policy {
        let not_after = self.validity.map(|seconds| now.saturating_add(seconds));
        Policy {
            name: self.name.clone(),
            not_after: not_after.into_iter().chain(self.ends).min(),
            play_until: self.playback.map(|seconds| first_play.saturating_add(seconds)),
            check: self.check,
            persistent: self.persistent,
            renew_after: self.renew_after.map(|seconds| now.saturating_add(seconds)),
            key_level: self.key_level,
            output_digital: self.digital,
            output_analog: self.analog,
            max_height: self.max_height.of(level),
            players: self.players.clone(),
        }
    }

    /// Names these rules: equal for equal rules of a policy, on every server, however they are described.
    /// What a device got its license by, it shows in `logblob`.
    pub fn version(&self) -> String {
        let rules = Self { description: String::new(), ..self.clone() };
        hex::encode(&crate::secret::sha256(rules.to_json().to_string().as_bytes())[..8])
    }

    /// Every rule, under its name in `policies.toml`; durations in seconds.
    pub fn to_json(&self) -> serde_json::Value {
        let players = self.players.as_ref().map(|players| {
            let player = |player: &Player| {
                serde_json::json!({"origin": player.origin, "release": player.release.map(hex::encode)})
            };
            players.iter().map(player).collect::<Vec<_>>()
        });
        let Heights { software, webcrypto, tv_box } = self.max_height;
        serde_json::json!({
            "name": self.name, "description": self.description, "built_in": self.built_in, "validity": self.validity,
            "validity_from": file::name_of(file::SINCE, self.since), "ends": self.ends, "playback": self.playback,
            "check": file::name_of(file::CHECK, self.check), "persistent": self.persistent, "renew_after": self.renew_after,
            "key_level": file::name_of(file::LEVEL, self.key_level),
            "output": {"digital": file::name_of(file::OUTPUT, self.digital), "analog": file::name_of(file::OUTPUT, self.analog)},
            "max_height": {"software": software, "webcrypto": webcrypto, "box": tv_box},
            "players": players,
            "interop": {"clearkey": self.interop.clear_key, "hls_keys": self.interop.hls_keys},
        })
    }

    /// The rules that restrict something, in one line for people; as `policies.toml` writes them.
    pub fn summary(&self) -> String {
        let time = |seconds| humantime::format_duration(Duration::from_secs(seconds)).to_string();
        let mut rules = Vec::new();
        if let Some(validity) = self.validity {
            let since = file::name_of(file::SINCE, self.since);
            rules.push(format!("validity {} from {since}", time(validity)));
        }
        if let Some(ends) = self.ends {
            let ends = UNIX_EPOCH + Duration::from_secs(ends);
            rules.push(format!("ends {}", humantime::format_rfc3339_seconds(ends)));
        }
        rules.extend(self.playback.map(|playback| format!("playback {}", time(playback))));
        if self.check == Check::Continuous {
            rules.push("check continuous".to_owned());
        }
        if self.persistent {
            rules.push("persistent".to_owned());
        }
        rules.extend(self.renew_after.map(|after| format!("renew_after {}", time(after))));
        if self.key_level != KeyLevel::Software {
            rules.push(format!("key_level {}", file::name_of(file::LEVEL, self.key_level)));
        }
        for (name, output) in [("digital", self.digital), ("analog", self.analog)] {
            if output != Output::NotRequired {
                rules.push(format!("output.{name} {}", file::name_of(file::OUTPUT, output)));
            }
        }
        let Heights { software, webcrypto, tv_box } = self.max_height;
        if software == webcrypto && webcrypto == tv_box {
            rules.extend(software.map(|height| format!("max_height {height}")));
        } else {
            for (name, height) in [("software", software), ("webcrypto", webcrypto), ("box", tv_box)] {
                rules.extend(height.map(|height| format!("max_height.{name} {height}")));
            }
        }
        if let Some(players) = &self.players {
            let names: Vec<_> = players.iter().map(|player| player.origin.as_str()).collect();
            rules.push(format!("players {}", names.join(" ")));
        }
        for (name, given) in [("clearkey", self.interop.clear_key), ("hls_keys", self.interop.hls_keys)] {
            rules.extend(given.then(|| format!("interop.{name}")));
        }
        if rules.is_empty() { "no limits".to_owned() } else { rules.join(", ") }
    }
}

impl Config {
    /// Where the operator's policies are.
    pub fn policies(&self) -> PathBuf {
        self.drm.policies.clone().unwrap_or_else(|| self.data.join("policies.toml"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B8: the documented names.
    #[test]
    fn the_built_in_set() {
        let policies = Policies::default();
        let names: Vec<_> = policies.iter().map(|policy| policy.name.as_str()).collect();
        assert_eq!(names, ["24h", "48h", "unlimited", "rental", "24h-output-required"]);
        assert!(policies.find(DEFAULT).is_some());
        let rental = policies.find("rental").unwrap().rules(1000, 500, KeyLevel::Webcrypto);
        assert_eq!((rental.not_after, rental.play_until), (Some(1000 + 30 * DAY), Some(500 + 2 * DAY)));
        let unlimited = policies.find("unlimited").unwrap();
        assert_eq!(unlimited.rules(1000, 500, KeyLevel::Webcrypto).ends(), None);
        assert_eq!(unlimited.summary(), "no limits");
        let other_words = PolicyTemplate { description: "Ever.".to_owned(), ..unlimited.clone() };
        let other_rules = PolicyTemplate { persistent: true, ..unlimited.clone() };
        assert_eq!(unlimited.version(), other_words.version());
        assert_ne!(unlimited.version(), other_rules.version());
        assert!(policies.find("weekly").is_none());
        assert!(policies.check("weekly").unwrap_err().to_string().contains("rental"));
    }
}
