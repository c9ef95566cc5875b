//! The configuration: `matinee.toml`, and what the command line puts over it.
//!
//! Each table of the file has a module, where it is also checked.

mod access;
mod audit;
mod brand;
mod credential;
mod database;
mod delivery;
mod devices;
mod drm;
mod file;
mod limits;
mod listed;
mod live;
mod origin;
mod plans;
mod players;
mod role;
mod storage;
mod stream;
mod telemetry;
mod tls;
mod url;

pub use self::storage::{ByteCount, CredentialsFrom, StorageSettings};
pub use access::{Authorizer, OnFailure, Regions};
pub use audit::Audit;
pub use brand::Brand;
pub use credential::Credential;
pub use database::Database;
pub use delivery::{CdnConfig, Cmcd, Edge};
pub use devices::{Boxes, Devices};
pub use drm::{Drm, UpdateStrategy};
pub(crate) use file::modified;
pub use limits::Limits;
pub use live::Live;
pub use origin::{ClientSet, Origin, SourcesAt, VOD};
pub use plans::Plan;
pub use players::ListedPlayer;
pub use role::Role;
pub use stream::{Application, Stream, Transport};
pub(crate) use stream::{LIVE, POLICY as STREAM_POLICY};
pub use telemetry::{Addresses, Log, LogFormat, Metrics};
pub use tls::Tls;
pub(crate) use url::check_origin;

use crate::Error;
use ::origin::scope::{Forms, SettingsFile};
use delivery::check_cdns;
use file::parse;
use ipnet::IpNet;
use origin::check_sets;
use plans::check_plans;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

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
    /// What the site is called and looks like.
    pub brand: Brand,
    /// TV devices.
    pub boxes: Boxes,
    /// Numbers for operators.
    pub metrics: Metrics,
    /// The log on standard error.
    pub log: Log,
    /// What is written down of who did what.
    pub audit: Audit,
    /// Where accounts, devices and viewings are kept.
    pub database: Database,
    /// Devices and their slots.
    pub devices: Devices,
    /// What plans differ in, by name.
    pub plans: BTreeMap<String, Plan>,
    /// Media URLs.
    pub edge: Edge,
    /// Where the media can be had; default: the own edge.
    pub cdn: Vec<CdnConfig>,
    /// What players report.
    pub cmcd: Cmcd,
    /// DRM.
    pub drm: Drm,
    /// Persistent connections.
    pub stream: Stream,
    /// Where encoders send, and what is made of it.
    pub live: Live,
    /// How often one may ask.
    pub limits: Limits,
    /// Where published films lie.
    pub storage: StorageSettings,
    /// Films that are encrypted when they are asked for.
    pub origin: Origin,
    /// How, by form of delivery.
    pub encryption: Forms,
    /// Clients with keys and rules of their own.
    pub set: Vec<ClientSet>,
    /// The same with the file's path and lines, once it is read.
    #[serde(skip)]
    pub settings: SettingsFile,
    /// When the file was last changed, Unix seconds; 0 without one.
    #[serde(skip)]
    pub changed: u64,
    /// Names of the settings that the command line or the environment said, over the file.
    #[serde(skip)]
    pub overridden: Vec<&'static str>,
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
            brand: Brand::default(),
            boxes: Boxes::default(),
            metrics: Metrics::default(),
            log: Log::default(),
            audit: Audit::default(),
            database: Database::default(),
            devices: Devices::default(),
            plans: BTreeMap::new(),
            edge: Edge::default(),
            cdn: Vec::new(),
            cmcd: Cmcd::default(),
            drm: Drm::default(),
            stream: Stream::default(),
            live: Live::default(),
            limits: Limits::default(),
            storage: StorageSettings::default(),
            origin: Origin::default(),
            encryption: Forms::default(),
            set: Vec::new(),
            settings: SettingsFile::default(),
            changed: 0,
            overridden: Vec::new(),
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
        let said = [
            ("public_url", public_url.is_some()),
            ("listen", listen.is_some()),
            ("data", data.is_some()),
            ("roles", roles.is_some()),
            ("site", site.is_some()),
        ];
        self.overridden = said.into_iter().filter(|(_, is_said)| *is_said).map(|(name, _)| name).collect();
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
        if self.roles.is_empty() {
            return Err(setting("roles", "name at least one"));
        }
        if self.tls.is_some() && !self.is_https() {
            return Err(setting("public_url", "must begin with https:// where a certificate is configured"));
        }
        check_plans(&self.plans)?;
        self.edge.check()?;
        self.cmcd.check()?;
        self.check_storage()?;
        self.check_sources()?;
        check_cdns(&self.cdn)?;
        check_sets(&self.set)?;
        self.drm.check(self.is_https())?;
        self.stream.check()?;
        self.brand.check()?;
        self.boxes.check()?;
        self.regions.check()?;
        self.authorizer.as_ref().map_or(Ok(()), Authorizer::check)?;
        self.live.check(self.tls.is_some())?;
        self.limits.check(1 + usize::from(self.boxes.listen.is_some()) + self.live.listeners())?;
        self.database.check()?;
        self.audit.check()?;
        self.devices.check()
    }

    /// Whether a part runs here.
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Films that an account of this plan may play at the same time; `None`: any number.
    pub fn streams_of(&self, plan: &str) -> Option<usize> {
        let configured = self.plans.get(plan).and_then(|plan| plan.streams);
        let streams = configured.unwrap_or(self.devices.limit);
        (streams > 0).then(|| usize::try_from(streams).unwrap_or(usize::MAX))
    }

    /// The highest picture that an account of this plan gets.
    pub fn max_height_of(&self, plan: &str) -> Option<u32> {
        self.plans.get(plan)?.max_height
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

    /// The URL before `/s/…/drm` in manifests.
    pub fn drm_base(&self) -> &str {
        self.drm.base_url.as_deref().unwrap_or(&self.public_url)
    }

    /// The public URL of the controller: part of what devices sign.
    pub fn controller_url(&self) -> String {
        format!("{}{}", self.public_url, nccp::CONTROLLER_PATH)
    }

    /// The folder with the published films; where they lie elsewhere, the one in which they are made before.
    pub fn library(&self) -> PathBuf {
        self.storage.url.folder(&self.data).unwrap_or_else(|| self.data.join("library"))
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

#[cfg(test)]
mod tests;
