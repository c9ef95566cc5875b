//! The DRM metadata that playbacks begin with: made once in each update interval.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The metadata of each film in each application.
#[derive(Debug, Default)]
pub(crate) struct MetadataCache {
    kept: Mutex<HashMap<(String, u64), Kept>>,
}

#[derive(Debug, Clone)]
struct Kept {
    octets: Arc<[u8]>,
    /// Of which pack it is.
    pack: String,
    /// Unix seconds.
    made: u64,
    /// When the keys that signed it were changed.
    keys: u64,
}

impl Kept {
    fn holds(&self, (pack, keys): (&str, u64), interval: u64, now: u64) -> bool {
        let age = now.checked_sub(self.made);
        self.pack == pack && self.keys == keys && age.is_some_and(|age| age < interval)
    }
}

impl MetadataCache {
    /// What is kept for a film, by application and movie, or what `make` makes, where that is too old, or of
    /// another pack or other keys.
    ///
    /// # Errors
    /// What `make` gives.
    pub(crate) fn get<E>(
        &self,
        of: (&str, u64),
        (pack, keys): (&str, u64),
        interval: u64,
        now: u64,
        make: impl FnOnce() -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Option<Arc<[u8]>>, E> {
        let of = (of.0.to_owned(), of.1);
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = |kept: &HashMap<_, Kept>| {
            let kept = kept.get(&of).filter(|kept| kept.holds((pack, keys), interval, now));
            kept.map(|kept| Arc::clone(&kept.octets))
        };
        if let Some(octets) = kept(&lock()) {
            return Ok(Some(octets));
        }
        let Some(made) = make()? else { return Ok(None) };
        let mut all = lock();
        // Where two made it at once, all get the first.
        if let Some(octets) = kept(&all) {
            return Ok(Some(octets));
        }
        let octets: Arc<[u8]> = made.into();
        let new = Kept { octets: Arc::clone(&octets), pack: pack.to_owned(), made: now, keys };
        all.insert(of, new);
        Ok(Some(octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B90: the same octets within the interval, whatever happens; others after it, or of another pack, or
    /// where the keys were changed.
    #[test]
    fn b90_it_is_made_once_in_an_interval() {
        let (cache, made) = (MetadataCache::default(), std::cell::Cell::new(0u8));
        let get = |application: &str, pack: &str, keys: u64, now: u64| {
            let make = || {
                made.set(made.get() + 1);
                Ok::<_, ()>(Some(vec![made.get()]))
            };
            cache.get((application, 7), (pack, keys), 60, now, make).unwrap().unwrap()[0]
        };
        assert_eq!((get("vod", "p", 1, 1000), get("vod", "p", 1, 1059)), (1, 1));
        assert_eq!((get("schools", "p", 1, 1059), get("vod", "p", 1, 1059)), (2, 1));
        assert_eq!((get("vod", "p", 1, 1060), get("vod", "p", 1, 1119)), (3, 3));
        assert_eq!((get("vod", "q", 1, 1100), get("vod", "q", 2, 1100)), (4, 5));
        // A clock that was set back.
        assert_eq!(get("vod", "q", 2, 900), 6);
        let none = cache.get::<()>(("vod", 8), ("p", 1), 60, 1000, || Ok(None));
        assert_eq!(none, Ok(None));
    }
}
