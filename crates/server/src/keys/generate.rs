//! Making the keys that a folder lacks.

use super::file::{self, KeyFile, KeyKind, KeyState};
use super::folder::{KeyInfo, list, lock};
use crate::Error;
use crate::secret::random;
use license::{SiteCa, Typ};
use std::path::Path;
use zeroize::Zeroize as _;

/// How long a signer's certificate holds.
pub(super) const SIGNER_LIFE: u64 = 5 * 365 * 86_400;

/// Makes the keys that are missing; gives the new ones.
///
/// # Errors
/// [`Error::Io`], [`Error::Keys`], [`Error::KeysExposed`].
pub fn generate(folder: &Path, public_url: &str, now: u64) -> Result<Vec<KeyInfo>, Error> {
    let _guard = lock(folder)?;
    let before = list(folder)?;
    let keys = file::read_all(folder)?;
    let missing = |kind| !keys.iter().any(|key| key.kind == kind);
    let make = |kind, id: &str, secret: &mut [u8]| {
        let done = KeyFile::new(kind, id, now, secret).write(folder);
        secret.zeroize();
        done
    };
    let ca = match keys.iter().find(|key| key.kind == KeyKind::SiteCa && key.state == KeyState::Active) {
        Some(key) => SiteCa::from_seed(&*key.secret_array()?),
        None if missing(KeyKind::SiteCa) => {
            let ca = SiteCa::generate().map_err(|_| Error::Internal("no random numbers"))?;
            make(KeyKind::SiteCa, "ca-1", &mut *ca.seed())?;
            ca
        }
        None => return Err(Error::Keys("no site-ca is active".to_owned())),
    };
    for typ in Typ::OF_SIGNERS {
        if !keys.iter().any(|key| key.kind == KeyKind::Signer && key.typ.as_deref() == Some(typ.name())) {
            let id = format!("{}-1", typ.name().trim_start_matches("matinee-"));
            new_signer(&ca, typ, &id, public_url, now)?.write(folder)?;
        }
    }
    if missing(KeyKind::Ticket) {
        make(KeyKind::Ticket, &hex::encode(random::<4>()), &mut random::<32>())?;
    }
    if missing(KeyKind::Common) {
        make(KeyKind::Common, "ck-1", &mut random::<16>())?;
    }
    if missing(KeyKind::Media) {
        make(KeyKind::Media, "mv-1", &mut random::<32>())?;
    }
    if missing(KeyKind::Seal) {
        make(KeyKind::Seal, "seal-1", &mut random::<32>())?;
    }
    let mut after = list(folder)?;
    after.retain(|key| !before.contains(key));
    Ok(after)
}

/// A signer with a fresh key, certified by the CA.
pub(super) fn new_signer(
    ca: &SiteCa,
    typ: Typ,
    id: &str,
    public_url: &str,
    now: u64,
) -> Result<KeyFile, Error> {
    let signer = ca
        .new_signer(public_url, typ, id, now, now.saturating_add(SIGNER_LIFE))
        .map_err(|_| Error::Internal("no random numbers"))?;
    let key = KeyFile::new(KeyKind::Signer, id, now, &*signer.seed());
    Ok(key.with_certificate(typ.name(), signer.certificate_octets()))
}
