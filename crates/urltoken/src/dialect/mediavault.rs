//! MediaVault: `p=P&e=E&h=H`, H = hex MD5 of secret ‖ first P characters of the URL ‖ `?p=P&e=E`. (Edgio's
//! documentation of "MediaVault"; the parameters `s`, `ip`, `r` are not used here.)

use super::{Form, same};
use crate::encoding::number;
use crate::settings::Validity;
use crate::{Place, Reach, Secret};
use md5::{Digest as _, Md5};

pub(super) struct MediaVault(Secret);

impl MediaVault {
    pub(super) fn new(secret: &Secret) -> Self {
        Self(secret.clone())
    }

    /// The query for all URLs that begin so.
    fn of(&self, beginning: &str, expires: u64) -> String {
        let signed = format!("p={}&e={expires}", beginning.len());
        let mut md5 = Md5::new();
        md5.update(self.0.octets());
        md5.update(beginning.as_bytes());
        md5.update(b"?");
        md5.update(signed.as_bytes());
        format!("{signed}&h={}", hex::encode(md5.finalize()))
    }
}

impl Form for MediaVault {
    fn query(&self, place: &Place<'_>, reach: Reach, expires: u64) -> String {
        match reach {
            Reach::File | Reach::Ranges => self.of(&place.url(), expires),
            Reach::Folder => self.of(&place.folder_url(), expires),
        }
    }

    fn check(&self, place: &Place<'_>, query: &str) -> Option<Validity> {
        let (p, rest) = query.strip_prefix("p=")?.split_once("&e=")?;
        let (e, _) = rest.split_once("&h=")?;
        let (p, expires) = (usize::try_from(number(p)?).ok()?, number(e)?);
        let beginning = place.url_beginnings().into_iter().find(|url| url.len() == p)?;
        same(&self.of(&beginning, expires), query).then(|| Validity::until(expires))?
    }
}
