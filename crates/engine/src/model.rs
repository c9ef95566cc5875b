//! What the manifest says, reduced to what decides about fetching.

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

/// Where a representation's file lies on one CDN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The CDN's id, as in [`Presentation::cdns`].
    pub cdn: String,
    /// Signed URL of the whole file.
    pub url: String,
}

/// One CDN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cdn {
    /// Id in the manifest.
    pub id: String,
    /// How it takes ranges.
    pub ranges: RangeForm,
}

/// The segment that contains the start position, known before the index is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StartSegment {
    /// Its bytes.
    pub range: ByteRange,
    /// Its first presentation time in seconds.
    pub time: f64,
}

/// One file of the ladder.
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
    /// Length of the file.
    pub file_size: u64,
    /// `ftyp moov`, from byte 0.
    pub init: ByteRange,
    /// `sidx`, right behind.
    pub index: ByteRange,
    /// The segment at the start position.
    pub start: Option<StartSegment>,
    /// One per CDN.
    pub sources: Vec<Source>,
}

/// The film as the manifest presents it.
#[derive(Clone, Debug, PartialEq)]
pub struct Presentation {
    /// Seconds.
    pub duration: f64,
    /// Where to begin, in seconds.
    pub start: f64,
    /// How long the URLs are still good.
    pub urls_valid: Duration,
    /// In the order to use.
    pub cdns: Vec<Cdn>,
    /// Everything that this device can decode; the caller has dropped the rest.
    pub representations: Vec<Representation>,
}

impl Representation {
    /// Bytes of init segment and index, which lie together at the start of the file.
    pub fn head(&self) -> ByteRange {
        ByteRange { start: 0, end: self.index.end.max(self.init.end) }
    }
}

/// The URL for a range: `/range/a-b` goes before the query (docs/protocol.md §8).
pub fn ranged_url(url: &str, form: RangeForm, range: ByteRange) -> String {
    match form {
        RangeForm::Header => url.to_owned(),
        RangeForm::Path => {
            let (path, query) = match url.split_once('?') {
                Some((path, query)) => (path, Some(query)),
                None => (url, None),
            };
            let mut ranged = format!("{path}/range/{}-{}", range.start, range.end);
            if let Some(query) = query {
                ranged.push('?');
                ranged.push_str(query);
            }
            ranged
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a76_range_goes_into_the_path_before_the_query() {
        let range = ByteRange::new(0, 23).unwrap();
        let url = "http://cdn/s/0/541/1811192541.mp4?p=44&e=1&h=2";
        assert_eq!(
            ranged_url(url, RangeForm::Path, range),
            "http://cdn/s/0/541/1811192541.mp4/range/0-23?p=44&e=1&h=2"
        );
        assert_eq!(ranged_url(url, RangeForm::Header, range), url);
        assert_eq!(ranged_url("http://cdn/a.mp4", RangeForm::Path, range), "http://cdn/a.mp4/range/0-23");
    }

    #[test]
    fn ranges_are_never_empty() {
        assert_eq!(ByteRange::new(5, 4), None);
        assert_eq!(ByteRange::new(5, 5).unwrap().length(), 1);
        assert_eq!(ByteRange::new(0, u64::MAX), None);
    }
}
