//! The segments of one representation. More may be added while the film plays.
//!
//! Segments are numbered. In a film that is all there the first one is number 0, and the index comes from the
//! file's `sidx`. In a film that grows the server numbers them, the same in all representations; the index
//! begins with the oldest segment of the window, and [`IndexUpdate`]s bring what is new. Low latency: the
//! segment that is being made is among them as far as it goes, in parts.

mod part;
mod segment;
mod update;

use std::{collections::VecDeque, ops::Range};

pub use part::{MOST_PARTS, Part, SegmentParts};
pub use segment::{Location, Segment};
pub use update::{IndexUpdate, NewSegments};

use crate::model::ByteRange;

/// An index holds at most this many segments, the newest ones. A day of 2 s segments has 43,200.
pub const MOST_SEGMENTS: usize = 100_000;
/// The parts of so many segments are kept: of the one that is being made, and of those before it.
const WITH_PARTS: usize = 4;

/// Segments in order of number and time. It is empty only before the first, or after the last known one
/// has left the window.
///
/// # Examples
/// ```
/// use engine::index::{Location, Segment, SegmentIndex};
///
/// let two_seconds = |number: u64| Segment {
///     location: Location::File { size: None },
///     start: number as f64 * 2.0,
///     end: number as f64 * 2.0 + 2.0,
/// };
/// let mut index = SegmentIndex::growing(100, vec![two_seconds(100), two_seconds(101)]).unwrap();
/// assert_eq!((index.numbers(), index.at(203.0), index.end()), (100..102, 101, 204.0));
///
/// // The next segment is published; the oldest one leaves the window.
/// assert!(index.extend(102, &[two_seconds(102)]));
/// index.drop_before(101);
/// assert_eq!((index.numbers(), index.begin()), (101..103, 202.0));
///
/// // The end becomes known: nothing is added any more.
/// index.finish();
/// assert!(index.is_finished() && !index.extend(103, &[two_seconds(103)]));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentIndex {
    first: u64,
    segments: VecDeque<Segment>,
    // Where the newest whole segment ends, also when it has left the window.
    end: f64,
    finished: bool,
    // The segment that is being made, as far as it goes.
    open: Option<Segment>,
    // Of the latest segments, the open one among them; ascending.
    parts: VecDeque<SegmentParts>,
    // The part that may be asked for before it is there, as it was told last.
    hint: Option<(u64, usize)>,
}

impl SegmentIndex {
    /// All segments of a film, from number 0. `None` unless there is a segment, times ascend and bytes ascend
    /// without overlap.
    pub fn new(segments: Vec<Segment>) -> Option<Self> {
        let mut index = Self::growing(0, segments).filter(|index| !index.segments.is_empty())?;
        index.finish();
        Some(index)
    }

    /// The segments that there are now of a film that grows, from number `first`. There may be none yet.
    /// `None` unless times ascend.
    pub fn growing(first: u64, segments: Vec<Segment>) -> Option<Self> {
        first.checked_add(segments.len() as u64)?;
        let ordered = segments.iter().zip(segments.iter().skip(1)).all(|(a, b)| a.precedes(b));
        if !ordered || !segments.iter().all(Segment::is_sound) {
            return None;
        }
        let end = segments.last().map_or(0.0, |segment| segment.end);
        Some(Self { segments: segments.into(), end, ..Self::starting_at(first) })
    }

    /// An index without segments, of a film that will begin with this number.
    pub fn starting_at(first: u64) -> Self {
        Self {
            first,
            segments: VecDeque::new(),
            end: 0.0,
            finished: false,
            open: None,
            parts: VecDeque::new(),
            hint: None,
        }
    }

