//! Throughput estimate and the choice of a representation.
//!
//! The choice is made once, when the film starts; [`start_choice`] is the seam where adaptation comes in.

use std::time::Duration;

use crate::model::{Representation, TrackKind};

/// Transfers smaller than this say more about latency than about throughput.
const SMALLEST_SAMPLE: u64 = 16 * 1024;
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
        if self.bytes >= SMALLEST_SAMPLE && elapsed >= FASTEST_SAMPLE {
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

/// What is known when the film starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StartConditions {
    /// Estimate that an earlier viewing left, bit/s.
    pub stored_estimate: Option<u64>,
    /// Size of the video element in device pixels; (0, 0) when unknown.
    pub viewport: (u32, u32),
}

impl StartConditions {
    /// What to start with: 80 % of the stored estimate, else 1.5 Mb/s.
    pub fn bandwidth(&self) -> u64 {
        self.stored_estimate.map_or(1_500_000, |stored| (stored / 5).saturating_mul(4))
    }
}

/// Position in `representations` of the one to play for `kind`.
///
/// Video: the highest bandwidth that fits, among those not larger than the element needs (the smallest that covers it
/// is allowed). Nothing fits: the lowest. Audio: the preferred ones before the others, then as for video.
pub fn start_choice(
    representations: &[Representation],
    kind: TrackKind,
    conditions: &StartConditions,
) -> Option<usize> {
    let of_kind = || representations.iter().enumerate().filter(move |(_, r)| r.kind == kind);
    let any_preferred = of_kind().any(|(_, r)| r.preferred);
    let cap = size_cap(representations, conditions.viewport);
    let candidates = || {
        of_kind().filter(|(_, r)| {
            let small_enough = match (r.size, cap) {
                (Some((_, height)), Some(cap)) => height <= cap,
                _ => true,
            };
            small_enough && (kind == TrackKind::Video || r.preferred || !any_preferred)
        })
    };
    let budget = conditions.bandwidth();
    candidates()
        .filter(|(_, r)| r.bandwidth <= budget)
        .max_by_key(|(_, r)| r.bandwidth)
        .or_else(|| candidates().min_by_key(|(_, r)| r.bandwidth))
        .map(|(position, _)| position)
}

/// Height of the smallest picture that covers the element; `None` when none does or the size is unknown.
fn size_cap(representations: &[Representation], viewport: (u32, u32)) -> Option<u32> {
    if viewport.0 == 0 || viewport.1 == 0 {
        return None;
    }
    representations
        .iter()
        .filter_map(|r| r.size)
        .filter(|(width, height)| *width >= viewport.0 || *height >= viewport.1)
        .map(|(_, height)| height)
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ByteRange;

    fn video(bandwidth: u64, height: u32) -> Representation {
        Representation {
            id: format!("v{height}"),
            kind: TrackKind::Video,
            bandwidth,
            size: Some((height * 16 / 9, height)),
            preferred: false,
            file_size: 1000,
            init: ByteRange { start: 0, end: 99 },
            index: ByteRange { start: 100, end: 199 },
            start: None,
            sources: vec![],
        }
    }

    fn ladder() -> Vec<Representation> {
        vec![video(300_000, 240), video(900_000, 360), video(2_500_000, 720), video(6_000_000, 1080)]
    }

    fn pick(stored_estimate: Option<u64>, viewport: (u32, u32)) -> usize {
        start_choice(&ladder(), TrackKind::Video, &StartConditions { stored_estimate, viewport }).unwrap()
    }

    #[test]
    fn start_is_the_highest_that_fits() {
        assert_eq!(pick(None, (0, 0)), 1);
        assert_eq!(pick(Some(10_000_000), (0, 0)), 3);
        assert_eq!(pick(Some(3_000_000), (0, 0)), 1);
        assert_eq!(pick(Some(3_200_000), (0, 0)), 2);
        assert_eq!(pick(Some(10), (0, 0)), 0);
    }

    #[test]
    fn start_is_not_larger_than_the_element_needs() {
        assert_eq!(pick(Some(100_000_000), (640, 360)), 1);
        assert_eq!(pick(Some(100_000_000), (650, 366)), 2);
        assert_eq!(pick(Some(100_000_000), (4000, 2000)), 3);
    }

    #[test]
    fn preferred_sound_wins_over_bandwidth() {
        let mut a = video(64_000, 0);
        (a.kind, a.size) = (TrackKind::Audio, None);
        let mut b = a.clone();
        b.bandwidth = 128_000;
        a.preferred = true;
        let conditions = StartConditions { stored_estimate: None, viewport: (0, 0) };
        assert_eq!(start_choice(&[b, a], TrackKind::Audio, &conditions), Some(1));
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
        estimator.ended(Duration::from_secs(1));
        estimator.first_byte(Duration::from_secs(2));
        estimator.received(4_000_000);
        estimator.ended(Duration::from_millis(2002));
        assert_eq!(estimator.estimate(), None);
    }
}
