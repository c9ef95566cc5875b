//! The segments of one representation, as its `sidx` lists them.

use crate::model::ByteRange;

/// One segment: what is fetched in one piece.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Its bytes in the file.
    pub range: ByteRange,
    /// First presentation time in seconds.
    pub start: f64,
    /// Where the next one begins, in seconds.
    pub end: f64,
}

/// Segments in order of time, without gaps. Never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentIndex(Vec<Segment>);

impl SegmentIndex {
    /// `None` unless there is a segment, times ascend and bytes ascend without overlap.
    pub fn new(segments: Vec<Segment>) -> Option<Self> {
        let sound = |s: &Segment| s.start.is_finite() && s.end.is_finite() && s.start < s.end;
        let ordered = segments
            .windows(2)
            .all(|pair| pair[0].range.end < pair[1].range.start && pair[0].start < pair[1].start);
        (!segments.is_empty() && ordered && segments.iter().all(sound)).then_some(Self(segments))
    }

    /// How many segments; at least one.
    #[allow(clippy::len_without_is_empty)] // never empty
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The segment with this number, counted from 0.
    pub fn get(&self, number: usize) -> Option<&Segment> {
        self.0.get(number)
    }

    /// Number of the segment that contains `time`; the first or last one for times outside.
    pub fn at(&self, time: f64) -> usize {
        self.0.partition_point(|segment| segment.start <= time).saturating_sub(1)
    }

    /// Number of the segment that has exactly these bytes.
    pub fn at_bytes(&self, range: ByteRange) -> Option<usize> {
        let number = self.0.partition_point(|segment| segment.range.start < range.start);
        self.get(number).filter(|segment| segment.range == range).map(|_| number)
    }

    /// Where the last segment ends, in seconds.
    pub fn end(&self) -> f64 {
        self.0.last().map_or(0.0, |segment| segment.end)
    }

    /// Whether both are cut at the same times, give or take a tenth of a second.
    pub fn aligned_with(&self, other: &Self) -> bool {
        self.len() == other.len() && self.0.iter().zip(&other.0).all(|(a, b)| (a.start - b.start).abs() < 0.1)
    }

    /// Sum of the bytes of segments `from..to`.
    pub fn bytes(&self, from: usize, to: usize) -> u64 {
        self.0.iter().take(to).skip(from).map(|segment| segment.range.length()).sum()
    }

    /// The last byte of the last segment.
    pub fn last_byte(&self) -> u64 {
        self.0.last().map_or(0, |segment| segment.range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> SegmentIndex {
        let segments = (0..5u64)
            .map(|n| Segment {
                range: ByteRange::new(1000 + n * 100, 1099 + n * 100).unwrap(),
                start: n as f64 * 4.0,
                end: n as f64 * 4.0 + 4.0,
            })
            .collect();
        SegmentIndex::new(segments).unwrap()
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
        assert_eq!(index.bytes(1, 3), 200);
    }

    #[test]
    fn nonsense_is_refused() {
        let good = *index().get(0).unwrap();
        assert_eq!(SegmentIndex::new(vec![]), None);
        assert_eq!(SegmentIndex::new(vec![Segment { end: 0.0, ..good }]), None);
        assert_eq!(SegmentIndex::new(vec![Segment { end: f64::NAN, ..good }]), None);
        assert_eq!(SegmentIndex::new(vec![good, good]), None);
    }
}
