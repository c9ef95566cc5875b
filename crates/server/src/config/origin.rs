//! `[origin]`, `[encryption.…]` and `[[set]]`: what the just-in-time origin serves, and how it is encrypted.

use super::players::{self, ListedPlayer};
use super::{Config, setting};
use crate::Error;
use license::Player;
use origin::is_revision;
use origin::scope::{From, Lines, SetWords, SettingsFile, Value};
use pack::layout;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The client set of everybody who names no other.
pub const VOD: &str = "vod";
/// Names that no client set may have, because others begin URLs so.
const RESERVED: [&str; 2] = [VOD, "live"];

/// The just-in-time origin.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Origin {
    /// The folder of the clear films: each folder below with a `source.json` is a content. A relative path begins in
    /// the data folder where there is such a folder, else in the working folder.
    pub sources: Option<PathBuf>,
    /// Mebibytes of memory for what is known of films.
    pub memory: u32,
}

impl Default for Origin {
    fn default() -> Self {
        Self { sources: None, memory: 256 }
    }
}

/// Clients that have films under a prefix, keys and rules of their own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientSet {
    /// First part of the path in their URLs.
    pub prefix: String,
    /// Id of their common key.
    pub common_key: Option<String>,
    /// Name of their policy.
    pub policy: Option<String>,
    /// The only players that may play there, as in a policy.
    players: Option<Vec<ListedPlayer>>,
}

impl ClientSet {
    fn check(&self) -> Result<(), Error> {
        let prefix = &self.prefix;
        let free = !RESERVED.contains(&&prefix[..]) && !is_revision(prefix);
        if !layout::is_pack_id(prefix) || prefix.len() > 32 || !free {
            let reason = "must be 1 to 32 letters, digits, hyphens and underscores, and neither vod nor live";
            return Err(setting("set.prefix", reason));
        }
        match &self.players {
            None => Ok(()),
            Some(players) if players.is_empty() => Err(setting(
                "set.players",
                "names nobody, so nothing would play; name a player or leave it out",
            )),
            Some(players) => players::check("set.players", players),
        }
    }

    /// The only players that may play there; `None`: those of the policy.
    pub(crate) fn players(&self) -> Option<Vec<Player>> {
        let players = self.players.as_ref()?;
        Some(players.iter().map(|player| player.0.clone()).collect())
    }
}

pub(super) fn check_sets(sets: &[ClientSet]) -> Result<(), Error> {
    sets.iter().try_for_each(ClientSet::check)?;
    let mut prefixes: Vec<_> = sets.iter().map(|set| &set.prefix).collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    if prefixes.len() == sets.len() {
        Ok(())
    } else {
        Err(setting("set.prefix", "two sets have the same prefix"))
    }
}

impl Config {
    /// Where clear films are, if anywhere.
    pub fn sources(&self) -> Option<PathBuf> {
        let sources = self.origin.sources.as_ref()?;
        let in_data = self.data.join(sources);
        Some(if in_data.is_dir() { in_data } else { sources.clone() })
    }

    /// The tables `[encryption.…]` of the file, with their lines.
    pub fn encryption(&self) -> &SettingsFile {
        &self.settings
    }

    /// What a client set says for itself; `None`: there is no such set.
    pub fn set_words(&self, name: &str) -> Option<SetWords> {
        if name == VOD {
            return Some(SetWords::default());
        }
        let number = self.set.iter().position(|set| set.prefix == name)?;
        let set = self.set.get(number)?;
        let word = |key: &str, value: &Option<String>| {
            let value = value.clone()?;
            let line = self.settings.lines.of(&format!("set.{number}.{key}"));
            let path = self.settings.path.clone();
            Some(Value { value, from: line.map_or(From::Default, |line| From::File { path, line }) })
        };
        Some(SetWords {
            common_key: word("common_key", &set.common_key),
            policy: word("policy", &set.policy),
        })
    }

    /// The names of all client sets, the one of everybody first.
    pub fn sets(&self) -> impl Iterator<Item = &str> {
        std::iter::once(VOD).chain(self.set.iter().map(|set| &set.prefix[..]))
    }

    /// Takes the lines of the file's text.
    pub(super) fn locate(&mut self, path: &Path, text: &str) -> Result<(), Error> {
        let wrong =
            |error: origin::scope::FileError| Error::Config { path: error.path, reason: error.reason };
        self.settings = SettingsFile::of(path, self.encryption.clone(), Lines::read(text)).map_err(wrong)?;
        Ok(())
    }
}
