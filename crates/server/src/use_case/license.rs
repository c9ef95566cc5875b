//! Licenses: the challenge is checked against everything that is known, then the rights are set.

use super::at_hand::with_films;
use super::entitlement::Entitlements;
use super::speaker::Speaker;
use super::verify::{Audience, CLOCK_TOLERANCE};
use super::{Failure, Outcome, audit, content_keys, grants, leases, networks, playable, rules, verify};
use crate::Service;
use crate::region::Place;
use crate::secret::sha256;
use crate::store::{Ahead, StoreError, Transaction, Wants, retried};
use crate::ticket::Ticket;
use license::{Grant, Policy, SigningPoint, Situation, VerifiedChallenge};
use nccp::{ErrorCode, MovieId};

/// What a refusal that is remembered takes beside its text, and a device that is named in it, octets.
const REFUSAL: usize = 256;
const PLAYING: usize = 128;

/// Who asks for a license, from where, with what.
#[derive(Debug)]
pub(crate) struct Asking<'a> {
    pub(crate) speaker: &'a Speaker,
    /// The message's; the raw route has none and takes the challenge's.
    pub(crate) stream_id: Option<MovieId>,
    pub(crate) challenge: &'a VerifiedChallenge,
    /// Whether the challenge's sequence number was heard for the first time; it is marked.
    pub(crate) is_fresh: bool,
    /// The page's origin, where the browser says.
    pub(crate) origin: Option<&'a str>,
    pub(crate) place: &'a Place,
}

/// A license, and what is told with it.
#[derive(Debug)]
pub(crate) struct Issued {
    /// COSE octets.
    pub(crate) license: Vec<u8>,
    /// Names its rules, for `logblob`.
    pub(crate) policy_version: String,
    /// When the lease that came with it ends, Unix seconds; `None` where streams are not counted.
    pub(crate) lease: Option<u64>,
}

/// Checks form, signature and certificate of a challenge (COSE octets): two signatures, most of what a
/// license costs.
pub(crate) fn verify_challenge(
    service: &Service,
    octets: &[u8],
    now: u64,
) -> Result<VerifiedChallenge, ErrorCode> {
    let (result, verified) = match service.keys().verify_challenge(octets, now) {
        Ok(verified) => ("verified", Ok(verified)),
        Err(license::Error::Certificate) => ("certificate_invalid", Err(ErrorCode::CertificateInvalid)),
        Err(_) => ("invalid", Err(ErrorCode::ChallengeInvalid)),
    };
    metrics::counter!("matinee_challenges_total", "result" => result).increment(1);
    verified
}

/// Whether a challenge is this device's, and made with this ticket: nobody else can have signed it.
fn is_own(verified: &VerifiedChallenge, (point, ticket, device): (SigningPoint, &str, &str)) -> bool {
    verified.device.point == point
        && verified.challenge.ticket_sha256 == sha256(ticket.as_bytes())
        && verified.challenge.device_id == device
}

/// Whether the same challenge may come again: nothing was decided about it.
fn is_passing(failure: &Failure) -> bool {
    match failure {
        Failure::Store(_) | Failure::Unread(_) | Failure::Signing { .. } => true,
        Failure::Code(code) => *code == ErrorCode::TryLater,
        Failure::Said(error) => error.code == ErrorCode::TryLater,
    }
}

