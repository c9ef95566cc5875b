use hashlink::LruCache;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Values that were used last, up to a number of bytes.
#[derive(Debug)]
pub(crate) struct Lru<K, V> {
    most: usize,
    inner: Mutex<Inner<K, V>>,
}

#[derive(Debug)]
struct Inner<K, V> {
    /// With the bytes of each.
    all: LruCache<K, (V, usize)>,
    bytes: usize,
}

impl<K: Eq + Hash, V: Clone> Lru<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, inner: Mutex::new(Inner { all: LruCache::new_unbounded(), bytes: 0 }) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner<K, V>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        self.inner().all.get(key).map(|(value, _)| value.clone())
    }

    /// Changes a value that is kept, which stays as large as it is.
    pub(crate) fn change(&self, key: &K, change: impl FnOnce(&mut V)) {
        if let Some((value, _)) = self.inner().all.peek_mut(key) {
            change(value);
        }
    }

    /// Keeps a value, and forgets others that were used longest ago. One that is larger than all that is
    /// allowed is not kept.
    pub(crate) fn put(&self, key: K, value: V, bytes: usize) {
        let mut guard = self.inner();
        let inner = &mut *guard;
        inner.remove(&key);
        if bytes > self.most {
            return;
        }
        while inner.bytes + bytes > self.most
            && let Some((_, (_, oldest))) = inner.all.remove_lru()
        {
            inner.bytes -= oldest;
        }
        inner.bytes += bytes;
        inner.all.insert(key, (value, bytes));
    }

    /// Forgets a value.
    pub(crate) fn remove(&self, key: &K) {
        self.inner().remove(key);
    }

    /// How many there are, and their bytes.
    #[cfg(test)]
    pub(crate) fn size(&self) -> (usize, usize) {
        let inner = self.inner();
        (inner.all.len(), inner.bytes)
    }
}

impl<K: Eq + Hash, V> Inner<K, V> {
    fn remove(&mut self, key: &K) {
        if let Some((_, bytes)) = self.all.remove(key) {
            self.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However many there are, what is kept stays below the bound.
    #[test]
    fn memory_is_bounded() {
        let lru = Lru::new(1000);
        for n in 0..100_000u32 {
            lru.put(n, n, 10 + n as usize % 90);
            assert!(lru.size().1 <= 1000);
            // In use all the time.
            assert_eq!(lru.get(&0), Some(0));
        }
        assert_eq!(lru.get(&1), None);
        assert_eq!(lru.get(&99_999), Some(99_999));
        lru.put(0, 7, 1001);
        assert_eq!(lru.get(&0), None);
        lru.change(&99_999, |value| *value += 1);
        assert_eq!(lru.get(&99_999), Some(100_000));
        lru.remove(&99_999);
        assert_eq!(lru.get(&99_999), None);
    }
}
