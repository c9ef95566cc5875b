use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Values that were used last, up to a number of bytes.
#[derive(Debug)]
pub(crate) struct Lru<K, V> {
    most: usize,
    inner: Mutex<Inner<K, V>>,
}

#[derive(Debug)]
struct Inner<K, V> {
    all: HashMap<K, Kept<V>>,
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
        Self { most, inner: Mutex::new(Inner { all: HashMap::new(), bytes: 0, uses: 0 }) }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.uses += 1;
        let used = inner.uses;
        let kept = inner.all.get_mut(key)?;
        kept.used = used;
        Some(kept.value.clone())
    }

    /// Keeps a value, and forgets others that were used longest ago. One that is larger than all that is allowed
    /// is not kept.
    pub(crate) fn put(&self, key: K, value: V, bytes: usize) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.remove(&key);
        if bytes > self.most {
            return;
        }
        while inner.bytes + bytes > self.most {
            let oldest = inner.all.iter().min_by_key(|(_, kept)| kept.used).map(|(key, _)| key.clone());
            match oldest {
                Some(oldest) => inner.remove(&oldest),
                None => break,
            }
        }
        inner.uses += 1;
        let used = inner.uses;
        inner.bytes += bytes;
        inner.all.insert(key, Kept { value, bytes, used });
    }
}

impl<K: Eq + Hash, V> Inner<K, V> {
    fn remove(&mut self, key: &K) {
        if let Some(kept) = self.all.remove(key) {
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
            assert!(lru.inner.lock().unwrap().bytes <= 1000);
            // In use all the time.
            assert_eq!(lru.get(&0), Some(0));
        }
        assert_eq!(lru.get(&1), None);
        assert_eq!(lru.get(&99_999), Some(99_999));
        lru.put(0, 7, 1001);
        assert_eq!(lru.get(&0), None);
    }
}
