use std::time::Duration;

use tokio::time::Instant;

/// How far behind the clock the budget may fall before capacity that was not used is lost. Timers wake late
/// by about a millisecond, which must not cost bandwidth.
const CREDIT: Duration = Duration::from_millis(5);

/// What the network is like while it works.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Link {
    /// Megabits per second in each direction, over all connections; `None`: as fast as the machine is.
    pub megabits: Option<f64>,
    /// The time that a packet takes to the server and back.
    pub rtt: Duration,
}

impl Link {
    /// So many megabits per second at so many milliseconds.
    #[must_use]
    pub fn new(megabits: f64, rtt_milliseconds: u64) -> Self {
        Self { megabits: Some(megabits), rtt: Duration::from_millis(rtt_milliseconds) }
    }
}

/// Whether the network works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Network {
    /// It does.
    #[default]
    Up,
    /// It says that it does not: connections are reset, new ones refused.
    Refusing,
    /// It says nothing: whatever is sent waits.
    Silent,
}

/// One direction's budget.
#[derive(Debug)]
pub(crate) struct Bucket {
    free_at: Instant,
}

impl Bucket {
    pub(crate) fn new(now: Instant) -> Self {
        Self { free_at: now }
    }

    /// Books octets and says when the last of them is through.
    pub(crate) fn reserve(&mut self, now: Instant, link: Link, octets: usize) -> Instant {
        let Some(megabits) = link.megabits else { return now };
        let start = self.free_at.max(now.checked_sub(CREDIT).unwrap_or(now));
        self.free_at = start + Duration::from_secs_f64(octets as f64 * 8.0 / (megabits * 1e6));
        self.free_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The n-th octet is through n·8/rate after the first was sent, whoever sends it.
    #[test]
    fn the_budget_is_kept_to_the_octet() {
        let link = Link::new(8.0, 0);
        let start = Instant::now();
        let mut bucket = Bucket::new(start);
        let now = start + Duration::from_secs(3);
        for n in 1..=1000_u32 {
            let through = bucket.reserve(now, link, 1000);
            assert_eq!(through + CREDIT, now + Duration::from_millis(1) * n);
        }
        assert_eq!(bucket.reserve(now, Link::default(), 1 << 30), now, "no limit, no wait");
    }
}
