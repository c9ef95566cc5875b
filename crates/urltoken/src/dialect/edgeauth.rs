//! Akamai's EdgeAuth ("Auth Token 2.0"): `hdnts=exp=E~acl=A~hmac=H`, H = hex HMAC-SHA256 of all fields before
//! it, in the order `st`, `exp`, `acl`, `id`, `data`, joined by `~`; the key is the octets that the hex
//! secret stands for. A token without `acl` is for one URL, whose path is signed as a last field `url`, and
//! not sent. (Akamai's published code.) Tokens that name an address (`ip`) are refused: an edge behind a
//! network does not know it.

use super::{Form, same};
use crate::encoding::number;
use crate::settings::{Settings, Validity};
use crate::{Place, Reach, Secret, Unusable};
use aws_lc_rs::hmac;
use wildmatch::WildMatch;
use zeroize::Zeroizing;

/// Paths that one token may name.
const MOST_PATHS: usize = 16;

pub(super) struct EdgeAuth {
    key: hmac::Key,
    parameter: String,
}

impl EdgeAuth {
    pub(super) fn new(settings: &Settings, secret: &Secret) -> Result<Self, Unusable> {
        let octets = hex::decode(secret.octets()).map(Zeroizing::new);
        let octets = octets.map_err(|_| Unusable("an EdgeAuth secret must be hex digits, an even number"))?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &octets);
        Ok(Self { key, parameter: settings.parameter("hdnts")? })
    }

    fn hmac(&self, fields: &str) -> String {
        hex::encode(hmac::sign(&self.key, fields.as_bytes()))
    }
}

impl Form for EdgeAuth {
    fn query(&self, place: &Place<'_>, reach: Reach, expires: u64) -> String {
        let acl = match reach {
            Reach::File => place.cdn_path(),
            Reach::Ranges => format!("{0}!{0}/range/*", place.cdn_path()),
            Reach::Folder => format!("{}*", place.cdn_folder()),
        };
        let fields = format!("exp={expires}~acl={acl}");
        format!("{}={fields}~hmac={}", self.parameter, self.hmac(&fields))
    }

    fn check(&self, place: &Place<'_>, query: &str) -> Option<Validity> {
        let token = query.strip_prefix(&self.parameter)?.strip_prefix('=')?;
        let (fields, given) = token.split_once("~hmac=")?;
        let mut rest = fields.split('~').peekable();
        let mut take = |name: &str| {
            let value = rest.peek()?.strip_prefix(name)?.strip_prefix('=')?;
            rest.next();
            Some(value)
        };
        let from = match take("st") {
            Some(text) => number(text)?,
            None => 0,
        };
        let until = number(take("exp")?)?;
        let acl = take("acl");
        let _ = (take("id"), take("data"));
        if rest.next().is_some() {
            return None;
        }
        let path = place.cdn_asked_path();
        let made = match acl {
            Some(acl) => {
                let fits = |pattern: &str| WildMatch::new(pattern).matches(&path);
                if acl.split('!').count() > MOST_PATHS || !acl.split('!').any(fits) {
                    return None;
                }
                self.hmac(fields)
            }
            None => self.hmac(&format!("{fields}~url={path}")),
        };
        same(&made, given).then_some(Validity { from, until })
    }
}
