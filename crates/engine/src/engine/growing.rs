//! A film that grows: its window, where the viewer joins it, and when to ask for news.

use std::time::Duration;

use super::{
    Engine,
    pace::{Pace, Stride},
    refresh::Refresh,
    window::Window,
};
use crate::{
    buffer::Ranges,
    event::{Command, IndexQuestion},
    index::IndexUpdate,
    job::{Hint, Job},
    ladder::{Rung, Step},
    model::TrackKind,
    track::{Cursor, Track},
};

/// A viewer who fell out of the window is brought this far into it, in seconds: what is fetched there should
/// not leave the window on its way.
const SAFE: f64 = 5.0;
/// Questions of many viewers do not stay together: by this much more or less than it would be.
const JITTER: f64 = 0.05;
/// Length of a segment before one is known, and its limits for the time between two questions, in seconds.
const SEGMENT: f64 = 2.0;
const LIMITS: (f64, f64) = (0.5, 30.0);
/// Near the live edge the next question follows news at once, but never sooner after the one before than this
/// share of a part: a server that holds nothing back is not asked all the time. Without news after half of a
/// part.
const BETWEEN_PARTS: (f64, f64) = (0.2, 0.5);

/// A representation that is so many segments behind the others is published no more.
const STANDS_STILL: u64 = 2;

/// The state of a film that grows.
#[derive(Clone, Debug)]
pub(super) struct Growth {
    // Seconds behind the edge.
    distance: f64,
    // Where to join instead.
    start: Option<f64>,
    joined: bool,
    finished: bool,
    // The oldest number that can be fetched. The window does not go back.
    first: u64,
    refresh: Refresh,
    // When the last question went out, and to which CDN, by its place in the manifest.
    asked: Duration,
    cdn: Option<usize>,
    failures: u32,
    failing_since: Option<Duration>,
    pub(super) pace: Pace,
}

impl Growth {
    pub(super) fn new(distance: f64, start: Option<f64>) -> Self {
        Self {
            distance: if distance.is_finite() { distance.max(0.0) } else { 0.0 },
            start: start.filter(|start| start.is_finite()),
            joined: false,
            finished: false,
            first: 0,
            refresh: Refresh::Idle,
            asked: Duration::ZERO,
            cdn: None,
            failures: 0,
            failing_since: None,
            pace: Pace::new(),
        }
    }

    pub(super) fn joined(&self) -> bool {
        self.joined
    }

    /// Whether the last question was answered.
    pub(super) fn has_index(&self) -> bool {
        self.failing_since.is_none()
    }

    pub(super) fn distance(&self) -> f64 {
        self.distance
    }

    /// The latest position to play from.
    pub(super) fn latest(&self, window: &Window) -> f64 {
        if window.finished { window.edge } else { (window.edge - self.distance).max(window.begin) }
    }
}

impl Engine {
    /// What of the film can be played, and the viewer may seek to; `None` before that is known of every
    /// track.
    pub fn window(&self) -> Option<Window> {
        let mut common: Option<Window> = None;
        for track in &self.tracks {
            let index = track.index().filter(|index| !index.is_empty())?;
            let (begin, edge, finished) = (index.begin(), index.end(), index.is_finished());
            common = Some(common.map_or(Window { begin, edge, finished }, |window| Window {
                begin: window.begin.max(begin),
                edge: window.edge.min(edge),
                finished: window.finished && finished,
            }));
        }
        common
    }

    /// Asks for news when it is time.
    pub(super) fn index_due(&mut self, now: Duration, out: &mut Vec<Command>) {
        let Some(growth) = self.growth.as_mut().filter(|growth| !growth.finished) else { return };
        let due = match growth.refresh {
            Refresh::Idle => true,
            Refresh::WaitUntil(until) => now >= until,
            Refresh::Asked => false,
        };
        if due {
            // All CDNs that the manifest names have the index.
            let cdn = self.cdns.pick(now, |_| true).or_else(|| self.cdns.pick_anyway(|_| true));
            (growth.refresh, growth.asked, growth.cdn) = (Refresh::Asked, now, cdn);
            let follows = growth.joined && growth.pace.follows;
            let known = |track: &Track| track.index().map(|index| index.next_number());
            // The pictures lead: what is published of them is what the server's answer waits for.
            let leader = self.tracks.first().filter(|_| follows);
            let id = |cdn: usize| self.film.as_ref()?.cdns.get(cdn).map(|cdn| cdn.id.clone());
            out.push(Command::RefreshIndex(IndexQuestion {
                since: self.tracks.iter().map(known).min().flatten(),
                part: leader.and_then(|track| track.index()?.next_part()),
                cdn: cdn.and_then(id),
            }));
        }
    }

