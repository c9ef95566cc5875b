//! Grants: for whom the operator's backend asks, and whose device it becomes who shows one.

use super::api_keys::{Scope, ShownKey};
use super::speaker::Speaker;
use super::{Failure, Outcome};
use crate::Service;
use crate::config::check_origin;
use crate::grant::{self, Grant};
use crate::region::Place;
use crate::secret::random_hex;
use crate::store::{Account, ApiKey, AuditEntry, StoreError, Transaction, retried};
use crate::throttle::Throttled;
use crate::visit::{MOST_MOVIES, Movies, Visit};
use nccp::{ErrorCode, MovieId, ShownGrant, WireError, single_line};
use serde::Deserialize;
use std::net::IpAddr;

/// Seconds that a grant can be shown, where nothing else is asked for.
const LIFE: u64 = 300;
/// The most that can be asked for.
const LONGEST_LIFE: u64 = 86_400;
/// Most characters of a subject.
const MAX_SUBJECT: usize = 128;
/// Most characters of a page's origin: no host's name is longer, and tickets name it.
const MAX_ORIGIN: usize = 300;
/// Most characters of a name.
const MAX_NAME: usize = 80;
/// What a subject has of plan where nothing else is asked for.
const PLAN: &str = "unlimited";
/// What a subject's address begins with: no email address does, so none can be mistaken for one.
pub(crate) const SUBJECT: &str = "subject:";
/// Seconds after which the use of a key is noted again.
const USE_NOTED: u64 = 3600;

/// The body of `POST /api/grants`.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    subject: String,
    #[serde(default)]
    name: Option<String>,
    movies: Movies,
    #[serde(default)]
    origin: Option<String>,
    #[serde(default)]
    plan: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    streams: Option<u32>,
}

/// Why there is no grant.
#[derive(Debug)]
pub(crate) enum Refused {
    Throttled(Throttled),
    Other(Failure),
}

impl<T: Into<Failure>> From<T> for Refused {
    fn from(failure: T) -> Self {
        Self::Other(failure.into())
    }
}

fn invalid(text: &str) -> Failure {
    Failure::Said(WireError { text: text.to_owned(), ..ErrorCode::RequestInvalid.into() })
}

