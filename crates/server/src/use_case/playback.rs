//! How playback goes: reports of the player and of the page.

use super::entitlement::Entitlements;
use super::leases::Standing;
use super::speaker::Speaker;
use super::{
    Failure, Outcome, at_hand, counters, drm_metadata, grants, leases, networks, playable, rules, verify,
};
use crate::Service;
use crate::region::Place;
use crate::secret::CookieSecret;
use crate::store::{Account, LogEntry, Movie, Transaction, Viewing, retried};
use nccp::json::{PlayerEvent, PlayerEventKind};
use nccp::{ErrorCode, LogBlob, LogEvent, MovieId, NewRules, WireError, single_line};

/// Nearer to the end than this (seconds) a film counts as watched.
const LAST_MOMENT: f64 = 0.5;
/// Reports that follow each other within so many seconds belong to one viewing.
const ONE_VIEWING: u64 = 2 * 3600;
/// Longest error code of a player that is kept, in characters.
const MAX_CODE: usize = 100;

/// What a player counted: now, and in its report before.
#[derive(Debug)]
pub(crate) struct Report {
    before: Vec<(String, u64)>,
    after: Vec<(String, u64)>,
}

impl Report {
    /// Adds it to the operator's numbers.
    pub(crate) fn count(&self) {
        counters::count(&self.before, &self.after);
    }
}

/// What came of a report.
#[derive(Debug)]
pub(crate) struct Logged {
    /// To be counted when it is committed.
    pub(crate) report: Report,
    /// When the player goes by rules that are not in force any more and is to learn of that now.
    pub(crate) rules: Option<NewRules>,
    /// When the device's lease of the movie ends, Unix seconds, if it has one.
    pub(crate) lease: Option<u64>,
    /// When the player may not go on: by name, where films of the account play now.
    pub(crate) stopped: Option<String>,
    /// When it is to learn of rules, and the account may not play the movie any more: why.
    pub(crate) refused: Option<WireError>,
}

/// `logblob`: A108, A110, B15. Where it brings new rules, the account must have the rights that
/// `authorization` asks for; if it has not, the report stands, and the player is told.
pub(crate) async fn log_blob(
    service: &Service,
    tx: &mut dyn Transaction,
    speaker: &Speaker,
    log: &LogBlob,
    (entitlements, place): (&Entitlements, &Place),
    now: u64,
) -> Outcome<Logged> {
    grants::check(speaker, log.movie_id)?;
    let movie = tx.movie(log.movie_id.get()).await?.ok_or(ErrorCode::MovieUnknown)?;
    let before = tx.last_counters(&speaker.device.id, movie.id).await?;
    tx.log(&LogEntry {
        account: speaker.account.id,
        device: Some(speaker.device.id.clone()),
        movie: movie.id,
        at: now,
        event: log.event.as_str().to_owned(),
        code: None,
        position: Some(log.position),
        counters: log.counters.clone(),
    })
    .await?;
    record(tx, &speaker.account, movie.id, movie.runtime, log.position, log.event == LogEvent::End, now)
        .await?;
    let (lease, stopped) = match leases::report(service, tx, speaker, &movie, log.event, now).await? {
        Standing::Uncounted => (None, None),
        Standing::Leased(ends) => (Some(ends), None),
        Standing::Stopped(names) => (None, Some(names)),
    };
    let (level, reported) = (speaker.device.level, log.policy_version.as_deref());
    let own = at_hand::rules_of(service, &movie.pack).await?;
    let movie = own.over(movie);
    let plays_on = !matches!(log.event, LogEvent::End | LogEvent::Hide);
    let (rules, refused) = match stopped {
        None if plays_on && rules::is_outdated(service, (&movie, &own), level, reported, now) => {
            match new_rules(service, speaker, &movie, log.movie_id, (entitlements, place), now).await {
                Ok(rules) => (rules, None),
                Err(failure @ (Failure::Store(_) | Failure::Unread(_))) => return Err(failure),
                // What cannot be said or made at the moment is tried again with the next report.
                Err(failure) => {
                    (None, Some(failure.told()).filter(|error| error.code != ErrorCode::TryLater))
                }
            }
        }
        // A license may lie in them.
        _ => (None, None),
    };
    let report = Report { before, after: log.counters.clone() };
    Ok(Logged { report, rules, lease, stopped, refused })
}

