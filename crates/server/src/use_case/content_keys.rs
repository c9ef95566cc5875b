//! The content keys of a film, as its licenses grant them.

use super::Failure;
use crate::Service;
use crate::catalogue::Pack;
use crate::keys::{KeyRing, imported};
use cenc::{Cek, ContentId, Kid, Label, derive_cek, derive_kid};
use license::KeyName;
use nccp::ErrorCode;

/// Whether a challenge may name these keys: each is the movie's, and named once; none stands for all.
pub(crate) fn may_be_asked(pack: &Pack, asked: &[KeyName]) -> Result<(), ErrorCode> {
    // What the catalogue does not name is not this movie's: A44.
    let is_own = |(n, name): (usize, &KeyName)| {
        pack.keys.contains(name) && asked[..n].iter().all(|other| other.kid != name.kid)
    };
    match !pack.keys.is_empty() && asked.iter().enumerate().all(is_own) {
        true => Ok(()),
        false => Err(ErrorCode::ChallengeInvalid),
    }
}

/// A film's key by its name: recomputed from the common key and the catalogue's names, or given with the
/// pack.
///
/// # Errors
/// In words, why this ring does not open it.
pub(crate) fn open(ring: &KeyRing, pack: &Pack, name: &KeyName) -> Result<Cek, &'static str> {
    if name.common_key_id.is_empty() {
        return imported::open(&pack.given_keys, &name.kid, &ring.seal)
            .ok_or("its keys were given to the packager, and not to this server");
    }
    let content: ContentId = pack.content_id.parse().map_err(|_| "bad content id")?;
    let common = ring.common_key(&name.common_key_id).ok_or("unknown common key")?;
    let label: Label = name.label.parse().map_err(|_| "bad label")?;
    match derive_kid(common, &content, &label, name.period) == name.kid {
        true => Ok(derive_cek(common, &content, &label, name.period)),
        false => Err("its KIDs are not this server's"),
    }
}

/// The keys to grant: those asked for, or all (every rotation period), and of these the ones that pictures up
/// to the policy's greatest height and sound need.
pub(crate) fn granted(
    service: &Service,
    pack: &Pack,
    asked: &[KeyName],
    max_height: Option<u32>,
) -> Result<Vec<(Kid, Cek)>, Failure> {
    let ring = service.keys();
    let open = |name: &KeyName| {
        open(&ring, pack, name).map(|cek| (name.kid, cek)).map_err(|reason| {
            tracing::error!(pack = %pack.id, reason, "no license can be issued");
            Failure::from(ErrorCode::MovieNotAvailable)
        })
    };
    let allowed = pack.keys_up_to(max_height).filter(|name| asked.is_empty() || asked.contains(name));
    let keys = allowed.map(open).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        return Err(super::too_high().into());
    }
    Ok(keys)
}
