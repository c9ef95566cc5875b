use crate::Kid;

/// The 8-byte IVs `first`, `first + 1`, … (modulo 2^64) of `count` samples under one key. With 8-byte IVs
/// each sample has its own 2^64 counter blocks, so two samples share a counter exactly if they share an IV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IvSpan {
    /// The key.
    pub kid: Kid,
    /// IV of the first sample.
    pub first: u64,
    /// Number of samples; 0 uses no IV.
    pub count: u64,
}

impl IvSpan {
    fn overlaps(&self, other: &Self) -> bool {
        self.kid == other.kid
            && self.count > 0
            && other.count > 0
            && (other.first.wrapping_sub(self.first) < self.count
                || self.first.wrapping_sub(other.first) < other.count)
    }
}

/// The first two spans (as indices) that use an IV twice under one key: a two-time pad. `None` is what must
/// be.
pub fn first_overlap(spans: &[IvSpan]) -> Option<(usize, usize)> {
    (0..spans.len())
        .find_map(|a| (a + 1..spans.len()).find(|&b| spans[a].overlaps(&spans[b])).map(|b| (a, b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: Kid = Kid([1; 16]);

    #[test]
    fn neighbours_do_not_overlap_and_wrapping_spans_do() {
        let span = |kid, first, count| IvSpan { kid, first, count };
        assert_eq!(first_overlap(&[span(A, 0, 5), span(A, 5, 5)]), None);
        assert_eq!(first_overlap(&[span(A, 0, 5), span(A, 9, 1), span(A, 4, 1)]), Some((0, 2)));
        assert_eq!(first_overlap(&[span(A, u64::MAX - 1, 4), span(A, 1, 1)]), Some((0, 1)));
        assert_eq!(first_overlap(&[span(A, 0, 5), span(Kid([2; 16]), 0, 5)]), None);
        assert_eq!(first_overlap(&[span(A, 3, 0), span(A, 0, 9)]), None);
    }

    proptest! {
        /// B27: agrees with counting every single IV.
        #[test]
        fn agrees_with_enumeration(starts in proptest::collection::vec((0u64..60, 0u64..12), 0..5), shift: u64) {
            let spans: Vec<_> =
                starts.iter().map(|&(first, count)| IvSpan { kid: A, first: first.wrapping_add(shift), count }).collect();
            let mut all: Vec<u64> =
                spans.iter().flat_map(|s| (0..s.count).map(move |i| s.first.wrapping_add(i))).collect();
            all.sort_unstable();
            let twice = all.windows(2).any(|pair| pair[0] == pair[1]);
            prop_assert_eq!(first_overlap(&spans).is_some(), twice);
        }
    }
}
