//! Pictures that an ffmpeg has, and how long it has had them.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// Pictures that were given and did not come back from every track yet.
#[derive(Debug)]
pub(super) struct UnderWay {
    given: VecDeque<(i64, Instant)>,
    /// How far each track has come.
    reached: Vec<i64>,
    /// So many it may keep until others come.
    held: usize,
}

impl UnderWay {
    /// For so many tracks; ffmpeg may keep so many pictures until others come, or none any more.
    pub(super) fn new(tracks: usize, held: usize) -> Self {
        Self { given: VecDeque::new(), reached: vec![i64::MIN; tracks], held }
    }

    /// A picture was given.
    pub(super) fn give(&mut self, time: i64, now: Instant) {
        self.given.push_back((time, now));
    }

    /// A track has come so far.
    pub(super) fn come(&mut self, track: usize, time: i64) {
        if let Some(reached) = self.reached.get_mut(track) {
            *reached = time.max(*reached);
        }
        let slowest = self.reached.iter().min().copied().unwrap_or(i64::MIN);
        while self.given.front().is_some_and(|(time, _)| *time <= slowest) {
            self.given.pop_front();
        }
    }

    /// How long ago the oldest of them should have come back: when one too many was given for it to be kept.
    /// An encoder that pauses is no slow machine.
    pub(super) fn age(&self, now: Instant) -> Duration {
        self.given.get(self.held).map_or(Duration::ZERO, |(_, since)| now.saturating_duration_since(*since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_track_counts() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut under_way = UnderWay::new(2, 0);
        assert_eq!(under_way.age(at(9)), Duration::ZERO);
        (0..4).for_each(|n| under_way.give(n, at(n.unsigned_abs())));
        assert_eq!(under_way.age(at(9)), Duration::from_secs(9));
        under_way.come(0, 3);
        assert_eq!(under_way.age(at(9)), Duration::from_secs(9));
        under_way.come(1, 1);
        assert_eq!(under_way.age(at(9)), Duration::from_secs(7));
        under_way.come(1, 3);
        assert_eq!(under_way.age(at(9)), Duration::ZERO);
    }

    /// The last pictures stay inside until the encoder goes on: they say nothing of this machine.
    #[test]
    fn an_encoder_that_pauses_is_no_slow_machine() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut under_way = UnderWay::new(1, 20);
        (0..40).for_each(|n| under_way.give(n, begun));
        assert_eq!(under_way.age(at(9)), Duration::from_secs(9));
        under_way.come(0, 29);
        assert_eq!(under_way.age(at(60)), Duration::ZERO);
        // It goes on, and nothing comes back.
        (40..51).for_each(|n| under_way.give(n, at(60)));
        assert_eq!(under_way.age(at(69)), Duration::from_secs(9));
    }
}
