//! The rules that hold for a film, and whether a player goes by them.

use super::drm_metadata;
use crate::Service;
use crate::config::UpdateStrategy;
use crate::content_rules::ContentRules;
use crate::store::Movie;
use license::{Domain, KeyLevel};

/// Name of the policy that a movie's licenses follow: the server's word goes before what the film was
/// packaged with (B4).
pub(crate) fn policy_of<'a>(service: &'a Service, movie: &'a Movie) -> &'a str {
    service.config.drm.license_policy.as_deref().unwrap_or(&movie.policy)
}

/// Whether a player that reports these rules goes by others than those in force, and the operator wants it to
/// know.
pub(crate) fn is_outdated(
    service: &Service,
    (movie, own): (&Movie, &ContentRules),
    level: KeyLevel,
    reported: Option<&str>,
    now: u64,
) -> bool {
    let strategy = own.update_strategy.unwrap_or(service.config.drm.update_strategy);
    let Some(reported) = reported.filter(|_| strategy == UpdateStrategy::Force) else {
        return false;
    };
    let policies = service.policies();
    let licensed = policies.find_version(policy_of(service, movie)).map(|(_, version)| version);
    // The rules of an embedded license are the film's own, whatever the license server would say.
    let embedded = drm_metadata::domain_of(service, movie, now)
        .filter(|of| Domain::of_level(level).contains(&of.domain))
        .and_then(|_| drm_metadata::version_of(service, movie));
    licensed != Some(reported) && embedded.as_deref() != Some(reported)
}
