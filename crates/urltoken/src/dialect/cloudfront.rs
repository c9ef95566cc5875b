//! Amazon CloudFront's signed URLs. For one URL by a canned policy, `Expires=E&Signature=S&Key-Pair-Id=K`;
//! for all that fit a pattern by a custom one, `Policy=P&Signature=S&Key-Pair-Id=K`. What is signed is the
//! policy's JSON without blanks, by RSA with PKCS #1 1.5. The hash is SHA-256, which `&Hash-Algorithm=SHA256`
//! says; SHA-1, CloudFront's own default, is neither made nor taken. (The developer guide, "Use signed
//! URLs".)

use super::Form;
use crate::encoding::{cloudfront_base64, from_cloudfront_base64, number, pem};
use crate::settings::{Settings, Validity};
use crate::{Place, Reach, Secret, Unusable};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use serde::Deserialize;
use std::sync::{Mutex, PoisonError};
use wildmatch::WildMatch;

/// Octets of a policy at most.
const MOST: usize = 4096;

pub(super) struct CloudFront {
    key: RsaKeyPair,
    id: String,
    /// The policy that was signed last, and its signature: the files of a folder have one between them.
    last: Mutex<Option<(String, String)>>,
}

/// A custom policy. One that names an address is refused: an edge behind a network does not know it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    #[serde(rename = "Statement")]
    statement: [Statement; 1],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Statement {
    resource: String,
    condition: Condition,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Condition {
    date_less_than: Epoch,
    date_greater_than: Option<Epoch>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Epoch {
    #[serde(rename = "AWS:EpochTime")]
    time: u64,
}

/// The policy's text. URLs of this project have nothing that JSON would escape.
fn policy(resource: &str, expires: u64) -> String {
    format!(
        r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}"#
    )
}

impl CloudFront {
    pub(super) fn new(settings: &Settings, secret: &Secret) -> Result<Self, Unusable> {
        let der = pem(secret.text()?)?;
        let key = RsaKeyPair::from_pkcs8(&der).or_else(|_| RsaKeyPair::from_der(&der));
        let key = key.map_err(|_| Unusable("a key for CloudFront must be an RSA private key"))?;
        Ok(Self { key, id: settings.key_id()?, last: Mutex::new(None) })
    }

    /// `Signature=` and what follows it.
    fn tail(&self, signature: &str) -> String {
        format!("&Signature={signature}&Key-Pair-Id={}&Hash-Algorithm=SHA256", self.id)
    }

    fn sign(&self, policy: &str) -> String {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((signed, signature)) = &*last
            && signed == policy
        {
            return self.tail(signature);
        }
        let mut signature = vec![0; self.key.public_modulus_len()];
        // It fails only where memory does: the URL is then one that nobody takes.
        let random = SystemRandom::new();
        let _ = self.key.sign(&RSA_PKCS1_SHA256, &random, policy.as_bytes(), &mut signature);
        let signature = cloudfront_base64(&signature);
        let tail = self.tail(&signature);
        *last = Some((policy.to_owned(), signature));
        tail
    }

    /// Whether what follows the policy is ours and signs it.
    fn is_signed(&self, policy: &[u8], tail: &str) -> Option<()> {
        let (signature, _) = tail.split_once('&')?;
        if self.tail(signature).strip_prefix("&Signature=")? != tail {
            return None;
        }
        let signature = from_cloudfront_base64(signature)?;
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.key.public_key());
        key.verify(policy, &signature).ok()
    }
}

impl Form for CloudFront {
    fn query(&self, place: &Place<'_>, reach: Reach, expires: u64) -> String {
        let resource = match reach {
            Reach::File => {
                let signature = self.sign(&policy(&place.url(), expires));
                return format!("Expires={expires}{signature}");
            }
            Reach::Ranges => format!("{}*", place.url()),
            Reach::Folder => format!("{}*", place.folder_url()),
        };
        let policy = policy(&resource, expires);
        let signature = self.sign(&policy);
        format!("Policy={}{signature}", cloudfront_base64(policy.as_bytes()))
    }

    fn check(&self, place: &Place<'_>, query: &str) -> Option<Validity> {
        let (first, tail) = query.split_once("&Signature=")?;
        let url = place.asked_url();
        if let Some(expires) = first.strip_prefix("Expires=") {
            let expires = number(expires)?;
            self.is_signed(policy(&url, expires).as_bytes(), tail)?;
            return Validity::until(expires);
        }
        let text = first.strip_prefix("Policy=").filter(|text| text.len() <= MOST)?;
        let octets = from_cloudfront_base64(text)?;
        self.is_signed(&octets, tail)?;
        let Policy { statement: [Statement { resource, condition }] } =
            serde_json::from_slice(&octets).ok()?;
        let from = condition.date_greater_than.map_or(0, |after| after.time.saturating_add(1));
        let fits = WildMatch::new(&resource).matches(&url);
        fits.then_some(Validity { from, until: condition.date_less_than.time })
    }
}
