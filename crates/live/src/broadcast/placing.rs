//! Where on the session's timeline a sample is.

use cmaf::timeline::rescale;

use super::{Broadcast, Event, MICROS, Run, SECOND, Track};
use crate::ingest::InputSample;

/// An encoder whose times go on within so much is the same one.
const FORWARD: i64 = 10 * SECOND;
/// And if they do not go back further than this.
const BACK: i64 = SECOND;
/// So much sound waits for pictures that were never heard of.
const SOUND_ALONE: i64 = 6 * SECOND;

impl Broadcast {
    /// Finds a sample's place on the timeline.
    pub(super) fn accept(&mut self, at: usize, mut sample: InputSample, now: u64, outputs: &mut Vec<Event>) {
        let track = self.feeds[at].track;
        let (timescale, is_video) = {
            let source = &self.tracks[track].output.source;
            (source.timescale, source.is_video())
        };
        sample.duration = sample.duration.clamp(1, timescale.saturating_mul(10).max(1));
        let feed = &mut self.feeds[at];
        let gap = |expected: i64| rescale(sample.decode_time.saturating_sub(expected), timescale, MICROS);
        let goes_on = |expected: i64| (-BACK..=FORWARD).contains(&gap(expected));
        if feed.expected.is_some_and(|expected| !goes_on(expected)) {
            feed.run = None;
        }
        feed.expected = Some(sample.decode_time.saturating_add(sample.duration.into()));
        let held = &mut self.tracks[track].held;
        // What waits of another encoder will not be heard.
        if held.back().is_some_and(|last| !goes_on(last.decode_time)) {
            held.clear();
        }
        if feed.run.is_none() && held.is_empty() {
            if is_video && !sample.sync {
                return;
            }
            let delay = sample.time.saturating_sub(sample.decode_time);
            feed.delay = if is_video { delay } else { 0 };
            let run = self.joinable(track, &sample);
            self.feeds[at].run = run;
        }
        match self.feeds[at].run {
            Some(run) => self.deliver((track, self.feeds[at].delay), run, sample, now, outputs),
            None if is_video => {
                let run = self.begin_run(track, &sample);
                self.feeds[at].run = Some(run);
                self.deliver((track, self.feeds[at].delay), run, sample, now, outputs);
                self.take_held(now, outputs);
            }
            None => {
                let held = &mut self.tracks[track].held;
                held.push_back(sample);
                let span = held.front().zip(held.back());
                let span = span.map_or(0, |(a, b)| b.decode_time.saturating_sub(a.decode_time));
                if rescale(span, timescale, MICROS) > SOUND_ALONE {
                    self.run_of_sound(track, now, outputs);
                }
            }
        }
    }

    /// The latest run, if a sample that begins a request fits into it.
    fn joinable(&self, track: usize, sample: &InputSample) -> Option<usize> {
        // What times those of another process had is not known.
        let run = self.runs.len().checked_sub(1).filter(|run| *run >= self.earlier)?;
        let this = &self.runs[run];
        let track = &self.tracks[track];
        let time = track.micros(self.on_timeline(run, track, sample.time));
        let front = self.timeline_end().unwrap_or(this.start);
        // What another request sends at the same moment may be behind; what comes back must go on.
        let alone = track.feeds <= 1;
        let back = track.end_micros().map_or(0, |end| end.saturating_sub(time));
        let fits = time >= this.start.saturating_sub(FORWARD)
            && time <= front.saturating_add(FORWARD)
            && (back <= BACK || !alone);
        fits.then_some(run)
    }

    fn on_timeline(&self, run: usize, track: &Track, ticks: i64) -> i64 {
        let (offset, timescale) = self.runs[run].offset;
        ticks.saturating_add(rescale(offset, timescale, track.output.source.timescale))
    }

    /// Where the session has come to, in microseconds.
    fn timeline_end(&self) -> Option<i64> {
        self.tracks.iter().filter_map(Track::end_micros).max()
    }

    /// A run whose sample goes on where the session ended.
    fn begin_run(&mut self, track: usize, sample: &InputSample) -> usize {
        let timescale = self.tracks[track].output.source.timescale;
        let start = self.timeline_end().unwrap_or(0);
        let offset = rescale(start, MICROS, timescale).saturating_sub(sample.time);
        self.runs.push(Run { start, wall: None, offset: (offset, timescale) });
        self.runs.len() - 1
    }

    pub(super) fn run_of_sound(&mut self, track: usize, now: u64, outputs: &mut Vec<Event>) {
        let Some(first) = self.tracks[track].held.front().cloned() else { return };
        self.begin_run(track, &first);
        self.take_held(now, outputs);
    }

    /// Sound that waited for a run.
    fn take_held(&mut self, now: u64, outputs: &mut Vec<Event>) {
        for track in 0..self.tracks.len() {
            let Some(first) = self.tracks[track].held.front().cloned() else { continue };
            let Some(run) = self.joinable(track, &first) else { continue };
            for sample in std::mem::take(&mut self.tracks[track].held) {
                self.deliver((track, 0), run, sample, now, outputs);
            }
        }
    }

    /// A sample whose place is known.
    fn deliver(
        &mut self,
        (number, delay): (usize, i64),
        run: usize,
        mut sample: InputSample,
        now: u64,
        outputs: &mut Vec<Event>,
    ) {
        let time = self.on_timeline(run, &self.tracks[number], sample.time);
        let decode = self.on_timeline(run, &self.tracks[number], sample.decode_time);
        let track = &mut self.tracks[number];
        // Another request has begun something newer.
        if track.run.is_some_and(|latest| latest > run) {
            return;
        }
        sample.time = time;
        sample.decode_time = decode.saturating_add(delay);
        // Sent already, by another encoder or before.
        let half = i64::from(sample.duration / 2);
        if track.end.is_some_and(|end| sample.decode_time.saturating_add(half) < end) {
            return;
        }
        // The timeline begins with the first picture: what begins before it has no time there.
        if track.end.is_none() && !track.is_video() && sample.decode_time < 0 {
            return;
        }
        // Times are rounded on their way: sound that is nearly in time goes on where it ended.
        if let Some(end) = track.end.filter(|_| !track.is_video())
            && sample.decode_time.abs_diff(end) <= u64::from(sample.duration / 4)
        {
            (sample.time, sample.decode_time) = (end, end);
        }
        track.run = Some(run);
        track.end = Some(sample.decode_time.saturating_add(sample.duration.into()));
        if track.is_video() {
            let reached = track.micros(decode.saturating_add(sample.duration.into()));
            if let Some((watched, pictures)) = &mut self.watched
                && *watched == number
            {
                pictures.push(sample.clone());
            }
            self.picture(number, sample, now, outputs);
            self.note_watched(number, time);
            self.front = Some(self.front.map_or(reached, |front| front.max(reached)));
        } else {
            track.queue.push_back(sample);
        }
    }
}
