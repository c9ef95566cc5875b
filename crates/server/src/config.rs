//! The configuration: `matinee.toml`, and what the command line puts over it.

mod sections;

pub use sections::{
    Authorizer, Boxes, CdnConfig, Database, Devices, Drm, Edge, Limits, Log, LogFormat, Metrics, OnFailure,
    Regions, Tls, UpdateStrategy,
};

use crate::Error;
use ipnet::IpNet;
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
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
    /// The origin by which browsers know the site, without trailing slash. It decides cookie flags and what
    /// is signed. Default: `http://localhost:` and the port of `listen`.
    pub public_url: String,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The folder for database, keys and library.
    pub data: PathBuf,
    /// Which parts run here.
    pub roles: Vec<Role>,
    /// The folder with the built site; default: what the binary carries.
    pub site: Option<PathBuf>,
    /// Origins that may frame the player and call with the subscriber's cookies.
    pub embedders: Vec<String>,
    /// Networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Certificate and key for https; default: a proxy in front does that.
    pub tls: Option<Tls>,
    /// From where the service may be used.
    pub regions: Regions,
    /// The operator's own say in who may play.
    pub authorizer: Option<Authorizer>,
    /// TV devices.
    pub boxes: Boxes,
    /// Numbers for operators.
    pub metrics: Metrics,
    /// The log on standard error.
    pub log: Log,
    /// Where accounts, devices and viewings are kept.
    pub database: Database,
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
    /// When the file was last changed, Unix seconds; 0 without one.
    #[serde(skip)]
    pub changed: u64,
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
            trusted_proxies: Vec::new(),
            tls: None,
            regions: Regions::default(),
            authorizer: None,
            boxes: Boxes::default(),
            metrics: Metrics::default(),
            log: Log::default(),
            database: Database::default(),
            devices: Devices::default(),
            edge: Edge::default(),
            cdn: Vec::new(),
            drm: Drm::default(),
            limits: Limits::default(),
            changed: 0,
        }
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
    /// Reads the file, if there is one, and puts the overrides over it. Without `path`, `matinee.toml` of the
    /// working folder is read where it exists.
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
                let mut config = parse(path, &text)?;
                config.changed = modified(path);
                config
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
        let mut config = parse(Path::new("matinee.toml"), text)?;
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
            let scheme = if self.tls.is_some() { "https" } else { "http" };
            self.public_url = match (scheme, self.listen.port()) {
                ("http", 80) | ("https", 443) => format!("{scheme}://localhost"),
                (_, port) => format!("{scheme}://localhost:{port}"),
            };
        }
    }

    fn check(&self) -> Result<(), Error> {
        check_origin("public_url", &self.public_url)?;
        self.embedders.iter().try_for_each(|origin| check_origin("embedders", origin))?;
        if let Some(base) = &self.edge.base_url {
            check_base("edge.base_url", base)?;
        }
        if let Some(base) = &self.drm.base_url {
            check_base("drm.base_url", base)?;
        }
        if let Some(url) = &self.drm.license_url {
            check_base("drm.license_url", url)?;
            let (scheme, rest) = url.split_once("://").unwrap_or_default();
            if !rest.contains('/') || (self.is_https() && scheme != "https") {
                let reason = "must have a path, like https://licenses.example.org/license, and https:// where the site has";
                return Err(setting("drm.license_url", reason));
            }
        }
        if self.drm.update_interval == 0 {
            return Err(setting("drm.update_interval", "must be at least 1 second"));
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
        if let Some(url) = &self.boxes.url {
            check_origin("boxes.url", url)?;
        }
        if self.tls.is_some() && !self.is_https() {
            return Err(setting("public_url", "must begin with https:// where a certificate is configured"));
        }
        if !self.regions.allow.is_empty() && self.regions.file.is_none() {
            return Err(setting("regions.file", "is needed to tell the countries of `regions.allow` apart"));
        }
        if let Some(authorizer) = &self.authorizer {
            let url = &authorizer.url;
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(setting("authorizer.url", "must begin with http:// or https://"));
            }
            if !(1..=10_000).contains(&authorizer.timeout_ms) {
                return Err(setting("authorizer.timeout_ms", "must be 1 to 10000"));
            }
        }
        if self.limits.connections == 0 {
            return Err(setting("limits.connections", "must be at least 1"));
        }
        // A listener holds a place while it waits for a connection.
        if self.limits.connections < 2 && self.boxes.listen.is_some() {
            return Err(setting("limits.connections", "must be at least 2 with boxes.listen"));
        }
        if self.limits.connections_per_address == 0 {
            return Err(setting("limits.connections_per_address", "must be at least 1"));
        }
        if self.roles.is_empty() {
            return Err(setting("roles", "name at least one"));
        }
        if self.database.connections == 0 || self.database.connections > 1000 {
            return Err(setting("database.connections", "must be 1 to 1000"));
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

    /// Whether browsers come by plain http from elsewhere: such pages are no secure contexts. (To browsers
    /// `localhost` and loopback addresses are, whatever the scheme.)
    pub fn is_plain_http(&self) -> bool {
        let host = self.public_host();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        let loopback = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        !self.is_https() && !loopback && name != "localhost" && !name.ends_with(".localhost")
    }

    /// Host and port of `public_url`, as a browser writes them into `Host`.
    pub fn public_host(&self) -> &str {
        self.public_url.split_once("://").map_or("", |(_, host)| host)
    }

    /// The URL before `/s/…` that this edge answers for.
    pub fn edge_base(&self) -> &str {
        self.edge.base_url.as_deref().unwrap_or(&self.public_url)
    }

    /// The URLs before `/s/…` whose signatures this edge takes: its own, and those of the CDNs, which pull by
    /// the query that they were asked with.
    pub fn edge_bases(&self) -> Vec<&str> {
        let cdns = self.cdn.iter().map(|cdn| cdn.base_url.as_str());
        std::iter::once(self.edge_base()).chain(cdns).collect()
    }

    /// The URL before `/s/…/drm` in manifests.
    pub fn drm_base(&self) -> &str {
        self.drm.base_url.as_deref().unwrap_or(&self.public_url)
    }

    /// The URLs before `/s/…/drm` whose signatures are taken.
    pub fn drm_bases(&self) -> Vec<&str> {
        [vec![self.drm_base(), self.public_url.as_str()], self.edge_bases()].concat()
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

    /// The URL of the database server; `None` for SQLite.
    ///
    /// # Errors
    /// [`Error::Setting`] or [`Error::Io`] when it is no URL of PostgreSQL's, or its file cannot be read.
    pub fn database_url(&self) -> Result<Option<String>, Error> {
        let Some(url) = std::env::var("MATINEE_DATABASE_URL").ok().or_else(|| self.database.url.clone())
        else {
            return Ok(None);
        };
        let url = match url.strip_prefix("file:") {
            Some(path) => crate::secret::read_file(Path::new(path))?.trim().to_owned(),
            None => url,
        };
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Ok(Some(url))
        } else {
            Err(setting(
                "database.url",
                "must begin with postgres:// (or file: and a path to a file with the URL)",
            ))
        }
    }

    /// The database file.
    pub fn database(&self) -> PathBuf {
        self.data.join("matinee.db")
    }
}

/// When a file was last changed, Unix seconds; 0 where nobody knows.
pub(crate) fn modified(path: &Path) -> u64 {
    let time = std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    time.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs())
}

