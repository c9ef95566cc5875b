//! Tables of the configuration file.

use crate::Error;
use serde::Deserialize;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where accounts, devices and viewings are kept.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `postgres://user:password@host/database`, or `file:PATH` of a file (0600) with that line; the
    /// environment variable `MATINEE_DATABASE_URL` goes before it. Default: SQLite in the data folder.
    pub url: Option<String>,
    /// Connections to a database server at most.
    pub connections: u32,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("url", &self.url.as_ref().map(|_| "[redacted]"))
            .field("connections", &self.connections)
            .finish()
    }
}

impl Default for Database {
    fn default() -> Self {
        Self { url: None, connections: 16 }
    }
}

/// Devices and their slots.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Devices {
    /// Slots an account has.
    pub limit: u32,
    /// At the limit, devices not heard of for so many days lose their slots; 0: never.
    pub idle_days: u64,
}

/// Media URLs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Edge {
    /// The URL under which this edge is known, without trailing slash; default: `public_url`.
    pub base_url: Option<String>,
    /// Seconds that a URL lives; default: the film's duration and six hours.
    pub url_life: Option<u64>,
}

/// A delivery network that takes the same URLs as the edge.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CdnConfig {
    /// Its number in manifests.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its share of first places.
    #[serde(default = "default_weight")]
    pub weight: u32,
    /// `path` or `header`.
    #[serde(default = "default_ranges")]
    pub ranges: String,
    /// URL before `/s/…`, without trailing slash.
    pub base_url: String,
}

fn default_weight() -> u32 {
    100
}

fn default_ranges() -> String {
    "header".to_owned()
}

/// DRM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Drm {
    /// Oldest version of the DRM module that gets licenses.
    pub oldest_module: String,
    /// Seconds that DRM metadata may be kept.
    pub ttl: u64,
    /// Seconds after which caches that ask whether DRM metadata has changed get new metadata, whether it has
    /// or not: with an embedded license they would keep one alive that ends.
    pub update_interval: u64,
    /// URL before `/s/…/drm` in manifests, without trailing slash: `public_url`, or a CDN that pulls DRM
    /// metadata from here.
    pub base_url: Option<String>,
    /// Where players get licenses that DRM metadata does not bring: `/license` of this site's license
    /// servers. Default: the controller, in the POST that they send anyway. Without trailing slash or query.
    pub license_url: Option<String>,
    /// The file with the operator's own policies; default: `policies.toml` in the data folder, where there is
    /// one.
    pub policies: Option<PathBuf>,
    /// The policy of every license that this server issues, whatever the films name.
    pub license_policy: Option<String>,
    /// When players that are running learn of changed rules.
    pub update_strategy: UpdateStrategy,
}

/// When players that are running learn of changed rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UpdateStrategy {
    /// When they start the next time.
    #[default]
    Start,
    /// With their next report.
    Force,
}

/// How often one may ask.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Logins per minute of one address for one account; a browser with a device of that account has its own.
    pub logins_per_account: u32,
    /// Logins per minute of one address.
    pub logins_per_address: u32,
    /// Individualizations per minute of one address.
    pub individualizations: u32,
    /// Controller and license requests per minute of one address.
    pub requests: u32,
    /// Wrong activation codes per hour of one account.
    pub codes_per_account: u32,
    /// Wrong activation codes per hour of one address.
    pub codes_per_address: u32,
    /// Connections at a time; further ones wait.
    pub connections: usize,
    /// Connections of one address (IPv6: one /64) at a time; further ones are closed. Trusted proxies have no
    /// such limit.
    pub connections_per_address: usize,
}

impl Default for Devices {
    fn default() -> Self {
        Self { limit: 6, idle_days: 30 }
    }
}

impl Default for Drm {
    fn default() -> Self {
        Self {
            oldest_module: "0.1.0".to_owned(),
            ttl: 3600,
            update_interval: 3600,
            base_url: None,
            license_url: None,
            policies: None,
            license_policy: None,
            update_strategy: UpdateStrategy::Start,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            logins_per_account: 10,
            logins_per_address: 60,
            individualizations: 60,
            requests: 3000,
            codes_per_account: 10,
            codes_per_address: 30,
            connections: 10_000,
            connections_per_address: 100,
        }
    }
}

/// Certificate and key for https.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file: the certificate, then those between it and the CA.
    pub certificate: PathBuf,
    /// PEM file with the private key; nobody else may read it.
    pub key: PathBuf,
}

/// From where the service may be used.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Regions {
    /// A MaxMind database (mmdb) that tells countries by address.
    pub file: Option<PathBuf>,
    /// Countries (ISO 3166-1 alpha-2) that the site answers; empty: all.
    pub allow: Vec<String>,
}

/// What to answer when the operator's authorizer does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// `TRY_LATER`.
    #[default]
    Deny,
    /// As if it had allowed it.
    Allow,
}

/// The operator's own say in who may play: a URL that is asked at each authorization and license.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authorizer {
    /// Where to POST.
    pub url: String,
    /// A file (0600) with a token, sent as `Authorization: Bearer …`.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// Milliseconds for the answer.
    #[serde(default = "default_timeout")]
    pub timeout_ms: u64,
    /// What holds without an answer.
    #[serde(default)]
    pub on_failure: OnFailure,
}

fn default_timeout() -> u64 {
    2000
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may carry a secret of the operator's.
        f.debug_struct("Authorizer").field("timeout_ms", &self.timeout_ms).finish_non_exhaustive()
    }
}

/// TV devices.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Boxes {
    /// Where to listen for boxes alone.
    pub listen: Option<SocketAddr>,
    /// The origin by which boxes know that listener; default: `public_url`. Part of what they sign.
    pub url: Option<String>,
    /// Public keys (base64url) of factories whose CA does not lie among this server's keys.
    pub factory_keys: Vec<String>,
    /// Whether boxes may also come by `public_url` when they have a listener of their own.
    pub on_site: bool,
}

impl Boxes {
    pub(crate) fn factory_keys(&self) -> Result<Vec<[u8; 32]>, Error> {
        let key = |text: &String| {
            let octets = crate::secret::from_base64url(text).and_then(|octets| octets.try_into().ok());
            octets.ok_or_else(|| Error::Setting {
                name: "boxes.factory_keys",
                reason: "each is 32 octets in base64url, as `matinee box provision` prints it".to_owned(),
            })
        };
        self.factory_keys.iter().map(key).collect()
    }
}

/// Numbers for operators.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Where `/metrics` is served; default: 127.0.0.1:9464, where that is free.
    pub listen: Option<SocketAddr>,
    /// Serve none.
    pub off: bool,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The log on standard error.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// How its lines look.
    pub format: LogFormat,
}