    /// The index did not come: another CDN is asked at once, where one is left.
    pub(super) fn index_failed(&mut self, now: Duration) {
        let Some(growth) = self.growth.as_mut().filter(|growth| growth.refresh == Refresh::Asked) else {
            return;
        };
        if let Some(cdn) = growth.cdn {
            self.cdns.failed(cdn, now, &self.config.retry);
        }
        if self.cdns.pick(now, |_| true).is_some() {
            growth.refresh = Refresh::WaitUntil(now);
            return;
        }
        let wait = self.config.retry.backoff(growth.failures, &mut self.rng);
        growth.failures += 1;
        growth.failing_since.get_or_insert(now);
        growth.refresh = Refresh::WaitUntil(now + wait);
    }

    pub(super) fn index_update(&mut self, now: Duration, update: &IndexUpdate, out: &mut Vec<Command>) {
        let Some(growth) = self.growth.as_mut().filter(|growth| !growth.finished) else { return };
        growth.first = growth.first.max(update.first);
        let (first, before) = (growth.first, self.newest());
        let tracks = self.tracks.iter_mut();
        let unusable: Vec<String> = tracks.flat_map(|track| track.grow(update, first)).collect();
        self.tracks.iter_mut().for_each(|track| track.hints_come_true(now));
        let (wait, stride) = self.time_to_news(self.newest() > before);
        let edge = self.window().map(|window| window.edge);
        if let Some(growth) = &mut self.growth {
            growth.finished = update.finished;
            (growth.failures, growth.failing_since) = (0, None);
            let asked = if growth.refresh == Refresh::Asked { growth.asked } else { now };
            growth.refresh = Refresh::WaitUntil(asked + wait);
            if let Some(edge) = edge {
                growth.pace.heard(now, edge, stride);
            }
        }
        for representation in unusable {
            self.undecodable(now, &representation, out);
            if self.failed {
                return;
            }
        }
        for number in 0..self.tracks.len() {
            if self.tracks[number].hint_is_void() {
                self.give_up_what_is_held(now, number, out);
            }
            self.give_up_what_has_left(now, number, out);
            self.begin_at_what_is_published(now, number, out);
            self.leave_what_stands_still(now, number, out);
        }
        self.join(now, out);
    }

    /// What comes behind the newest segment and part of all.
    fn newest(&self) -> Option<(u64, usize)> {
        let next = |track: &Track| {
            let index = track.index()?;
            Some(index.next_part().unwrap_or((index.next_number(), 0)))
        };
        self.tracks.iter().filter_map(next).max()
    }

    /// From one question to the next. After news a little less than a segment's length: news that are heard
    /// later and later would cost a stall each time where nothing is left between the viewer and the edge.
    /// When there were none half of it, as with playlists (RFC 8216, 6.3.4). A server that holds its answer
    /// back until there are news is so asked again at once. With it, in what steps the edge goes on.
    fn time_to_news(&mut self, had_news: bool) -> (Duration, Stride) {
        let follows = self.growth.as_ref().is_some_and(|growth| growth.joined && growth.pace.follows);
        let part = |track: &Track| track.index()?.part_length();
        if let Some(part) = self.tracks.iter().filter_map(part).max_by(f64::total_cmp).filter(|_| follows) {
            let share = if had_news { BETWEEN_PARTS.0 } else { BETWEEN_PARTS.1 };
            let wait = part * share * (1.0 + JITTER * (2.0 * self.rng.f64() - 1.0));
            return (Duration::from_secs_f64(wait.clamp(0.02, LIMITS.1)), Stride::Part(part));
        }
        let newest = |track: &Track| {
            let index = track.index()?;
            index.get(index.next_number().checked_sub(1)?).map(|segment| segment.duration())
        };
        let longest = self.tracks.iter().filter_map(newest).fold(0.0, f64::max);
        let length = if longest > 0.0 { longest } else { SEGMENT };
        let wait = length * if had_news { 0.9 } else { 0.5 } * (1.0 + JITTER * (2.0 * self.rng.f64() - 1.0));
        (Duration::from_secs_f64(wait.clamp(LIMITS.0, LIMITS.1)), Stride::Segment(length))
    }

    fn give_up_what_has_left(&mut self, now: Duration, number: usize, out: &mut Vec<Command>) {
        if self.growth.as_ref().is_some_and(|growth| growth.finished) {
            self.give_up_what_is_held(now, number, out);
        }
        let track = &self.tracks[number];
        let has_left = |job: &Job| match (job.media.number(), &track.ladder.step(job.rung).index) {
            // Its first part may have been asked for before it was there.
            (Some(segment), Some(index)) if job.hint != Hint::None && segment == index.next_number() => {
                index.is_finished()
            }
            (Some(segment), Some(index)) => index.get(segment).is_none(),
            _ => false,
        };
        if track.jobs.iter().any(has_left) {
            self.lose(now, number, out);
        }
    }

    /// What was asked for before it was there is not wanted any more.
    pub(super) fn give_up_what_is_held(&mut self, now: Duration, number: usize, out: &mut Vec<Command>) {
        let Some(job) = self.tracks[number].segment_job().filter(|job| job.is_held()).cloned() else {
            return;
        };
        self.drop_jobs(now, number, |other: &Job| other.id == job.id, out);
        self.tracks[number].hint_lost(&job);
    }

