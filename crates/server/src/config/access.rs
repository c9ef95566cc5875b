//! `[regions]` and `[authorizer]`: from where the service may be used, and the operator's own say in who may
//! play.

use super::setting;
use crate::Error;
use serde::Deserialize;
use std::fmt;
use std::path::PathBuf;

/// From where the service may be used.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Regions {
    /// A MaxMind database (mmdb) that tells countries by address.
    pub file: Option<PathBuf>,
    /// Countries (ISO 3166-1 alpha-2) that the site answers; empty: all.
    pub allow: Vec<String>,
}

impl Regions {
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.allow.is_empty() || self.file.is_some() {
            Ok(())
        } else {
            Err(setting("regions.file", "is needed to tell the countries of `regions.allow` apart"))
        }
    }
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

impl Authorizer {
    pub(super) fn check(&self) -> Result<(), Error> {
        if !self.url.starts_with("http://") && !self.url.starts_with("https://") {
            return Err(setting("authorizer.url", "must begin with http:// or https://"));
        }
        if !(1..=10_000).contains(&self.timeout_ms) {
            return Err(setting("authorizer.timeout_ms", "must be 1 to 10000"));
        }
        Ok(())
    }
}
