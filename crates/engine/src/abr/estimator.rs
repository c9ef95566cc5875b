//! How fast the network is.

use std::time::Duration;

/// Transfers smaller than this say more about latency than about throughput.
const SMALLEST_SAMPLE: u64 = 16 * 1024;
/// But if they took this long, the network is that slow.
const SLOW: Duration = Duration::from_millis(500);
/// Faster than this, the bytes came from a cache.
const FASTEST_SAMPLE: Duration = Duration::from_millis(5);
/// Half-lives of the two averages, in seconds of transfer.
const HALF_LIVES: [f64; 2] = [3.0, 9.0];

/// Estimate of the throughput: the smaller of two exponentially weighted averages over transfer time.
#[derive(Clone, Debug, Default)]
pub struct Estimator {
    averages: [f64; 2],
    total: f64,
    // The running union of transfers: since when bytes flow, how many came, over how many downloads.
    since: Option<Duration>,
    bytes: u64,
    active: usize,
}

impl Estimator {
    /// A download got its first bytes.
    pub fn first_byte(&mut self, now: Duration) {
        self.active += 1;
        if self.since.is_none() {
            self.since = Some(now);
            self.bytes = 0;
        }
    }

    /// Bytes arrived.
    pub fn received(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    /// A download that had its first byte ended, whole or not.
    pub fn ended(&mut self, now: Duration) {
        self.active = self.active.saturating_sub(1);
        let Some(since) = self.since else { return };
        let elapsed = now.saturating_sub(since);
        if (self.bytes >= SMALLEST_SAMPLE && elapsed >= FASTEST_SAMPLE) || elapsed >= SLOW {
            self.sample(self.bytes as f64 * 8.0, elapsed.as_secs_f64());
            self.since = Some(now);
            self.bytes = 0;
        }
        if self.active == 0 {
            self.since = None;
        }
    }

    fn sample(&mut self, bits: f64, seconds: f64) {
        for (average, half_life) in self.averages.iter_mut().zip(HALF_LIVES) {
            let keep = 0.5_f64.powf(seconds / half_life);
            *average = *average * keep + bits / seconds * (1.0 - keep);
        }
        self.total += seconds;
    }

    /// bit/s, once something was measured. Early averages are corrected for their start at zero.
    pub fn estimate(&self) -> Option<u64> {
        if self.total == 0.0 {
            return None;
        }
        let corrected =
            |(average, half_life): (f64, f64)| average / (1.0 - 0.5_f64.powf(self.total / half_life));
        let bits = self.averages.into_iter().zip(HALF_LIVES).map(corrected).fold(f64::INFINITY, f64::min);
        Some(bits as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimate_is_over_the_union_of_transfers() {
        let mut estimator = Estimator::default();
        assert_eq!(estimator.estimate(), None);
        let seconds = Duration::from_secs;
        // Two downloads share one link of 800 kbit/s for 10 s.
        estimator.first_byte(seconds(1));
        estimator.first_byte(seconds(1));
        estimator.received(1_000_000);
        estimator.ended(seconds(11));
        estimator.ended(seconds(11));
        let estimate = estimator.estimate().unwrap();
        assert!((799_000..=801_000).contains(&estimate), "{estimate}");
        // Idle time does not count.
        estimator.first_byte(seconds(100));
        estimator.received(100_000);
        estimator.ended(seconds(101));
        let estimate = estimator.estimate().unwrap();
        assert!((799_000..=801_000).contains(&estimate), "{estimate}");
        // A drop shows at once in the shorter average.
        estimator.first_byte(seconds(200));
        estimator.received(75_000);
        estimator.ended(seconds(206));
        assert!(estimator.estimate().unwrap() < 400_000);
    }

    #[test]
    fn small_transfers_and_cache_hits_say_nothing() {
        let mut estimator = Estimator::default();
        estimator.first_byte(Duration::ZERO);
        estimator.received(16_000);
        estimator.ended(Duration::from_millis(400));
        estimator.first_byte(Duration::from_secs(2));
        estimator.received(4_000_000);
        estimator.ended(Duration::from_millis(2002));
        assert_eq!(estimator.estimate(), None);
    }

    #[test]
    fn a_small_transfer_that_takes_long_says_that_the_network_is_slow() {
        let mut estimator = Estimator::default();
        estimator.first_byte(Duration::ZERO);
        estimator.received(4_000);
        estimator.ended(Duration::from_secs(1));
        let estimate = estimator.estimate().unwrap();
        assert!((31_900..=32_000).contains(&estimate), "{estimate}");
    }
}
