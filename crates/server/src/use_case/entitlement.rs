//! What the operator's authorizer says, gathered before the transaction that needs it.

use super::verify::Proof;
use super::{Outcome, rules};
use crate::Service;
use crate::authorizer::{Question, Webhook};
use crate::config::UpdateStrategy;
use crate::region::Place;
use crate::store::{Account, Movie, StoreError, retried};
use crate::use_case::login::SessionCookies;
use futures_util::future::join_all;
use license::KeyLevel;
use nccp::{ErrorCode, MovieId, Request, RequestMessage};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Movies of one request that the authorizer is asked about; the caller may ask for further ones in another
/// request.
const MOST: usize = 4;

/// What the authorizer said about an account; without an authorizer everything is allowed.
#[derive(Debug, Default)]
pub(crate) struct Entitlements(Option<Verdicts>);

#[derive(Debug, Default)]
struct Verdicts {
    /// Whom the question was about, if it was known before the transaction.
    account: Option<i64>,
    by_movie: BTreeMap<u64, Result<(), ErrorCode>>,
}

impl Entitlements {
    /// Whether the operator lets this account play the movie. A request that changes who speaks (it
    /// registers, or its session ends meanwhile) is told to come again: the operator said nothing about that
    /// account.
    pub(crate) fn check(&self, account: &Account, movie: MovieId) -> Result<(), ErrorCode> {
        let Some(verdicts) = &self.0 else { return Ok(()) };
        if verdicts.account != Some(account.id) {
            return Err(ErrorCode::TryLater);
        }
        verdicts.by_movie.get(&movie.get()).copied().unwrap_or(Err(ErrorCode::TryLater))
    }

    /// Asks about one movie that exists.
    pub(crate) async fn of_movie(
        service: &Service,
        account: &Account,
        device_id: Option<&str>,
        movie_id: MovieId,
        messages: &[&'static str],
        place: &Place,
    ) -> Self {
        let Some(webhook) = &service.authorizer else { return Self(None) };
        let verdict = ask(service, webhook, account, device_id, movie_id, messages, place).await;
        Self(Some(Verdicts {
            account: Some(account.id),
            by_movie: BTreeMap::from([(movie_id.get(), verdict)]),
        }))
    }

    /// Asks about the movies that the request wants to play, all at once: those of `authorization` and
    /// `license`, and those of reports that are to bring new rules.
    pub(crate) async fn of_request(
        service: &Service,
        request: &Request,
        proof: &Proof,
        session: Option<&SessionCookies>,
        place: &Place,
    ) -> Outcome<Self> {
        let Some(webhook) = &service.authorizer else { return Ok(Self(None)) };
        // A content's own settings may say so, too.
        let forces =
            service.config.drm.update_strategy == UpdateStrategy::Force || service.config.has_sources();
        let is_asked = |message: &&RequestMessage| match message {
            RequestMessage::Authorization { .. } | RequestMessage::License { .. } => true,
            RequestMessage::LogBlob(log) => forces && log.policy_version.is_some(),
            _ => false,
        };
        let asking: Vec<_> = request.messages.iter().filter(is_asked).collect();
        // What a request says of its device is its claim, until a ticket or a certificate proves it.
        let (device, level) = match proof {
            Proof::Ticket { ticket, .. } => (Some(ticket.device.as_str()), ticket.level),
            Proof::Certificate(device) => (None, device.certificate.level),
            Proof::None | Proof::BadCertificate | Proof::Revoked(_) => {
                return Ok(Self(Some(Verdicts::default())));
            }
        };
        if asking.is_empty() {
            return Ok(Self(Some(Verdicts::default())));
        }
        let (account, movies) = retried!(async {
            let mut tx = service.store.read().await?;
            let account = match (proof, session) {
                (Proof::Ticket { ticket, .. }, _) => tx.account(ticket.account).await?,
                (Proof::Certificate(_), Some(cookies)) => {
                    let now = service.clock.now();
                    tx.session_account(&cookies.id.hash(), &cookies.secret.hash(), now).await?
                }
                _ => None,
            };
            let mut movies = Movies::new();
            for id in asking.iter().filter_map(|message| movie_of(message)).map(MovieId::get) {
                if let Entry::Vacant(new) = movies.entry(id) {
                    new.insert(tx.movie(id).await?);
                }
            }
            Ok::<_, StoreError>((account, movies))
        })?;
        let (wanted, unknown) = wanted(service, &movies, &asking, level).await;
        if wanted.is_empty() {
            return Ok(Self(Some(Verdicts::default())));
        }
        // Nobody: the messages fail for their own reason.
        let Some(account) = account.filter(|account| !account.disabled) else {
            return Ok(Self(Some(Verdicts::default())));
        };
        let account = &account;
        let questions = wanted.iter().filter(|(id, _)| !unknown.contains(id)).map(async |(id, wanted)| {
            let (movie, messages) = wanted;
            (*id, ask(service, webhook, account, device, *movie, messages, place).await)
        });
        let mut by_movie: BTreeMap<_, _> = join_all(questions).await.into_iter().collect();
        by_movie.extend(unknown.into_iter().map(|id| (id, Err(ErrorCode::MovieUnknown))));
        Ok(Self(Some(Verdicts { account: Some(account.id), by_movie })))
    }
}

/// Movies, each with the messages about it.
type Wanted = BTreeMap<u64, (MovieId, Vec<&'static str>)>;
/// What the store has under the numbers of movies.
type Movies = BTreeMap<u64, Option<Movie>>;

/// The movie that a message wants to play, or reports about.
fn movie_of(message: &RequestMessage) -> Option<MovieId> {
    match message {
        RequestMessage::Authorization { movie_id } => Some(*movie_id),
        RequestMessage::License { stream_id, .. } => Some(*stream_id),
        RequestMessage::LogBlob(log) => Some(log.movie_id),
        _ => None,
    }
}

/// What there is to ask about: [`MOST`] movies at most, and which of them there are not.
async fn wanted(
    service: &Service,
    movies: &Movies,
    asking: &[&RequestMessage],
    level: KeyLevel,
) -> (Wanted, Vec<u64>) {
    let now = service.clock.now();
    let (mut wanted, mut unknown) = (Wanted::new(), Vec::new());
    for message in asking {
        let Some(movie_id) = movie_of(message) else { continue };
        let id = movie_id.get();
        if wanted.len() >= MOST && !wanted.contains_key(&id) {
            continue;
        }
        match (movies.get(&id).and_then(Option::as_ref), message) {
            (None, _) => unknown.push(id),
            (Some(movie), RequestMessage::LogBlob(log)) => {
                // A content's may have to be read.
                let own = service.rules_of(&movie.pack).await;
                let movie = own.over(movie.clone());
                let reported = log.policy_version.as_deref();
                // The report brings no rules, so it needs no rights.
                if !rules::is_outdated(service, (&movie, &own), level, reported, now) {
                    continue;
                }
            }
            _ => {}
        }
        wanted.entry(id).or_insert((movie_id, Vec::new())).1.push(message.name().as_str());
    }
    (wanted, unknown)
}

async fn ask(
    service: &Service,
    webhook: &Webhook,
    account: &Account,
    device_id: Option<&str>,
    movie_id: MovieId,
    messages: &[&'static str],
    place: &Place,
) -> Result<(), ErrorCode> {
    let question = Question {
        account: &account.handle,
        email: &account.email,
        plan: &account.plan,
        device_id,
        movie_id,
        messages,
        country: place.country.as_deref(),
        time: service.clock.now(),
    };
    webhook.ask(&question).await
}