/// Answers a challenge with a license: A92 to A100.
pub(crate) async fn issue(
    service: &Service,
    tx: &mut dyn Transaction,
    asking: &Asking<'_>,
    now: u64,
) -> Outcome<Issued> {
    let &Asking { speaker, stream_id, challenge: verified, is_fresh, origin, place } = asking;
    let challenge = &verified.challenge;
    let movie_id = MovieId::try_from(challenge.stream_id).map_err(|_| ErrorCode::ChallengeInvalid)?;
    let bound = is_own(verified, (speaker.point, speaker.ticket.as_str(), speaker.device.id.as_str()))
        && stream_id.is_none_or(|id| id == movie_id)
        && challenge.time.abs_diff(now) <= CLOCK_TOLERANCE;
    if !bound {
        return Err(ErrorCode::ChallengeInvalid.into());
    }
    if !is_fresh {
        verify::out_of_order(&speaker.device.id, "challenge");
        return Err(ErrorCode::SequenceOutOfOrder.into());
    }
    grants::check(speaker, movie_id)?;
    networks::check(service, speaker)?;
    if challenge.module_version < service.oldest_module {
        return Err(ErrorCode::PolicyRefused.into());
    }
    // A player of others names the keys of the manifest that it has, which may be those of another form.
    let asked = (movie_id, challenge.keys.as_slice());
    let (movie, pack) = playable::playable_by(service, tx, &speaker.account, asked, place).await?;
    content_keys::may_be_asked(&pack, &challenge.keys)?;
    let policies = service.policies();
    let found = policies.find_version(rules::policy_of(service, &movie));
    let (template, version) = found.ok_or_else(|| {
        tracing::error!(
            movie = movie.id,
            policy = movie.policy,
            "no license can be issued: there is no such policy"
        );
        ErrorCode::MovieNotAvailable
    })?;
    let first_play = tx.first_play(speaker.account.id, movie.id, now).await?;
    let rules = template.rules(now, first_play, verified.device.certificate.level);
    let highest = service.config.max_height_of(&speaker.account.plan);
    let rules = Policy { max_height: rules.max_height.into_iter().chain(highest).min(), ..rules };
    let rules = pack.rules.players_over(rules);
    let situation = Situation {
        now,
        key_level: verified.device.certificate.level,
        display: challenge.display,
        origin: origin.unwrap_or(&service.config.public_url),
        release: challenge.player_release.as_slice().try_into().ok(),
    };
    rules.check(&situation)?;
    let keys = content_keys::granted(service, &pack, &challenge.keys, rules.max_height)?;
    let lease = leases::take(service, tx, speaker, movie.id, now).await?;
    let grant = Grant {
        content_id: &pack.content_id,
        keys: &keys,
        policy: &rules,
        now,
        oldest_module: service.oldest_module,
    };
    let kids = keys.iter().map(|(kid, _)| kid);
    audit::license(tx, speaker, &movie, (kids, &rules.name, version), place, now).await?;
    match service.keys().license.issue_license(verified, &grant) {
        Ok(license) => Ok(Issued { license, policy_version: version.to_owned(), lease }),
        // Keys there are, so it is the challenge's RSA key that nothing can be encrypted with.
        Err(license::Error::Malformed) => Err(ErrorCode::ChallengeInvalid.into()),
        Err(error) => Err(Failure::Signing { what: "a license", error }),
    }
}

/// `POST /license`: the ticket alone says who asks; the challenge is signed, names the ticket and has a
/// number that is good once. Gives what [`issue`] gives.
pub(crate) async fn issue_raw(
    service: &Service,
    audience: Audience,
    ticket: Option<&str>,
    octets: &[u8],
    origin: Option<&str>,
    place: &Place,
) -> Outcome<Issued> {
    let now = service.clock.now();
    let (ticket, text) = verify::open_ticket(service, ticket).map_err(|_| ErrorCode::NotAuthentic)?;
    if !audience.admits(ticket.level) {
        return Err(ErrorCode::NotAuthentic.into());
    }
    let of = (ticket.account, ticket.device.as_str());
    if verify::is_revoked(service, &ticket) {
        let failure = ErrorCode::CertificateInvalid.into();
        audit::raw_license_refused(service, of, None, &failure, place).await;
        return Err(failure);
    }
    if now >= ticket.expires {
        return Err(ErrorCode::TicketExpired.into());
    }
    // A forged challenge costs no database either.
    let verified = verify_challenge(service, octets, now)?;
    let movie_id =
        MovieId::try_from(verified.challenge.stream_id).map_err(|_| ErrorCode::ChallengeInvalid)?;
    let mut denied = None;
    if service.authorizer.is_some() {
        let (account, movie) = retried!(async {
            let mut tx = service.store.read().await?;
            Ok::<_, StoreError>((tx.account(ticket.account).await?, tx.movie(movie_id.get()).await?))
        })?;
        let account = account.ok_or(ErrorCode::DeviceUnknown)?;
        denied = match movie {
            None => Some(ErrorCode::MovieUnknown),
            Some(_) => {
                let (device, asked) = (Some(ticket.device.as_str()), &["license"]);
                let entitled = Entitlements::of_movie(service, &account, device, movie_id, asked, place);
                entitled.await.check(&account, movie_id).err()
            }
        };
    }
    let (challenge, from) = ((&verified, denied), (origin, place));
    let issued =
        with_films!(service, issue_raw_once(service, (&ticket, text.as_str()), challenge, from, now));
    let Err(failure) = issued else { return issued };
    audit::raw_license_refused(service, of, Some(movie_id.get()), &failure, place).await;
    Err(as_before(service, sha256(&[&sha256(text.as_bytes())[..], octets].concat()), failure))
}

