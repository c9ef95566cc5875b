//! How far behind the live edge the viewer is, and how fast to play so that it stays what it is to be.
//!
//! Segments, or with low latency their parts, are heard of whole, so the edge that is known goes on in steps.
//! Between two of them it is taken to go on with the clock, for the length of a step at most: a distance that
//! is measured so does not change while the film plays as it was made.

use std::time::Duration;

use super::{Engine, window::Window};
use crate::{event::Command, track::Track};

/// Rates differ from 1 by this much at most: nobody hears or sees it.
const MOST: f64 = 0.03;
/// A distance that is off by the first, in seconds, is made good until it is off by no more than the second.
const OFF: (f64, f64) = (0.4, 0.1);
/// The same where the edge goes on in parts.
const OFF_IN_PARTS: (f64, f64) = (0.2, 0.05);
/// From how many seconds on it is made good as fast as may be.
const FULL: f64 = 1.0;
/// With less than this in the buffer, in seconds, and less than half of a step, nothing is played faster.
const SHORT: f64 = 0.5;
/// A viewer who goes at least as near to the latest position as this, in seconds, wants what is live.
const NEAR: f64 = 1.0;
/// What a stall adds to the target, in lengths of a segment; the most that stalls add; and how long there
/// must be none until that is taken back. In parts it is two times as many of their lengths.
const RAISE: (f64, f64, Duration) = (0.5, 2.0, Duration::from_secs(60));
/// A viewer who is further behind the target is brought back at once: the larger of seconds and lengths of a
/// segment.
const FAR: (f64, f64) = (8.0, 3.0);
/// The same where the edge goes on in parts: who wants low latency gets it back soon. The rate makes good two
/// seconds a minute.
const FAR_IN_PARTS: (f64, f64) = (4.0, 3.0);
/// A round trip that is saved counts as far as it is this share of a part.
const MOST_SAVED: f64 = 0.5;
/// Of parts that are asked for before they are there so many in a row may not come, until nothing is saved by
/// it: one of a segment's end may not, where the segment was whole without it.
const HINTS_MISSED: u32 = 1;
/// An edge that has not gone on for two steps, and this many seconds, stands still.
const STANDS: f64 = 3.0;

/// In what steps the live edge goes on, with their length in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stride {
    /// Segments are heard of when they are whole.
    Segment(f64),
    /// So are their parts.
    Part(f64),
}

impl Stride {
    fn length(self) -> f64 {
        match self {
            Self::Segment(length) | Self::Part(length) => length,
        }
    }

    fn is_part(self) -> bool {
        matches!(self, Self::Part(_))
    }

    /// What the target is raised by, and at most.
    fn raise(self) -> (f64, f64) {
        let unit = if self.is_part() { 2.0 * self.length() } else { self.length() };
        (RAISE.0 * unit, RAISE.1 * unit)
    }

    /// How far behind the target is too far.
    fn far(self) -> f64 {
        let (seconds, lengths) = if self.is_part() { FAR_IN_PARTS } else { FAR };
        seconds.max(lengths * self.length())
    }
}

/// Where the viewer of a film that grows is, as it was at the latest report of the playhead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Live {
    /// What can be played.
    pub window: Window,
    /// The position that is as live as it gets, in seconds: where "go live" leads.
    pub latest: f64,
    /// Whether the viewer sees what is live, and not something from before.
    pub follows: bool,
    /// Seconds behind the live edge; `None` before it is known.
    pub latency: Option<f64>,
    /// Seconds that it is to be.
    pub target: f64,
}

