//! Sizes and rates of a written representation.

use crate::{ByteRange, Representation, Segment};

/// `bytes · 8 · timescale / ticks`, rounded: bits a second.
pub fn bits_per_second(bytes: u64, ticks: u64, timescale: u32, round_up: bool) -> u64 {
    let ticks = u128::from(ticks.max(1));
    let bits = u128::from(bytes) * 8 * u128::from(timescale);
    ((bits + if round_up { ticks - 1 } else { ticks / 2 }) / ticks) as u64
}

/// What is known of a representation's file once its sizes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Bytes.
    pub size: u64,
    /// Bytes of `ftyp` and `moov`.
    pub header: u64,
    /// Bytes of `sidx`, which follows.
    pub index: u64,
    /// The segments, in order.
    pub segments: Vec<Segment>,
    /// Samples with at least one protected byte.
    pub protected_samples: u64,
}

impl Representation {
    /// Takes what is known once the file's sizes are. `ticks`: how long it is presented.
    pub fn fill(&mut self, written: Written, ticks: u64) {
        let Written { size, header, index, segments, protected_samples } = written;
        let peaks = segments.iter().map(|s| bits_per_second(s.size, s.duration, self.timescale, true));
        self.peak_bandwidth = peaks.max().unwrap_or(0);
        self.bitrate = (bits_per_second(size, ticks, self.timescale, false) + 500) / 1000;
        self.max_segment = segments.iter().map(|segment| segment.size).max().unwrap_or(0);
        self.size = size;
        self.init_range = ByteRange { first: 0, last: header.saturating_sub(1) };
        self.index_range = ByteRange { first: header, last: (header + index).saturating_sub(1) };
        self.segments = segments;
        self.protected_samples = protected_samples;
    }
}
