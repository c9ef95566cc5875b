//! How many connections one URL has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The connections of every URL that has one, by its hash.
#[derive(Debug, Default)]
pub(crate) struct Places {
    taken: Arc<Mutex<HashMap<String, usize>>>,
}

/// A connection's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    taken: Arc<Mutex<HashMap<String, usize>>>,
    hash: String,
}

impl Places {
    /// A place for one more connection by this URL, where it has fewer than `most`.
    pub(crate) fn enter(&self, hash: &str, most: usize) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let held = taken.get(hash).copied().unwrap_or(0);
        if held >= most {
            return None;
        }
        taken.insert(hash.to_owned(), held + 1);
        Some(Place { taken: Arc::clone(&self.taken), hash: hash.to_owned() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.hash) {
            Some(held) if *held > 1 => *held -= 1,
            _ => _ = taken.remove(&self.hash),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_url_has_so_many_and_leaves_nothing_behind() {
        let places = Places::default();
        let held = [places.enter("a", 2).unwrap(), places.enter("a", 2).unwrap()];
        assert!(places.enter("a", 2).is_none());
        let other = places.enter("b", 1).unwrap();
        let [first, second] = held;
        drop(first);
        let again = places.enter("a", 2).unwrap();
        assert!(places.enter("a", 2).is_none());
        drop((second, again, other));
        assert!(places.taken.lock().unwrap().is_empty());
    }
}
