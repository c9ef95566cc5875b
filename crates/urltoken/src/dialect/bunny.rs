//! bunny.net's token authentication: `token=HS256-T[&token_path=P]&expires=E`, T = base64url of the
//! HMAC-SHA256 of path ‖ E ‖ the other parameters, sorted, as `k=v` joined by `&`; with `token_path`, the
//! path is that and stands for all that begin so. (The owner's published code and vectors.) Tokens with other
//! parameters (countries, an address) are refused.

use super::{Form, same};
use crate::encoding::{base64url, from_percent, number, percent};
use crate::settings::Validity;
use crate::{Place, Reach, Secret, Unusable};
use aws_lc_rs::hmac;

pub(super) struct Bunny(hmac::Key);

impl Bunny {
    pub(super) fn new(secret: &Secret) -> Result<Self, Unusable> {
        secret.text()?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret.octets())))
    }

    fn of(&self, path: &str, expires: u64, is_beginning: bool) -> String {
        let (signed, sent) = match is_beginning {
            true => (format!("token_path={path}"), format!("&token_path={}", percent(path))),
            false => (String::new(), String::new()),
        };
        let tag = hmac::sign(&self.0, format!("{path}{expires}{signed}").as_bytes());
        format!("token=HS256-{}{sent}&expires={expires}", base64url(tag.as_ref()))
    }
}

impl Form for Bunny {
    fn query(&self, place: &Place<'_>, reach: Reach, expires: u64) -> String {
        match reach {
            Reach::File => self.of(&place.cdn_path(), expires, false),
            Reach::Ranges => self.of(&place.cdn_path(), expires, true),
            Reach::Folder => self.of(&place.cdn_folder(), expires, true),
        }
    }

    fn check(&self, place: &Place<'_>, query: &str) -> Option<Validity> {
        let (rest, expires) = query.rsplit_once("&expires=")?;
        let expires = number(expires)?;
        let path = place.cdn_asked_path();
        let made = match rest.split_once("&token_path=") {
            None => self.of(&path, expires, false),
            Some((_, beginning)) => {
                let beginning = from_percent(beginning)?;
                if beginning.is_empty() || !path.starts_with(&beginning) {
                    return None;
                }
                self.of(&beginning, expires, true)
            }
        };
        same(&made, query).then(|| Validity::until(expires))?
    }
}
