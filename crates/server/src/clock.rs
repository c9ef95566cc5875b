//! The server's clock, which tests can set.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where the time comes from.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The operating system.
    #[default]
    System,
    /// A number that is set by hand: Unix seconds.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that stands at `now` until it is set.
    pub fn manual(now: u64) -> (Self, Arc<AtomicU64>) {
        let hand = Arc::new(AtomicU64::new(now));
        (Self::Manual(Arc::clone(&hand)), hand)
    }

    /// Unix milliseconds.
    pub fn millis(&self) -> u64 {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH);
                since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
            }
            Self::Manual(hand) => hand.load(Ordering::Relaxed).saturating_mul(1000),
        }
    }

    /// Unix seconds.
    pub fn now(&self) -> u64 {
        match self {
            Self::System => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
            Self::Manual(hand) => hand.load(Ordering::Relaxed),
        }
    }
}
