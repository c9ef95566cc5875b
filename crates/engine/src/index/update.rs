//! What is published of a film that grows.

use super::{Segment, SegmentParts};

/// What the server has published of a film that grows: the answer to [`crate::Command::RefreshIndex`].
#[derive(Clone, Debug, PartialEq)]
pub struct IndexUpdate {
    /// Number of the oldest segment that can still be fetched, in all representations.
    pub first: u64,
    /// New segments. What is known already may be among them, and is skipped.
    pub added: Vec<NewSegments>,
    /// The end is known: nothing comes behind these segments.
    pub finished: bool,
}

/// Segments that were added to one representation.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSegments {
    /// Downloadable id.
    pub representation: String,
    /// Number of the first one.
    pub first: u64,
    /// In order, without gaps in the numbers. All of them are whole.
    pub segments: Vec<Segment>,
    /// Low latency: the parts of the segment that is being made, which has the number behind the last whole
    /// one's, and of those that were made just now. None where parts are not used.
    pub parts: Vec<SegmentParts>,
    /// The part that comes next, by the numbers of its segment and of itself, where the server holds a
    /// request for it until it is there. `None` where such a request is an error.
    pub hint: Option<(u64, usize)>,
}
