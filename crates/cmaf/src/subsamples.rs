use cenc::{Scheme, Subsample};

/// Collects the clear and protected runs of a sample into as few subsamples as can say them.
#[derive(Debug, Default)]
pub(crate) struct SubsampleBuilder {
    subsamples: Vec<Subsample>,
    clear: usize,
}

impl SubsampleBuilder {
    /// The next `len` bytes are clear.
    pub(crate) fn clear(&mut self, len: usize) {
        self.clear += len;
    }

    /// The next `len` bytes are protected.
    pub(crate) fn protected(&mut self, len: usize) {
        if len == 0 {
            return;
        }
        self.split_clear();
        // A sample has less than 4 GiB, and so has its part.
        self.subsamples.push(Subsample { clear: self.clear as u16, protected: len as u32 });
        self.clear = 0;
    }

    /// The next `len` bytes are a slice whose first `head` stay clear. For cenc, as many of the following
    /// stay clear as make the rest a multiple of 16.
    pub(crate) fn slice(&mut self, head: usize, len: usize, scheme: Scheme) {
        let body = len.saturating_sub(head);
        let protected = if scheme == Scheme::Cenc { body / 16 * 16 } else { body };
        self.clear(len - protected);
        self.protected(protected);
    }

    /// The subsamples. Never empty: a sample without protected bytes has clear-only entries.
    pub(crate) fn finish(mut self) -> Vec<Subsample> {
        if self.clear > 0 || self.subsamples.is_empty() {
            self.split_clear();
            self.subsamples.push(Subsample { clear: self.clear as u16, protected: 0 });
        }
        self.subsamples
    }

    /// A clear run longer than 16 bits can say takes entries of its own.
    fn split_clear(&mut self) {
        while self.clear > usize::from(u16::MAX) {
            self.subsamples.push(Subsample { clear: u16::MAX, protected: 0 });
            self.clear -= usize::from(u16::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn build(runs: &[(bool, usize)]) -> Vec<Subsample> {
        let mut builder = SubsampleBuilder::default();
        for &(protected, len) in runs {
            if protected { builder.protected(len) } else { builder.clear(len) }
        }
        builder.finish()
    }

    #[test]
    fn clear_runs_merge_and_split() {
        let s = |clear, protected| Subsample { clear, protected };
        assert_eq!(
            build(&[(false, 5), (false, 6), (true, 32), (false, 9), (true, 16), (false, 4)]),
            [s(11, 32), s(9, 16), s(4, 0)]
        );
        assert_eq!(build(&[(false, 65_536), (true, 16)]), [s(65_535, 0), s(1, 16)]);
        assert_eq!(build(&[(false, 131_070)]), [s(65_535, 0), s(65_535, 0)]);
        assert_eq!(build(&[]), [s(0, 0)]);
    }

    proptest! {
        #[test]
        fn every_byte_keeps_its_side(runs in proptest::collection::vec((any::<bool>(), 0usize..150_000), 0..8)) {
            let bytes = |runs: &[(bool, usize)]| {
                let mut merged: Vec<(bool, usize)> = Vec::new();
                for &(protected, len) in runs.iter().filter(|run| run.1 > 0) {
                    match merged.last_mut() {
                        Some(last) if last.0 == protected => last.1 += len,
                        _ => merged.push((protected, len)),
                    }
                }
                merged
            };
            let built: Vec<_> = build(&runs)
                .iter()
                .flat_map(|s| [(false, usize::from(s.clear)), (true, s.protected as usize)])
                .collect();
            prop_assert_eq!(bytes(&built), bytes(&runs));
        }
    }
}
