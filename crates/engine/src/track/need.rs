//! What a track needs next, and whether it has everything.

use super::{Cursor, MOST_WAITING, Track};
use crate::{
    index::{SegmentIndex, SegmentParts},
    ladder::Rung,
};

/// What a track needs next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Need {
    /// Nothing now.
    Nothing,
    /// Init segment and index; where segments are files, the init segment.
    Head,
    /// Both, and the first segment, in one request.
    HeadAndStart,
    /// Both, and beside them the start segment.
    HeadBesideStart,
    /// This segment.
    Segment(u64),
    /// Of a segment that was not whole when it was begun: this part.
    Part(u64, usize),
}

/// With this much buffer, in seconds, a segment is waited for until it is whole: nobody is that near to the
/// live edge who needs its parts.
const NO_PARTS_FROM: f64 = 5.0;
/// What parts are short of their segment's end, in seconds, is no part.
const UNTOLD: f64 = 0.1;

impl Track {
    /// What to fetch next for a playhead at `position`; moves the cursor over segments that are there
    /// already, and over those that should be replaced but begin before `replaceable`, or have left the
    /// window.
    pub fn need(&mut self, position: f64, replaceable: f64, use_start: bool) -> Need {
        let step = self.ladder.step(self.current);
        if step.has_files() && !step.has_init {
            if self.head_job().is_none() {
                return Need::Head;
            }
            // At the start, the first segment is fetched beside the init segment.
            if !use_start || !self.waiting.is_empty() {
                return Need::Nothing;
            }
        }
        let Some(index) = &step.index else {
            let Some(file) = step.representation.single_file().filter(|_| self.jobs.is_empty()) else {
                return Need::Nothing;
            };
            return match file.start.filter(|_| use_start && self.waiting.is_empty()) {
                Some(start) if start.range.start == file.head().end + 1 => Need::HeadAndStart,
                Some(_) => Need::HeadBesideStart,
                None => Need::Head,
            };
        };
        if self.segment_job().is_some() || self.waiting.len() >= MOST_WAITING {
            return Need::Nothing;
        }
        let from = match self.cursor {
            Cursor::Time(time) => index.at(time),
            Cursor::Number(number) => number.max(index.numbers().start),
        };
        let number = self.next_missing(index, from, replaceable);
        let start = index.start_of(number);
        let ahead: u64 = (index.at(position)..number).map(|number| self.bytes(number)).sum();
        self.cursor = Cursor::Number(number);
        match start {
            Some(start) if start < position + self.goals.forward && ahead < self.goals.bytes => {
                self.need_of(number, position)
            }
            _ => Need::Nothing,
        }
    }

    /// What comes next of a segment: all of it, or a part; near the live edge also one that is not there yet,
    /// but may be asked for.
    fn need_of(&self, number: u64, position: f64) -> Need {
        let index = |rung: Rung| self.ladder.step(rung).index.as_ref();
        let is_whole = index(self.current).is_some_and(|index| index.is_whole(number));
        let is_near = self.ahead(position) < NO_PARTS_FROM;
        let hinted = |rung: Rung| index(rung).and_then(SegmentIndex::hinted).filter(|_| is_near);
        let Some(begun) = self.begun.filter(|begun| begun.number == number) else {
            let has_parts = index(self.current).is_some_and(|index| index.parts_of(number).is_some())
                || hinted(self.current) == Some((number, 0));
            return match is_whole {
                true => Need::Segment(number),
                false if has_parts && is_near => Need::Part(number, 0),
                false => Need::Nothing,
            };
        };
        match index(begun.rung).and_then(|index| index.parts_of(number)) {
            Some(of) if begun.next < of.parts.len() => Need::Part(number, begun.next),
            Some(_) if !is_whole && hinted(begun.rung) == Some((number, begun.next)) => {
                Need::Part(number, begun.next)
            }
            Some(_) if !is_whole => Need::Nothing,
            // Its first part came before news of it.
            None if !is_whole && index(begun.rung).is_some_and(|index| index.next_number() == number) => {
                Need::Nothing
            }
            // Its parts are not told any more.
            _ => Need::Segment(number),
        }
    }

    /// Whether a segment was begun in parts, of which some are still to be fetched.
    pub fn is_in_parts(&self, number: u64) -> bool {
        self.begun.is_some_and(|begun| begun.number == number) && !self.has_all_parts(number)
    }

    /// Whether all parts of a segment that is whole have been fetched.
    fn has_all_parts(&self, number: u64) -> bool {
        let Some(begun) = self.begun.filter(|begun| begun.number == number) else { return false };
        let Some(index) = &self.ladder.step(begun.rung).index else { return false };
        let Some(segment) = index.get(number).filter(|_| index.is_whole(number)) else { return false };
        // The last may never have been told, where no news came for a while.
        let all = |of: &SegmentParts| begun.next >= of.parts.len() && of.end() + UNTOLD > segment.end;
        index.parts_of(number).is_some_and(all)
    }

    /// The first segment from `from` on that is not there, or to be replaced and not before `replaceable`.
    /// One that is being made is never all there.
    pub fn next_missing(&self, index: &SegmentIndex, from: u64, replaceable: f64) -> u64 {
        let there = |number: u64| {
            index.is_whole(number)
                && index.get(number).is_some_and(|s| {
                    let good = !self.held.is_stale(number) || s.start < replaceable;
                    good && (self.buffered.covers(s.start, s.end) || self.has_all_parts(number))
                })
        };
        let mut number = from;
        while there(number) || self.waits(number) {
            number += 1;
        }
        number
    }

    fn bytes(&self, number: u64) -> u64 {
        let held = self.held.rung(number).and_then(|rung| self.ladder.step(rung).bytes(number));
        held.or_else(|| self.ladder.step(self.current).bytes(number)).unwrap_or(0)
    }

    /// Whether everything up to the film's last segment has been appended. Not before the end is known.
    pub fn complete(&self) -> bool {
        let Some(index) = self.index().filter(|index| index.is_finished()) else { return false };
        let past_end = matches!(self.cursor, Cursor::Number(number) if number >= index.next_number());
        past_end && self.segment_job().is_none() && self.waiting.is_empty()
    }
}
