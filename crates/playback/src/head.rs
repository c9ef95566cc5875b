//! Init segment and index, put together from the first bytes of a download.

use engine::{
    index::{Location, Segment, SegmentIndex},
    model::ByteRange,
};

/// Gathers the head of a download, over several attempts if need be.
#[derive(Clone, Debug, Default)]
pub struct HeadAssembly {
    bytes: Vec<u8>,
    wanted: usize,
}

impl HeadAssembly {
    /// For a head of `wanted` bytes; none for a plain segment.
    pub fn new(wanted: u64) -> Self {
        Self { bytes: Vec::new(), wanted: usize::try_from(wanted).unwrap_or(0) }
    }

    /// How many bytes are still missing.
    pub fn missing(&self) -> usize {
        self.wanted - self.bytes.len()
    }

    /// Takes bytes, at most as many as are missing.
    pub fn take(&mut self, bytes: &[u8]) {
        let count = bytes.len().min(self.missing());
        self.bytes.extend_from_slice(&bytes[..count]);
    }

    /// Nothing more is missing: the file was shorter than it might have been.
    pub fn ends_here(&mut self) {
        self.wanted = self.bytes.len();
    }

    /// All the bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes in a range of the file, once there.
    pub fn part(&self, range: ByteRange) -> Option<&[u8]> {
        let start = usize::try_from(range.start).ok()?;
        let end = usize::try_from(range.end).ok()?.checked_add(1)?;
        self.bytes.get(start..end)
    }
}

/// Reads a `sidx` box that lies at `range` in its file. `None` when it is not usable.
pub fn parse_index(bytes: &[u8], range: ByteRange) -> Option<SegmentIndex> {
    let sidx = isobmff::Boxes::new(bytes).first(b"sidx").ok()??;
    let sidx = isobmff::SegmentIndex::parse(&sidx).ok()?;
    if sidx.timescale == 0 {
        return None;
    }
    let seconds = |ticks: u64| ticks as f64 / f64::from(sidx.timescale);
    let mut position = range.end.checked_add(1)?.checked_add(sidx.first_offset)?;
    let mut ticks = sidx.earliest_presentation_time;
    let mut segments = Vec::with_capacity(sidx.references.len());
    for reference in &sidx.references {
        if reference.to_index || reference.size == 0 {
            return None;
        }
        let next = position.checked_add(u64::from(reference.size))?;
        let end = ticks.checked_add(u64::from(reference.duration))?;
        segments.push(Segment {
            location: Location::Range(ByteRange::new(position, next - 1)?),
            start: seconds(ticks),
            end: seconds(end),
        });
        (position, ticks) = (next, end);
    }
    SegmentIndex::new(segments)
}