impl Asked {
    fn check(&self) -> Result<(), Failure> {
        let subject = &self.subject;
        // Accounts of links to films have names like these.
        if subject.starts_with("share-") {
            return Err(invalid("subject must not begin with \"share-\"."));
        }
        if subject.is_empty() || subject.len() > MAX_SUBJECT || !subject.bytes().all(|b| b.is_ascii_graphic())
        {
            return Err(invalid("subject must be 1 to 128 visible ASCII characters without blanks."));
        }
        if self.name.as_ref().is_some_and(|name| single_line(name).chars().count() > MAX_NAME) {
            return Err(invalid("name must have at most 80 characters."));
        }
        if let Movies::Only(movies) = &self.movies
            && !(1..=MOST_MOVIES).contains(&movies.len())
        {
            return Err(invalid("movies must be \"all\" or 1 to 50 numbers."));
        }
        let is_origin =
            |origin: &String| origin.len() <= MAX_ORIGIN && check_origin("origin", origin).is_ok();
        if !self.origin.as_ref().is_none_or(is_origin) {
            return Err(invalid("origin must be one, in lower case, like https://school.example."));
        }
        let is_plan = |plan: &String| {
            (1..=80).contains(&plan.len())
                && plan.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if !self.plan.as_ref().is_none_or(is_plan) {
            return Err(invalid("plan must be letters, digits, - and _."));
        }
        if !self.expires_in.is_none_or(|seconds| (1..=LONGEST_LIFE).contains(&seconds)) {
            return Err(invalid("expires_in must be 1 to 86400 seconds."));
        }
        if self.streams.is_some_and(|streams| !(1..=1000).contains(&streams)) {
            return Err(invalid("streams must be 1 to 1000."));
        }
        Ok(())
    }
}

/// The key that a caller shows: it is one, and may make grants.
pub(crate) async fn key_of(
    service: &Service,
    text: Option<&str>,
    address: IpAddr,
) -> Result<ApiKey, Refused> {
    let scope = Scope::Grants;
    service.throttle.may_show_key(address).map_err(Refused::Throttled)?;
    let wrong = || {
        service.throttle.wrong_key(address);
        metrics::counter!("matinee_api_keys_refused_total").increment(1);
        let text = "The API key is not valid.".to_owned();
        Failure::Said(WireError { text, ..ErrorCode::NotAuthentic.into() })
    };
    // What has not the form of a key costs no database.
    let shown = text.and_then(ShownKey::parse).ok_or_else(wrong)?;
    let key = retried!(async { service.store.read().await?.api_key(shown.id).await })?;
    let key = key.filter(|key| shown.is(key)).ok_or_else(wrong)?;
    service.throttle.key_request(&key.id).map_err(Refused::Throttled)?;
    if !key.scopes.iter().any(|may| may == scope.as_str()) {
        let text = format!("The API key has not the scope {scope}.");
        return Err(Failure::Said(WireError { text, ..ErrorCode::NotAuthentic.into() }).into());
    }
    Ok(key)
}

/// `POST /api/grants`: a grant and when it ends. The subject's account is made when it is first asked for.
pub(crate) async fn make(
    service: &Service,
    key: &ApiKey,
    asked: Asked,
    place: &Place,
) -> Result<(String, u64), Refused> {
    asked.check()?;
    let now = service.clock.now();
    let attempt = async || retried!(subject(service, key, &asked, place, now));
    let account = match attempt().await {
        // Another request made it in this moment.
        Err(Failure::Store(StoreError::Exists)) => attempt().await?,
        other => other?,
    };
    let expires = now + asked.expires_in.unwrap_or(LIFE);
    let grant = Grant {
        account: account.id,
        visit: Visit {
            movies: asked.movies,
            streams: asked.streams,
            devices: None,
            until: None,
            origin: None,
        },
        origin: asked.origin,
        expires,
        key: Some(key.id.clone()),
    };
    metrics::counter!("matinee_grants_total").increment(1);
    Ok((grant::seal(&service.keys().tickets, &account.handle, &grant), expires))
}

/// The account of a subject, with the plan and name that are asked for.
async fn subject(
    service: &Service,
    key: &ApiKey,
    asked: &Asked,
    place: &Place,
    now: u64,
) -> Outcome<Account> {
    let email = format!("{SUBJECT}{}", asked.subject);
    let name = asked.name.as_deref().map(single_line);
    let mut tx = service.store.begin().await?;
    if let Movies::Only(movies) = &asked.movies {
        for movie in movies {
            tx.movie(movie.get()).await?.ok_or(ErrorCode::MovieUnknown)?;
        }
    }
    let mut account = match tx.account_by_email(&email).await? {
        Some((account, _)) => account,
        None => {
            let handle = format!("a-{}", random_hex::<12>());
            // No password has this hash.
            tx.add_account(&handle, &email, "", asked.plan.as_deref().unwrap_or(PLAN), now).await?
        }
    };
    let plan = asked.plan.as_ref().unwrap_or(&account.plan);
    let name = name.as_ref().unwrap_or(&account.name);
    if *plan != account.plan || *name != account.name {
        tx.set_plan(account.id, plan, name).await?;
        account = Account { plan: plan.clone(), name: name.clone(), ..account };
    }
    if now >= key.last_used + USE_NOTED {
        tx.use_api_key(&key.id, now).await?;
    }
    let entry = AuditEntry::client("grant", now).of(account.id).from(place.network.as_deref());
    let entry = entry.with("key", key.name.clone());
    let entry = match &asked.movies {
        Movies::All(_) => entry.with("movies", "all"),
        Movies::Only(movies) => entry.with("movies", movies.iter().map(|m| m.get()).collect::<Vec<_>>()),
    };
    let entry = AuditEntry { movie: one(&asked.movies), ..entry };
    let entry = match &asked.origin {
        Some(origin) => entry.with("origin", origin.clone()),
        None => entry,
    };
    if account.disabled {
        tx.audit(&entry.result(ErrorCode::GrantInvalid.as_str())).await?;
        tx.commit().await?;
        let text = "The subject's account is blocked.".to_owned();
        return Err(Failure::Said(WireError { text, ..ErrorCode::GrantInvalid.into() }));
    }
    tx.audit(&entry).await?;
    tx.commit().await?;
    Ok(account)
}

fn one(movies: &Movies) -> Option<u64> {
    match movies {
        Movies::Only(movies) if movies.len() == 1 => movies.first().map(|movie| movie.get()),
        _ => None,
    }
}

/// The account that a grant is for, whether it is good or not; nothing is known of one that the site did not
/// seal.
pub(crate) fn account_of(service: &Service, shown: &ShownGrant) -> Option<i64> {
    Some(grant::open(&service.keys().tickets, &shown.token)?.account)
}

/// As [`account_of`], unless the grant is over.
pub(crate) fn account_of_unexpired(service: &Service, shown: &ShownGrant) -> Option<i64> {
    let grant = grant::open(&service.keys().tickets, &shown.token)?;
    (service.clock.now() < grant.expires).then_some(grant.account)
}

/// What a player shows: sealed here, not over, its key not revoked, and for the page that it is in, whose
/// origin it has then. `origin` is the request's.
pub(crate) async fn accept(
    service: &Service,
    tx: &mut dyn Transaction,
    shown: &ShownGrant,
    origin: Option<&str>,
    now: u64,
) -> Outcome<Grant> {
    let refused = |text: &str| {
        metrics::counter!("matinee_grants_refused_total").increment(1);
        Failure::Said(WireError { text: text.to_owned(), ..ErrorCode::GrantInvalid.into() })
    };
    let grant = grant::open(&service.keys().tickets, &shown.token)
        .ok_or_else(|| refused("The grant is not one of this site's."))?;
    if now >= grant.expires {
        return Err(refused("The grant has expired."));
    }
    if let Some(key) = &grant.key
        && tx.api_key(key).await?.is_none()
    {
        return Err(refused("The grant's API key was revoked."));
    }
    let own = service.config.public_url.as_str();
    // The frame is a page of our own: it says which page it is in. Without either the caller is no browser.
    let page = match origin.filter(|origin| *origin != own) {
        Some(other) => Some(other),
        None => shown.origin.as_deref().or(origin),
    };
    if let Some(page) = page {
        let listed = page == own || service.config.embedders.iter().any(|listed| listed == page);
        if !listed || grant.origin.as_deref().is_some_and(|wanted| wanted != page) {
            return Err(refused("The grant is not for this page."));
        }
    }
    let origin = grant.origin.or_else(|| page.map(str::to_owned));
    let visit = Visit { origin: origin.clone(), ..grant.visit };
    Ok(Grant { origin, visit, ..grant })
}

/// Whether the speaker, where it came by a grant, came for this movie.
pub(crate) fn check(speaker: &Speaker, movie: MovieId) -> Outcome<()> {
    match &speaker.visit {
        Some(visit) => check_movie(visit, movie),
        None => Ok(()),
    }
}

/// Whether who shows a grant, or came by one, came for this movie, and the time of that is not over.
pub(crate) fn check_visit(visit: &Visit, movie: MovieId, now: u64) -> Outcome<()> {
    if visit.until.is_some_and(|until| now >= until) {
        return Err(ErrorCode::GrantInvalid.into());
    }
    check_movie(visit, movie)
}

fn check_movie(visit: &Visit, movie: MovieId) -> Outcome<()> {
    if visit.movies.hold(movie) {
        return Ok(());
    }
    let text = "The grant is not for this title.".to_owned();
    Err(Failure::Said(WireError { text, ..ErrorCode::GrantInvalid.into() }))
}
