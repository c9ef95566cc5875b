//! What an encoder sends by HTTP: fragmented MP4, in pieces of any size, for as long as it likes (DASH-IF
//! Live Media Ingest, interface 1), or one segment at a time (interface 2). And by RTMP: media messages
//! (`flv`).

mod boxes;
mod entry;
mod flv;

use bytes::Bytes;
use isobmff::{Fragment, InitSegment};
use std::sync::Arc;

use crate::source::{Source, SourceError};
use boxes::{BoxReader, TopBox};
pub use flv::{FlvIngest, FlvIngestError, FlvInput};

/// Most tracks of one stream.
const MAX_TRACKS: usize = 16;

/// Why a stream cannot be taken any further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// It is something else.
    #[error("this is no fragmented MP4")]
    NotMp4,
    /// A box that no stream needs so large.
    #[error("a `{kind}` box that is too large, or has no end")]
    TooLarge {
        /// Its type.
        kind: isobmff::FourCc,
    },
    /// A fragment came, but no header.
    #[error("a fragment without the header that it belongs to")]
    NoHeader,
    /// The boxes contradict themselves.
    #[error(transparent)]
    Boxes(#[from] isobmff::Error),
    /// A track that is not taken.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// What a stream's `moov` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    init: InitSegment,
    /// The tracks of pictures and sound.
    pub sources: Vec<Source>,
}

impl Header {
    /// Reads a `moov` box.
    ///
    /// # Errors
    /// [`IngestError`].
    pub fn parse(moov: &[u8]) -> Result<Self, IngestError> {
        let init = InitSegment::parse(moov)?;
        if !init.fragmented || init.tracks.len() > MAX_TRACKS {
            return Err(IngestError::NotMp4);
        }
        let media = init.tracks.iter().filter(|track| matches!(&track.handler.0, b"vide" | b"soun"));
        let sources =
            media.map(|track| Source::read(moov, track, init.timescale)).collect::<Result<Vec<_>, _>>()?;
        if sources.is_empty() {
            return Err(SourceError::Nothing.into());
        }
        Ok(Self { init, sources })
    }
}

/// A sample with its bytes, on the encoder's timeline in the track's ticks, edit lists applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputSample {
    /// The coded picture or frame of sound.
    pub data: Bytes,
    /// When it is decoded.
    pub decode_time: i64,
    /// When it is presented.
    pub time: i64,
    /// How long it lasts in decoding order.
    pub duration: u32,
    /// Whether decoding can begin with it.
    pub sync: bool,
}

/// What came.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The stream's header, at its beginning or again.
    Header(Arc<Header>),
    /// Samples of a track, in decoding order.
    Samples {
        /// The track's id in the header.
        track: u32,
        /// At least one.
        samples: Vec<InputSample>,
    },
    /// A fragment that cannot be read; the stream goes on behind it.
    Damaged(isobmff::Error),
}

/// Reads the body of one request.
#[derive(Debug, Default)]
pub struct Ingest {
    boxes: BoxReader,
    header: Option<Arc<Header>>,
    moof: Option<TopBox>,
    /// Where the next fragment of each track begins, if it does not say.
    ends: Vec<(u32, u64)>,
}

impl Ingest {
    /// For a request that brings its own header, or whose header came with another one.
    pub fn new(header: Option<Arc<Header>>) -> Self {
        Self { header, ..Self::default() }
    }

