//! Back-off, time-outs and the choice of a CDN.

use std::time::Duration;

/// Limits of the waiting times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryRules {
    /// First wait when no CDN is left to try.
    pub first_wait: Duration,
    /// Longest wait.
    pub longest_wait: Duration,
    /// Time to the first byte. It doubles with each attempt, three times at most.
    pub first_byte: Duration,
    /// Without a byte in the middle of a transfer.
    pub stall: Duration,
    /// How long a CDN that failed sits out; doubles each time.
    pub sit_out: Duration,
}

impl Default for RetryRules {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(8),
            first_byte: Duration::from_secs(3),
            stall: Duration::from_secs(5),
            sit_out: Duration::from_secs(60),
        }
    }
}

impl RetryRules {
    /// Wait before attempt number `attempt` + 1: doubled each time, then between half and all of it.
    pub fn backoff(&self, attempt: u32, rng: &mut fastrand::Rng) -> Duration {
        let doubled = self.first_wait.saturating_mul(1 << attempt.min(10));
        let full = doubled.min(self.longest_wait).max(self.first_wait);
        full.mul_f64(0.5 + rng.f64() / 2.0).max(self.first_wait)
    }

    /// Time to the first byte that attempt number `attempt`, counted from 0, gets.
    pub fn first_byte_limit(&self, attempt: u32) -> Duration {
        self.first_byte.saturating_mul(1 << attempt.min(3))
    }
}

/// Which CDNs may be asked. CDNs are named by their place in the manifest's order.
#[derive(Clone, Debug, Default)]
pub struct CdnHealth {
    entries: Vec<Health>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Health {
    out_until: Option<Duration>,
    failures: u32,
}

impl CdnHealth {
    /// All good.
    pub fn new(count: usize) -> Self {
        Self { entries: vec![Health::default(); count] }
    }

    /// The first in the manifest's order that is not sitting out and not excluded by `usable`.
    pub fn pick(&self, now: Duration, usable: impl Fn(usize) -> bool) -> Option<usize> {
        let in_use = |health: &Health| health.out_until.is_none_or(|until| until <= now);
        (0..self.entries.len()).find(|cdn| usable(*cdn) && in_use(&self.entries[*cdn]))
    }

    /// The one that comes back first, when all sit out.
    pub fn pick_anyway(&self, usable: impl Fn(usize) -> bool) -> Option<usize> {
        (0..self.entries.len()).filter(|cdn| usable(*cdn)).min_by_key(|cdn| self.entries[*cdn].out_until)
    }

    /// It failed: sits out, twice as long as the last time.
    pub fn failed(&mut self, cdn: usize, now: Duration, rules: &RetryRules) {
        if let Some(health) = self.entries.get_mut(cdn) {
            let time = rules.sit_out.saturating_mul(1 << health.failures.min(6));
            health.out_until = Some(now + time);
            health.failures += 1;
        }
    }

    /// The network itself was gone and is back, so every CDN may be asked again.
    pub fn all_back(&mut self) {
        self.entries.fill(Health::default());
    }

    /// It delivered.
    pub fn delivered(&mut self, cdn: usize) {
        if let Some(health) = self.entries.get_mut(cdn) {
            *health = Health::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_half_a_second_to_eight() {
        let rules = RetryRules::default();
        let mut rng = fastrand::Rng::with_seed(1);
        for attempt in 0..40 {
            let wait = rules.backoff(attempt, &mut rng);
            let full = Duration::from_millis(500 * (1 << attempt.min(4)));
            assert!(
                wait >= Duration::from_millis(500) && wait <= full && wait >= full / 2,
                "{attempt}: {wait:?}"
            );
        }
        let mut again = fastrand::Rng::with_seed(1);
        assert_eq!(
            rules.backoff(3, &mut fastrand::Rng::with_seed(1)),
            rules.backoff(3, &mut again),
            "seeded"
        );
    }

    #[test]
    fn a_failed_cdn_sits_out_and_comes_back() {
        let rules = RetryRules::default();
        let seconds = Duration::from_secs;
        let mut health = CdnHealth::new(2);
        assert_eq!(health.pick(seconds(0), |_| true), Some(0));
        health.failed(0, seconds(0), &rules);
        assert_eq!(health.pick(seconds(59), |_| true), Some(1));
        assert_eq!(health.pick(seconds(60), |_| true), Some(0));
        health.failed(0, seconds(60), &rules);
        assert_eq!(health.pick(seconds(179), |_| true), Some(1));
        health.failed(1, seconds(61), &rules);
        assert_eq!(health.pick(seconds(100), |_| true), None);
        assert_eq!(health.pick_anyway(|_| true), Some(1));
        health.delivered(0);
        assert_eq!(health.pick(seconds(100), |_| true), Some(0));
        assert_eq!(health.pick(seconds(100), |cdn| cdn != 0), None);
    }
}