/// The state of keeping the distance.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    pub(super) follows: bool,
    rate: f64,
    latency: Option<f64>,
    // The edge when it was last heard to have gone on, when that was, and in what steps it goes.
    edge: f64,
    heard: Duration,
    stride: Stride,
    // What stalls have added to the target, and since when there was none.
    raised: f64,
    calm_since: Duration,
    stalls: u64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            follows: false,
            rate: 1.0,
            latency: None,
            edge: 0.0,
            heard: Duration::ZERO,
            stride: Stride::Segment(2.0),
            raised: 0.0,
            calm_since: Duration::ZERO,
            stalls: 0,
        }
    }

    /// News of the edge, which goes on in such steps.
    pub(super) fn heard(&mut self, now: Duration, edge: f64, stride: Stride) {
        if edge > self.edge {
            (self.edge, self.heard) = (edge, now);
            self.stride = if stride.length() > 0.0 { stride } else { self.stride };
        }
    }

    /// Where the edge is now, by the clock.
    fn edge_at(&self, now: Duration) -> f64 {
        self.edge + now.saturating_sub(self.heard).as_secs_f64().min(self.stride.length())
    }

    /// A stall, of which there were `stalls`, is a reason to stay further behind; unless nothing is published
    /// although the index can be had.
    fn count(&mut self, now: Duration, stalls: u64, has_index: bool) {
        let stands = STANDS.max(2.0 * self.stride.length());
        let is_silent = has_index && now.saturating_sub(self.heard).as_secs_f64() > stands;
        let (step, most) = self.stride.raise();
        if stalls > self.stalls && self.follows && !is_silent {
            self.raised = (self.raised + step).min(most);
            self.calm_since = now;
        } else if now.saturating_sub(self.calm_since) > RAISE.2 {
            self.raised = (self.raised - step).max(0.0);
            self.calm_since = now;
        }
        self.stalls = stalls;
    }

    fn choose(&mut self, target: f64, ahead: f64, playing: bool) {
        let off = self.latency.filter(|_| self.follows && playing).map_or(0.0, |latency| latency - target);
        let correcting = (self.rate - 1.0).abs() > f64::EPSILON;
        let same_way = (self.rate > 1.0) == (off > 0.0);
        let (begins, ends) = if self.stride.is_part() { OFF_IN_PARTS } else { OFF };
        let enough = if correcting && same_way { ends } else { begins };
        let short = SHORT.min(self.stride.length() / 2.0);
        let wanted = if off.abs() < enough { 1.0 } else { 1.0 + (off / FULL).clamp(-1.0, 1.0) * MOST };
        let wanted = if ahead < short { wanted.min(1.0) } else { wanted };
        // In hundredths: a rate that changes with every look is heard.
        self.rate = (wanted * 100.0).round() / 100.0;
    }
}

impl Engine {
    /// How fast to play, 0.97 to 1.03, so that the distance from the live edge stays what it is to be. 1 of
    /// all that is not live. A speed that the viewer has chosen goes before it.
    pub fn rate(&self) -> f64 {
        self.growth.as_ref().map_or(1.0, |growth| growth.pace.rate)
    }

    /// Where the viewer of a film that grows is; `None` of any other, and before it is joined.
    pub fn live(&self) -> Option<Live> {
        let growth = self.growth.as_ref().filter(|growth| growth.joined())?;
        let window = self.window()?;
        Some(Live {
            window,
            latest: growth.latest(&window),
            follows: growth.pace.follows && !window.finished,
            latency: growth.pace.latency.filter(|_| !window.finished),
            target: growth.distance() + growth.pace.raised - self.saved(),
        })
    }

    /// How much nearer to the edge the viewer may be because parts are asked for before they are there, in
    /// seconds: each comes earlier by a round trip, and what is in the buffer meanwhile is the same.
    fn saved(&self) -> f64 {
        let comes = |track: &Track| track.hints_missed.is_some_and(|missed| missed <= HINTS_MISSED);
        let parts = |track: &Track| track.index().filter(|_| comes(track))?.part_length();
        let part =
            self.tracks.iter().map(parts).try_fold(f64::INFINITY, |least, part| Some(least.min(part?)));
        part.zip(self.round_trip).map_or(0.0, |(part, round_trip)| round_trip.min(MOST_SAVED * part))
    }

    /// Whether the viewer's speed is one by which what is live can be followed. Who watches slowly wants to
    /// see what was.
    fn keeps_up(&self) -> bool {
        self.speed >= 1.0
    }

    /// Whether a viewer who is at this position wants what is live.
    pub(super) fn follow_from(&mut self, position: f64) {
        let Some(window) = self.window() else { return };
        let keeps_up = self.keeps_up();
        if let Some(growth) = &mut self.growth {
            growth.pace.follows = keeps_up && !window.finished && position + NEAR >= growth.latest(&window);
        }
    }

    /// Looks at the distance from the edge, at each report of the playhead.
    pub(super) fn keep_distance(&mut self, now: Duration) {
        let (Some(window), ahead) = (self.window(), self.buffered().ahead(self.position)) else { return };
        let (position, playing, started) = (self.position, self.playing, self.watch.started);
        let (stalls, keeps_up) = (self.watch.counters.rebuffers, self.keeps_up());
        let saved = self.saved();
        let Some(growth) = self.growth.as_mut().filter(|growth| growth.joined()) else { return };
        let (distance, has_index) = (growth.distance(), growth.has_index());
        let pace = &mut growth.pace;
        // Who pauses goes on from there, and who watches slowly is left behind.
        pace.follows &= !window.finished && keeps_up && (playing || !started);
        pace.latency = Some((pace.edge_at(now) - position).max(0.0));
        pace.count(now, stalls, has_index);
        pace.choose(distance + pace.raised - saved, ahead, playing);
    }

