//! Who may play what, where.

use super::Outcome;
use crate::Service;
use crate::catalogue::Pack;
use crate::region::Place;
use crate::store::{Account, Movie, Transaction};
use nccp::{ErrorCode, MovieId};
use std::sync::Arc;

/// The plan that plays nothing.
const NO_PLAN: &str = "none";

/// Whether the account's plan plays the movie, and it can be played now. A8.
pub(crate) fn may_play(account: &Account, movie: &Movie) -> Result<(), ErrorCode> {
    if !movie.available {
        return Err(ErrorCode::MovieNotAvailable);
    }
    let included =
        if movie.plans.is_empty() { account.plan != NO_PLAN } else { movie.plans.contains(&account.plan) };
    if included { Ok(()) } else { Err(ErrorCode::NotSubscribed) }
}

/// The movie with its pack, for an account that may play it.
pub(crate) async fn playable(
    service: &Service,
    tx: &mut dyn Transaction,
    account: &Account,
    movie_id: MovieId,
    place: &Place,
) -> Outcome<(Movie, Arc<Pack>)> {
    let movie = tx.movie(movie_id.get()).await?.ok_or(ErrorCode::MovieUnknown)?;
    if !place.may(&movie.regions) {
        return Err(ErrorCode::RegionNotAllowed.into());
    }
    may_play(account, &movie)?;
    match service.catalogue.pack(&movie.pack).await {
        Ok(pack) => Ok((movie, pack)),
        Err(error) => {
            tracing::error!(movie = movie.id, %error, "a movie's pack cannot be read");
            Err(ErrorCode::MovieNotAvailable.into())
        }
    }
}
