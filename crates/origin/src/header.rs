//! What the header of a clear file says of its track.

use std::ops::Range;

use cmaf::{Track, VideoConfig};
use isobmff::{Boxes, InitSegment, MediaHeader};

use crate::Error;
use crate::error::source;

/// What of a header goes into that of the encrypted file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceHeader {
    /// `ftyp` and `moov`.
    bytes: Vec<u8>,
    timescale: u32,
    language: [u8; 3],
    media: MediaHeader,
    /// Where the sample entry is.
    entry: Range<usize>,
    /// Type of the decoder configuration's box, and where its payload is.
    config: Option<([u8; 4], Range<usize>)>,
    priming: u64,
    /// Presentation time at which the track ends.
    pub(crate) end: u64,
}

impl SourceHeader {
    /// Reads a header that the packager wrote.
    pub(crate) fn read(bytes: Vec<u8>) -> Result<Self, Error> {
        let init = InitSegment::parse(&bytes)?;
        let [track] = &init.tracks[..] else { return Err(source("it has not one track")) };
        let [entry] = &track.entries[..] else { return Err(source("it has not one sample entry")) };
        if entry.protection.is_some() || &entry.kind.0[..3] == b"enc" {
            return Err(source("it is encrypted"));
        }
        let (at, rest) = (entry.offset, bytes.get(entry.offset..).unwrap_or_default());
        let found = Boxes::new(rest).next().transpose()?.ok_or_else(|| source("it has no sample entry"))?;
        let (media, config) = match &track.handler.0 {
            b"vide" => {
                let mut config = None;
                for child in found.children(78) {
                    let child = child?;
                    if VideoConfig::of_box(child.kind.0, child.payload).is_some() {
                        let first = at + child.payload_offset();
                        config = Some((child.kind.0, first..first + child.payload.len()));
                    }
                }
                let config = config.ok_or_else(|| source("a picture of no known codec"))?;
                let (width, height, matrix) = (track.width, track.height, track.matrix);
                (MediaHeader::Video { width, height, matrix }, Some(config))
            }
            b"soun" => (MediaHeader::Audio, None),
            _ => return Err(source("its track is neither picture nor sound")),
        };
        let moov = Boxes::new(&bytes).first(b"moov")?.ok_or_else(|| source("it has no moov"))?;
        let (version, _, mut mehd) = moov.required(b"mvex")?.required(b"mehd")?.full()?;
        let end = mehd.u32_or_u64(version == 1)?;
        let priming = match &track.edit_list[..] {
            [] => 0,
            [edit] => u64::try_from(edit.media_time).map_err(|_| source("an edit list that delays"))?,
            _ => return Err(source("an edit list of several entries")),
        };
        let entry = at..at + found.size();
        let (timescale, language) = (track.timescale, track.language);
        Ok(Self { timescale, language, media, entry, config, priming, end, bytes })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn track(&self) -> Track<'_> {
        let part = |range: &Range<usize>| self.bytes.get(range.clone()).unwrap_or_default();
        Track {
            timescale: self.timescale,
            language: self.language,
            media: self.media,
            entry: part(&self.entry),
            video: self.config.as_ref().and_then(|(kind, range)| VideoConfig::of_box(*kind, part(range))),
            priming: self.priming,
        }
    }
}