    /// The representation to begin with may not be among those that are published.
    fn begin_at_what_is_published(&mut self, now: Duration, number: usize, out: &mut Vec<Command>) {
        let track = &self.tracks[number];
        if track.index().is_some() {
            return;
        }
        let published = |_: Rung, step: &Step| step.index.is_some() && self.allowed(step);
        if let Some(rung) = track.ladder.nearest(track.current, published) {
            self.restart(now, number, rung, out);
        }
    }

    /// The representation that plays may be published no more while others are: what follows is fetched of
    /// the nearest of those.
    fn leave_what_stands_still(&mut self, now: Duration, number: usize, out: &mut Vec<Command>) {
        let track = &self.tracks[number];
        let next = |step: &Step| step.index.as_ref().map_or(0, |index| index.next_number());
        let newest = track.ladder.iter().map(|(_, step)| next(step)).max().unwrap_or(0);
        let stands = next(track.ladder.step(track.current)).saturating_add(STANDS_STILL) <= newest;
        let is_busy = track.segment_job().is_some_and(|job| !job.is_held());
        if track.kind != TrackKind::Video || !stands || is_busy || !self.has_joined() {
            return;
        }
        let goes_on = |_: Rung, step: &Step| next(step).saturating_add(1) >= newest && self.allowed(step);
        if let Some(rung) = track.ladder.nearest(track.current, goes_on) {
            self.give_up_what_is_held(now, number, out);
            self.tracks[number].current = rung;
        }
    }

    /// Whether the viewer has been brought to where the film is to be joined. True of a film that is all
    /// there.
    pub(super) fn has_joined(&self) -> bool {
        self.growth.as_ref().is_none_or(|growth| growth.joined)
    }

    /// Whether a seek came before the film could be joined: then it says where.
    pub(super) fn joins_later_at(&mut self, position: f64) -> bool {
        let waiting = self.growth.as_mut().filter(|growth| !growth.joined);
        waiting.map(|growth| growth.start = Some(position)).is_some()
    }

    /// Goes to where the viewer joins, once every track has segments.
    fn join(&mut self, now: Duration, out: &mut Vec<Command>) {
        let Some(window) = self.window().filter(|_| !self.has_joined()) else { return };
        let Some(growth) = &mut self.growth else { return };
        growth.joined = true;
        // Who asks for parts does so from here on.
        let in_parts = self.tracks.iter().any(|track| track.index().is_some_and(|i| i.next_part().is_some()));
        if in_parts && let Refresh::WaitUntil(until) = &mut growth.refresh {
            *until = now;
        }
        let by_itself = if window.finished { window.begin } else { window.edge - growth.distance };
        let position = growth.start.unwrap_or(by_itself).min(growth.latest(&window)).max(window.begin);
        self.position = position;
        if let Some(film) = &mut self.film {
            film.start = position;
        }
        for track in &mut self.tracks {
            track.cursor = Cursor::Time(position);
        }
        self.follow_from(position);
        self.jump(position, out);
    }

    /// The position nearest to this one that may be played from.
    pub(super) fn clamped(&self, position: f64) -> f64 {
        match (&self.growth, self.window()) {
            (Some(growth), Some(window)) => position.min(growth.latest(&window)).max(window.begin),
            _ => position,
        }
    }

    /// Brings a viewer back who has fallen out of the window and has nothing left to see; says whether it
    /// did. `all` is what every track holds.
    pub(super) fn catch_up(&mut self, now: Duration, all: &Ranges, out: &mut Vec<Command>) -> bool {
        let (Some(growth), Some(window)) = (&self.growth, self.window()) else { return false };
        let inside = self.position >= window.begin || all.contains(self.position);
        if inside || !self.playing || !growth.joined {
            return false;
        }
        let safe = (window.begin + SAFE).min(growth.latest(&window)).max(window.begin);
        let next = all.next_start(self.position).filter(|next| *next <= safe);
        let position = next.map_or(safe, |next| next + 0.001);
        self.go_to(now, position, out);
        self.jump(position, out);
        true
    }

    /// Seconds from the playhead to the live edge: no buffer can hold more.
    pub(super) fn reachable_ahead(&self) -> f64 {
        match (&self.growth, self.window()) {
            (Some(growth), Some(window)) if !growth.finished => (window.edge - self.position).max(0.0),
            _ => f64::INFINITY,
        }
    }

    /// Since when the index could not be fetched.
    pub(super) fn no_index_since(&self) -> Option<Duration> {
        self.growth.as_ref()?.failing_since
    }

    /// The network is back: the waiting for the index ends.
    pub(super) fn index_online(&mut self, now: Duration) {
        if let Some(growth) = self.growth.as_mut().filter(|growth| growth.failures > 0)
            && let Refresh::WaitUntil(until) = &mut growth.refresh
        {
            *until = now;
        }
    }
}
