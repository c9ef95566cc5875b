//! Google Media CDN's signed requests in the query: `Expires=E&KeyName=K&Signature=S` for one URL, whose
//! whole text is signed with those parameters, or `URLPrefix=P&Expires=E&KeyName=K&Signature=S` for all URLs
//! that begin with P (base64url), where the parameters alone are signed. S: Ed25519, base64url. (The owner's
//! documentation and samples.)

use super::Form;
use crate::encoding::{base64url_padded, from_base64url_padded, number};
use crate::settings::{Settings, Validity};
use crate::{Place, Reach, Secret, Unusable};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use zeroize::Zeroizing;

pub(super) struct Google {
    key: Ed25519KeyPair,
    name: String,
}

impl Google {
    pub(super) fn new(settings: &Settings, secret: &Secret) -> Result<Self, Unusable> {
        let wrong = Unusable("a key for Google must be an Ed25519 private key: 32 octets in base64url");
        let seed = from_base64url_padded(secret.text()?.trim()).map(Zeroizing::new).ok_or(wrong)?;
        let key = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| wrong)?;
        Ok(Self { key, name: settings.key_id()? })
    }

    fn sign(&self, text: &str) -> String {
        format!("&Signature={}", base64url_padded(self.key.sign(text.as_bytes()).as_ref()))
    }

    fn tail(&self, expires: u64) -> String {
        format!("Expires={expires}&KeyName={}", self.name)
    }
}

impl Form for Google {
    fn query(&self, place: &Place<'_>, reach: Reach, expires: u64) -> String {
        let tail = self.tail(expires);
        let beginning = match reach {
            Reach::File => {
                let signature = self.sign(&format!("{}?{tail}", place.url()));
                return tail + &signature;
            }
            Reach::Ranges => place.url(),
            Reach::Folder => place.folder_url(),
        };
        let policy = format!("URLPrefix={}&{tail}", base64url_padded(beginning.as_bytes()));
        let signature = self.sign(&policy);
        policy + &signature
    }

    fn check(&self, place: &Place<'_>, query: &str) -> Option<Validity> {
        let (policy, signature) = query.split_once("&Signature=")?;
        let url = place.asked_url();
        let (tail, signed) = match policy.strip_prefix("URLPrefix=") {
            Some(rest) => {
                let (beginning, tail) = rest.split_once('&')?;
                let beginning = from_base64url_padded(beginning)?;
                if beginning.is_empty() || !url.as_bytes().starts_with(&beginning) {
                    return None;
                }
                (tail, policy.to_owned())
            }
            None => (policy, format!("{url}?{policy}")),
        };
        let expires = number(tail.strip_prefix("Expires=")?.split_once('&')?.0)?;
        if tail != self.tail(expires) {
            return None;
        }
        // With its padding: it has one form.
        let signature =
            from_base64url_padded(signature).filter(|octets| base64url_padded(octets) == signature)?;
        let key = UnparsedPublicKey::new(&ED25519, self.key.public_key());
        key.verify(signed.as_bytes(), &signature).ok()?;
        Validity::until(expires)
    }
}
