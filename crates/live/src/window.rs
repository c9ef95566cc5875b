//! What of a representation is published: the segments of the window, the last of them perhaps not whole yet.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Segments that stay whatever the window is.
const LEAST: usize = 3;

/// A part: what is published first of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Presentation time in ticks.
    pub start: u64,
    /// Ticks.
    pub duration: u64,
    /// `moof` and `mdat`.
    pub bytes: Bytes,
    /// Whether decoding can begin with it.
    pub independent: bool,
}

/// What is written down of a segment that is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEntry {
    /// Its number in the session, from 0.
    pub number: u64,
    /// Presentation time of its earliest sample, in ticks.
    pub start: u64,
    /// Time to the next segment's start, in ticks.
    pub duration: u64,
    /// Bytes.
    pub size: u64,
    /// Number of samples.
    pub samples: u64,
    /// Number of samples with at least one protected byte.
    pub protected: u64,
}

/// A segment of the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its number in the session, from 0.
    pub number: u64,
    /// Presentation time of its earliest sample, in ticks.
    pub start: u64,
    /// Ticks: to the next segment's start; of one that is not whole as far as it goes.
    pub duration: u64,
    /// Bytes.
    pub size: u64,
    /// The parts, from 0. Those of older segments are only in storage.
    pub parts: Vec<Part>,
    /// How many parts it has, in memory or not.
    pub part_count: usize,
    /// Whether nothing more will come.
    pub complete: bool,
}

impl Segment {
    /// All of it, where it is still in memory.
    pub fn bytes(&self) -> Option<Bytes> {
        if self.parts.len() < self.part_count {
            return None;
        }
        Some(self.parts.iter().flat_map(|part| part.bytes.iter().copied()).collect())
    }
}

/// The segments of a representation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    segments: VecDeque<Segment>,
    /// No number below it comes any more.
    floor: u64,
}

