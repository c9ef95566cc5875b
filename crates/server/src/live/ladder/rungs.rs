//! Which steps are made, which are not for now because this machine was too slow, and when one of those is
//! tried again.

use ::live::transcode::Step;
use std::time::Duration;
use tokio::time::Instant;

/// The pause before a step is tried again doubles so often at most.
const DOUBLINGS: u32 = 4;
/// What went well for so many times the shortest pause is not held against a step any more.
const STEADY: u32 = 5;

/// A ladder's steps.
#[derive(Debug)]
pub(super) struct Rungs {
    /// Highest first.
    made: Vec<Step>,
    /// In the order in which they were left out: higher ones first.
    dropped: Vec<Step>,
    /// How often one was left out lately.
    drops: u32,
    /// The shortest pause before one is tried again.
    pause: Duration,
    /// When the highest that was left out last is tried again.
    again: Option<Instant>,
    /// Since when nothing was too slow.
    since: Option<Instant>,
}

impl Rungs {
    /// None yet; one that is left out is tried again after so long, at first.
    pub(super) const fn new(pause: Duration) -> Self {
        Self { made: Vec::new(), dropped: Vec::new(), drops: 0, pause, again: None, since: None }
    }

    /// Whether it is not known yet which there are.
    pub(super) const fn is_new(&self) -> bool {
        self.made.is_empty() && self.dropped.is_empty()
    }

    /// These are made.
    pub(super) fn set(&mut self, steps: Vec<Step>, now: Instant) {
        (self.made, self.since) = (steps, Some(now));
    }

    /// Those that are made, highest first.
    pub(super) fn made(&self) -> &[Step] {
        &self.made
    }

    /// Those that are not for now.
    pub(super) fn dropped(&self) -> &[Step] {
        &self.dropped
    }

    /// How long it takes until one is tried again; `None` where all are made.
    pub(super) fn wait(&self, now: Instant) -> Option<Duration> {
        self.again.map(|again| again.saturating_duration_since(now))
    }

    /// Leaves the highest out; gives it.
    pub(super) fn drop_highest(&mut self, now: Instant) -> Option<Step> {
        if self.made.is_empty() {
            return None;
        }
        let step = self.made.remove(0);
        self.dropped.push(step);
        if self.since.is_some_and(|since| now.saturating_duration_since(since) > self.pause * STEADY) {
            self.drops = 0;
        }
        let pause = self.pause.saturating_mul(1 << self.drops.min(DOUBLINGS));
        self.drops = self.drops.saturating_add(1);
        (self.again, self.since) = (Some(now + pause), Some(now));
        Some(step)
    }

    /// Whether it is time to try one again.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.wait(now).is_some_and(|wait| wait.is_zero())
    }

    /// The lowest of those that were left out is to be made again; gives it.
    pub(super) fn take_back(&mut self, now: Instant) -> Option<Step> {
        let step = self.dropped.pop()?;
        self.made.insert(0, step);
        self.since = Some(now);
        // The next one has to wait until this one has shown that it is not too much.
        self.again = (!self.dropped.is_empty()).then(|| now + self.pause.saturating_mul(STEADY));
        Some(step)
    }

    /// Nothing is made any more.
    pub(super) fn clear(&mut self) {
        self.made.clear();
        self.again = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn step(height: u32) -> Step {
        Step { width: height * 2, height, kbps: height }
    }

    fn heights(steps: &[Step]) -> Vec<u32> {
        steps.iter().map(|step| step.height).collect()
    }

    #[test]
    fn what_is_left_out_comes_back_from_below() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut rungs = Rungs::new(Duration::from_secs(10));
        assert!(rungs.is_new() && rungs.drop_highest(at(0)).is_none() && rungs.take_back(at(0)).is_none());
        rungs.set(vec![step(720), step(480), step(360)], at(0));
        assert_eq!((rungs.is_new(), rungs.wait(at(5)), rungs.is_due(at(1000))), (false, None, false));
        assert_eq!(rungs.drop_highest(at(1)), Some(step(720)));
        assert_eq!(rungs.wait(at(1)), Some(Duration::from_secs(10)));
        // Another one soon after: that waits longer.
        assert_eq!(rungs.drop_highest(at(2)), Some(step(480)));
        assert_eq!((heights(rungs.made()), heights(rungs.dropped())), (vec![360], vec![720, 480]));
        assert!(!rungs.is_due(at(21)) && rungs.is_due(at(22)));
        assert_eq!(rungs.take_back(at(22)), Some(step(480)));
        assert_eq!(heights(rungs.made()), [480, 360]);
        // The higher one comes when that has gone well for a while.
        assert!(!rungs.is_due(at(71)) && rungs.is_due(at(72)));
        assert_eq!(rungs.take_back(at(72)), Some(step(720)));
        assert_eq!((heights(rungs.made()), rungs.wait(at(80))), (vec![720, 480, 360], None));
        rungs.drop_highest(at(73));
        rungs.clear();
        assert_eq!(
            (rungs.made().len(), heights(rungs.dropped()), rungs.is_due(at(9999))),
            (0, vec![720], false)
        );
    }

    #[test]
    fn pauses_grow_have_an_end_and_are_forgotten() {
        let mut now = Instant::now();
        let mut rungs = Rungs::new(Duration::from_secs(10));
        rungs.set(vec![step(480)], now);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            now += Duration::from_secs(1);
            rungs.drop_highest(now).unwrap();
            let pause = rungs.wait(now).unwrap();
            pauses.push(pause.as_secs());
            now += pause;
            assert!(rungs.is_due(now) && rungs.made().is_empty() && !rungs.is_new());
            rungs.take_back(now).unwrap();
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 160, 160]);
        // An hour without trouble.
        now += Duration::from_secs(3600);
        rungs.drop_highest(now).unwrap();
        assert_eq!(rungs.wait(now), Some(Duration::from_secs(10)));
    }
}
