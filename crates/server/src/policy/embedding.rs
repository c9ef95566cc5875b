//! Which policies the licenses can have that are embedded in DRM metadata.

use super::{Policies, PolicyTemplate, Since};
use crate::config::Drm;
use crate::store::{Store, retried};
use crate::{Error, LicenseMode};

impl PolicyTemplate {
    /// Whether licenses of this policy can be embedded: caches keep them for a while, and nobody knows
    /// who will play.
    pub(crate) fn can_be_embedded(&self, drm: &Drm) -> Result<(), String> {
        let name = &self.name;
        if self.playback.is_some() {
            return Err(format!(
                "policy \"{name}\" counts from the first play, which only the license server knows: choose another policy, or --license server"
            ));
        }
        if self.since == Since::Acquisition && self.validity.is_some() {
            return Err(format!(
                "policy \"{name}\" counts from when a device gets its license, which caches cannot tell: choose another policy, or --license server"
            ));
        }
        let kept = drm.ttl.saturating_add(drm.update_interval);
        match self.validity {
            Some(validity) if kept >= validity => Err(format!(
                "drm.ttl ({} s) and drm.update_interval ({} s) together must be less than the {validity} s for which policy \"{name}\" \
             holds, or caches would give out embedded licenses that have ended: lower them",
                drm.ttl, drm.update_interval
            )),
            _ => Ok(()),
        }
    }
}

/// Whether a film of this policy may have its licenses come from there.
///
/// # Errors
/// [`Error::Setting`], with what to do.
pub fn check_mode(policies: &Policies, drm: &Drm, policy: &str, mode: LicenseMode) -> Result<(), Error> {
    match (mode, policies.find(policy)) {
        (LicenseMode::Embedded(_), Some(policy)) => {
            policy.can_be_embedded(drm).map_err(|reason| Error::Setting { name: "license", reason })
        }
        _ => Ok(()),
    }
}

/// As [`check_mode`], of every film there is.
pub(crate) async fn check_all(store: &dyn Store, policies: &Policies, drm: &Drm) -> Result<(), Error> {
    for movie in retried!(async { store.read().await?.movies().await })? {
        check_mode(policies, drm, &movie.policy, movie.license).map_err(|error| match error {
            Error::Setting { reason, .. } => {
                Error::Setting { name: "drm", reason: format!("movie {}: {reason}", movie.id) }
            }
            other => other,
        })?;
    }
    Ok(())
}
