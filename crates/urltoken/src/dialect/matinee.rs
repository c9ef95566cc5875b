//! This project's own: `p=P&e=E&t=T`, T = base64url of the HMAC-SHA256 of the first P characters of the path,
//! from `/s/` on, and of `?p=P&e=E` (docs/protocol.md, section 8). Neither host nor what a network puts in
//! front of the path is signed, so edges need not know by what names they are known.

use super::{Form, same};
use crate::encoding::{base64url, number};
use crate::settings::Validity;
use crate::{Place, Reach, Secret};
use aws_lc_rs::hmac;

pub(super) struct Matinee(hmac::Key);

impl Matinee {
    pub(super) fn new(secret: &Secret) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.octets()))
    }

    /// The query for all paths that begin so.
    fn of(&self, beginning: &str, expires: u64) -> String {
        let signed = format!("p={}&e={expires}", beginning.len());
        let tag = hmac::sign(&self.0, format!("{beginning}?{signed}").as_bytes());
        format!("{signed}&t={}", base64url(tag.as_ref()))
    }
}

impl Form for Matinee {
    fn query(&self, place: &Place<'_>, reach: Reach, expires: u64) -> String {
        match reach {
            Reach::File | Reach::Ranges => self.of(&place.path(), expires),
            Reach::Folder => self.of(place.folder(), expires),
        }
    }

    fn check(&self, place: &Place<'_>, query: &str) -> Option<Validity> {
        let (p, rest) = query.strip_prefix("p=")?.split_once("&e=")?;
        let (e, _) = rest.split_once("&t=")?;
        let (p, expires) = (usize::try_from(number(p)?).ok()?, number(e)?);
        let beginning = place.beginnings("").into_iter().find(|path| path.len() == p)?;
        same(&self.of(&beginning, expires), query).then(|| Validity::until(expires))?
    }
}
