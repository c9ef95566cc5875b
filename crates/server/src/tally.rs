//! How many like each film, as it was counted last.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// For so many seconds a count is good: the library is asked for often, and votes are many.
const FRESH: u64 = 60;
/// For so many seconds one counts anew, and all others have the old count; then somebody else tries it.
const RENEWAL: u64 = 10;

/// Of a hundred who said so, how many like each film, by its number.
pub(crate) type Likes = Arc<HashMap<u64, u8>>;

/// What was counted last.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Option<Count>>);

/// Times are Unix seconds.
#[derive(Debug)]
struct Count {
    at: u64,
    likes: Likes,
    /// When somebody began to count anew.
    renewal: Option<u64>,
}

impl Tally {
    /// What was counted within the last minute, or before where somebody counts anew. `None`: the caller
    /// counts.
    pub(crate) fn fresh(&self, now: u64) -> Option<Likes> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counted.as_mut()?;
        let is_good = now.abs_diff(count.at) < FRESH;
        let is_renewed = count.renewal.is_some_and(|begun| now.abs_diff(begun) < RENEWAL);
        if is_good || is_renewed {
            return Some(Arc::clone(&count.likes));
        }
        count.renewal = Some(now);
        None
    }

    /// Keeps what was counted now.
    pub(crate) fn keep(&self, now: u64, likes: &Likes) {
        let count = Count { at: now, likes: Arc::clone(likes), renewal: None };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_good_for_a_minute() {
        let tally = Tally::default();
        assert_eq!(tally.fresh(1000), None);
        let likes = Arc::new(HashMap::from([(7, 90)]));
        tally.keep(1000, &likes);
        assert_eq!(tally.fresh(1059), Some(likes));
        assert_eq!((tally.fresh(1060), tally.fresh(900)), (None, None), "nor where the clock was set back");
    }

    #[test]
    fn one_counts_anew_and_the_others_have_the_old_count() {
        let tally = Tally::default();
        let [old, new] = [90, 91].map(|share| Arc::new(HashMap::from([(7, share)])));
        tally.keep(1000, &old);
        assert_eq!(tally.fresh(1060), None, "this one counts");
        for now in [1060, 1069] {
            assert_eq!(tally.fresh(now), Some(Arc::clone(&old)));
        }
        assert_eq!(tally.fresh(1070), None, "it never came back");
        tally.keep(1071, &new);
        assert_eq!((tally.fresh(1071), tally.fresh(1130)), (Some(Arc::clone(&new)), Some(new)));
    }
}
