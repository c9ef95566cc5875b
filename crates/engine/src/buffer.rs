//! Buffered ranges, and the goals that they are measured against.

/// How much to hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goals {
    /// Seconds ahead of the playhead.
    pub forward: f64,
    /// Seconds kept behind it.
    pub back: f64,
    /// Bytes ahead of the playhead.
    pub bytes: u64,
}

impl Goals {
    /// 30 s and 90 MB ahead, 20 s behind.
    pub const VIDEO: Self = Self { forward: 30.0, back: 20.0, bytes: 90_000_000 };
    /// 30 s and 8 MB ahead, 20 s behind.
    pub const AUDIO: Self = Self { forward: 30.0, back: 20.0, bytes: 8_000_000 };

    /// The smaller goal after a full source buffer: × 0.7, but not below 8 s.
    pub fn shrink(&mut self) {
        self.forward = (self.forward * 0.7).max(8.0);
    }
}

/// Two ranges that lie closer than this are one, in seconds: frame durations are not exact in `f64`.
const JOIN: f64 = 0.05;

/// Time ranges in order, as a `TimeRanges` object gives them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranges(Vec<(f64, f64)>);

impl Ranges {
    /// Sorts, joins ranges that touch, drops what is empty or not a number.
    pub fn new(mut ranges: Vec<(f64, f64)>) -> Self {
        ranges.retain(|(start, end)| start < end);
        ranges.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut joined: Vec<(f64, f64)> = Vec::with_capacity(ranges.len());
        for (start, end) in ranges {
            match joined.last_mut() {
                Some(last) if start <= last.1 + JOIN => last.1 = last.1.max(end),
                _ => joined.push((start, end)),
            }
        }
        Self(joined)
    }

    /// The ranges as (start, end) in seconds.
    pub fn as_slice(&self) -> &[(f64, f64)] {
        &self.0
    }

    /// First buffered second.
    pub fn start(&self) -> Option<f64> {
        self.0.first().map(|range| range.0)
    }

    /// End of the range that holds `position`, if one does.
    pub fn end_at(&self, position: f64) -> Option<f64> {
        self.0.iter().find(|(start, end)| *start - JOIN <= position && position < *end).map(|range| range.1)
    }

    /// Whether `position` is buffered.
    pub fn contains(&self, position: f64) -> bool {
        self.end_at(position).is_some()
    }

    /// Whether all of `start..end` is buffered, give or take a tenth of a second at either end.
    pub fn covers(&self, start: f64, end: f64) -> bool {
        let slack = 0.1_f64.min((end - start) / 4.0);
        self.0.iter().any(|range| range.0 <= start + slack && end - slack <= range.1)
    }

    /// Seconds from `position` to the end of its range; 0 when it is not buffered.
    pub fn ahead(&self, position: f64) -> f64 {
        self.end_at(position).map_or(0.0, |end| end - position)
    }

    /// Start of the first range behind `position`.
    pub fn next_start(&self, position: f64) -> Option<f64> {
        self.0.iter().map(|range| range.0).find(|start| *start > position)
    }

    /// What is left when `start..end` is taken away.
    pub fn without(&self, start: f64, end: f64) -> Self {
        let cut = |&(a, b): &(f64, f64)| [(a, b.min(start)), (a.max(end), b)];
        Self::new(self.0.iter().flat_map(cut).collect())
    }

    /// What both hold.
    pub fn intersect(&self, other: &Self) -> Self {
        let mut both = Vec::new();
        for a in &self.0 {
            for b in &other.0 {
                both.push((a.0.max(b.0), a.1.min(b.1)));
            }
        }
        Self::new(both)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ranges_join_and_answer() {
        let ranges = Ranges::new(vec![(8.0, 12.0), (0.0, 4.0), (4.01, 6.0), (3.0, 3.0)]);
        assert_eq!(ranges.as_slice(), &[(0.0, 6.0), (8.0, 12.0)]);
        assert_eq!(ranges.ahead(1.0), 5.0);
        assert_eq!(ranges.ahead(7.0), 0.0);
        assert_eq!(ranges.next_start(6.5), Some(8.0));
        assert!(ranges.covers(0.0, 6.05));
        assert!(!ranges.covers(4.0, 8.0));
        assert!(!ranges.contains(6.0));
    }

    #[test]
    fn a_full_buffer_shrinks_the_goal_to_a_floor() {
        let mut goals = Goals::VIDEO;
        goals.shrink();
        assert_eq!(goals.forward, 21.0);
        for _ in 0..9 {
            goals.shrink();
        }
        assert_eq!(goals.forward, 8.0);
    }

    proptest! {
        #[test]
        fn intersection_holds_exactly_what_both_hold(
            a in proptest::collection::vec((0u8..100, 1u8..20), 0..6),
            b in proptest::collection::vec((0u8..100, 1u8..20), 0..6),
            at in 0u8..120,
        ) {
            let ranges = |raw: Vec<(u8, u8)>| {
                Ranges::new(raw.into_iter().map(|(s, l)| (f64::from(s), f64::from(s) + f64::from(l))).collect())
            };
            let (a, b) = (ranges(a), ranges(b));
            let at = f64::from(at) + 0.5;
            prop_assert_eq!(a.intersect(&b).contains(at), a.contains(at) && b.contains(at));
        }
    }
}
