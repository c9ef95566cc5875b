//! `[stream]`: persistent connections.

use super::players::{self, ListedPlayer};
use super::setting;
use super::url::check_base;
use crate::Error;
use serde::Deserialize;

/// The policy of everything that is streamed: there is no other.
pub(crate) const POLICY: &str = "24h";
/// Seconds for which it holds.
const VALIDITY: u64 = 86_400;

/// The application that there always is: packaged films, under `/stream/vod/`.
pub(crate) const VOD: &str = "vod";
/// Under this name are live events, which are not streamed.
pub(crate) const LIVE: &str = "live";

/// Persistent connections: how they are served, and the settings of the application `vod`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stream {
    /// Whether `vod` is served.
    pub enabled: bool,
    /// Only `24h`.
    pub policy: String,
    /// Seconds for which all playbacks begin with the same DRM metadata.
    pub update_interval: u64,
    /// The only players that may; empty: any.
    pub players: Vec<ListedPlayer>,
    /// The only movies that it has; empty: all.
    pub movies: Vec<u64>,
    /// Which way players of manifests are to take.
    pub transport: Transport,
    /// The URL before `/stream/…` in manifests, without trailing slash. Default: `public_url`, where the role
    /// `stream` is.
    pub base_url: Option<String>,
    /// Seconds after which a connection is closed of which nothing is heard and which takes nothing.
    pub idle: u64,
    /// Connections by one URL and address at a time.
    pub connections_per_token: usize,
    /// More applications.
    pub application: Vec<Application>,
}

/// Which way manifests tell players to take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Ranges of files.
    #[default]
    Ranges,
    /// The persistent connection, where a film has one.
    Ws,
}

impl From<Transport> for nccp::Transport {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Ranges => Self::Ranges,
            Transport::Ws => Self::WebSocket,
        }
    }
}

/// An application: films under a name of its own, by settings of its own.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Its name: `/stream/{name}/…`.
    pub name: String,
    /// Whether it is served.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// As of `vod`.
    #[serde(default = "policy")]
    pub policy: String,
    /// As of `vod`.
    #[serde(default = "update_interval")]
    pub update_interval: u64,
    /// As of `vod`.
    #[serde(default)]
    pub players: Vec<ListedPlayer>,
    /// As of `vod`.
    #[serde(default)]
    pub movies: Vec<u64>,
}

const fn yes() -> bool {
    true
}

const fn update_interval() -> u64 {
    3600
}

fn policy() -> String {
    POLICY.to_owned()
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            enabled: true,
            policy: policy(),
            update_interval: update_interval(),
            players: Vec::new(),
            movies: Vec::new(),
            transport: Transport::default(),
            base_url: None,
            idle: 60,
            connections_per_token: 4,
            application: Vec::new(),
        }
    }
}

impl Application {
    /// Whether a page, or a program that names none, may play here.
    pub(crate) fn lets(&self, origin: Option<&str>) -> bool {
        self.players.is_empty() || self.players.iter().any(|player| origin == Some(&player.0.origin[..]))
    }

    /// Whether it has a movie.
    pub(crate) fn has(&self, movie: u64) -> bool {
        self.movies.is_empty() || self.movies.contains(&movie)
    }

    fn check(&self) -> Result<(), Error> {
        let is_name = self.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !is_name || !(1..=64).contains(&self.name.len()) || self.name == LIVE {
            let reason = "must be letters, digits, - and _, 64 at most, and not \"live\"";
            return Err(setting("stream.application.name", reason));
        }
        if self.policy != POLICY {
            let reason = "must be \"24h\": what is streamed over persistent connections has no other policy";
            return Err(setting("stream.policy", reason));
        }
        if !(1..VALIDITY).contains(&self.update_interval) {
            let reason = "must be 1 to 86399 seconds, or playbacks would begin with licenses that have ended";
            return Err(setting("stream.update_interval", reason));
        }
        players::check("stream.players", &self.players)
    }

    /// What is other than in another application that has films of this one, in words.
    fn differs_from(&self, other: &Self) -> Option<&'static str> {
        let shares = |movie: &u64| other.has(*movie);
        let shared = if self.movies.is_empty() { true } else { self.movies.iter().any(shares) };
        match (self.update_interval == other.update_interval, self.players == other.players) {
            _ if !(shared && self.enabled && other.enabled) => None,
            (true, true) => None,
            (false, true) => Some("update_interval"),
            (true, false) => Some("players"),
            (false, false) => Some("update_interval and players"),
        }
    }
}