/// Errors name the line and what is expected there, and never quote a value: it may be a password.
fn parse(path: &Path, text: &str) -> Result<Config, Error> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let number = before.matches('\n').count();
        let place = match text.lines().nth(number).and_then(setting_on) {
            Some(name) => format!("line {}, {name}: ", number + 1),
            None => format!("line {}: ", number + 1),
        };
        let reason = format!("{place}{}", without_value(error.message()));
        Error::Config { path: path.to_owned(), reason: reason.trim().replace('\n', " ") }
    })
}

/// The name in front of a line's equals sign, where it is a plain one.
fn setting_on(line: &str) -> Option<&str> {
    let name = line.split_once('=')?.0.trim();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (!name.is_empty() && name.bytes().all(plain)).then_some(name)
}

/// The messages of serde that repeat what was found, without that.
fn without_value(message: &str) -> String {
    let kinds = ["invalid type", "invalid value", "invalid length", "unknown variant"];
    match kinds.into_iter().find(|kind| message.starts_with(kind)) {
        None => message.to_owned(),
        Some(kind) => match message.rsplit_once(", expected ") {
            Some((_, expected)) => format!("{kind}, expected {expected}"),
            None => kind.to_owned(),
        },
    }
}

fn setting(name: &'static str, reason: &str) -> Error {
    Error::Setting { name, reason: reason.to_owned() }
}

/// An origin: scheme, host, perhaps port, nothing after.
pub(crate) fn check_origin(name: &'static str, origin: &str) -> Result<(), Error> {
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
    fn errors_name_the_line_and_not_its_value() {
        for text in [
            "listen = \"127.0.0.1:80\"\ndatabase = \"postgres://u:s3cret, expected x@h\"",
            "[database]\nurl = postgres://u:s3cret@h",
            "[database]\nurl = \"postgres://u:s3cret@h",
            "[database]\nconnections = \"s3cret\"",
            "[log]\nformat = \"s3cret\"",
            "\nlisten = \"s3cret\"",
        ] {
            let error = Config::parse(text).unwrap_err().to_string();
            assert!(error.contains(": line 2") && !error.contains("s3cret"), "{text}: {error}");
        }
    }

    #[test]
    fn plain_http_is_told_from_what_browsers_trust() {
        for (url, plain) in [
            ("http://localhost:8080", false),
            ("http://films.localhost", false),
            ("http://127.0.0.1:8080", false),
            ("http://[::1]:8080", false),
            ("https://films.example.org", false),
            ("http://tv.lan:8080", true),
            ("http://192.168.1.20:8080", true),
            ("http://[fd00::1]", true),
            ("http://localhost.example.org", true),
        ] {
            let config = Config::parse(&format!("public_url = \"{url}\"")).unwrap();
            assert_eq!(config.is_plain_http(), plain, "{url}");
        }
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
            ("roles = [\"sight\"]", "individualize"),
            ("rolls = []", "rolls"),
            ("[devices]\nlimit = 0", "devices.limit"),
            ("[limits]\nconnections_per_address = 0", "connections_per_address"),
            ("[boxes]\nlisten = \"127.0.0.1:0\"\n[limits]\nconnections = 1", "at least 2"),
            ("[[cdn]]\nid = 1\nname = \"a\"\nbase_url = \"x\"", "cdn.base_url"),
            ("[drm]\nlicense_url = \"https://licenses.example.org\"", "drm.license_url"),
            (
                "public_url = \"https://films.example.org\"\n[drm]\nlicense_url = \"http://films.example.org/license\"",
                "drm.license_url",
            ),
        ] {
            let error = Config::parse(text).unwrap_err().to_string();
            assert!(error.contains(word) && !error.contains('\n'), "{text}: {error}");
        }
    }
}
