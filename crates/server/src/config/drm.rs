//! `[drm]`: DRM metadata, licenses, and who learns of changes when.

use super::setting;
use super::url::check_base;
use crate::Error;
pub use origin::scope::Strategy as UpdateStrategy;
use serde::Deserialize;
use std::path::PathBuf;

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

impl Drm {
    /// `https`: browsers come to the site so, and would not ask elsewhere by plain http.
    pub(super) fn check(&self, https: bool) -> Result<(), Error> {
        if let Some(base) = &self.base_url {
            check_base("drm.base_url", base)?;
        }
        if let Some(url) = &self.license_url {
            check_base("drm.license_url", url)?;
            let (scheme, rest) = url.split_once("://").unwrap_or_default();
            if !rest.contains('/') || (https && scheme != "https") {
                let reason = "must have a path, like https://licenses.example.org/license, and https:// where the site has";
                return Err(setting("drm.license_url", reason));
            }
        }
        if self.update_interval == 0 {
            return Err(setting("drm.update_interval", "must be at least 1 second"));
        }
        Ok(())
    }
}
