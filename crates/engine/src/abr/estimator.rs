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
///
/// Parts of segments are short, and must not fool it. The bytes that come with the first ones of a part had
/// been on their way before the clock began, and are not counted over the time that follows. A part that
/// comes all at once says no more than how fast the network is at least: its bytes over all of the time since
/// it was asked for. No time counts in which nothing was asked for.
#[derive(Clone, Debug, Default)]
pub struct Estimator {
    averages: [f64; 2],
    total: f64,
    // The running union of transfers: since when bytes flow, how many came, over how many downloads.
    since: Option<Duration>,
    bytes: u64,
    active: usize,
    // Where it began with a part: when that was asked for, and how many bytes came with its first ones.
    opening: Option<(Duration, u64)>,
}

impl Estimator {
    /// A download got its first bytes.
    pub fn first_byte(&mut self, now: Duration) {
        self.active += 1;
        if self.since.is_none() {
            self.since = Some(now);
            self.bytes = 0;
            self.opening = None;
        }
    }

    /// The first bytes of a part arrived, which was asked for at `sent`.
    pub fn part_begins(&mut self, now: Duration, sent: Duration, bytes: u64) {
        self.active += 1;
        if self.since.is_none() {
            self.since = Some(now);
            self.bytes = 0;
            self.opening = Some((sent, bytes));
        } else if let Some((_, with_it)) = &mut self.opening {
            *with_it += bytes;
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
            self.opening = None;
        } else if let (Some((sent, with_it)), 0) = (self.opening, self.active) {
            self.at_least(self.bytes + with_it, now.saturating_sub(sent));
        }
        if self.active == 0 {
            self.since = None;
        }
    }

    /// So many bytes came in so much time, in which there was waiting, too.
    fn at_least(&mut self, bytes: u64, elapsed: Duration) {
        let (bits, seconds) = (bytes as f64 * 8.0, elapsed.as_secs_f64());
        let is_news = self.estimate().is_none_or(|known| bits > known as f64 * seconds);
        if elapsed >= FASTEST_SAMPLE && is_news {
            self.sample(bits, seconds);
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

    /// A part of 40 kB at 2 Mb/s, asked for 80 ms before its first bytes, 16 kB of which come at once.
    fn part(estimator: &mut Estimator, at: u64) {
        let ms = Duration::from_millis;
        estimator.part_begins(ms(at + 80), ms(at), 16_000);
        estimator.received(24_000);
        estimator.ended(ms(at + 80 + 96));
    }

    #[test]
    fn parts_are_measured_by_what_follows_their_first_bytes_and_no_waiting() {
        let mut estimator = Estimator::default();
        (0..40).for_each(|n| part(&mut estimator, n * 500));
        let estimate = estimator.estimate().unwrap();
        assert!((1_950_000..2_050_000).contains(&estimate), "{estimate}");
    }

    #[test]
    fn a_part_that_comes_at_once_is_a_lower_bound() {
        let ms = Duration::from_millis;
        let mut estimator = Estimator::default();
        let burst = |estimator: &mut Estimator, at: u64| {
            estimator.part_begins(ms(at + 80), ms(at), 40_000);
            estimator.ended(ms(at + 80));
        };
        (0..40).for_each(|n| burst(&mut estimator, n * 500));
        let estimate = estimator.estimate().unwrap();
        assert!((3_900_000..4_100_000).contains(&estimate), "40 kB in 80 ms: {estimate}");
        // Known to be faster, it is not taken for slower; nor is a cache taken for the network.
        let mut fast = Estimator::default();
        fast.first_byte(ms(0));
        fast.received(2_500_000);
        fast.ended(ms(1000));
        let known = fast.estimate();
        burst(&mut fast, 2000);
        fast.part_begins(ms(3002), ms(3000), 1_000_000);
        fast.ended(ms(3002));
        assert_eq!(fast.estimate(), known);
    }

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
