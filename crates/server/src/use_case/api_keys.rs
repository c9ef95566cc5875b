//! API keys: by them the operator's own programs call. The text of one is `mk_`, its id and `_`, and 32
//! random octets as base64url; only the SHA-256 of that is kept.

use crate::Error;
use crate::secret::{base64url, from_base64url, random, random_hex, sha256};
use crate::store::{ApiKey, AuditEntry, Store, StoreError, retried};
use std::fmt;
use std::str::FromStr;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// What a key begins with, so that it can be found where it should not be.
const PREFIX: &str = "mk_";
/// Longest text that is looked at.
const MAX_TEXT: usize = 128;

/// What may be done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `POST /api/grants`
    Grants,
    /// The catalogue (*not yet*).
    Catalogue,
}

impl Scope {
    const ALL: [Self; 2] = [Self::Grants, Self::Catalogue];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grants => "grants",
            Self::Catalogue => "catalogue",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| format!("must be one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

/// The text of a key, as a caller shows it.
pub(crate) struct ShownKey<'a> {
    pub(crate) id: &'a str,
    hash: [u8; 32],
}

impl<'a> ShownKey<'a> {
    /// A text that has the form of a key.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let secret = Zeroizing::new(from_base64url(secret)?);
        (secret.len() == 32).then(|| Self { id, hash: sha256(&secret) })
    }

    /// Whether it is this key; in a time that does not tell how much of it is.
    pub(crate) fn is(&self, key: &ApiKey) -> bool {
        self.hash.ct_eq(&key.secret_hash).into()
    }
}

/// Makes a key; its text, which nobody can be told again.
///
/// # Errors
/// [`Error::Setting`] for a bad name, one that is taken, or no scope; [`Error::Store`].
pub async fn create(
    store: &dyn Store,
    name: &str,
    scopes: &[Scope],
    now: u64,
) -> Result<(ApiKey, Zeroizing<String>), Error> {
    let is_name = (1..=80).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
    if !is_name {
        let reason = "must be 1 to 80 visible ASCII characters without blanks".to_owned();
        return Err(Error::Setting { name: "name", reason });
    }
    if scopes.is_empty() {
        return Err(Error::Setting { name: "scope", reason: "name at least one".to_owned() });
    }
    let secret = Zeroizing::new(random::<32>());
    let key = ApiKey {
        id: random_hex::<8>(),
        name: name.to_owned(),
        secret_hash: sha256(&*secret),
        scopes: scopes.iter().map(Scope::to_string).collect(),
        created: now,
        last_used: 0,
    };
    let text = Zeroizing::new(format!("{PREFIX}{}_{}", key.id, *Zeroizing::new(base64url(&*secret))));
    retried!(async {
        let mut tx = store.begin().await?;
        tx.add_api_key(&key).await.map_err(|error| match error {
            StoreError::Exists => {
                Error::Setting { name: "name", reason: format!("there is an API key \"{name}\" already") }
            }
            other => other.into(),
        })?;
        let entry = AuditEntry::operator("apikey create").with("key", name);
        tx.audit(&entry.with("scopes", key.scopes.clone())).await?;
        Ok::<_, Error>(tx.commit().await?)
    })?;
    Ok((key, text))
}

/// Every key, by name.
///
/// # Errors
/// [`Error::Store`].
pub async fn list(store: &dyn Store) -> Result<Vec<ApiKey>, Error> {
    Ok(store.read().await?.api_keys().await?)
}

/// Forgets a key: it opens nothing any more, and nor do the grants that were asked for with it.
///
/// # Errors
/// [`Error::Setting`] when there is none of that name; [`Error::Store`].
pub async fn revoke(store: &dyn Store, name: &str) -> Result<(), Error> {
    retried!(async {
        let mut tx = store.begin().await?;
        if !tx.remove_api_key(name).await? {
            let reason = format!("there is no API key \"{name}\"");
            return Err(Error::Setting { name: "name", reason });
        }
        tx.audit(&AuditEntry::operator("apikey revoke").with("key", name)).await?;
        Ok(tx.commit().await?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_text() {
        let secret = base64url(&[7; 32]);
        let key = ApiKey {
            id: "0123456789abcdef".into(),
            name: "school".into(),
            secret_hash: sha256(&[7; 32]),
            scopes: vec!["grants".into()],
            created: 1,
            last_used: 0,
        };
        let text = format!("mk_0123456789abcdef_{secret}");
        let shown = ShownKey::parse(&text).unwrap();
        assert!(shown.id == key.id && shown.is(&key));
        let other = format!("mk_0123456789abcdef_{}", base64url(&[8; 32]));
        assert!(!ShownKey::parse(&other).unwrap().is(&key));
        // What base64url holds of `_` is the secret's.
        let underscores = format!("mk_a_{}", base64url(&[0xff; 32]));
        assert_eq!(ShownKey::parse(&underscores).unwrap().id, "a");
        for wrong in ["", "mk_", "mk_a", "mk_a_AAAA", "sk_a_b", &format!("mk_a_{}", "A".repeat(500))] {
            assert!(ShownKey::parse(wrong).is_none(), "{wrong}");
        }
        assert_eq!("grants".parse(), Ok(Scope::Grants));
        assert!("all".parse::<Scope>().is_err());
    }
}
