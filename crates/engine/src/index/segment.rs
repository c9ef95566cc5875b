//! One segment, and where its bytes are.

use crate::model::ByteRange;

/// Where the bytes of a segment are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// In the representation's one file.
    Range(ByteRange),
    /// In a file of its own, named by the segment's number.
    File {
        /// Bytes, where the server says how many.
        size: Option<u64>,
    },
}

/// One segment: what is fetched in one piece.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Where its bytes are.
    pub location: Location,
    /// First presentation time in seconds.
    pub start: f64,
    /// Where it ends, in seconds. The next one begins here, unless the encoder was interrupted.
    pub end: f64,
}

impl Segment {
    /// How many bytes, where that is known.
    pub fn size(&self) -> Option<u64> {
        match self.location {
            Location::Range(range) => Some(range.length()),
            Location::File { size } => size,
        }
    }

    /// Seconds.
    pub fn duration(&self) -> f64 {
        self.end - self.start
    }

    pub(super) fn is_sound(&self) -> bool {
        self.start.is_finite() && self.end.is_finite() && self.start < self.end && self.size() != Some(0)
    }

    pub(super) fn precedes(&self, next: &Self) -> bool {
        let bytes = match (self.location, next.location) {
            (Location::Range(before), Location::Range(after)) => before.end < after.start,
            (Location::File { .. }, Location::File { .. }) => true,
            _ => false,
        };
        bytes && self.start < next.start
    }
}