/// A challenge that was refused is refused for the same reason when it comes again, as some players send it,
/// not for its number. `name` is that of challenge and ticket.
fn as_before(service: &Service, name: [u8; 32], failure: Failure) -> Failure {
    if matches!(failure, Failure::Code(ErrorCode::SequenceOutOfOrder)) {
        return service.refused.get(&name).map_or(failure, Failure::Said);
    }
    if !is_passing(&failure) {
        let told = match &failure {
            Failure::Code(code) => (*code).into(),
            Failure::Said(error) => error.clone(),
            Failure::Store(_) | Failure::Signing { .. } | Failure::Unread(_) => return failure,
        };
        let playing =
            told.playing.iter().map(|p| PLAYING + p.name.len() + p.title.as_ref().map_or(0, String::len));
        let size = REFUSAL + told.text.len() + playing.sum::<usize>();
        service.refused.put(name, told, size);
    }
    failure
}

/// `denied`: what the operator's authorizer says against it.
async fn issue_raw_once(
    service: &Service,
    (ticket, text): (&Ticket, &str),
    (challenge, denied): (&VerifiedChallenge, Option<ErrorCode>),
    (origin, place): (Option<&str>, &Place),
    now: u64,
) -> Outcome<Issued> {
    let wants = Wants::Movie(challenge.challenge.stream_id);
    let ahead = Ahead { account: ticket.account, device: ticket.device.as_str(), wants, now };
    let (mut tx, speaker) = service.store.begin_for(&ahead).await?;
    let (account, mut device) = speaker.ok_or(ErrorCode::DeviceUnknown)?;
    if device.epoch != ticket.epoch {
        return Err(ErrorCode::SequenceOutOfOrder.into());
    }
    // Whoever has only the ticket uses up no numbers.
    let is_fresh = is_own(challenge, (ticket.point, text, device.id.as_str()))
        && device.window.accept(challenge.challenge.sequence);
    let whereabouts = networks::hear(&mut device, place, now);
    tx.set_sequence(&device.id, &device.state(now)).await?;
    tx.savepoint().await?;
    let denied = account.disabled.then_some(ErrorCode::LoginRequired).or(denied);
    let (ticket, point, visit) = (text.to_owned(), ticket.point, ticket.visit.clone());
    // A page with a player of its own may send challenges by its backend, which sets what headers it likes:
    // it is judged by the page that its grant was for. The site's own player signs its release, and is no
    // part of the page.
    let is_others = challenge.challenge.player_release.is_empty();
    let page = visit.as_ref().filter(|_| is_others).and_then(|visit| visit.origin.clone());
    let origin = page.as_deref().or(origin);
    let speaker = Speaker { account, device, ticket, point, whereabouts, visit };
    let asking = Asking { speaker: &speaker, stream_id: None, challenge, is_fresh, origin, place };
    let issued: Outcome<Issued> = match denied {
        Some(code) => Err(code.into()),
        None => issue(service, &mut *tx, &asking, now).await,
    };
    let is_decided = issued.as_ref().err().is_none_or(|failure| is_fresh && !is_passing(failure));
    if !is_decided {
        return issued;
    }
    if issued.is_err() {
        // The number stays used up: the same octets do not come again until they find better conditions.
        tx.roll_back().await?;
    }
    tx.commit().await?;
    networks::tell(&speaker.device.id, whereabouts);
    issued
}