impl Stream {
    /// All applications, `vod` first.
    pub(crate) fn applications(&self) -> Vec<Application> {
        let vod = Application {
            name: VOD.to_owned(),
            enabled: self.enabled,
            policy: self.policy.clone(),
            update_interval: self.update_interval,
            players: self.players.clone(),
            movies: self.movies.clone(),
        };
        std::iter::once(vod).chain(self.application.iter().cloned()).collect()
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if let Some(base) = &self.base_url {
            check_base("stream.base_url", base)?;
        }
        if !(1..=3600).contains(&self.idle) {
            return Err(setting("stream.idle", "must be 1 to 3600 seconds"));
        }
        if self.connections_per_token == 0 {
            return Err(setting("stream.connections_per_token", "must be at least 1"));
        }
        let applications = self.applications();
        applications.iter().try_for_each(Application::check)?;
        let mut names: Vec<_> = applications.iter().map(|application| &application.name).collect();
        names.sort_unstable();
        match names.windows(2).all(|pair| pair[0] != pair[1]) {
            true => Ok(()),
            false => Err(setting("stream.application.name", "two applications have the same name")),
        }
    }

    /// Applications that stream the same films by different settings: what a player may do with a film
    /// depends on which of them it asks. For the operator, in words.
    pub(crate) fn conflicts(&self) -> Vec<String> {
        let applications = self.applications();
        let mut found = Vec::new();
        for (n, one) in applications.iter().enumerate() {
            for other in &applications[n + 1..] {
                if let Some(what) = one.differs_from(other) {
                    found.push(format!(
                        "the applications \"{}\" and \"{}\" stream the same films with different {what}",
                        one.name, other.name
                    ));
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use crate::Config;

    fn refused(text: &str) -> String {
        Config::parse(text).unwrap_err().to_string()
    }

    /// B93: another policy in the configuration is an error at the start.
    #[test]
    fn b93_there_is_one_policy() {
        assert!(Config::parse("[stream]\npolicy = \"24h\"").is_ok());
        for text in [
            "[stream]\npolicy = \"48h\"",
            "[[stream.application]]\nname = \"schools\"\npolicy = \"unlimited\"",
        ] {
            assert!(refused(text).contains("must be \"24h\""), "{}", refused(text));
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (text, name) in [
            ("update_interval = 0", "stream.update_interval"),
            ("update_interval = 86400", "stream.update_interval"),
            ("idle = 0", "stream.idle"),
            ("connections_per_token = 0", "stream.connections_per_token"),
            ("base_url = \"films\"", "stream.base_url"),
            ("transport = \"carrier pigeon\"", "transport"),
            ("players = [\"films\"]", "stream.players"),
            ("[[stream.application]]\nname = \"live\"", "stream.application.name"),
            ("[[stream.application]]\nname = \"vod\"", "stream.application.name"),
            ("[[stream.application]]\nname = \"a/b\"", "stream.application.name"),
        ] {
            let said = refused(&format!("[stream]\n{text}"));
            assert!(said.contains(name), "{text}: {said}");
        }
        let release = "07".repeat(32);
        let text = format!(
            "[stream]\nplayers = [\"https://a\", {{ origin = \"https://b\", release = \"{release}\" }}]"
        );
        let players = Config::parse(&text).unwrap().stream.players;
        assert_eq!((players[0].0.release, players[1].0.release), (None, Some([7; 32])));
        assert!(Config::parse("[stream]\nplayers = [{ origin = \"https://b\", release = \"07\" }]").is_err());
    }

    /// B87: players take the persistent connection where the site says so.
    #[test]
    fn b87_a_site_may_prefer_it() {
        let told = |text: &str| nccp::Transport::from(Config::parse(text).unwrap().stream.transport);
        assert_eq!(told(""), nccp::Transport::Ranges);
        assert_eq!(told("[stream]\ntransport = \"ws\""), nccp::Transport::WebSocket);
    }

    /// B95: settings may differ between applications; where they have the same films, that is said.
    #[test]
    fn b95_conflicts_are_found() {
        let conflicts = |text: &str| Config::parse(text).unwrap().stream.conflicts();
        let schools = "[[stream.application]]\nname = \"schools\"\n";
        assert_eq!(conflicts(schools), [""; 0]);
        let other = format!("{schools}update_interval = 60\nplayers = [\"https://school.example\"]");
        assert_eq!(
            conflicts(&other),
            [
                "the applications \"vod\" and \"schools\" stream the same films with different update_interval and players"
            ]
        );
        assert_eq!(conflicts(&format!("{other}\nmovies = [7]")).len(), 1);
        assert_eq!(conflicts(&format!("[stream]\nmovies = [7, 8]\n{other}\nmovies = [9]")).len(), 0);
        assert_eq!(conflicts(&format!("[stream]\nmovies = [7, 8]\n{other}\nmovies = [8]")).len(), 1);
        assert_eq!(conflicts(&format!("{other}\nenabled = false")).len(), 0);
    }
}
