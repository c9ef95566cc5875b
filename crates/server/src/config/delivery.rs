//! `[edge]` and `[[cdn]]`: where media can be had, and for how long.

use super::setting;
use super::url::check_base;
use crate::Error;
use serde::Deserialize;

/// Media URLs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Edge {
    /// The URL under which this edge is known, without trailing slash; default: `public_url`.
    pub base_url: Option<String>,
    /// Seconds that a URL lives; default: the film's duration and six hours.
    pub url_life: Option<u64>,
}

impl Edge {
    pub(super) fn check(&self) -> Result<(), Error> {
        self.base_url.as_deref().map_or(Ok(()), |base| check_base("edge.base_url", base))
    }
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

/// Each CDN by itself, and no two with one id.
pub(super) fn check_cdns(cdns: &[CdnConfig]) -> Result<(), Error> {
    for cdn in cdns {
        check_base("cdn.base_url", &cdn.base_url)?;
        if !["path", "header"].contains(&cdn.ranges.as_str()) {
            return Err(setting("cdn.ranges", "must be \"path\" or \"header\""));
        }
    }
    let mut ids: Vec<_> = cdns.iter().map(|cdn| cdn.id).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() == cdns.len() { Ok(()) } else { Err(setting("cdn.id", "two CDNs have the same id")) }
}
