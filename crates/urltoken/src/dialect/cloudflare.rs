//! Cloudflare's timed HMAC (`is_timed_hmac_valid_v0` of its rules language): `verify=T-M`, T = when it was
//! made, M = base64 of the HMAC-SHA256 of path ‖ T, percent-encoded. How long it is good stands in the rule,
//! so T is the wanted end less that lifetime.

use super::{Form, same};
use crate::encoding::{base64, number, percent};
use crate::settings::{Settings, Validity};
use crate::{Place, Reach, Secret, Unusable};
use aws_lc_rs::hmac;

pub(super) struct Cloudflare {
    key: hmac::Key,
    parameter: String,
    lifetime: u64,
}

impl Cloudflare {
    pub(super) fn new(settings: &Settings, secret: &Secret) -> Result<Self, Unusable> {
        secret.text()?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.octets());
        Ok(Self { key, parameter: settings.parameter("verify")?, lifetime: settings.lifetime() })
    }

    fn of(&self, path: &str, made: u64) -> String {
        let tag = hmac::sign(&self.key, format!("{path}{made}").as_bytes());
        format!("{}={made}-{}", self.parameter, percent(&base64(tag.as_ref())))
    }
}

impl Form for Cloudflare {
    fn query(&self, place: &Place<'_>, _: Reach, expires: u64) -> String {
        self.of(&place.cdn_path(), expires.saturating_sub(self.lifetime))
    }

    fn check(&self, place: &Place<'_>, query: &str) -> Option<Validity> {
        let token = query.strip_prefix(&self.parameter)?.strip_prefix('=')?;
        let (made, _) = token.split_once('-')?;
        let made = number(made)?;
        let expires = made.saturating_add(self.lifetime);
        same(&self.of(&place.cdn_asked_path(), made), query).then(|| Validity::until(expires))?
    }
}
