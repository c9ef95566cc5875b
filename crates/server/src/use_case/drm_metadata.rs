//! DRM metadata: what changes about a film's protection, signed when somebody asks for it, with a license in
//! it where the film says so (docs/protocol.md, section 6).

use super::{Failure, Outcome, content_keys};
use crate::catalogue::Pack;
use crate::config::STREAM_POLICY;
use crate::content_place::ContentPlace;
use crate::contents::Unserved;
use crate::live::Session;
use crate::policy::PolicyTemplate;
use crate::secret::sha256;
use crate::store::{Movie, retried};
use crate::{Role, Service};
use ::origin::scope::Form;
use license::{Domain, DomainEpoch, DrmMetadata, Grant, KeyLevel, Player, Policy};
use nccp::ErrorCode;

/// DRM metadata with its signature.
pub(crate) struct SignedMetadata {
    /// COSE octets.
    pub(crate) octets: Vec<u8>,
    /// The domain whose devices the license in it is for.
    pub(crate) domain: Option<Domain>,
    /// Names that license's rules.
    pub(crate) policy_version: Option<String>,
    /// The highest picture that those allow.
    pub(crate) max_height: Option<u32>,
}

impl SignedMetadata {
    /// Whether a device that keeps its keys so can use the license in it.
    pub(crate) fn serves(&self, level: KeyLevel) -> bool {
        self.domain.is_some_and(|domain| Domain::of_level(level).contains(&domain))
    }
}

/// Makes a film's DRM metadata; none for clear films.
pub(crate) fn make(
    service: &Service,
    movie: &Movie,
    pack: &Pack,
    now: u64,
) -> Outcome<Option<SignedMetadata>> {
    make_up_to(service, movie, pack, None, now)
}

/// As [`make`], for somebody whose pictures are no higher. An embedded license is for every account: one that
/// has further keys does not come along.
pub(crate) fn make_up_to(
    service: &Service,
    movie: &Movie,
    pack: &Pack,
    highest: Option<u32>,
    now: u64,
) -> Outcome<Option<SignedMetadata>> {
    if pack.keys.is_empty() {
        return Ok(None);
    }
    let license = match domain_of(service, movie, now) {
        Some(of) => {
            let policies = service.policies();
            let template = policies.find(&movie.policy).ok_or(ErrorCode::MovieNotAvailable)?;
            let policy = pack.rules.players_over(rules(template, of.domain, now));
            let keys = |up_to| pack.keys_up_to(up_to).count();
            let lower = policy.max_height.into_iter().chain(highest).min();
            match keys(policy.max_height) == keys(lower) {
                true => embedded(service, (of, policy), pack, now)?,
                false => None,
            }
        }
        None => None,
    };
    let policy_version = license.as_ref().and_then(|_| version_of(service, movie));
    sign(service, (pack, &movie.policy), license, policy_version, now).map(Some)
}

/// Makes what a playback over a persistent connection begins with; none for clear films. A license in it has
/// the policy of those, for these players alone; none: for any (B93, B96).
pub(crate) fn make_streamed(
    service: &Service,
    movie: &Movie,
    pack: &Pack,
    players: Vec<Player>,
    now: u64,
) -> Outcome<Option<Vec<u8>>> {
    if pack.keys.is_empty() {
        return Ok(None);
    }
    let policies = service.policies();
    let template = policies.find(STREAM_POLICY).ok_or(ErrorCode::MovieNotAvailable)?;
    let of = movie.license.domain().map(|domain| DomainEpoch::at(domain, now));
    let license = match of.filter(|of| service.keys().domain(*of).is_some()) {
        Some(of) => {
            let players = (!players.is_empty()).then_some(players);
            let rules = Policy { players, ..rules(template, of.domain, now) };
            embedded(service, (of, rules), pack, now)?
        }
        None => None,
    };
    sign(service, (pack, STREAM_POLICY), license, None, now).map(|signed| Some(signed.octets))
}

