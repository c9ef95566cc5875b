//! What accounts think of films: a thumb up or down, one of each account for each film.

use super::Outcome;
use crate::Service;
use crate::store::{Account, StoreError, Transaction, VoteCount, retried};
use crate::tally::Likes;
use nccp::ErrorCode;
use std::sync::Arc;

/// So many accounts must have said what they think of a film before others hear how many like it: from fewer
/// one could tell who said what.
const LEAST: u64 = 10;

/// How many in a hundred like each film of which enough have said so.
pub(crate) async fn likes(service: &Service, tx: &mut dyn Transaction) -> Result<Likes, StoreError> {
    let now = service.clock.now();
    if let Some(likes) = service.tally.fresh(now) {
        return Ok(likes);
    }
    let counted = tx.vote_counts(LEAST).await?;
    let likes: Likes = Arc::new(counted.iter().map(|count| (count.movie, in_a_hundred(count))).collect());
    service.tally.keep(now, &likes);
    Ok(likes)
}

/// To the nearest.
fn in_a_hundred(count: &VoteCount) -> u8 {
    let all = count.votes.max(1);
    let part = (count.likes.saturating_mul(100).saturating_add(all / 2)) / all;
    u8::try_from(part.min(100)).unwrap_or(100)
}

/// `PUT` and `DELETE /api/votes/{movie}`: `None` takes back what the account said.
pub(crate) async fn set(
    service: &Service,
    account: &Account,
    movie: u64,
    liked: Option<bool>,
) -> Outcome<()> {
    retried!(async {
        let mut tx = service.store.begin().await?;
        if tx.movie(movie).await?.is_none() {
            return Err(ErrorCode::MovieUnknown.into());
        }
        tx.set_vote(account.id, movie, liked, service.clock.now()).await?;
        Ok(tx.commit().await?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded() {
        for (likes, votes, expected) in
            [(0, 10, 0), (10, 10, 100), (2, 3, 67), (1, 3, 33), (1, 8, 13), (0, 0, 0)]
        {
            assert_eq!(in_a_hundred(&VoteCount { movie: 1, votes, likes }), expected, "{likes} of {votes}");
        }
    }
}
