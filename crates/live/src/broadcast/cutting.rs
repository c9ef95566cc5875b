//! Where segments begin, and what is published of them.

use cmaf::timeline::rescale;

use super::{Broadcast, Event, MICROS, SECOND, Track};
use crate::ingest::InputSample;
use crate::output::Progress;

/// So much sound waits for pictures that have stopped.
const HELD: i64 = 10 * SECOND;

/// Bytes of so many segments stay in memory, whatever the window is.
const IN_MEMORY: usize = 16;

impl Broadcast {
    /// A picture: perhaps the first of a segment.
    pub(super) fn picture(&mut self, number: usize, sample: InputSample, now: u64, outputs: &mut Vec<Event>) {
        if sample.sync {
            self.cut(number, &sample, true, now, outputs);
        }
        self.sample(number, sample, now, outputs);
    }

    /// Cuts where a segment begins with this sample.
    fn cut(
        &mut self,
        number: usize,
        sample: &InputSample,
        may_propose: bool,
        now: u64,
        outputs: &mut Vec<Event>,
    ) {
        let track = &self.tracks[number];
        let half = track.micros((sample.duration / 2).into());
        let time = track.micros(sample.time).saturating_add(half);
        // No two segments of one number, and each begins after the one before.
        let open = track.output.open_number();
        let from = track.output.latest().map_or(0, |latest| latest + 1);
        let reached = self.cuts.partition_point(|cut| *cut <= time) as u64;
        let wanted = self.cuts.last().is_none_or(|last| time >= last.saturating_add(self.segment));
        let there = self.cuts.len() as u64;
        let next = if wanted && may_propose && from <= there && there < self.allowed {
            self.cuts.push(track.micros(sample.time));
            self.cuts.len() as u64 - 1
        } else {
            match reached.checked_sub(1) {
                Some(next) if next >= from => next,
                // It begins in the middle of a segment of which it has nothing yet, or before the first.
                _ => return,
            }
        };
        if open.is_none_or(|open| next > open) {
            let mut made = Progress::default();
            self.tracks[number].output.begin(next, sample.time, self.keys.as_ref(), &mut made);
            self.publish(number, made, now, outputs);
        }
    }

    fn sample(&mut self, number: usize, sample: InputSample, now: u64, outputs: &mut Vec<Event>) {
        let mut made = Progress::default();
        self.tracks[number].output.push(sample, self.keys.as_ref(), &mut made);
        self.publish(number, made, now, outputs);
    }

    /// Publishes sound as far as it is known where it is cut.
    pub(super) fn release(&mut self, all: bool, now: u64, outputs: &mut Vec<Event>) {
        let pictures = self.tracks.iter().any(Track::is_video);
        for number in 0..self.tracks.len() {
            loop {
                let track = &self.tracks[number];
                let (Some(first), Some(last)) = (track.queue.front(), track.queue.back()) else { break };
                let end = track.micros(first.time.saturating_add(first.duration.into()));
                let span = track.micros(last.time.saturating_sub(first.time));
                let alone = !pictures || span > HELD;
                let known = self.front.is_some_and(|front| front >= end)
                    || self.cuts.last().is_some_and(|cut| *cut >= end);
                if !(all || alone || known) {
                    break;
                }
                let Some(sample) = self.tracks[number].queue.pop_front() else { break };
                self.cut(number, &sample, alone && !known, now, outputs);
                self.sample(number, sample, now, outputs);
            }
        }
    }

    pub(super) fn publish(&mut self, number: usize, made: Progress, now: u64, outputs: &mut Vec<Event>) {
        let track = &mut self.tracks[number];
        let representation = || track.output.id.clone();
        if let Some((samples, reason)) = made.lost {
            outputs.push(Event::Lost { representation: representation(), samples, reason });
        }
        let whole = !made.segments.is_empty();
        for (entry, bytes) in made.segments {
            outputs.push(Event::Segment { representation: representation(), entry, bytes });
        }
        let timescale = track.output.source.timescale;
        if whole {
            self.version += 1;
            let end = track.end.unwrap_or(0);
            let oldest = end.saturating_sub(rescale(self.window, MICROS, timescale)).max(0) as u64;
            track.output.window.evict(oldest, IN_MEMORY);
        }
        let Some(end) = made.part_end else { return };
        self.version += 1;
        let end = rescale(i64::try_from(end).unwrap_or(i64::MAX), timescale, MICROS);
        if let Some(run) = track.run.and_then(|run| self.runs.get_mut(run))
            && run.wall.is_none()
        {
            let since = u64::try_from(end.saturating_sub(run.start) / 1000).unwrap_or(0);
            run.wall = Some(now.saturating_sub(since));
        }
    }
}
