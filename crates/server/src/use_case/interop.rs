//! Keys for players that are not Matinee's, where a film's policy has them given out (docs/delivery.md).

pub(crate) mod holder;

use super::{Failure, Outcome, content_keys, rules};
use crate::catalogue::Pack;
use crate::playlist_url::PlaylistPath;
use crate::policy::PolicyTemplate;
use crate::region::Place;
use crate::store::{AuditEntry, Movie, retried};
use crate::{Error, Role, Service};
use cenc::{Cek, Kid};
use license::KeyName;
use nccp::ErrorCode;
use std::sync::Arc;

/// Where EME's ClearKey gets keys.
pub(crate) const CLEAR_KEY: &str = "/interop/clearkey";
/// Where HLS players get a key, by its KID.
pub(crate) const HLS_KEY: &str = "/interop/hls-key";

/// A film whose policy has keys given out.
pub(crate) struct Allowed {
    movie: Movie,
    policy: PolicyTemplate,
}

impl Allowed {
    pub(crate) fn clear_key(&self) -> bool {
        self.policy.interop.clear_key
    }

    pub(crate) fn hls_keys(&self) -> bool {
        self.policy.interop.hls_keys
    }

    /// The highest picture: that of keys in a program's memory, for such players promise nothing better.
    pub(crate) fn max_height(&self) -> Option<u32> {
        self.policy.max_height.software
    }
}

/// The movie of a film, by the rules that hold for it; only servers that know films and policies can tell. A
/// content that the catalogue does not name has the policy that its settings name, or the default one.
pub(crate) async fn film(service: &Service, pack: &Pack) -> Result<Option<Movie>, Error> {
    if !service.config.has(Role::Control) {
        return Ok(None);
    }
    let found = match pack.name.contains('/') {
        // A content's movie may have any number.
        true => {
            let movies = retried!(async { service.store.read().await?.movies().await })?;
            let named = movies.into_iter().find(|movie| movie.pack == pack.name);
            Some(named.unwrap_or_else(|| Movie::of_content(pack)))
        }
        false => retried!(async { service.store.read().await?.movie(pack.movie_id).await })?,
    };
    let found = found.filter(|movie| movie.available && movie.pack == pack.name);
    Ok(found.map(|movie| pack.rules.over(movie)))
}

/// Whether a film has a policy that gives keys to players of others now.
pub(crate) fn allowed(service: &Service, movie: Movie) -> Option<Allowed> {
    let policies = service.policies();
    let policy = policies.find(rules::policy_of(service, &movie)).cloned()?;
    let over = policy.ends.is_some_and(|end| service.clock.now() >= end);
    (policy.interop.is_any() && !over).then_some(Allowed { movie, policy })
}

/// In which form keys are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    ClearKey,
    HlsKey,
}

impl Form {
    fn is_given_by(self, allowed: &Allowed) -> bool {
        match self {
            Self::ClearKey => allowed.clear_key(),
            Self::HlsKey => allowed.hls_keys(),
        }
    }
}

/// Why there is no key.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The film's policy gives none, or not there.
    Policy(ErrorCode),
    /// The film has no such key.
    Unknown,
    /// Something of the server's own failed.
    Failed(Failure),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Code(code) => Self::Policy(code),
            Failure::Said(error) => Self::Policy(error.code),
            other => Self::Failed(other),
        }
    }
}

/// The keys of a film that were asked for by a manifest's token, as that form of delivery has them. Under key
/// rotation ClearKey gets those of the other periods with them: a player asks once, for the first. What is
/// given, and what the policy refuses, is in the audit log; nothing is given that could not be written there.
pub(crate) async fn keys(
    service: &Service,
    of: &PlaylistPath,
    (form, asked): (Form, &[Kid]),
    place: &Place,
) -> Result<Vec<(Kid, Cek)>, Refused> {
    let pack = match service.film_by(&of.pack, of.form()).await {
        Ok(pack) => pack,
        Err(error) => {
            tracing::error!(%error, "no keys can be given");
            return Err(Refused::Policy(ErrorCode::MovieNotAvailable));
        }
    };
    let found = film(service, &pack).await.map_err(|error| {
        tracing::error!(%error, "no keys can be given");
        Refused::Failed(ErrorCode::TryLater.into())
    })?;
    let found = found.and_then(|movie| allowed(service, movie)).filter(|allowed| form.is_given_by(allowed));
    let Some(allowed) = found else {
        let entry = entry(service, form, pack.movie_id, place).result(ErrorCode::PolicyRefused.as_str());
        super::audit::alone(service, entry).await;
        return Err(Refused::Policy(ErrorCode::PolicyRefused));
    };
    if !place.may(&allowed.movie.regions) {
        let entry = entry(service, form, pack.movie_id, place).result(ErrorCode::RegionNotAllowed.as_str());
        super::audit::alone(service, entry).await;
        return Err(Refused::Policy(ErrorCode::RegionNotAllowed));
    }
    let names = names(&pack, form, asked).ok_or(Refused::Unknown)?;
    let keys = content_keys::granted(service, &pack, &names, allowed.max_height())?;
    write(service, (form, &allowed), &keys, place).await?;
    Ok(keys)
}

/// The names of the keys to give; `None` where one is not the film's, or none is asked for.
fn names(pack: &Arc<Pack>, form: Form, asked: &[Kid]) -> Option<Vec<KeyName>> {
    let find = |kid: &Kid| pack.keys.iter().find(|name| name.kid == *kid);
    let wanted = asked.iter().map(find).collect::<Option<Vec<_>>>().filter(|wanted| !wanted.is_empty())?;
    let goes_along = |name: &&KeyName| {
        wanted.iter().any(|one| one.kid == name.kid || form == Form::ClearKey && one.label == name.label)
    };
    Some(pack.keys.iter().filter(goes_along).cloned().collect())
}

fn entry(service: &Service, form: Form, movie: u64, place: &Place) -> AuditEntry {
    let action = match form {
        Form::ClearKey => "interop clearkey",
        Form::HlsKey => "interop hls-key",
    };
    AuditEntry::client(action, service.clock.now()).movie(movie).from(place.network.as_deref())
}

/// What is written of keys that are given.
fn given(
    service: &Service,
    (form, allowed): (Form, &Allowed),
    keys: &[(Kid, Cek)],
    place: &Place,
) -> AuditEntry {
    let kids: Vec<String> = keys.iter().map(|(kid, _)| kid.to_string()).collect();
    entry(service, form, allowed.movie.id, place)
        .with("keys", kids)
        .with("policy", allowed.policy.name.as_str())
        .with("policy_version", allowed.policy.version())
}

async fn write(
    service: &Service,
    (form, allowed): (Form, &Allowed),
    keys: &[(Kid, Cek)],
    place: &Place,
) -> Outcome<()> {
    let entry = given(service, (form, allowed), keys, place);
    Ok(retried!(async {
        let mut tx = service.store.begin().await?;
        tx.audit(&entry).await?;
        tx.commit().await
    })?)
}