    /// Adds segments at the end, the first of which has the number `first`. Those that are known already are
    /// skipped. Where numbers between are missing, everything before them is forgotten: the window has moved
    /// past it.
    ///
    /// False, and nothing changes, when the index is finished, or the segments are not in order.
    pub fn extend(&mut self, first: u64, segments: &[Segment]) -> bool {
        if self.finished || first.checked_add(segments.len() as u64).is_none() {
            return false;
        }
        let known = usize::try_from(self.next_number().saturating_sub(first)).unwrap_or(usize::MAX);
        let new = segments.get(known..).unwrap_or_default();
        let (Some(oldest), Some(newest)) = (new.first(), new.last()) else { return true };
        let follows = self.segments.back().is_none_or(|last| last.precedes(oldest)) && self.end <= oldest.end;
        let ordered = new.iter().zip(new.iter().skip(1)).all(|(a, b)| a.precedes(b));
        if !follows || !ordered || !new.iter().all(Segment::is_sound) {
            return false;
        }
        if first > self.next_number() {
            self.segments.clear();
            self.first = first;
        }
        self.segments.extend(new);
        self.end = newest.end;
        // What was being made is whole, or has given way to what is.
        self.open = None;
        self.drop_before(self.next_number().saturating_sub(MOST_SEGMENTS as u64));
        true
    }

    /// Takes the parts that there are of a segment: of the one behind the last whole one, or of one of the
    /// latest. What is known already of it may be among them; less than that changes nothing, for another CDN
    /// may be a little behind. Those of other segments, and nonsense, are passed over.
    pub fn set_parts(&mut self, of: &SegmentParts) {
        let next = self.next_number();
        if self.finished || !of.is_sound() || !(self.first..=next).contains(&of.number) || next == u64::MAX {
            return;
        }
        if of.number == next {
            let follows = self.segments.back().is_none_or(|last| last.start < of.start);
            if !follows || self.parts_of(next).is_some_and(|known| known.parts.len() > of.parts.len()) {
                return;
            }
            let location = Location::File { size: None };
            self.open = Some(Segment { location, start: of.start, end: of.end() });
        }
        let known = self.parts.iter_mut().find(|known| known.number == of.number);
        match known {
            Some(known) if known.parts.len() <= of.parts.len() => known.clone_from(of),
            Some(_) => {}
            None => {
                let place = self.parts.partition_point(|known| known.number < of.number);
                self.parts.insert(place, of.clone());
            }
        }
        while self.parts.len() > WITH_PARTS {
            self.parts.pop_front();
        }
    }

    /// The parts that are known of a segment.
    pub fn parts_of(&self, number: u64) -> Option<&SegmentParts> {
        self.parts.iter().find(|known| known.number == number)
    }

    /// The part that comes next, by the numbers of its segment and of itself; `None` where there are no
    /// parts.
    pub fn next_part(&self) -> Option<(u64, usize)> {
        let latest = self.parts.back()?;
        let next = self.next_number();
        Some((next, if latest.number == next { latest.parts.len() } else { 0 }))
    }

    /// Takes the part that may be asked for before it is there, or that there is none.
    pub fn set_hint(&mut self, hint: Option<(u64, usize)>) {
        self.hint = hint.filter(|(_, part)| !self.finished && *part < MOST_PARTS);
    }

    /// The part that may be asked for before it is there: the one that comes next, if the server has said so.
    /// What it said of another, as one that lags behind does, is nothing.
    pub fn hinted(&self) -> Option<(u64, usize)> {
        self.hint.filter(|hint| self.next_part() == Some(*hint))
    }

    /// The part that the latest news said may be asked for before it is there, whatever comes next.
    pub fn hint(&self) -> Option<(u64, usize)> {
        self.hint
    }

    /// Whether the latest news told of a part that may be asked for before it is there.
    pub fn has_hints(&self) -> bool {
        self.hint.is_some()
    }

    /// How long parts are, in seconds, where there are any: the longest of the latest segment.
    pub fn part_length(&self) -> Option<f64> {
        let latest = self.parts.back()?;
        latest.parts.iter().map(|part| part.duration).max_by(f64::total_cmp)
    }

    /// Whether all of a segment is published.
    pub fn is_whole(&self, number: u64) -> bool {
        self.numbers().contains(&number)
    }

