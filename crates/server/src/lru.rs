use std::collections::{BTreeMap, HashMap};
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
    all: HashMap<K, Kept<V>>,
    /// Keys by their last use.
    order: BTreeMap<u64, K>,
    bytes: usize,
    uses: u64,
}

#[derive(Debug)]
struct Kept<V> {
    value: V,
    bytes: usize,
    used: u64,
}

impl<K: Eq + Hash + Clone, V: Clone> Lru<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        let inner = Inner { all: HashMap::new(), order: BTreeMap::new(), bytes: 0, uses: 0 };
        Self { most, inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner<K, V>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let kept = inner.all.get_mut(key)?;
        inner.uses += 1;
        if let Some(key) = inner.order.remove(&kept.used) {
            inner.order.insert(inner.uses, key);
        }
        kept.used = inner.uses;
        Some(kept.value.clone())
    }

    /// Changes a value that is kept, which stays as large as it is.
    pub(crate) fn change(&self, key: &K, change: impl FnOnce(&mut V)) {
        if let Some(kept) = self.inner().all.get_mut(key) {
            change(&mut kept.value);
        }
    }

    /// Keeps a value, and forgets others that were used longest ago. One that is larger than all that is allowed
    /// is not kept.
    pub(crate) fn put(&self, key: K, value: V, bytes: usize) {
        let mut inner = self.inner();
        inner.remove(&key);
        if bytes > self.most {
            return;
        }
        while inner.bytes + bytes > self.most {
            let oldest = inner.order.values().next().cloned();
            match oldest {
                Some(oldest) => inner.remove(&oldest),
                None => break,
            }
        }
        inner.uses += 1;
        let used = inner.uses;
        inner.bytes += bytes;
        inner.order.insert(used, key.clone());
        inner.all.insert(key, Kept { value, bytes, used });
    }

    /// Forgets a value.
    pub(crate) fn remove(&self, key: &K) {
        self.inner().remove(key);
    }

    /// How many there are, and their bytes.
    #[cfg(test)]
    pub(crate) fn size(&self) -> (usize, usize) {
        let inner = self.inner();
        assert_eq!(inner.all.len(), inner.order.len());
        (inner.all.len(), inner.bytes)
    }
}

impl<K: Eq + Hash, V> Inner<K, V> {
    fn remove(&mut self, key: &K) {
        if let Some(kept) = self.all.remove(key) {
            self.order.remove(&kept.used);
            self.bytes -= kept.bytes;
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
