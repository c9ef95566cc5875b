//! Signing and checking in one dialect.

use crate::dialect::{Dialect, Form};
use crate::{Place, Reach, Secret, Settings, Unusable};
use std::fmt;

/// A signed URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The URL with its token.
    pub url: String,
    /// The first second (Unix) at which it is not good any more.
    pub expires: u64,
}

/// Why a token gives nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is missing, malformed, wrong, for another file, or not good yet.
    Forbidden,
    /// It was good, and is over.
    Expired,
}

/// Signs and checks in one dialect.
pub struct Signer {
    dialect: Dialect,
    reach: Reach,
    lifetime: Option<u64>,
    /// One for each live secret, never empty.
    forms: Vec<Box<dyn Form>>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dialect, reach, lifetime, forms } = self;
        f.debug_struct("Signer")
            .field("dialect", dialect)
            .field("reach", reach)
            .field("lifetime", lifetime)
            .field("secrets", &forms.len())
            .finish()
    }
}

impl Signer {
    /// A signer whose first secret signs.
    ///
    /// # Errors
    /// [`Unusable`]: no secrets, one that the dialect cannot use, a setting that is missing, or a reach that
    /// its tokens do not have.
    pub fn new(dialect: Dialect, settings: &Settings, secrets: &[Secret]) -> Result<Self, Unusable> {
        if secrets.is_empty() {
            return Err(Unusable("a secret is needed"));
        }
        if settings.reach != Reach::File && dialect.is_exact() {
            return Err(Unusable(
                "its tokens are for one URL: without `prefix`, and with `ranges = \"header\"`",
            ));
        }
        let lifetime = match (dialect, settings.lifetime) {
            (Dialect::Cloudflare, Some(0)) => {
                return Err(Unusable("`lifetime` must be the seconds that the network's rule names"));
            }
            (Dialect::Cloudflare, _) => Some(settings.lifetime()),
            (_, None) => None,
            (_, Some(_)) => return Err(Unusable("`lifetime` is for `cloudflare`")),
        };
        let forms = secrets.iter().map(|secret| dialect.form(settings, secret)).collect::<Result<_, _>>()?;
        Ok(Self { dialect, reach: settings.reach, lifetime, forms })
    }

    /// The dialect.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// How much its tokens open.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Whether networks take more parameters behind its tokens: those of CloudFront and Google for one URL
    /// are of that URL letter by letter, and those of bunny.net and Cloudflare of all of the query.
    pub fn takes_more(&self) -> bool {
        match self.dialect {
            Dialect::MediaVault | Dialect::Matinee | Dialect::EdgeAuth | Dialect::Nginx | Dialect::Cat => {
                true
            }
            Dialect::CloudFront | Dialect::Google => self.reach != Reach::File,
            Dialect::Bunny | Dialect::Cloudflare => false,
        }
    }

    /// Until when a URL is good that is signed `now` and wanted until `expires`: earlier, where the network
    /// takes tokens no longer than its `lifetime`.
    pub fn expiration(&self, expires: u64, now: u64) -> u64 {
        self.lifetime.map_or(expires, |lifetime| expires.min(now.saturating_add(lifetime)))
    }

    /// The file's URL, with a token that is good until [`Signer::expiration`].
    pub fn sign(&self, place: &Place<'_>, expires: u64, now: u64) -> Signed {
        let expires = self.expiration(expires, now);
        Signed { url: format!("{}?{}", place.url(), self.query(place, expires, now)), expires }
    }

    /// The query of [`Signer::sign`], without its `?`.
    pub fn query(&self, place: &Place<'_>, expires: u64, now: u64) -> String {
        self.forms[0].query(place, self.reach, self.expiration(expires, now))
    }

    /// As [`Signer::query`], for this file alone, whatever the signer's own reach.
    pub fn file_query(&self, place: &Place<'_>, expires: u64, now: u64) -> String {
        self.forms[0].query(place, Reach::File, self.expiration(expires, now))
    }

    /// As [`Signer::query`], for all files in the place's folder, whatever the signer's own reach; `None`
    /// where the dialect has no such tokens.
    pub fn folder_query(&self, place: &Place<'_>, expires: u64, now: u64) -> Option<String> {
        let expires = self.expiration(expires, now);
        (!self.dialect.is_exact()).then(|| self.forms[0].query(place, Reach::Folder, expires))
    }

    /// Checks the query by which a place was asked for; the token before the time. The answer is the first
    /// second at which it is not good any more.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn check(&self, place: &Place<'_>, query: &str, now: u64) -> Result<u64, Refusal> {
        // All secrets are tried, whichever matches.
        let found = self.forms.iter().fold(None, |found, form| form.check(place, query).or(found));
        match found {
            Some(validity) if now < validity.from => Err(Refusal::Forbidden),
            Some(validity) if now >= validity.until => Err(Refusal::Expired),
            Some(validity) => Ok(validity.until),
            None => Err(Refusal::Forbidden),
        }
    }
}