impl Window {
    /// The segments, ascending; numbers may be missing.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &Segment> + ExactSizeIterator {
        self.segments.iter()
    }

    /// The segment of a number.
    pub fn segment(&self, number: u64) -> Option<&Segment> {
        let at = self.segments.binary_search_by_key(&number, |segment| segment.number).ok()?;
        self.segments.get(at)
    }

    /// The latest segment.
    pub fn last(&self) -> Option<&Segment> {
        self.segments.back()
    }

    /// What comes next: the number of the segment and that of its part.
    pub fn next(&self) -> (u64, usize) {
        let (number, parts) = self.reached();
        (number.max(self.floor), parts)
    }

    /// Behind the latest that there is.
    fn reached(&self) -> (u64, usize) {
        match self.segments.back() {
            None => (0, 0),
            Some(last) if last.complete => (last.number.saturating_add(1), 0),
            Some(last) => (last.number, last.part_count),
        }
    }

    /// Whether a segment is whole, or has this part.
    pub fn has(&self, number: u64, part: Option<usize>) -> bool {
        // Who asks for a number that was lost waits for one behind it.
        let (next, parts) = self.reached();
        number < next || part.is_some_and(|part| number == next && part < parts)
    }

    /// An empty one, whose first number is this one or above.
    pub(crate) fn above(floor: u64) -> Self {
        Self { segments: VecDeque::new(), floor }
    }

    /// Of segments that are on the disk only, ascending.
    pub(crate) fn stored(segments: &[SegmentEntry], floor: u64) -> Self {
        let stored = |entry: &SegmentEntry| Segment {
            number: entry.number,
            start: entry.start,
            duration: entry.duration,
            size: entry.size,
            parts: Vec::new(),
            // How many there were is not known: they are not in memory.
            part_count: 1,
            complete: true,
        };
        Self { segments: segments.iter().map(stored).collect(), floor }
    }

    pub(crate) fn open(&mut self, number: u64, start: u64) {
        let (duration, size, parts) = (0, 0, Vec::new());
        self.segments.push_back(Segment {
            number,
            start,
            duration,
            size,
            parts,
            part_count: 0,
            complete: false,
        });
    }

    pub(crate) fn push(&mut self, part: Part) {
        if let Some(last) = self.segments.back_mut().filter(|last| !last.complete) {
            last.duration = last.duration.saturating_add(part.duration);
            last.size = last.size.saturating_add(part.bytes.len() as u64);
            last.part_count += 1;
            last.parts.push(part);
        }
    }

    /// Ends the last segment: the next begins at `end`, where that is known. Gives it, if it has any part.
    pub(crate) fn complete(&mut self, end: Option<u64>) -> Option<&Segment> {
        let last = self.segments.back_mut().filter(|last| !last.complete)?;
        if last.part_count == 0 {
            self.segments.pop_back();
            return None;
        }
        if let Some(end) = end {
            last.duration = end.saturating_sub(last.start).max(1);
        }
        last.complete = true;
        self.segments.back()
    }

    /// Forgets the last segment where that is not whole: its number does not come any more.
    pub(crate) fn abandon(&mut self) {
        if self.segments.back().is_some_and(|last| !last.complete)
            && let Some(last) = self.segments.pop_back()
        {
            self.floor = self.floor.max(last.number.saturating_add(1));
        }
    }

    /// Forgets all that ended before `oldest`: its numbers do not come any more.
    pub(crate) fn forget_before(&mut self, oldest: u64) {
        let mut floor = self.floor;
        self.segments.retain(|one| {
            let is_kept = !one.complete || one.start.saturating_add(one.duration) >= oldest;
            if !is_kept {
                floor = floor.max(one.number.saturating_add(1));
            }
            is_kept
        });
        self.floor = floor;
    }

    /// Forgets what ended before `oldest`, and the bytes of all but the last `in_memory` segments.
    pub(crate) fn evict(&mut self, oldest: u64, in_memory: usize) {
        while self.segments.len() > LEAST
            && self.segments.front().is_some_and(|first| first.start.saturating_add(first.duration) < oldest)
        {
            self.segments.pop_front();
        }
        let old = self.segments.len().saturating_sub(in_memory.max(LEAST));
        for segment in self.segments.iter_mut().take(old) {
            segment.parts = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(start: u64) -> Part {
        Part { start, duration: 5, bytes: Bytes::from_static(b"abc"), independent: start.is_multiple_of(20) }
    }

    #[test]
    fn the_window_moves_and_numbers_grow() {
        let mut window = Window::default();
        assert_eq!(window.next(), (0, 0));
        for number in 0..10 {
            window.open(number, number * 20);
            (0..4).for_each(|n| window.push(part(number * 20 + n * 5)));
            assert_eq!(
                (window.next(), window.has(number, Some(3)), window.has(number, None)),
                ((number, 4), true, false)
            );
            let done = window.complete(Some(number * 20 + 20)).unwrap();
            assert_eq!((done.duration, done.size, done.bytes().unwrap().len()), (20, 12, 12));
            assert!(
                window.has(number, None) && window.has(number, Some(9)) && !window.has(number + 1, Some(0))
            );
        }
        window.evict(100, 3);
        let kept: Vec<_> = window.segments().map(|s| (s.number, s.parts.len())).collect();
        assert_eq!(kept, [(4, 0), (5, 0), (6, 0), (7, 4), (8, 4), (9, 4)]);
        assert_eq!((window.segment(3), window.segment(5).unwrap().bytes()), (None, None));
        window.evict(u64::MAX, 3);
        assert_eq!(window.segments().len(), 3);
    }

    /// What another process lost does not come any more, and who waits for it is answered with what comes in
    /// its place.
    #[test]
    fn what_is_stored_is_gone_on_with_above_what_was_lost() {
        let entry = |number| SegmentEntry {
            number,
            start: number * 20,
            duration: 20,
            size: 12,
            samples: 4,
            protected: 4,
        };
        let mut window = Window::stored(&[entry(0), entry(1)], 4);
        assert_eq!((window.next(), window.has(3, None), window.has(4, Some(0))), ((4, 0), false, false));
        assert_eq!(window.segment(1).unwrap().bytes(), None);
        window.open(4, 40);
        window.push(part(40));
        assert_eq!((window.next(), window.has(3, None), window.has(4, Some(0))), ((4, 1), true, true));
        assert_eq!(Window::above(7).next(), (7, 0));
    }

    /// A window that is emptied goes on where it was: it never goes back.
    #[test]
    fn what_is_forgotten_does_not_come_again() {
        let mut window = Window::default();
        for number in 3..6 {
            window.open(number, number * 20);
            window.push(part(number * 20));
            window.complete(Some(number * 20 + 20));
        }
        window.forget_before(100);
        assert_eq!(
            (window.segments().map(|one| one.number).collect::<Vec<_>>(), window.next()),
            (vec![4, 5], (6, 0))
        );
        window.forget_before(u64::MAX);
        assert_eq!((window.last(), window.next()), (None, (6, 0)));
        window.open(9, 180);
        window.push(part(180));
        assert_eq!((window.next(), window.has(5, None)), ((9, 1), true));
    }

    #[test]
    fn a_segment_without_parts_is_none() {
        let mut window = Window::default();
        window.open(4, 80);
        assert!(window.complete(None).is_none() && window.last().is_none());
    }

    #[test]
    fn what_is_given_up_does_not_come_any_more() {
        let mut window = Window::default();
        window.open(4, 80);
        window.push(part(80));
        window.abandon();
        assert_eq!((window.last(), window.next()), (None, (5, 0)));
        window.open(6, 120);
        window.push(part(120));
        window.complete(None);
        window.abandon();
        assert_eq!((window.last().map(|last| last.number), window.has(4, None)), (Some(6), true));
    }
}
