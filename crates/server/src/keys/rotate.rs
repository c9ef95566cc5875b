//! Changing keys without a gap: a new one is accepted everywhere before anything is made with it, and what
//! the old one made is accepted until it is retired.

use super::domains;
use super::file::{self, KeyFile, KeyKind, KeyState};
use super::folder::{KeyInfo, lock};
use super::generate::new_signer;
use crate::Error;
use crate::secret::random;
use license::{SiteCa, Typ};
use std::path::Path;
use zeroize::Zeroize as _;

/// One step of a change. Without a `next` key: makes it (every server then accepts what it makes). With one:
/// `next` becomes active, what was active verifies only. `at_once` does both. Gives the keys that changed.
///
/// # Errors
/// [`Error::Setting`] where a signer's type is missing or unknown; [`Error::Keys`], [`Error::Io`].
pub fn rotate(
    folder: &Path,
    public_url: &str,
    kind: KeyKind,
    typ: Option<&str>,
    at_once: bool,
    now: u64,
) -> Result<Vec<KeyInfo>, Error> {
    domains::refuse_change(kind)?;
    let _guard = lock(folder)?;
    let mut changed = Vec::new();
    for _ in 0..2 {
        let keys = file::read_all(folder)?;
        let same =
            |key: &&KeyFile| key.kind == kind && (kind != KeyKind::Signer || key.typ.as_deref() == typ);
        let next = keys.iter().filter(same).find(|key| key.state == KeyState::Next);
        if let Some(next) = next {
            // First the new one, then the old: at no moment is none active.
            for (key, state) in std::iter::once((next, KeyState::Active)).chain(
                keys.iter()
                    .filter(same)
                    .filter(|key| key.state == KeyState::Active)
                    .map(|key| (key, KeyState::VerifyOnly)),
            ) {
                let key = key.clone().with_state(state);
                key.write(folder)?;
                changed.push(KeyInfo::from(&key));
            }
            return Ok(changed);
        }
        let key = make(folder, &keys, public_url, kind, typ, now)?.with_state(KeyState::Next);
        key.write(folder)?;
        if !at_once {
            return Ok(vec![KeyInfo::from(&key)]);
        }
    }
    Ok(changed)
}

fn make(
    folder: &Path,
    keys: &[KeyFile],
    public_url: &str,
    kind: KeyKind,
    typ: Option<&str>,
    now: u64,
) -> Result<KeyFile, Error> {
    let generation = |prefix: &str| {
        let number = |key: &KeyFile| key.id.strip_prefix(prefix)?.parse::<u32>().ok();
        let highest = keys.iter().filter(|key| key.kind == kind).filter_map(number).max();
        format!("{prefix}{}", highest.unwrap_or(0) + 1)
    };
    let secret = |id: &str, secret: &mut [u8]| {
        let key = KeyFile::new(kind, id, now, secret);
        secret.zeroize();
        key
    };
    let ca = |prefix: &str| {
        let ca = SiteCa::generate().map_err(|_| Error::Internal("no random numbers"))?;
        Ok::<_, Error>(secret(&generation(prefix), &mut *ca.seed()))
    };
    Ok(match kind {
        KeyKind::Ticket => secret(&hex::encode(random::<4>()), &mut random::<32>()),
        KeyKind::Common => secret(&generation("ck-"), &mut random::<16>()),
        KeyKind::Media => secret(&generation("mv-"), &mut random::<32>()),
        KeyKind::SiteCa => ca("ca-")?,
        KeyKind::FactoryCa => ca("factory-")?,
        KeyKind::Seal | KeyKind::Domain => return Err(Error::Internal("that key is never changed")),
        KeyKind::Signer => {
            let typ =
                Typ::OF_SIGNERS.into_iter().find(|known| Some(known.name()) == typ).ok_or_else(|| {
                    let names: Vec<_> = Typ::OF_SIGNERS.iter().map(|typ| typ.name()).collect();
                    Error::Setting { name: "signs", reason: format!("name one of {}", names.join(", ")) }
                })?;
            let active = keys.iter().find(|key| key.kind == KeyKind::SiteCa && key.state == KeyState::Active);
            let active =
                active.ok_or_else(|| Error::Keys(format!("no site-ca is active in {}", folder.display())))?;
            let ca = SiteCa::from_seed(&*active.secret_array()?);
            let prefix = format!("{}-", typ.name().trim_start_matches("matinee-"));
            new_signer(&ca, typ, &generation(&prefix), public_url, now)?
        }
    })
}

/// Forgets a key that verifies only.
///
/// # Errors
/// [`Error::Setting`] when there is none of that id, or it is not in that state; [`Error::Io`].
pub fn retire(folder: &Path, kind: KeyKind, id: &str) -> Result<KeyInfo, Error> {
    domains::refuse_change(kind)?;
    let _guard = lock(folder)?;
    let keys = file::read_all(folder)?;
    let bad = |reason: String| Error::Setting { name: "key", reason };
    let key = keys
        .iter()
        .find(|key| key.kind == kind && key.id == id)
        .ok_or_else(|| bad(format!("there is no {} key \"{id}\"", kind.as_str())))?;
    if key.state != KeyState::VerifyOnly {
        let state = key.state.as_str();
        return Err(bad(format!("{} {id} is {state}; only a verify-only key can be retired", kind.as_str())));
    }
    file::remove(folder, key)?;
    Ok(KeyInfo::from(key))
}
