//! Parts: what is published of a segment before it is whole.

/// Parts of a segment at most. One of ten seconds with parts of 200 ms has 50; key frames may be further
/// apart.
pub const MOST_PARTS: usize = 512;
/// Longest part, in seconds. One that says it is longer is none.
const LONGEST: f64 = 60.0;

/// A part of a segment: a file of its own, and a whole number of fragments of the segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Seconds.
    pub duration: f64,
    /// Bytes.
    pub size: u64,
}

/// The parts that there are of a segment, from its beginning on.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentParts {
    /// The segment's number.
    pub number: u64,
    /// Its first presentation time in seconds.
    pub start: f64,
    /// In order, from part 0.
    pub parts: Vec<Part>,
}

impl SegmentParts {
    /// Where the last of them ends, in seconds.
    pub fn end(&self) -> f64 {
        self.start + self.parts.iter().map(|part| part.duration).sum::<f64>()
    }

    /// Where one of them begins and ends, in seconds.
    pub fn span(&self, part: usize) -> Option<(f64, f64)> {
        let one = self.parts.get(part)?;
        let before: f64 = self.parts.iter().take(part).map(|part| part.duration).sum();
        Some((self.start + before, self.start + before + one.duration))
    }

    pub(super) fn is_sound(&self) -> bool {
        let sound = |part: &Part| part.size > 0 && part.duration > 0.0 && part.duration <= LONGEST;
        self.start.is_finite() && (1..=MOST_PARTS).contains(&self.parts.len()) && self.parts.iter().all(sound)
    }
}