    /// Takes the next piece and gives what is whole by then. Keeps no more than one fragment.
    ///
    /// # Errors
    /// [`IngestError`]: nothing more can be taken of this request.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<Input>, IngestError> {
        self.boxes.push(piece);
        let mut inputs = Vec::new();
        while let Some(found) = self.boxes.next()? {
            match &found.kind.0 {
                b"moov" => {
                    let header = Arc::new(Header::parse(&found.bytes)?);
                    self.header = Some(Arc::clone(&header));
                    (self.moof, self.ends) = (None, Vec::new());
                    inputs.push(Input::Header(header));
                }
                b"moof" => self.moof = Some(found),
                // `mdat`; what stands without `moof` belongs to nothing.
                _ => {
                    if let Some(moof) = self.moof.take() {
                        self.fragment(moof, &found, &mut inputs)?;
                    }
                }
            }
        }
        Ok(inputs)
    }

    /// Whether the request may end here; otherwise something was cut off.
    pub fn is_complete(&self) -> bool {
        self.boxes.is_between_boxes() && self.moof.is_none()
    }

    fn fragment(&mut self, moof: TopBox, mdat: &TopBox, inputs: &mut Vec<Input>) -> Result<(), IngestError> {
        let header = self.header.clone().ok_or(IngestError::NoHeader)?;
        match samples(&header, &moof, mdat, &mut self.ends) {
            Ok(found) => inputs.extend(
                found
                    .into_iter()
                    .filter(|(_, samples)| !samples.is_empty())
                    .map(|(track, samples)| Input::Samples { track, samples }),
            ),
            Err(error) => inputs.push(Input::Damaged(error)),
        }
        Ok(())
    }
}

/// Latest time of a sample in seconds: some thousand years, so that sums of times stay numbers.
const LATEST: u64 = 1 << 36;

const LATE: isobmff::Error =
    isobmff::Error::Invalid { kind: isobmff::FourCc(*b"tfdt"), what: "no sample is so late" };

const OUTSIDE: isobmff::Error = isobmff::Error::Invalid {
    kind: isobmff::FourCc(*b"trun"),
    what: "samples lie outside of the `mdat` behind it",
};

/// Samples of all tracks in a fragment: 22 minutes of AAC, 4 minutes of pictures at 240 a second.
const MAX_SAMPLES: usize = 1 << 16;
const TOO_MANY: isobmff::Error = isobmff::Error::Invalid {
    kind: isobmff::FourCc(*b"moof"),
    what: "more samples than a fragment may have",
};

/// The samples of a fragment by track.
fn samples(
    header: &Header,
    moof: &TopBox,
    mdat: &TopBox,
    ends: &mut Vec<(u32, u64)>,
) -> Result<Vec<(u32, Vec<InputSample>)>, isobmff::Error> {
    let fragment = Fragment::parse(&moof.bytes, moof.position, &header.init)?;
    let media = Bytes::copy_from_slice(&mdat.bytes);
    // Sample offsets count from `moof`; other boxes may stand in between.
    let media_at = mdat.position - moof.position;
    let (mut all, mut total) = (Vec::new(), 0);
    for part in fragment.tracks() {
        let id = part.track.id;
        let Some(source) = header.sources.iter().find(|source| source.track_id == id) else { continue };
        let known = ends.iter().position(|(track, _)| *track == id);
        // Without `tfdt`, times count from 0.
        let base = match (part.base_decode_time, known) {
            (None, Some(at)) => ends[at].1,
            _ => 0,
        };
        let mut samples = Vec::new();
        let mut end = base;
        for sample in part.samples() {
            let sample = sample?;
            total += 1;
            if total > MAX_SAMPLES {
                return Err(TOO_MANY);
            }
            if sample.crypto.is_some() {
                return Err(isobmff::Error::Invalid {
                    kind: isobmff::FourCc(*b"senc"),
                    what: "it is encrypted",
                });
            }
            let first = sample.offset.checked_sub(media_at).ok_or(OUTSIDE)?;
            let first = usize::try_from(first).map_err(|_| OUTSIDE)?;
            let last =
                first.checked_add(sample.size as usize).filter(|end| *end <= media.len()).ok_or(OUTSIDE)?;
            let decode = sample.decode_time.saturating_add(base);
            end = decode.saturating_add(sample.duration.into());
            if decode / u64::from(source.timescale) > LATEST {
                return Err(LATE);
            }
            let decode_time = i64::try_from(decode).map_err(|_| LATE)?.saturating_add(source.edit_offset);
            samples.push(InputSample {
                data: media.slice(first..last),
                decode_time,
                time: decode_time.saturating_add(sample.composition_offset),
                duration: sample.duration,
                sync: !source.is_video() || sample.is_sync(),
            });
        }
        match known {
            Some(at) => ends[at].1 = end,
            None => ends.push((id, end)),
        }
        all.push((id, samples));
    }
    Ok(all)
}
