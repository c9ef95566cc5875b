//! The configuration: `matinee.toml`, and what the command line puts over it.

use crate::Error;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A part of the service; any set of them runs in one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Pages, login, library, devices.
    Site,
    /// The controller: registration, manifests, licenses.
    Control,
    /// Device certificates.
    Individualize,
    /// Files behind signed URLs.
    Edge,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Site, Self::Control, Self::Individualize, Self::Edge];
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        match s {
            "site" => Ok(Self::Site),
            "control" => Ok(Self::Control),
            "individualize" => Ok(Self::Individualize),
            "edge" => Ok(Self::Edge),
            other => Err(Error::Setting {
                name: "roles",
                reason: format!("\"{other}\" is none of site, control, individualize, edge"),
            }),
        }
    }
}

/// Everything that an operator can set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The origin by which browsers know the site, without trailing slash. It decides cookie flags and what is signed.
    /// Default: `http://localhost:` and the port of `listen`.
    pub public_url: String,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The folder for database, keys and library.
    pub data: PathBuf,
    /// Which parts run here.
    pub roles: Vec<Role>,
    /// The folder with the built site; default: what the binary carries.
    pub site: Option<PathBuf>,
    /// Origins that may frame the player and whose requests the origin check lets through. (CORS answers for them: not yet.)
    pub embedders: Vec<String>,
    /// Devices and their slots.
    pub devices: Devices,
    /// Media URLs.
    pub edge: Edge,
    /// Where the media can be had; default: the own edge.
    pub cdn: Vec<CdnConfig>,
    /// DRM.
    pub drm: Drm,
    /// How often one may ask.
    pub limits: Limits,
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
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: String::new(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            data: PathBuf::from("matinee-data"),
            roles: Role::ALL.to_vec(),
            site: None,
            embedders: Vec::new(),
            devices: Devices::default(),
            edge: Edge::default(),
            cdn: Vec::new(),
            drm: Drm::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Devices {
    fn default() -> Self {
        Self { limit: 6, idle_days: 30 }
    }
}

impl Default for Drm {
    fn default() -> Self {
        Self { oldest_module: "0.1.0".to_owned(), ttl: 3600 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { logins_per_account: 10, logins_per_address: 60, individualizations: 60, requests: 3000 }
    }
}

/// What the command line says, over the file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--public-url`
    pub public_url: Option<String>,
    /// `--listen`
    pub listen: Option<SocketAddr>,
    /// `--data`
    pub data: Option<PathBuf>,
    /// `--roles`
    pub roles: Option<Vec<Role>>,
    /// `--site`
    pub site: Option<PathBuf>,
}

impl Config {
    /// Reads the file, if there is one, and puts the overrides over it. Without `path`, `matinee.toml` of the working folder
    /// is read where it exists.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Config`], [`Error::Setting`].
    pub fn load(path: Option<&Path>, overrides: Overrides) -> Result<Self, Error> {
        let default = Path::new("matinee.toml");
        let path = path.or_else(|| default.exists().then_some(default));
        let mut config = match path {
            None => Self::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
                toml::from_str(&text).map_err(|e| Error::Config {
                    path: path.to_owned(),
                    reason: e.to_string().trim().replace('\n', " "),
                })?
            }
        };
        config.apply(overrides);
        config.check()?;
        Ok(config)
    }

    /// A configuration from text, for tests and tools.
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::Setting`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut config: Self = toml::from_str(text).map_err(|e| Error::Config {
            path: PathBuf::from("matinee.toml"),
            reason: e.to_string().trim().replace('\n', " "),
        })?;
        config.apply(Overrides::default());
        config.check()?;
        Ok(config)
    }

    fn apply(&mut self, overrides: Overrides) {
        let Overrides { public_url, listen, data, roles, site } = overrides;
        if let Some(listen) = listen {
            self.listen = listen;
        }
        if let Some(public_url) = public_url {
            self.public_url = public_url;
        }
        if let Some(data) = data {
            self.data = data;
        }
        if let Some(roles) = roles {
            self.roles = roles;
        }
        if site.is_some() {
            self.site = site;
        }
        if self.public_url.is_empty() {
            self.public_url = match self.listen.port() {
                80 => "http://localhost".to_owned(),
                port => format!("http://localhost:{port}"),
            };
        }
    }

    fn check(&self) -> Result<(), Error> {
        check_origin("public_url", &self.public_url)?;
        self.embedders.iter().try_for_each(|origin| check_origin("embedders", origin))?;
        if let Some(base) = &self.edge.base_url {
            check_base("edge.base_url", base)?;
        }
        for cdn in &self.cdn {
            check_base("cdn.base_url", &cdn.base_url)?;
            if !["path", "header"].contains(&cdn.ranges.as_str()) {
                return Err(setting("cdn.ranges", "must be \"path\" or \"header\""));
            }
        }
        let mut ids: Vec<_> = self.cdn.iter().map(|cdn| cdn.id).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() != self.cdn.len() {
            return Err(setting("cdn.id", "two CDNs have the same id"));
        }
        if self.roles.is_empty() {
            return Err(setting("roles", "name at least one"));
        }
        if self.devices.limit == 0 || self.devices.limit > 1000 {
            return Err(setting("devices.limit", "must be 1 to 1000"));
        }
        Ok(())
    }

    /// Whether a part runs here.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether browsers come by https: decides cookie flags.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// Host and port of `public_url`, as a browser writes them into `Host`.
    pub fn public_host(&self) -> &str {
        self.public_url.split_once("://").map_or("", |(_, host)| host)
    }

    /// The URL before `/s/…` that this edge answers for.
    pub fn edge_base(&self) -> &str {
        self.edge.base_url.as_deref().unwrap_or(&self.public_url)
    }

    /// The URLs before `/s/…` whose signatures this edge takes: its own, and those of the CDNs, which pull by the query that
    /// they were asked with.
    pub fn edge_bases(&self) -> Vec<&str> {
        let cdns = self.cdn.iter().map(|cdn| cdn.base_url.as_str());
        std::iter::once(self.edge_base()).chain(cdns).collect()
    }

    /// The public URL of the controller: part of what devices sign.
    pub fn controller_url(&self) -> String {
        format!("{}{}", self.public_url, nccp::CONTROLLER_PATH)
    }

    /// Where movies are.
    pub fn library(&self) -> PathBuf {
        self.data.join("library")
    }

    /// Where keys are.
    pub fn keys(&self) -> PathBuf {
        self.data.join("keys")
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.data.join("matinee.db")
    }
}

fn setting(name: &'static str, reason: &str) -> Error {
    Error::Setting { name, reason: reason.to_owned() }
}

/// An origin: scheme, host, perhaps port, nothing after.
fn check_origin(name: &'static str, origin: &str) -> Result<(), Error> {
    check_base(name, origin)?;
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    if host.contains('/') {
        return Err(setting(
            name,
            "must be an origin: scheme, host and port without a path or trailing slash",
        ));
    }
    // Compared with what browsers send as `Origin`.
    let default_port = if origin.starts_with("https:") { ":443" } else { ":80" };
    if origin.bytes().any(|b| b.is_ascii_uppercase()) || host.ends_with(default_port) {
        return Err(setting(
            name,
            "must be written as browsers do: in lower case, without the scheme's own port",
        ));
    }
    Ok(())
}

/// A URL that paths are appended to. It stands in headers, so it holds nothing that could end one.
fn check_base(name: &'static str, base: &str) -> Result<(), Error> {
    let host = base.strip_prefix("http://").or_else(|| base.strip_prefix("https://")).unwrap_or_default();
    let clean = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/[]%".contains(&b);
    if host.is_empty() || host.starts_with('/') || base.ends_with('/') || !base.bytes().all(clean) {
        let reason =
            format!("\"{base}\" must begin with http:// or https:// and a host and end without a slash");
        return Err(Error::Setting { name, reason });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_follow_the_port() {
        let config = Config::parse("").unwrap();
        assert_eq!(config.public_url, "http://localhost:8080");
        assert_eq!(config.public_host(), "localhost:8080");
        let overrides = Overrides { listen: Some("0.0.0.0:9000".parse().unwrap()), ..Overrides::default() };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("m.toml");
        std::fs::write(&file, "data = \"/srv/films\"\n[devices]\nlimit = 3\n").unwrap();
        let config = Config::load(Some(&file), overrides).unwrap();
        assert_eq!(config.public_url, "http://localhost:9000");
        assert_eq!((config.devices.limit, config.data.to_str()), (3, Some("/srv/films")));
    }

    #[test]
    fn nonsense_is_said_in_words() {
        for (text, word) in [
            ("public_url = \"localhost\"", "public_url"),
            ("public_url = \"http://a/\"", "public_url"),
            ("public_url = \"http://a/b\"", "origin"),
            ("public_url = \"https://Films.example.org\"", "lower case"),
            ("public_url = \"https://films.example.org:443\"", "own port"),
            ("public_url = \"http://a; script-src *\"", "public_url"),
            ("roles = [\"sight\"]", "sight"),
            ("rolls = []", "rolls"),
            ("[devices]\nlimit = 0", "devices.limit"),
            ("[[cdn]]\nid = 1\nname = \"a\"\nbase_url = \"x\"", "cdn.base_url"),
        ] {
            let error = Config::parse(text).unwrap_err().to_string();
            assert!(error.contains(word) && !error.contains('\n'), "{text}: {error}");
        }
    }
}