    /// Brings a viewer who follows and has fallen far behind to what is live; says whether it did.
    pub(super) fn leap(&mut self, now: Duration, out: &mut Vec<Command>) -> bool {
        let Some(live) = self.live().filter(|live| live.follows && self.playing) else { return false };
        let stride = self.growth.as_ref().map_or(Stride::Segment(0.0), |growth| growth.pace.stride);
        let far = live.target + stride.far();
        // No further than to where it would be joined: it may be there already, at an edge that stands still.
        let is_near = live.latest <= self.position + stride.length();
        if live.latency.is_none_or(|latency| latency <= far) || is_near {
            return false;
        }
        self.go_to(now, live.latest, out);
        self.jump(live.latest, out);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(latency: f64) -> Pace {
        Pace { follows: true, latency: Some(latency), ..Pace::new() }
    }

    #[test]
    fn small_differences_are_left_and_larger_ones_made_good_within_limits() {
        for (latency, rate) in
            [(4.0, 1.0), (4.3, 1.0), (3.7, 1.0), (4.5, 1.015), (90.0, 1.03), (3.5, 0.985), (0.0, 0.97)]
        {
            let mut pace = pace(latency);
            pace.choose(4.0, 3.0, true);
            assert!((pace.rate - rate).abs() < 0.0051, "{latency}: {}", pace.rate);
            assert!((1.0 - MOST..=1.0 + MOST).contains(&pace.rate));
        }
    }

    #[test]
    fn what_has_begun_is_finished_and_does_not_swing_over() {
        let mut pace = pace(5.0);
        let mut rates = Vec::new();
        for latency in [5.0, 4.6, 4.3, 4.2, 4.05, 4.2, 4.3, 3.8] {
            pace.latency = Some(latency);
            pace.choose(4.0, 3.0, true);
            rates.push(pace.rate);
        }
        assert_eq!(rates, [1.03, 1.02, 1.01, 1.01, 1.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn in_parts_smaller_differences_are_made_good_and_smaller_steps_taken() {
        let at = Duration::from_secs;
        let mut pace = pace(1.75);
        pace.heard(at(10), 20.0, Stride::Part(0.5));
        pace.choose(1.5, 1.0, true);
        assert_eq!(pace.rate, 1.01);
        pace.choose(1.5, 0.3, true);
        assert_eq!(pace.rate, 1.01, "half a part is enough");
        pace.choose(1.5, 0.2, true);
        assert_eq!(pace.rate, 1.0);
        for stall in 1..9 {
            pace.count(at(11), stall, true);
        }
        assert_eq!(pace.raised, 2.0);
        assert_eq!((pace.edge_at(at(10)), pace.edge_at(at(60))), (20.0, 20.5));
    }

    #[test]
    fn an_almost_empty_buffer_is_not_played_faster_and_nobody_else_at_another_rate() {
        let mut behind = pace(9.0);
        behind.choose(4.0, 0.2, true);
        assert_eq!(behind.rate, 1.0);
        behind.choose(4.0, 2.0, false);
        assert_eq!(behind.rate, 1.0, "paused");
        behind.follows = false;
        behind.choose(4.0, 2.0, true);
        assert_eq!(behind.rate, 1.0, "somewhere in what was");
    }

    #[test]
    fn stalls_raise_the_target_for_a_while_unless_nothing_is_published() {
        let at = Duration::from_secs;
        let mut pace = pace(4.0);
        pace.heard(at(10), 20.0, Stride::Segment(2.0));
        pace.count(at(11), 1, true);
        pace.count(at(12), 1, true);
        assert_eq!(pace.raised, 1.0);
        for stall in 2..9 {
            pace.count(at(13), stall, true);
        }
        assert_eq!(pace.raised, 4.0);
        pace.count(at(80), 8, true);
        assert_eq!(pace.raised, 3.0);
        pace.count(at(81), 9, true);
        assert_eq!(pace.raised, 3.0, "the encoder is silent");
        pace.count(at(82), 10, false);
        assert_eq!(pace.raised, 4.0, "nobody knows");
    }
}
