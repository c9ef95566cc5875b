//! What the operator's authorizer says, gathered before the transaction that needs it.

use super::Outcome;
use super::verify::Proof;
use crate::Service;
use crate::authorizer::Question;
use crate::region::Place;
use crate::store::{Account, StoreError, retried};
use crate::use_case::login::SessionCookies;
use nccp::{ErrorCode, MovieId, Request, RequestMessage};
use std::collections::BTreeMap;

/// The verdicts for the movies of a request; without an authorizer everything is allowed.
#[derive(Debug, Default)]
pub(crate) struct Entitlements(Option<BTreeMap<u64, Result<(), ErrorCode>>>);

impl Entitlements {
    /// Whether the operator lets this account play the movie.
    pub(crate) fn check(&self, movie: MovieId) -> Result<(), ErrorCode> {
        match &self.0 {
            None => Ok(()),
            // A challenge may name another movie than its message: nobody was asked about that.
            Some(verdicts) => verdicts.get(&movie.get()).copied().unwrap_or(Err(ErrorCode::NotSubscribed)),
        }
    }

    /// Asks about one movie.
    pub(crate) async fn of_movie(
        service: &Service,
        account: &Account,
        device_id: Option<&str>,
        movie_id: MovieId,
        messages: &[&'static str],
        place: &Place,
    ) -> Self {
        let Some(webhook) = &service.authorizer else { return Self(None) };
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
        Self(Some(BTreeMap::from([(movie_id.get(), webhook.ask(&question).await)])))
    }

    /// Asks about every movie that the request wants to play.
    pub(crate) async fn of_request(
        service: &Service,
        request: &Request,
        proof: &Proof,
        session: Option<&SessionCookies>,
        place: &Place,
    ) -> Outcome<Self> {
        if service.authorizer.is_none() {
            return Ok(Self(None));
        }
        let mut wanted: BTreeMap<u64, (MovieId, Vec<&'static str>)> = BTreeMap::new();
        for message in &request.messages {
            let movie = match message {
                RequestMessage::Authorization { movie_id } => *movie_id,
                RequestMessage::License { stream_id, .. } => *stream_id,
                _ => continue,
            };
            wanted.entry(movie.get()).or_insert((movie, Vec::new())).1.push(message.name().as_str());
        }
        let mut verdicts = BTreeMap::new();
        if wanted.is_empty() {
            return Ok(Self(Some(verdicts)));
        }
        let account = retried!(async {
            let mut tx = service.store.read().await?;
            Ok::<_, StoreError>(match (proof, session) {
                (Proof::Ticket { ticket, .. }, _) => tx.account(ticket.account).await?,
                (Proof::Certificate(_), Some(cookies)) => {
                    let now = service.clock.now();
                    tx.session_account(&cookies.id.hash(), &cookies.secret.hash(), now).await?
                }
                _ => None,
            })
        })?;
        // Nobody: the messages fail for their own reason.
        let Some(account) = account.filter(|account| !account.disabled) else {
            return Ok(Self(Some(verdicts)));
        };
        let device = request.device.as_ref().map(|id| id.as_str());
        for (id, (movie, messages)) in wanted {
            let one = Self::of_movie(service, &account, device, movie, &messages, place).await;
            verdicts.insert(id, one.check(movie));
        }
        Ok(Self(Some(verdicts)))
    }
}