    /// Forgets the segments before a number: they have left the window.
    pub fn drop_before(&mut self, number: u64) {
        while self.first < number && self.segments.pop_front().is_some() {
            self.first += 1;
        }
        if self.segments.is_empty() && self.first < number {
            self.first = number;
            self.open = None;
        }
        let (first, next) = (self.first, self.next_number());
        self.parts.retain(|known| (first..=next).contains(&known.number));
    }

    /// The end has become known: there will be no more.
    pub fn finish(&mut self) {
        self.finished = true;
        self.open = None;
        self.hint = None;
        let next = self.next_number();
        self.parts.retain(|known| known.number < next);
    }

    /// Whether the last segment is the film's last.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// The numbers of its segments that are whole.
    pub fn numbers(&self) -> Range<u64> {
        self.first..self.next_number()
    }

    /// The number behind the last whole segment's.
    pub fn next_number(&self) -> u64 {
        self.first + self.segments.len() as u64
    }

    /// Whether no segment is whole.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// The segment with this number; the one that is being made, as far as it goes.
    pub fn get(&self, number: u64) -> Option<&Segment> {
        if number == self.next_number() {
            return self.open.as_ref();
        }
        self.segments.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// When a segment begins, in seconds; also of one of which nothing is there but its first part may be
    /// asked for.
    pub fn start_of(&self, number: u64) -> Option<f64> {
        let begins_here = || self.hinted() == Some((number, 0));
        self.get(number).map(|segment| segment.start).or_else(|| begins_here().then(|| self.end()))
    }

    /// Number of the segment that contains `time`; the first or last one for times outside.
    pub fn at(&self, time: f64) -> u64 {
        if self.open.is_some_and(|open| open.start <= time) {
            return self.next_number();
        }
        self.first + self.segments.partition_point(|segment| segment.start <= time).saturating_sub(1) as u64
    }

    /// Number of the segment that has exactly these bytes of the file.
    pub fn at_bytes(&self, range: ByteRange) -> Option<u64> {
        let before = |segment: &Segment| match segment.location {
            Location::Range(other) => other.start < range.start,
            Location::File { .. } => true,
        };
        let number = self.first + self.segments.partition_point(before) as u64;
        self.get(number).filter(|segment| segment.location == Location::Range(range)).map(|_| number)
    }

    /// Where the first segment begins, in seconds.
    pub fn begin(&self) -> f64 {
        self.segments.front().map_or(self.end, |segment| segment.start)
    }

    /// Where the last segment ends, in seconds, or the last part of the one that is being made: the live edge
    /// of a film that grows.
    pub fn end(&self) -> f64 {
        self.open.map_or(self.end, |open| open.end.max(self.end))
    }

    /// Whether both are cut at the same times, give or take a tenth of a second: wherever both know a
    /// segment, and in all of them once both are finished.
    pub fn aligned_with(&self, other: &Self) -> bool {
        let from = self.first.max(other.first);
        let to = self.next_number().min(other.next_number());
        let whole = !(self.finished && other.finished) || self.numbers() == other.numbers();
        let start = |index: &Self, number| index.get(number).map_or(f64::NAN, |segment| segment.start);
        whole && (from..to).all(|number| (start(self, number) - start(other, number)).abs() < 0.1)
    }

    /// Sum of the bytes of segments `from..to`, as far as there are; `None` where one's size is not known.
    pub fn bytes(&self, from: u64, to: u64) -> Option<u64> {
        let to = to.min(self.next_number());
        (from.max(self.first)..to).map(|number| self.get(number)?.size()).sum()
    }

    /// The last byte of the last segment, when that is a range of a file.
    pub fn last_byte(&self) -> Option<u64> {
        match self.segments.back()?.location {
            Location::Range(range) => Some(range.end),
            Location::File { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(number: u64) -> ByteRange {
        ByteRange::new(1000 + number * 100, 1099 + number * 100).unwrap()
    }

    fn segment(number: u64) -> Segment {
        let start = number as f64 * 4.0;
        Segment { location: Location::Range(range(number)), start, end: start + 4.0 }
    }

    fn file(number: u64) -> Segment {
        Segment { location: Location::File { size: None }, ..segment(number) }
    }

    fn index() -> SegmentIndex {
        SegmentIndex::new((0..5).map(segment).collect()).unwrap()
    }

    #[test]
    fn a_time_finds_its_segment() {
        let index = index();
        assert_eq!(index.at(-1.0), 0);
        assert_eq!(index.at(0.0), 0);
        assert_eq!(index.at(3.999), 0);
        assert_eq!(index.at(4.0), 1);
        assert_eq!(index.at(99.0), 4);
        assert_eq!(index.end(), 20.0);
    }

    #[test]
    fn bytes_find_their_segment_only_when_they_are_the_whole_of_it() {
        let index = index();
        assert_eq!(index.at_bytes(ByteRange::new(1200, 1299).unwrap()), Some(2));
        assert_eq!(index.at_bytes(ByteRange::new(1200, 1298).unwrap()), None);
        assert_eq!(index.at_bytes(ByteRange::new(1201, 1299).unwrap()), None);
        assert_eq!(index.bytes(1, 3), Some(200));
        assert_eq!(index.bytes(3, 99), Some(200));
    }

    #[test]
    fn nonsense_is_refused() {
        let good = segment(0);
        assert_eq!(SegmentIndex::new(vec![]), None);
        assert_eq!(SegmentIndex::new(vec![Segment { end: 0.0, ..good }]), None);
        assert_eq!(SegmentIndex::new(vec![Segment { end: f64::NAN, ..good }]), None);
        assert_eq!(SegmentIndex::new(vec![good, good]), None);
        assert_eq!(SegmentIndex::new(vec![good, file(1)]), None, "one layout");
        let empty = Segment { location: Location::File { size: Some(0) }, ..good };
        assert_eq!(SegmentIndex::growing(0, vec![empty]), None);
        assert_eq!(SegmentIndex::growing(u64::MAX, vec![good]), None);
        assert_eq!(SegmentIndex::growing(7, vec![]).unwrap().numbers(), 7..7);
    }

    #[test]
    fn numbers_that_are_missing_empty_the_window_before_them() {
        let mut index = SegmentIndex::growing(10, vec![file(10), file(11)]).unwrap();
        assert!(index.extend(20, &[file(20), file(21)]));
        assert_eq!((index.numbers(), index.begin()), (20..22, 80.0));
        assert_eq!(index.get(11), None);
        index.drop_before(30);
        assert_eq!((index.numbers(), index.is_empty(), index.end()), (30..30, true, 88.0));
        assert!(!index.extend(30, &[file(3)]), "time does not go back");
        assert!(index.extend(30, &[file(30)]));
        assert!(!index.extend(31, &[file(30)]));
        assert_eq!(index.numbers(), 30..31);
    }

    fn parts(number: u64, count: usize) -> SegmentParts {
        let part = Part { duration: 0.5, size: 100 };
        SegmentParts { number, start: number as f64 * 4.0, parts: vec![part; count] }
    }

    #[test]
    fn the_segment_that_is_being_made_grows_by_parts_and_becomes_whole() {
        let mut index = SegmentIndex::growing(10, vec![file(10), file(11)]).unwrap();
        assert_eq!((index.next_part(), index.part_length(), index.get(12)), (None, None, None));
        index.set_parts(&parts(12, 1));
        index.set_parts(&parts(12, 3));
        index.set_parts(&parts(12, 2));
        assert_eq!((index.next_part(), index.part_length()), (Some((12, 3)), Some(0.5)), "never fewer");
        assert_eq!((index.numbers(), index.end(), index.begin()), (10..12, 49.5, 40.0));
        assert_eq!((index.at(47.9), index.at(48.0), index.at(99.0)), (11, 12, 12));
        assert_eq!(index.get(12).map(|s| (s.start, s.end, s.size())), Some((48.0, 49.5, None)));
        assert!(index.is_whole(11) && !index.is_whole(12));
        assert_eq!(index.parts_of(12).and_then(|of| of.span(1)), Some((48.5, 49.0)));
        for nonsense in [
            parts(14, 1),
            parts(9, 1),
            parts(12, MOST_PARTS + 1),
            SegmentParts { start: f64::NAN, ..parts(12, 4) },
            SegmentParts { start: 40.0, ..parts(12, 4) },
            SegmentParts { parts: vec![Part { duration: -1.0, size: 1 }; 4], ..parts(12, 4) },
        ] {
            index.set_parts(&nonsense);
            assert_eq!((index.next_part(), index.end()), (Some((12, 3)), 49.5), "{nonsense:?}");
        }
        // It is whole; its parts stay known for who has begun with them.
        assert!(index.extend(12, &[file(12)]));
        index.set_parts(&parts(12, 8));
        assert_eq!((index.next_part(), index.end(), index.is_whole(12)), (Some((13, 0)), 52.0, true));
        assert_eq!(index.parts_of(12).map(|of| of.parts.len()), Some(8));
        index.set_parts(&parts(13, 2));
        assert_eq!(index.end(), 53.0);
        index.finish();
        index.set_parts(&parts(13, 3));
        assert_eq!((index.end(), index.get(13), index.parts_of(13)), (52.0, None, None));
        assert!(index.parts_of(12).is_some(), "for who has begun with them");
    }

    #[test]
    fn only_the_part_that_comes_next_is_hinted_at() {
        let mut index = SegmentIndex::growing(10, vec![file(10), file(11)]).unwrap();
        index.set_hint(Some((12, 0)));
        assert_eq!((index.hinted(), index.start_of(12)), (None, None), "there are no parts");
        index.set_parts(&parts(11, 8));
        assert_eq!((index.hinted(), index.start_of(12)), (Some((12, 0)), Some(48.0)));
        assert_eq!((index.get(12), index.at(99.0)), (None, 11), "nothing of it is there");
        index.set_parts(&parts(12, 2));
        assert_eq!((index.hinted(), index.start_of(12)), (None, Some(48.0)), "that one is there by now");
        for (hint, hinted) in
            [((12, 2), true), ((12, 1), false), ((12, 3), false), ((13, 0), false), ((11, 8), false)]
        {
            index.set_hint(Some(hint));
            assert_eq!(index.hinted().is_some(), hinted, "{hint:?}");
        }
        index.set_hint(Some((12, 2)));
        index.finish();
        assert_eq!((index.hinted(), index.has_hints()), (None, false));
        index.set_hint(Some((12, 0)));
        assert_eq!(index.hinted(), None, "nothing comes any more");
    }

    #[test]
    fn few_parts_are_kept_and_none_of_what_has_left() {
        let mut index = SegmentIndex::growing(0, vec![]).unwrap();
        for number in 0..20 {
            index.set_parts(&parts(number, 8));
            assert_eq!(index.end(), number as f64 * 4.0 + 4.0);
            assert!(index.extend(number, &[file(number)]) && index.parts.len() <= WITH_PARTS);
        }
        assert!(index.parts_of(15).is_none() && index.parts_of(19).is_some());
        index.set_parts(&parts(20, 1));
        index.drop_before(25);
        assert_eq!((index.numbers(), index.get(20), index.parts.len(), index.end()), (25..25, None, 0, 80.0));
    }

    proptest! {
        /// Whatever parts a film is published in, and however they overlap, the index is that of the whole.
        #[test]
        fn parts_make_the_whole(cuts in proptest::collection::vec((0u64..40, 0u64..8), 0..40), window in 1u64..50) {
            let mut index = SegmentIndex::growing(0, vec![]).unwrap();
            let mut next = 0u64;
            for (back, count) in cuts {
                let from = next.saturating_sub(back);
                let to = (from + count).max(next);
                let segments: Vec<_> = (from..to).map(file).collect();
                prop_assert!(index.extend(from, &segments));
                next = to;
                index.drop_before(next.saturating_sub(window));
                let expected = next.saturating_sub(window)..next;
                prop_assert_eq!(index.numbers(), expected.clone());
                for number in expected {
                    prop_assert_eq!(index.get(number), Some(&file(number)));
                    prop_assert_eq!(index.at(number as f64 * 4.0 + 1.0), number);
                }
            }
        }
    }
}
