//! How many like each film, as it was counted last.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// For so many seconds a count is good: the library is asked for often, and votes are many.
const FRESH: u64 = 60;

/// Of a hundred who said so, how many like each film, by its number.
pub(crate) type Likes = Arc<HashMap<u64, u8>>;

/// What was counted last, and when (Unix seconds).
#[derive(Debug, Default)]
pub(crate) struct Tally(RwLock<Option<(u64, Likes)>>);

impl Tally {
    /// What was counted within the last minute.
    pub(crate) fn fresh(&self, now: u64) -> Option<Likes> {
        let counted = self.0.read().unwrap_or_else(PoisonError::into_inner);
        counted.as_ref().filter(|(at, _)| now.abs_diff(*at) < FRESH).map(|(_, likes)| Arc::clone(likes))
    }

    /// Keeps what was counted now.
    pub(crate) fn keep(&self, now: u64, likes: &Likes) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(likes)));
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
}
