//! `[edge]` and `[[cdn]]`: where media can be had, for how long, and by what tokens.

use super::credential::Credential;
use super::setting;
use super::url::check_base;
use crate::Error;
use serde::Deserialize;
use urltoken::Dialect;

/// Media URLs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Edge {
    /// The URL under which this edge is known, without trailing slash; default: `public_url`.
    pub base_url: Option<String>,
    /// Seconds that a URL lives; default: the film's duration and six hours.
    pub url_life: Option<u64>,
    /// The form of tokens; default: `mediavault`.
    pub token: Dialect,
    /// One or two live secrets of tokens; without any, `mediavault` and `matinee` take the site's media keys.
    pub secrets: Vec<Credential>,
    /// By which name `cloudfront`, `google` and `cat` know the key.
    pub key_id: Option<String>,
    /// Whether a token is for all files of a film.
    pub prefix: bool,
    /// The name of the token in the query: `edgeauth`, `cat`, `cloudflare`.
    pub parameter: Option<String>,
    /// Seconds that tokens are good: `cloudflare`.
    pub lifetime: Option<u64>,
    /// Whether viewers are sent to S3, by a signed URL of short life, for what they may have.
    pub redirect: bool,
    /// What CDNs that check tokens themselves send in `X-Matinee-Pull` instead: one or two.
    pub pull_secrets: Vec<Credential>,
    /// Whether players may report what happens (CMCD, event mode).
    pub reports: bool,
}

impl Edge {
    pub(super) fn check(&self) -> Result<(), Error> {
        check_secrets("edge.secrets", &self.secrets)?;
        check_secrets("edge.pull_secrets", &self.pull_secrets)?;
        self.base_url.as_deref().map_or(Ok(()), |base| check_base("edge.base_url", base))
    }
}

/// What Matinee's own players report of how it goes (CMCD, event mode).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cmcd {
    /// Where to: a URL, or a path of `public_url`. Without it they report nothing.
    pub report_to: Option<String>,
    /// Whether each download is reported, too.
    pub downloads: bool,
}

impl Cmcd {
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.report_to.as_deref() {
            Some(path) if path.starts_with('/') => {
                check_base("cmcd.report_to", &format!("http://localhost{path}"))
            }
            Some(url) => check_base("cmcd.report_to", url),
            None => Ok(()),
        }
    }

    /// The whole URL, of a service that is known by `public_url`.
    pub(crate) fn target(&self, public_url: &str) -> Option<String> {
        let to = self.report_to.as_deref()?;
        Some(if to.starts_with('/') { format!("{public_url}{to}") } else { to.to_owned() })
    }
}

/// A delivery network.
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
    /// The form of its tokens; default: tokens as the edge's.
    #[serde(default)]
    pub token: Option<Dialect>,
    /// As in [`Edge`].
    #[serde(default)]
    pub secrets: Vec<Credential>,
    /// As in [`Edge`].
    #[serde(default)]
    pub key_id: Option<String>,
    /// As in [`Edge`].
    #[serde(default)]
    pub prefix: bool,
    /// As in [`Edge`].
    #[serde(default)]
    pub parameter: Option<String>,
    /// As in [`Edge`].
    #[serde(default)]
    pub lifetime: Option<u64>,
    /// Whether players tell it how each download is needed (CMCD, by the query).
    #[serde(default)]
    pub cmcd: bool,
}

impl CdnConfig {
    /// Whether ranges are asked for in the path.
    pub(crate) fn has_path_ranges(&self) -> bool {
        self.ranges == "path"
    }

    fn check(&self) -> Result<(), Error> {
        check_base("cdn.base_url", &self.base_url)?;
        if !["path", "header"].contains(&self.ranges.as_str()) {
            return Err(setting("cdn.ranges", "must be \"path\" or \"header\""));
        }
        let of_token =
            self.prefix || self.key_id.is_some() || self.parameter.is_some() || self.lifetime.is_some();
        if self.token.is_none() && (of_token || !self.secrets.is_empty()) {
            return Err(setting(
                "cdn.token",
                "must be named beside `secrets` and what else is of its tokens",
            ));
        }
        check_secrets("cdn.secrets", &self.secrets)
    }
}

fn check_secrets(name: &'static str, secrets: &[Credential]) -> Result<(), Error> {
    if secrets.len() > 2 {
        return Err(setting(name, "must be one, or two while one follows the other"));
    }
    Ok(())
}

fn default_weight() -> u32 {
    100
}

fn default_ranges() -> String {
    "header".to_owned()
}

/// Each CDN by itself, and no two with one id.
pub(super) fn check_cdns(cdns: &[CdnConfig]) -> Result<(), Error> {
    cdns.iter().try_for_each(CdnConfig::check)?;
    let mut ids: Vec<_> = cdns.iter().map(|cdn| cdn.id).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() == cdns.len() { Ok(()) } else { Err(setting("cdn.id", "two CDNs have the same id")) }
}
