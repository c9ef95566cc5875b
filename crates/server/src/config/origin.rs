//! `[origin]`, `[encryption.…]` and `[[set]]`: what the just-in-time origin serves, and how it is encrypted.

use super::players::{self, ListedPlayer};
use super::{ByteCount, Config, CredentialsFrom, StorageSettings, setting};
use crate::Error;
use license::Player;
use origin::is_revision;
use origin::scope::{From, Lines, SetWords, SettingsFile, Value};
use pack::layout;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use storage::Address;

/// The folder in the data folder with clear films, where no other place is named.
const SOURCES: &str = "sources";
/// The client set of everybody who names no other.
pub const VOD: &str = "vod";
/// Names that no client set may have, because others begin URLs so.
const RESERVED: [&str; 2] = [VOD, "live"];

/// The just-in-time origin.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "OriginTable")]
pub struct Origin {
    /// Where the clear films lie; `None`: in `sources` in the data folder, if there is such a folder.
    pub sources: Option<SourcesAt>,
    /// Mebibytes of memory for what is known of films.
    pub memory: u32,
}

/// Where clear films lie: each folder below with a `source.json` is a content.
#[derive(Debug, Clone)]
pub enum SourcesAt {
    /// In a local folder. A relative path begins in the data folder where there is such a folder, else in the
    /// working folder.
    Folder(PathBuf),
    /// In a bucket, which is named as the library's.
    Bucket(StorageSettings),
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OriginTable {
    sources: Option<String>,
    memory: u32,
    endpoint: Option<String>,
    region: Option<String>,
    path_style: Option<bool>,
    credentials: Option<CredentialsFrom>,
    cache: Option<ByteCount>,
}

impl Default for OriginTable {
    fn default() -> Self {
        let Origin { memory, .. } = Origin::default();
        Self {
            sources: None,
            memory,
            endpoint: None,
            region: None,
            path_style: None,
            credentials: None,
            cache: None,
        }
    }
}

impl TryFrom<OriginTable> for Origin {
    type Error = String;

    fn try_from(table: OriginTable) -> Result<Self, String> {
        let OriginTable { sources, memory, endpoint, region, path_style, credentials, cache } = table;
        let of_bucket = endpoint.is_some()
            || region.is_some()
            || path_style.is_some()
            || credentials.is_some()
            || cache.is_some();
        let sources = match sources {
            Some(text) if text.starts_with("s3://") => {
                let url: Address = text.parse().map_err(|error| format!("origin.sources {error}"))?;
                let usual = StorageSettings::default();
                Some(SourcesAt::Bucket(StorageSettings {
                    url,
                    endpoint,
                    region: region.unwrap_or(usual.region),
                    path_style,
                    credentials: credentials.unwrap_or(usual.credentials),
                    cache: cache.unwrap_or(usual.cache),
                    redirect: false,
                }))
            }
            _ if of_bucket => {
                return Err(
                    "origin.sources must be s3://… where endpoint, region, path_style, credentials or cache \
                            are set"
                        .to_owned(),
                );
            }
            sources => sources.map(|folder| SourcesAt::Folder(folder.into())),
        };
        Ok(Self { sources, memory })
    }
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
    pub(super) fn check_sources(&self) -> Result<(), Error> {
        match &self.origin.sources {
            Some(SourcesAt::Bucket(bucket)) => bucket.check_service("origin.endpoint", "origin.region"),
            _ => Ok(()),
        }
    }

    /// The local folder where clear films are, if they are in one: by default `sources` in the data folder,
    /// where there is such a folder.
    pub fn sources(&self) -> Option<PathBuf> {
        match &self.origin.sources {
            Some(SourcesAt::Folder(sources)) => {
                let in_data = self.data.join(sources);
                Some(if in_data.is_dir() { in_data } else { sources.clone() })
            }
            Some(SourcesAt::Bucket(_)) => None,
            None => Some(self.data.join(SOURCES)).filter(|folder| folder.is_dir()),
        }
    }

    /// Whether there are clear films anywhere.
    pub(crate) fn has_sources(&self) -> bool {
        self.origin.sources.is_some() || self.sources().is_some()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_a_folder_or_a_bucket() {
        let config = Config::parse("[origin]\nsources = \"films\"\n").expect("it is right");
        assert_eq!(config.sources(), Some("films".into()));
        let bucket = "[origin]\nsources = \"s3://clear/films\"\nendpoint = \"http://127.0.0.1:8333\"\n\
                      credentials = \"file:/etc/matinee/s3\"\ncache = \"5GB\"\nmemory = 64\n";
        let config = Config::parse(bucket).expect("it is right");
        assert_eq!((config.sources(), config.origin.memory), (None, 64));
        let Some(SourcesAt::Bucket(bucket)) = &config.origin.sources else { panic!("no bucket") };
        assert!(bucket.is_path_style() && bucket.cache == ByteCount(5_000_000_000));
        assert_eq!(bucket.url.to_string(), "s3://clear/films");
        for (text, word) in [
            ("[origin]\nsources = \"films\"\ncache = \"5GB\"\n", "origin.sources must be s3://"),
            ("[origin]\nsources = \"s3://X\"\n", "origin.sources must be"),
            ("[origin]\nsources = \"s3://clear\"\nendpoint = \"https://a:b@c\"\n", "origin.endpoint"),
            ("[origin]\nsources = \"s3://clear\"\nregion = \"\"\n", "origin.region"),
            ("[origin]\nsources = \"s3://clear\"\nredirect = true\n", "unknown field"),
            ("[origin]\nsources = \"s3://clear\"\ncredentials = \"AKIA:wJalrXUtn\"\n", "file:PATH"),
        ] {
            let error = Config::parse(text).expect_err(text).to_string();
            assert!(error.contains(word) && !error.contains("wJalr"), "{error}");
        }
    }
}
