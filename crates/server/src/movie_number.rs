//! Which number the next movie gets: none that a movie has, or had before it was removed.

use crate::Error;
use crate::store::Transaction;
use std::collections::BTreeSet;

/// The next number, as a transaction sees the movies.
///
/// # Errors
/// [`Error::Setting`] when there is none at all; [`Error::Store`].
pub(crate) async fn next_in(tx: &mut dyn Transaction) -> Result<u64, Error> {
    let movies = tx.movies().await?;
    let removed = tx.removed_movies().await?;
    next_free(movies.iter().map(|movie| movie.id).chain(removed))
}

/// One more than the highest number that is taken, or the lowest that is free where there is none above it.
fn next_free(taken: impl IntoIterator<Item = u64>) -> Result<u64, Error> {
    let taken: BTreeSet<u64> = taken.into_iter().collect();
    let above = taken.last().map_or(Some(1), |highest| highest.checked_add(1));
    let is_number = |id: &u64| nccp::MovieId::try_from(*id).is_ok();
    let below = || (1..).zip(&taken).find(|(id, taken)| id != *taken).map(|(id, _)| id);
    let none = || Error::Setting { name: "movie", reason: "no number is free".to_owned() };
    above.filter(is_number).or_else(below).ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_from_the_highest() {
        let next = |ids: &[u64]| next_free(ids.iter().copied()).unwrap();
        assert_eq!((next(&[]), next(&[1, 2]), next(&[60_027_274, 5])), (1, 3, 60_027_275));
        // No number is above the highest that there can be.
        let highest = (1 << 53) - 1;
        assert_eq!((next(&[highest]), next(&[1, 2, 4, highest]), next(&[1, 2, highest])), (1, 3, 3));
    }
}