/// What makes a player ask for a new license, if it has not got one with it.
async fn new_rules(
    service: &Service,
    speaker: &Speaker,
    movie: &Movie,
    movie_id: MovieId,
    (entitlements, place): (&Entitlements, &Place),
    now: u64,
) -> Outcome<Option<NewRules>> {
    entitlements.check(&speaker.account, movie_id)?;
    networks::check(service, speaker)?;
    playable::may_play(&speaker.account, movie, place)?;
    match at_hand::film(service, &movie.pack).await? {
        Ok(pack) => {
            let highest = service.config.max_height_of(&speaker.account.plan);
            let metadata = drm_metadata::make_up_to(service, movie, &pack, highest, now)?;
            Ok(metadata.map(|signed| NewRules {
                drm_metadata: signed.octets,
                policy_version: signed.policy_version,
            }))
        }
        // Its license will not be had either, but this player cannot be told.
        Err(error) => {
            tracing::error!(movie = movie.id, %error, "a movie's pack cannot be read");
            Ok(None)
        }
    }
}

/// Where a page's player is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Player<'a> {
    /// In the browser with this cookie.
    Browser(&'a CookieSecret),
    /// It is this device.
    Device(&'a str),
    /// Nobody knows.
    Unknown,
}

/// Whose ticket a page without cookies shows, and for which device: one that a grant got for the movie.
pub(crate) async fn visitor(service: &Service, ticket: &str, movie: MovieId) -> Outcome<(Account, String)> {
    let (ticket, _) = verify::open_ticket(service, Some(ticket)).map_err(|_| ErrorCode::NotAuthentic)?;
    let movies = ticket.visit.as_ref().map(|visit| &visit.movies);
    if service.clock.now() >= ticket.expires || !movies.is_some_and(|movies| movies.hold(movie)) {
        return Err(ErrorCode::NotAuthentic.into());
    }
    let device = ticket.device.as_str();
    let (account, device) = retried!(async {
        let mut tx = service.store.read().await?;
        Ok::<_, Failure>((tx.account(ticket.account).await?, tx.device(device).await?))
    })?;
    let account = account.filter(|account| !account.disabled).ok_or(ErrorCode::LoginRequired)?;
    let device = device.filter(|device| device.account == account.id && device.epoch == ticket.epoch);
    Ok((account, device.ok_or(ErrorCode::NotAuthentic)?.id))
}

/// `POST /playerevent`: A18, A19.
pub(crate) async fn player_event(
    service: &Service,
    account: &Account,
    player: Player<'_>,
    event: &PlayerEvent,
) -> Outcome<()> {
    // Nobody waits for the writer's turn for a movie that there is not.
    let known = retried!(async { service.store.read().await?.movie(event.movie_id.get()).await })?;
    known.ok_or(ErrorCode::MovieUnknown)?;
    retried!(player_event_once(service, account, player, event))
}

async fn player_event_once(
    service: &Service,
    account: &Account,
    player: Player<'_>,
    event: &PlayerEvent,
) -> Outcome<()> {
    let now = service.clock.now();
    let mut tx = service.store.begin().await?;
    let movie = tx.movie(event.movie_id.get()).await?.ok_or(ErrorCode::MovieUnknown)?;
    let name = match event.event {
        PlayerEventKind::Ready => "ready",
        PlayerEventKind::Playing => "playing",
        PlayerEventKind::Ended => "ended",
        PlayerEventKind::Error => "error",
        PlayerEventKind::Hide => "hide",
    };
    tx.log(&LogEntry {
        account: account.id,
        device: None,
        movie: movie.id,
        at: now,
        event: name.to_owned(),
        code: event.code.as_deref().map(|code| single_line(code).chars().take(MAX_CODE).collect()),
        position: event.position,
        counters: Vec::new(),
    })
    .await?;
    let ended = event.event == PlayerEventKind::Ended;
    // First the position, then the lease, as a report does it.
    if let Some(position) = event.position.or(ended.then_some(movie.runtime)) {
        record(&mut *tx, account, movie.id, movie.runtime, position, ended, now).await?;
    }
    // A page that goes away may have no time for a report.
    if ended || event.event == PlayerEventKind::Hide {
        match player {
            Player::Browser(browser) => {
                tx.end_browser_lease(account.id, &browser.hash(), movie.id, now).await?;
            }
            Player::Device(device) => tx.end_lease(device, movie.id, now).await?,
            Player::Unknown => {}
        }
    }
    tx.commit().await?;
    metrics::counter!("matinee_player_events_total", "event" => name).increment(1);
    if event.event == PlayerEventKind::Error {
        metrics::counter!("matinee_player_errors_total").increment(1);
    }
    Ok(())
}

async fn record(
    tx: &mut dyn Transaction,
    account: &Account,
    movie: u64,
    runtime: f64,
    position: f64,
    ended: bool,
    now: u64,
) -> Outcome<()> {
    // What is reported after the end (a page that is closed on the last frame) must not undo it.
    let finished = ended || (runtime > 0.0 && position >= runtime - LAST_MOMENT);
    let viewing = Viewing { started: now, seen: now, position: position.min(runtime), finished };
    Ok(tx.record_viewing(account.id, movie, &viewing, now.saturating_sub(ONE_VIEWING)).await?)
}
