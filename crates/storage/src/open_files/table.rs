use std::time::Duration;

use hashlink::LruCache;
use tokio::time::Instant;

use crate::Key;

/// Values by key, those that were used last, each good for a time. The clock is the caller's.
#[derive(Debug)]
pub(super) struct Table<V> {
    good_for: Duration,
    /// With when each was put there.
    all: LruCache<Key, (V, Instant)>,
    forgotten: u64,
}

/// How often something was forgotten when a value was looked for elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Forgotten(u64);

impl<V: Clone> Table<V> {
    /// Room for so many values, each good for so long.
    pub(super) fn new(most: usize, good_for: Duration) -> Self {
        Self { good_for, all: LruCache::new(most), forgotten: 0 }
    }

    /// A value that is still good.
    pub(super) fn get(&mut self, key: &Key, now: Instant) -> Option<V> {
        let (value, since) = self.all.get(key)?;
        if now.saturating_duration_since(*since) < self.good_for {
            return Some(value.clone());
        }
        self.all.remove(key);
        None
    }

    /// To be asked before a value is looked for elsewhere, for [`put`](Self::put).
    pub(super) fn forgotten(&self) -> Forgotten {
        Forgotten(self.forgotten)
    }

    /// Keeps a value, unless something was forgotten since it was looked for: it may be what was to be
    /// forgotten.
    pub(super) fn put(&mut self, key: Key, value: V, now: Instant, before: Forgotten) {
        if before == self.forgotten() {
            self.all.insert(key, (value, now));
        }
    }

    /// Those that are not good any more, which go.
    pub(super) fn take_expired(&mut self, now: Instant) -> Vec<V> {
        let mut expired = Vec::new();
        let good_for = self.good_for;
        self.all.retain(|_, (value, since)| {
            let is_good = now.saturating_duration_since(*since) < good_for;
            if !is_good {
                expired.push(value.clone());
            }
            is_good
        });
        expired
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Forgets a value.
    pub(super) fn forget(&mut self, key: &Key) {
        self.forgotten += 1;
        self.all.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD_FOR: Duration = Duration::from_secs(10);

    fn key(n: u32) -> Key {
        format!("film/{n}").parse().unwrap()
    }

    fn put(table: &mut Table<u32>, n: u32, now: Instant) {
        let before = table.forgotten();
        table.put(key(n), n, now, before);
    }

    #[test]
    fn the_number_is_bounded_and_what_is_in_use_stays() {
        let (mut table, now) = (Table::new(5, GOOD_FOR), Instant::now());
        for n in 0..10_000 {
            put(&mut table, n, now);
            assert_eq!(table.get(&key(0), now), Some(0));
            assert!(table.all.len() <= 5);
        }
        assert_eq!(table.get(&key(9_999), now), Some(9_999));
        assert_eq!(table.get(&key(1), now), None);
        let mut none = Table::new(0, GOOD_FOR);
        put(&mut none, 1, now);
        assert_eq!(none.get(&key(1), now), None);
    }

    #[test]
    fn a_value_is_good_for_its_time_however_often_it_is_used() {
        let (mut table, now) = (Table::new(5, GOOD_FOR), Instant::now());
        put(&mut table, 1, now);
        for second in 0..10 {
            assert_eq!(table.get(&key(1), now + Duration::from_secs(second)), Some(1));
        }
        assert_eq!(table.get(&key(1), now + GOOD_FOR), None);
        put(&mut table, 2, now);
        put(&mut table, 3, now + GOOD_FOR);
        assert_eq!(table.take_expired(now + GOOD_FOR), [2]);
        assert!(!table.is_empty());
        assert_eq!(table.take_expired(now + 2 * GOOD_FOR), [3]);
        assert!(table.is_empty() && table.take_expired(now + 2 * GOOD_FOR).is_empty());
    }

    #[test]
    fn what_was_looked_for_before_something_was_forgotten_is_not_kept() {
        let (mut table, now) = (Table::new(5, GOOD_FOR), Instant::now());
        put(&mut table, 1, now);
        let before = table.forgotten();
        table.forget(&key(1));
        assert_eq!(table.get(&key(1), now), None);
        table.put(key(1), 1, now, before);
        assert_eq!(table.get(&key(1), now), None, "the old one");
        put(&mut table, 1, now);
        assert_eq!(table.get(&key(1), now), Some(1));
    }
}
