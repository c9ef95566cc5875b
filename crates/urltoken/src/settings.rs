//! What tokens are made with, and for how long they are good.

use crate::{Reach, Unusable};

/// What a dialect's tokens are made with, secrets aside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// How much a token opens.
    pub reach: Reach,
    /// By which name the network knows the key: `cloudfront`, `google`; `cat`, whose tokens need not say it.
    pub key_id: Option<String>,
    /// The name of the token in the query: `edgeauth` (default `hdnts`), `cat` (`CAT`), `cloudflare`
    /// (`verify`).
    pub parameter: Option<String>,
    /// Seconds for which the network takes a token: `cloudflare`, whose tokens say when they were made
    /// (default 10 800).
    pub lifetime: Option<u64>,
}

/// Seconds for which Cloudflare takes a token, where nobody says otherwise: those of its own example of a
/// rule.
const LIFETIME: u64 = 10_800;

impl Settings {
    /// Seconds for which the network takes a token, for dialects that need that.
    pub(crate) fn lifetime(&self) -> u64 {
        self.lifetime.unwrap_or(LIFETIME)
    }

    /// The parameter's name, or `default`.
    pub(crate) fn parameter(&self, default: &'static str) -> Result<String, Unusable> {
        let name = self.parameter.as_deref().unwrap_or(default);
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(Unusable("`parameter` must be letters, digits, `-` and `_`"));
        }
        Ok(name.to_owned())
    }

    /// The key's name, for dialects that need one.
    pub(crate) fn key_id(&self) -> Result<String, Unusable> {
        let id = self.key_id.as_deref().ok_or(Unusable("`key_id` is needed"))?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        if id.is_empty() || !id.bytes().all(plain) {
            return Err(Unusable("`key_id` must be letters, digits, `-`, `.` and `_`"));
        }
        Ok(id.to_owned())
    }
}

/// When a token that was rightly made is good: from `from` on, before `until`. Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: u64,
    pub(crate) until: u64,
}

impl Validity {
    pub(crate) fn until(until: u64) -> Option<Self> {
        Some(Self { from: 0, until })
    }
}
