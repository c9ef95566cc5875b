//! Who may play what, where.

use super::{Outcome, at_hand};
use crate::catalogue::Pack;
use crate::live;
use crate::region::Place;
use crate::store::{Account, Movie, Transaction};
use crate::{Error, Service};
use license::KeyName;
use nccp::{ErrorCode, EventState, MovieId};
use std::sync::Arc;

/// The plan that plays nothing.
const NO_PLAN: &str = "none";

/// Whether the account may play the movie there: by its regions, whether it can be played now, and by the
/// account's plan. A8.
pub(crate) fn may_play(account: &Account, movie: &Movie, place: &Place) -> Result<(), ErrorCode> {
    if !place.may(&movie.regions) {
        return Err(ErrorCode::RegionNotAllowed);
    }
    if !movie.available {
        return Err(ErrorCode::MovieNotAvailable);
    }
    if includes(&movie.plans, account) { Ok(()) } else { Err(ErrorCode::NotSubscribed) }
}

/// Whether a movie of these plans is in the account's.
fn includes(plans: &[String], account: &Account) -> bool {
    if plans.is_empty() { account.plan != NO_PLAN } else { plans.contains(&account.plan) }
}

/// Whether the account's plan plays anything at all.
pub(crate) async fn plays_anything(tx: &mut dyn Transaction, account: &Account) -> Outcome<bool> {
    Ok(tx.movie_plans().await?.iter().any(|plans| includes(plans, account)))
}

/// The movie with its pack, for an account that may play it.
pub(crate) async fn playable(
    service: &Service,
    tx: &mut dyn Transaction,
    account: &Account,
    movie_id: MovieId,
    place: &Place,
) -> Outcome<(Movie, Arc<Pack>)> {
    playable_by(service, tx, account, (movie_id, &[]), place).await
}

/// As [`playable`], a content in the form of delivery that has these keys, with that form's rules. None
/// stands for all of Matinee's own players'.
pub(crate) async fn playable_by(
    service: &Service,
    tx: &mut dyn Transaction,
    account: &Account,
    (movie_id, keys): (MovieId, &[KeyName]),
    place: &Place,
) -> Outcome<(Movie, Arc<Pack>)> {
    let movie = tx.movie(movie_id.get()).await?.ok_or(ErrorCode::MovieUnknown)?;
    may_play(account, &movie, place)?;
    let film = match keys {
        [] => at_hand::film(service, &movie.pack).await?,
        keys => {
            let has = |pack: &Pack| keys.iter().all(|key| pack.keys.contains(key));
            at_hand::film_with(service, &movie.pack, has).await?
        }
    };
    match film {
        Ok(pack) => Ok((pack.rules.over(movie), pack)),
        // An event of which there is nothing yet, or nothing any more.
        Err(_) if movie.pack == live::pack_of(movie.id) => {
            let states = service.live.states(service.clock.millis());
            match states.get(&movie.id) {
                Some((EventState::Ended, _)) => Err(ErrorCode::EventEnded.into()),
                _ => Err(ErrorCode::EventWaiting.into()),
            }
        }
        Err(error) => {
            tracing::error!(movie = movie.id, %error, "a movie's pack cannot be read");
            Err(match error {
                // It may be there, and be read soon.
                Error::Storage(_) => ErrorCode::TryLater.into(),
                _ => ErrorCode::MovieNotAvailable.into(),
            })
        }
    }
}