fn sign(
    service: &Service,
    (pack, policy): (&Pack, &str),
    license: Option<Embedded>,
    policy_version: Option<String>,
    now: u64,
) -> Outcome<SignedMetadata> {
    let max_height = license.as_ref().and_then(|license| license.max_height);
    let (domain, embedded_license) = license.map(|license| (license.domain, license.octets)).unzip();
    let metadata = DrmMetadata {
        signer: Vec::new(),
        content_id: pack.content_id.clone(),
        keys: pack.keys.clone(),
        policy: policy.to_owned(),
        license_url: service.config.drm.license_url.clone(),
        embedded_license,
        issued: now,
        ttl: service.config.drm.ttl,
    };
    match service.keys().metadata.sign_metadata(metadata) {
        Ok(octets) => Ok(SignedMetadata { octets, domain, policy_version, max_height }),
        Err(error) => Err(Failure::Signing { what: "DRM metadata", error }),
    }
}

/// Names the rules of a license that is embedded with the film.
pub(crate) fn version_of(service: &Service, movie: &Movie) -> Option<String> {
    service.policies().find(&movie.policy).map(PolicyTemplate::version)
}

/// Whether licenses for this film can be embedded now, and for which domain: its mode says so, its
/// policy allows it, and the domain has its key.
pub(crate) fn domain_of(service: &Service, movie: &Movie, now: u64) -> Option<DomainEpoch> {
    let of = DomainEpoch::at(movie.license.domain()?, now);
    let policies = service.policies();
    let policy = policies.find(&movie.policy);
    let allowed = policy.is_some_and(|policy| policy.can_be_embedded(&service.config.drm).is_ok());
    (allowed && service.keys().domain(of).is_some()).then_some(of)
}

/// An embedded license.
struct Embedded {
    domain: Domain,
    octets: Vec<u8>,
    max_height: Option<u32>,
}

/// A license for every device of the film's domain, for every rotation period and every height that is
/// allowed there. Its times count from now (B12).
fn embedded(
    service: &Service,
    (of, policy): (DomainEpoch, Policy),
    pack: &Pack,
    now: u64,
) -> Outcome<Option<Embedded>> {
    let ring = service.keys();
    let pair = ring.domain(of).ok_or(ErrorCode::MovieNotAvailable)?;
    let max_height = policy.max_height;
    // What is embedded for all devices of a domain may be too low for any picture and sound of a film.
    if pack.keys_up_to(max_height).next().is_none() {
        return Ok(None);
    }
    let grant = Grant {
        content_id: &pack.content_id,
        keys: &content_keys::granted(service, pack, &[], max_height)?,
        policy: &policy,
        now,
        oldest_module: service.oldest_module,
    };
    let issued = ring.license.issue_embedded(of, &pair.modulus, &grant);
    let issued = issued.map_err(|error| Failure::Signing { what: "an embedded license", error })?;
    Ok(Some(Embedded { domain: of.domain, octets: issued, max_height }))
}

/// The rules for a whole domain: the lowest picture of its members, and nothing to be kept, since it comes
/// with the film each time.
fn rules(template: &PolicyTemplate, domain: Domain, now: u64) -> Policy {
    let of = |level| template.rules(now, now, level);
    let rules = match domain {
        Domain::Browser => of(KeyLevel::Webcrypto),
        Domain::Box => of(KeyLevel::Box),
        Domain::All => {
            let (browsers, boxes) = (of(KeyLevel::Webcrypto), of(KeyLevel::Box));
            Policy { max_height: browsers.max_height.into_iter().chain(boxes.max_height).min(), ..browsers }
        }
    };
    Policy { persistent: false, ..rules }
}

/// A film's DRM metadata as the resource gives it.
pub(crate) struct Resource {
    pub(crate) octets: Vec<u8>,
    /// Unix seconds: a copy that is not older is as good.
    pub(crate) last_modified: u64,
    /// Changes whenever `last_modified` does. Two answers of one tag differ in issue time and wrapping, and
    /// say the same.
    pub(crate) tag: String,
}

/// Why there is no metadata now.
#[derive(Debug)]
pub(crate) enum NoMetadata {
    /// The content is not served.
    Unserved(Unserved),
    /// It cannot be made.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for NoMetadata {
    fn from(failure: E) -> Self {
        Self::Failed(failure.into())
    }
}

