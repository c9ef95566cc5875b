//! The dialects by name.

mod bunny;
mod cat;
mod cloudflare;
mod cloudfront;
mod edgeauth;
mod google;
mod matinee;
mod mediavault;
mod nginx;

use crate::settings::{Settings, Validity};
use crate::{Place, Reach, Secret, Unusable};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

/// A form of signed URLs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// `p`, `e`, `h` (MD5) of Limelight's MediaVault, which the study found.
    #[default]
    MediaVault,
    /// `p`, `e`, `t`: as that, by HMAC-SHA256 over the path. This project's own (docs/protocol.md, section
    /// 8).
    Matinee,
    /// Akamai's EdgeAuth (Auth Token 2.0), `exp=…~acl=…~hmac=…`.
    EdgeAuth,
    /// Amazon CloudFront's signed URLs: a canned policy for a file, custom ones with a wildcard otherwise.
    CloudFront,
    /// nginx's `secure_link` module with `secure_link_md5 "$secure_link_expires$uri secret"`.
    Nginx,
    /// bunny.net's token authentication, the form of 2026 (`HS256-`).
    Bunny,
    /// Common Access Token, CTA-5007: a CWT by HMAC-SHA256 or ES256.
    Cat,
    /// Google Media CDN's signed requests (Ed25519).
    Google,
    /// Cloudflare's timed HMAC (`is_timed_hmac_valid_v0`).
    Cloudflare,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::MediaVault,
        Self::Matinee,
        Self::EdgeAuth,
        Self::CloudFront,
        Self::Nginx,
        Self::Bunny,
        Self::Cat,
        Self::Google,
        Self::Cloudflare,
    ];

    /// Its name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MediaVault => "mediavault",
            Self::Matinee => "matinee",
            Self::EdgeAuth => "edgeauth",
            Self::CloudFront => "cloudfront",
            Self::Nginx => "nginx",
            Self::Bunny => "bunny",
            Self::Cat => "cat",
            Self::Google => "google",
            Self::Cloudflare => "cloudflare",
        }
    }

    /// Whether its tokens are for one URL only, so that parts can be asked for by the header alone.
    pub fn is_exact(self) -> bool {
        self == Self::Cloudflare
    }

    pub(crate) fn form(self, settings: &Settings, secret: &Secret) -> Result<Box<dyn Form>, Unusable> {
        let takes = |given: &Option<String>, by: &[Self], otherwise| {
            if given.is_some() && !by.contains(&self) { Err(Unusable(otherwise)) } else { Ok(()) }
        };
        let named = [Self::CloudFront, Self::Google, Self::Cat];
        takes(&settings.key_id, &named, "`key_id` is for `cloudfront`, `google` and `cat`")?;
        let free = [Self::EdgeAuth, Self::Cat, Self::Cloudflare];
        takes(&settings.parameter, &free, "`parameter` is for `edgeauth`, `cat` and `cloudflare`")?;
        Ok(match self {
            Self::MediaVault => Box::new(mediavault::MediaVault::new(secret)),
            Self::Matinee => Box::new(matinee::Matinee::new(secret)),
            Self::EdgeAuth => Box::new(edgeauth::EdgeAuth::new(settings, secret)?),
            Self::CloudFront => Box::new(cloudfront::CloudFront::new(settings, secret)?),
            Self::Nginx => Box::new(nginx::Nginx::new(secret)?),
            Self::Bunny => Box::new(bunny::Bunny::new(secret)?),
            Self::Cat => Box::new(cat::Cat::new(settings, secret)?),
            Self::Google => Box::new(google::Google::new(settings, secret)?),
            Self::Cloudflare => Box::new(cloudflare::Cloudflare::new(settings, secret)?),
        })
    }
}

/// A dialect with one secret.
pub(crate) trait Form: Send + Sync {
    /// The query that makes a file's URL good before `expires`, without its `?`.
    fn query(&self, place: &Place<'_>, reach: Reach, expires: u64) -> String;

    /// When the query is good for the place that was asked for, if it was made with this secret.
    fn check(&self, place: &Place<'_>, query: &str) -> Option<Validity>;
}

/// Whether two texts are the same, in a time that says nothing of where they differ.
fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
