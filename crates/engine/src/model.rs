//! What the manifest says, reduced to what decides about fetching.
//!
//! A film has a [`Timeline`]: all of it is there, or it grows while it plays. A [`Representation`] has a
//! [`Layout`]: one file whose ranges are its segments, or a file for each segment. The two are independent of
//! each other: an event that has ended keeps its files, and is then a film.

use std::time::Duration;

/// Picture or sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TrackKind {
    /// Picture.
    Video,
    /// Sound.
    Audio,
}

/// Inclusive range of bytes of one file, as in `bytes=a-b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte.
    pub start: u64,
    /// Last byte, not before `start`.
    pub end: u64,
}

impl ByteRange {
    /// `None` when `end` lies before `start`.
    pub fn new(start: u64, end: u64) -> Option<Self> {
        (start <= end && end < u64::MAX).then_some(Self { start, end })
    }

    /// How many bytes; never zero.
    pub fn length(self) -> u64 {
        self.end - self.start + 1
    }
}

/// How a CDN takes ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeForm {
    /// `…/range/a-b` before the query; answered with 200.
    Path,
    /// `Range: bytes=a-b`; answered with 206.
    Header,
}

/// Where a representation's files are on one CDN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The CDN's id, as in [`Presentation::cdns`].
    pub cdn: String,
    /// Signed URL: of the whole file with [`Layout::SingleFile`], of the folder, ending in `/` before the
    /// query, with [`Layout::SegmentFiles`].
    pub url: String,
}

/// One CDN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cdn {
    /// Id in the manifest.
    pub id: String,
    /// How it takes ranges.
    pub ranges: RangeForm,
    /// Whether it asks to be told how each download is needed.
    pub client_data: bool,
}

/// The segment that contains the start position, known before the index is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StartSegment {
    /// Its bytes.
    pub range: ByteRange,
    /// Its first presentation time in seconds.
    pub time: f64,
}

/// One file that holds a whole representation: `ftyp moov sidx (moof mdat)*` (docs/protocol.md §9).
#[derive(Clone, Debug, PartialEq)]
pub struct SingleFile {
    /// Its length in bytes.
    pub size: u64,
    /// `ftyp moov`, from byte 0.
    pub init: ByteRange,
    /// `sidx`, directly behind.
    pub index: ByteRange,
    /// The segment at the start position.
    pub start: Option<StartSegment>,
}

impl SingleFile {
    /// The bytes of init segment and index, which lie together at the start of the file.
    pub fn head(&self) -> ByteRange {
        ByteRange { start: 0, end: self.index.end.max(self.init.end) }
    }
}

/// A file for the init segment and one for each segment. Which segments there are,
/// [`crate::Event::IndexUpdate`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFiles {
    /// Name of the init segment's file in the folder of [`Source::url`]: `init.mp4`.
    pub init: String,
    /// Name of a segment's file, in which `$Number$` stands for its number: `$Number$.m4s`
    /// (ISO/IEC 23009-1, 5.3.9.4.4). Of a part, for the segment's number and, behind a dot, its own.
    pub media: String,
}

impl SegmentFiles {
    /// The name of a segment's file.
    pub fn name(&self, number: u64) -> String {
        self.media.replace("$Number$", &number.to_string())
    }

    /// The name of a part's file: that of its segment with the part's number behind the segment's.
    pub fn part_name(&self, number: u64, part: usize) -> String {
        self.media.replace("$Number$", &format!("{number}.{part}"))
    }
}

/// How the bytes of a representation are laid out.
#[derive(Clone, Debug, PartialEq)]
pub enum Layout {
    /// Segments are ranges of one file, which its own index lists.
    SingleFile(SingleFile),
    /// Segments are files, named by number.
    SegmentFiles(SegmentFiles),
}

/// One encoding of a track.
#[derive(Clone, Debug, PartialEq)]
pub struct Representation {
    /// Downloadable id.
    pub id: String,
    /// Picture or sound.
    pub kind: TrackKind,
    /// bit/s, peak where known.
    pub bandwidth: u64,
    /// Picture size; `None` for sound.
    pub size: Option<(u32, u32)>,
    /// Sound that is to be taken unless the viewer chose otherwise.
    pub preferred: bool,
    /// Where its segments are.
    pub layout: Layout,
    /// One per CDN.
    pub sources: Vec<Source>,
}

impl Representation {
    /// Its file, when all of it is in one.
    pub fn single_file(&self) -> Option<&SingleFile> {
        match &self.layout {
            Layout::SingleFile(file) => Some(file),
            Layout::SegmentFiles(_) => None,
        }
    }

    /// The segment at the start position, where it is known before the index is.
    pub fn start(&self) -> Option<StartSegment> {
        self.single_file().and_then(|file| file.start)
    }
}

/// Whether the film is all there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Timeline {
    /// It is: an on-demand film.
    Fixed {
        /// Seconds.
        duration: f64,
    },
    /// It grows at its end, and may lose its oldest segments: a live event, until its end is known. The
    /// engine asks for news of it with [`crate::Command::RefreshIndex`].
    Growing {
        /// How far behind the live edge the viewer joins, and how near to it seeks may go, in seconds:
        /// the target latency. Less than one segment is never reached; low latency: less than one part.
        distance: f64,
    },
}

/// The film as the manifest presents it.
#[derive(Clone, Debug, PartialEq)]
pub struct Presentation {
    /// How long it is, or that it grows.
    pub timeline: Timeline,
    /// Where to begin, in seconds. `None`: at the beginning, and near the live edge of a film that grows.
    pub start: Option<f64>,
    /// How long the URLs are still good.
    pub urls_valid: Duration,
    /// In the order to use.
    pub cdns: Vec<Cdn>,
    /// Everything that this device can decode; the caller has dropped the rest.
    pub representations: Vec<Representation>,
}

impl Presentation {
    /// Seconds, when they are known: not of a film that grows.
    pub fn duration(&self) -> Option<f64> {
        match self.timeline {
            Timeline::Fixed { duration } => Some(duration),
            Timeline::Growing { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_never_empty() {
        assert_eq!(ByteRange::new(5, 4), None);
        assert_eq!(ByteRange::new(5, 5).unwrap().length(), 1);
        assert_eq!(ByteRange::new(0, u64::MAX), None);
    }

    #[test]
    fn a_segment_is_named_by_its_number() {
        let files = SegmentFiles { init: "init.mp4".into(), media: "$Number$.m4s".into() };
        assert_eq!(files.name(1_790_025_600), "1790025600.m4s");
        assert_eq!(files.part_name(17, 3), "17.3.m4s");
    }
}
