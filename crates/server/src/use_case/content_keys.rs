//! The content keys of a film, as its licenses grant them.

use super::Failure;
use crate::Service;
use crate::catalogue::Pack;
use crate::keys::imported;
use cenc::{Cek, ContentId, Kid, Label, derive_cek, derive_kid};
use license::KeyName;
use nccp::ErrorCode;

/// The keys to grant: those asked for, or all (every rotation period). Each is recomputed from the common key
/// and the catalogue's names, or was given with the pack.
pub(crate) fn granted(service: &Service, pack: &Pack, asked: &[KeyName]) -> Result<Vec<(Kid, Cek)>, Failure> {
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
    let mut keys = Vec::new();
    if asked.is_empty() {
        for name in &pack.keys {
            keys.push(derive(name)?);
        }
    }
    for name in asked {
        // What the catalogue does not name is not this movie's: A44.
        if !pack.keys.contains(name) || keys.iter().any(|(kid, _)| *kid == name.kid) {
            return Err(ErrorCode::ChallengeInvalid.into());
        }
        keys.push(derive(name)?);
    }
    if keys.is_empty() {
        return Err(ErrorCode::ChallengeInvalid.into());
    }
    Ok(keys)
}
