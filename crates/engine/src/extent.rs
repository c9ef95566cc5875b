//! The bytes of a file that are asked for.

use crate::model::ByteRange;

/// The longest file of unknown size that is accepted, in bytes. A segment of 10 s at 200 Mb/s has 250 MB.
pub const MOST_UNSIZED: u64 = 1 << 28;

/// The bytes that a download is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Which bytes, or the most that there may be.
    pub range: ByteRange,
    /// Whether `range` is exact.
    pub sized: bool,
}

impl Extent {
    /// Exactly these.
    pub fn exact(range: ByteRange) -> Self {
        Self { range, sized: true }
    }

    /// A whole file of `size` bytes, or of a size that is not known.
    pub fn file(size: Option<u64>) -> Self {
        let end = size.unwrap_or(MOST_UNSIZED).saturating_sub(1);
        Self { range: ByteRange { start: 0, end }, sized: size.is_some() }
    }
}
