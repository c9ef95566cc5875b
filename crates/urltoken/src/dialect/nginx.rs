//! nginx's `secure_link` module: `md5=H&expires=E`, H = base64url of the MD5 of E ‖ path ‖ space ‖ secret, as
//! the module's documentation has it. What of the path is signed is up to the operator's expression:
//! docs/cdn.md has those for a file (with its `/range/`) and for a folder.

use super::{Form, same};
use crate::encoding::{base64url, number};
use crate::settings::Validity;
use crate::{Place, Reach, Secret, Unusable};
use md5::{Digest as _, Md5};

pub(super) struct Nginx(Secret);

impl Nginx {
    pub(super) fn new(secret: &Secret) -> Result<Self, Unusable> {
        // It stands in a quoted word of nginx's configuration.
        if secret.text()?.bytes().any(|b| !(0x21..=0x7E).contains(&b) || b"\"\\$".contains(&b)) {
            return Err(Unusable("a secret for nginx must be ASCII without blanks, `\"`, `\\` and `$`"));
        }
        Ok(Self(secret.clone()))
    }

    fn of(&self, path: &str, expires: u64) -> String {
        let mut md5 = Md5::new();
        md5.update(format!("{expires}{path} ").as_bytes());
        md5.update(self.0.octets());
        format!("md5={}&expires={expires}", base64url(&md5.finalize()))
    }
}

impl Form for Nginx {
    fn query(&self, place: &Place<'_>, reach: Reach, expires: u64) -> String {
        match reach {
            Reach::File | Reach::Ranges => self.of(&place.cdn_path(), expires),
            Reach::Folder => self.of(&place.cdn_folder(), expires),
        }
    }

    fn check(&self, place: &Place<'_>, query: &str) -> Option<Validity> {
        let (_, expires) = query.split_once("&expires=")?;
        let expires = number(expires)?;
        let fits = |found, path: &String| found | same(&self.of(path, expires), query);
        place.cdn_beginnings().iter().fold(false, fits).then(|| Validity::until(expires))?
    }
}