/// What `GET /s/{set}/{content}/drm` gives, `content` being a movie's number or an origin's content; `None`:
/// there is no such film, or it is clear or cannot be played.
pub(crate) async fn resource(
    service: &Service,
    place: &ContentPlace,
) -> Result<Option<Resource>, NoMetadata> {
    let now = service.clock.now();
    let mut found = None;
    if service.config.has(Role::Control) {
        found = match place.movie() {
            Some(number) => retried!(async { service.store.read().await?.movie(number).await })?,
            None => None,
        };
        if let Some(movie) = &found
            && !movie.available
        {
            return Ok(None);
        }
    }
    if let Some(movie) = found {
        let Ok(pack) = service.film(&movie.pack).await else { return Ok(None) };
        let movie = pack.rules.over(movie);
        return Ok(of_film(service, &movie, &pack, now)?);
    }
    if !service.config.has(Role::Origin) {
        return Ok(None);
    }
    let film = service.content(place, Form::Own).await.map_err(NoMetadata::Unserved)?;
    let named = movie_of(service, &film.film.name).await?;
    if named.as_ref().is_some_and(|movie| !movie.available) {
        return Ok(None);
    }
    let movie = named.unwrap_or_else(|| Movie::of_content(&film.film));
    let movie = film.film.rules.over(movie);
    Ok(of_film(service, &movie, &film.film, now)?)
}

/// The movie of a content, where the catalogue has one.
async fn movie_of(service: &Service, name: &str) -> Outcome<Option<Movie>> {
    if !service.config.has(Role::Control) {
        return Ok(None);
    }
    let movies = retried!(async { service.store.read().await?.movies().await })?;
    Ok(movies.into_iter().find(|movie| movie.pack == name))
}

fn of_film(service: &Service, movie: &Movie, pack: &Pack, now: u64) -> Outcome<Option<Resource>> {
    let Some(metadata) = make(service, movie, pack, now)? else { return Ok(None) };
    let last_modified = last_modified(service, movie, pack, now);
    let said = format!(
        "{last_modified} {} {} {:?} {} {:?}",
        pack.id,
        movie.license,
        version_of(service, movie),
        service.config.drm.ttl,
        metadata.domain,
    );
    let tag = hex::encode(&sha256(said.as_bytes())[..12]);
    Ok(Some(Resource { octets: metadata.octets, last_modified, tag }))
}

/// What `GET /s/live/{app}/{event}/{session}/drm` gives, made just in time; `None` where the stream is clear.
/// It is new when the players that may play have changed (B71, B83), or keys were declared.
pub(crate) async fn of_live(service: &Service, session: &Session) -> Outcome<Option<Resource>> {
    let now = service.clock.now();
    let known = &session.event.known;
    let found = retried!(async { service.store.read().await?.movie(known.movie_id).await })?;
    let Some(movie) = found.filter(|movie| movie.available) else { return Ok(None) };
    let Ok(pack) = service.catalogue.pack(&movie.pack).await else { return Ok(None) };
    let Some(metadata) = make(service, &movie, &pack, now)? else { return Ok(None) };
    let policies = service.policies();
    let players = policies.find(&movie.policy).and_then(|policy| policy.players.as_ref());
    let said = format!("{players:?} {:?} {:?}", session.players, pack.keys);
    let (last_modified, tag) = service.live.allowed.since(&session.id().to_string(), &said, now);
    Ok(Some(Resource { octets: metadata.octets, last_modified, tag }))
}

/// The latest change of what metadata is made of (film, its files and folders of an origin, configuration
/// with its policies and whitelists, keys), or the beginning of the update interval, whichever is later (B69
/// to B72).
fn last_modified(service: &Service, movie: &Movie, pack: &Pack, now: u64) -> u64 {
    let seconds = pack.rules.update_interval.unwrap_or(service.config.drm.update_interval);
    let interval = now - now % seconds.max(1);
    let film = movie.added.max(movie.changed).max(pack.rules.changed);
    let changes =
        [film, service.config.changed, service.policies_changed(), service.keys().changed, interval];
    changes.into_iter().max().unwrap_or(interval).min(now)
}
