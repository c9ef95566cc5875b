//! The content keys of a film, as its licenses grant them.

use super::Failure;
use crate::Service;
use crate::catalogue::Pack;
use crate::keys::imported;
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

/// The keys to grant: those asked for, or all (every rotation period), and of these the ones that pictures up
/// to the policy's greatest height and sound need. Each is recomputed from the common key
/// and the catalogue's names, or was given with the pack.
pub(crate) fn granted(
    service: &Service,
    pack: &Pack,
    asked: &[KeyName],
    max_height: Option<u32>,
) -> Result<Vec<(Kid, Cek)>, Failure> {
    let unavailable = |reason: &str| {
        tracing::error!(pack = %pack.id, reason, "no license can be issued");
        ErrorCode::MovieNotAvailable
    };
    let content: ContentId = pack.content_id.parse().map_err(|_| unavailable("bad content id"))?;
    let ring = service.keys();
    let derive = |name: &KeyName| {
        if name.common_key_id.is_empty() {
            let given = imported::open(&pack.given_keys, &name.kid, &ring.seal);
            let given = given
                .ok_or_else(|| unavailable("its keys were given to the packager, and not to this server"))?;
            return Ok((name.kid, given));
        }
        let common = ring.common_key(&name.common_key_id).ok_or_else(|| unavailable("unknown common key"))?;
        let label: Label = name.label.parse().map_err(|_| unavailable("bad label"))?;
        if derive_kid(common, &content, &label, name.period) != name.kid {
            return Err(unavailable("its KIDs are not this server's"));
        }
        Ok((name.kid, derive_cek(common, &content, &label, name.period)))
    };
    let allowed = pack.keys_up_to(max_height).filter(|name| asked.is_empty() || asked.contains(name));
    let keys = allowed.map(derive).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        return Err(super::too_high().into());
    }
    Ok(keys)
}
