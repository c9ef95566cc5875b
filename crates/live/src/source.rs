//! What a header says of a track of pictures or sound.

use cmaf::timeline::rescale;
use cmaf::{AacConfig, VideoConfig, VideoStream, read_esds};
use isobmff::{BoxRef, BoxWriter, Boxes, EditListEntry, FourCc, MediaHeader, Track};

use crate::record::RecordedSource;

/// Why a track is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// There is neither.
    #[error("the stream has neither pictures nor sound")]
    Nothing,
    /// Another codec than those that players take.
    #[error("`{0}` is not taken: send H.264, HEVC, VP9 or AV1, with AAC, Opus, AC-3, E-AC-3 or FLAC")]
    Codec(FourCc),
    /// The sample entry cannot be read.
    #[error("the track's configuration cannot be read: {0}")]
    Configuration(String),
}

/// What only pictures or only sound have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Pictures.
    Video {
        /// Type and payload of the box with the decoder configuration.
        config: ([u8; 4], Vec<u8>),
        /// Size in samples.
        size: (u32, u32),
        /// Sample aspect ratio.
        sar: [u32; 2],
        /// `SDR`, `PQ` or `HLG`.
        range: &'static str,
        /// Size of the presentation, 16.16 fixed point, and matrix.
        display: (u32, u32, [u8; 36]),
    },
    /// Sound.
    Audio {
        /// Samples a second.
        sample_rate: u32,
        /// Channels.
        channels: u16,
    },
}

/// A track of an encoder's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its id in the stream.
    pub track_id: u32,
    /// Ticks a second.
    pub timescale: u32,
    /// ISO 639-2.
    pub language: [u8; 3],
    /// For `codecs=` (RFC 6381).
    pub codecs: String,
    /// The clear sample entry, a whole box.
    pub entry: Vec<u8>,
    /// What an edit list adds to all times.
    pub edit_offset: i64,
    /// Pictures or sound.
    pub kind: Kind,
}

impl Source {
    /// Reads a track of a `moov`.
    pub(crate) fn read(moov: &[u8], track: &Track, movie_timescale: u32) -> Result<Self, SourceError> {
        let bad = |what: &str| SourceError::Configuration(what.to_owned());
        let entry = track.entries.first().ok_or_else(|| bad("there is none"))?;
        let found = Boxes::new(moov.get(entry.offset..).unwrap_or_default());
        let found = found.clone().next().and_then(Result::ok).ok_or_else(|| bad("its box is cut off"))?;
        let (kind, codecs, written) = match &track.handler.0 {
            b"vide" => video(&found, (track.width, track.height, track.matrix))?,
            _ => audio(&found)?,
        };
        Ok(Self {
            track_id: track.id,
            timescale: track.timescale,
            language: track.language,
            codecs,
            entry: written,
            edit_offset: edit_offset(&track.edit_list, movie_timescale, track.timescale),
            kind,
        })
    }

    /// A track of which there is a sample entry only, a whole box.
    pub(crate) fn of_entry(
        track_id: u32,
        timescale: u32,
        entry: &[u8],
        pictures: bool,
    ) -> Result<Self, SourceError> {
        let bad = || SourceError::Configuration("its box is cut off".to_owned());
        let found = Boxes::new(entry).next().and_then(Result::ok).ok_or_else(bad)?;
        // As they are, upright.
        let (kind, codecs, written) = if pictures { video(&found, (0, 0, UPRIGHT))? } else { audio(&found)? };
        Ok(Self { track_id, timescale, language: *b"und", codecs, entry: written, edit_offset: 0, kind })
    }

    /// As it was written down.
    pub(crate) fn recorded(timescale: u32, recorded: &RecordedSource) -> Option<Self> {
        let entry = hex::decode(&recorded.entry).ok()?;
        let pictures = recorded.shown.is_some();
        let mut source = Self::of_entry(recorded.track_id, timescale, &entry, pictures).ok()?;
        source.language = recorded.language.as_bytes().try_into().ok()?;
        if let (Kind::Video { display, .. }, Some((width, height, matrix))) =
            (&mut source.kind, &recorded.shown)
        {
            display.0 = *width;
            display.1 = *height;
            hex::decode_to_slice(matrix, &mut display.2).ok()?;
        }
        (timescale > 0).then_some(source)
    }

    /// What is written down of it, with the name that its encoder gives it.
    pub(crate) fn record(&self, name: &str) -> RecordedSource {
        RecordedSource {
            name: name.to_owned(),
            track_id: self.track_id,
            language: String::from_utf8_lossy(&self.language).into_owned(),
            entry: hex::encode(&self.entry),
            shown: match &self.kind {
                Kind::Video { display: (width, height, matrix), .. } => {
                    Some((*width, *height, hex::encode(matrix)))
                }
                Kind::Audio { .. } => None,
            },
        }
    }

    /// Whether it is pictures.
    pub const fn is_video(&self) -> bool {
        matches!(self.kind, Kind::Video { .. })
    }

    /// `SDR`, `PQ` or `HLG`; `None` of sound.
    pub const fn range(&self) -> Option<&'static str> {
        match &self.kind {
            Kind::Video { range, .. } => Some(*range),
            Kind::Audio { .. } => None,
        }
    }

    /// Whether pictures may be made of fields, by what is said of all of them; which are is said of each.
    pub fn may_be_interlaced(&self) -> bool {
        let Kind::Video { config: (kind, payload), .. } = &self.kind else { return false };
        let stream = VideoConfig::of_box(*kind, payload).and_then(|config| VideoStream::new(config).ok());
        stream.is_some_and(|stream| stream.appearance().may_be_interlaced)
    }

    /// Whether samples of the other can go on where samples of this one end: all that a decoder is told is
    /// the same.
    pub fn continues(&self, other: &Self) -> bool {
        (self.timescale, &self.entry, &self.kind) == (other.timescale, &other.entry, &other.kind)
    }

    /// As the writer of fragments takes it.
    pub(crate) fn track(&self) -> cmaf::Track<'_> {
        let media = match &self.kind {
            Kind::Video { display: (width, height, matrix), .. } => {
                MediaHeader::Video { width: *width, height: *height, matrix: *matrix }
            }
            Kind::Audio { .. } => MediaHeader::Audio,
        };
        cmaf::Track {
            timescale: self.timescale,
            language: self.language,
            media,
            entry: &self.entry,
            video: match &self.kind {
                Kind::Video { config: (kind, payload), .. } => VideoConfig::of_box(*kind, payload),
                Kind::Audio { .. } => None,
            },
            priming: 0,
        }
    }
}

/// Empty edits delay, media time comes off; whatever else an edit list says does not matter to what is live.
fn edit_offset(edits: &[EditListEntry], movie_timescale: u32, timescale: u32) -> i64 {
    let mut offset = 0i64;
    for edit in edits {
        if edit.media_time >= 0 {
            return offset.saturating_sub(edit.media_time);
        }
        let duration = i64::try_from(edit.segment_duration).unwrap_or(0);
        offset = offset.saturating_add(rescale(duration, movie_timescale, timescale));
    }
    offset
}

type Read = (Kind, String, Vec<u8>);

/// The matrix that turns nothing.
const UPRIGHT: [u8; 36] = {
    let mut matrix = [0; 36];
    (matrix[1], matrix[17], matrix[32]) = (1, 1, 0x40);
    matrix
};

/// `shown`: width, height and matrix as in `tkhd`; without a size, the samples'.
fn video(entry: &BoxRef<'_>, shown: (u32, u32, [u8; 36])) -> Result<Read, SourceError> {
    let config = match &entry.kind.0 {
        b"avc1" | b"avc3" => b"avcC",
        b"hvc1" | b"hev1" => b"hvcC",
        b"vp09" => b"vpcC",
        b"av01" => b"av1C",
        _ => return Err(SourceError::Codec(entry.kind)),
    };
    let bad = |error: isobmff::Error| SourceError::Configuration(error.to_string());
    let fixed = entry.cursor().take(78).map_err(bad)?;
    let [width, height] = [24, 26].map(|at| u32::from(fixed[at]) << 8 | u32::from(fixed[at + 1]));
    let (mut sar, mut transfer, mut payload) = (None, None, None);
    let mut out = BoxWriter::new();
    let mut read = Ok(());
    out.boxed(&entry.kind.0, |out| {
        out.bytes(fixed);
        read = entry.children(78).try_for_each(|child| {
            let child = child?;
            let mut cursor = child.cursor();
            match &child.kind.0 {
                b"pasp" => sar = Some([cursor.u32()?, cursor.u32()?]),
                b"colr" if matches!(&cursor.four_cc()?.0, b"nclx" | b"nclc") => {
                    cursor.u16()?;
                    transfer = u8::try_from(cursor.u16()?).ok();
                }
                kind if *kind == *config => payload = Some(child.payload.to_vec()),
                b"colr" | b"clap" | b"mdcv" | b"clli" | b"SmDm" | b"CoLL" => {}
                // Bitrates and tool notes.
                _ => return Ok(()),
            }
            out.boxed(&child.kind.0, |out| out.bytes(child.payload));
            Ok(())
        });
    });
    read.map_err(bad)?;
    let payload =
        payload.ok_or_else(|| SourceError::Configuration(format!("no `{}`", config.escape_ascii())))?;
    let parsed = VideoConfig::of_box(*config, &payload).ok_or(SourceError::Codec(entry.kind))?;
    let appearance = VideoStream::new(parsed).map_err(SourceError::Configuration)?.appearance();
    let codecs = parsed.codec_string(entry.kind.0).map_err(SourceError::Configuration)?;
    if width == 0 || height == 0 {
        return Err(SourceError::Configuration("the picture has no size".to_owned()));
    }
    let kind = Kind::Video {
        size: (width, height),
        sar: sar.or(appearance.sar).filter(|sar| sar[0] > 0 && sar[1] > 0).unwrap_or([1, 1]),
        // Transfer characteristics of ITU-T H.273; 2: not known.
        range: match appearance.transfer.filter(|known| *known != 2).or(transfer) {
            Some(16) => "PQ",
            Some(18) => "HLG",
            _ => "SDR",
        },
        display: match shown {
            (0, _, matrix) | (_, 0, matrix) => (width << 16, height << 16, matrix),
            shown => shown,
        },
        config: (*config, payload),
    };
    Ok((kind, codecs, out.into_bytes()))
}

fn audio(entry: &BoxRef<'_>) -> Result<Read, SourceError> {
    let (config, codecs) = match &entry.kind.0 {
        b"mp4a" => (b"esds", "mp4a.40.2"),
        b"Opus" => (b"dOps", "opus"),
        b"ac-3" => (b"dac3", "ac-3"),
        b"ec-3" => (b"dec3", "ec-3"),
        b"fLaC" => (b"dfLa", "flac"),
        _ => return Err(SourceError::Codec(entry.kind)),
    };
    let bad = |error: isobmff::Error| SourceError::Configuration(error.to_string());
    let fixed = entry.cursor().take(28).map_err(bad)?;
    let number = |at: usize| u16::from_be_bytes([fixed[at], fixed[at + 1]]);
    let payload = entry.children(28).first(config).map_err(bad)?;
    let payload =
        payload.ok_or_else(|| SourceError::Configuration(format!("no `{}`", config.escape_ascii())))?;
    let mut codecs = codecs.to_owned();
    if config == b"esds" {
        // 0x40 is AAC; so is MPEG-2's, whose streams are the same.
        let Ok((0x40 | 0x66..=0x68, Some(config))) = read_esds(payload.payload) else {
            return Err(SourceError::Codec(entry.kind));
        };
        let config = AacConfig::read(config).map_err(|what| SourceError::Configuration(what.to_owned()))?;
        codecs = format!("mp4a.40.{}", config.object_type);
    }
    let (channels, sample_rate) = (number(16), u32::from(number(24)));
    if channels == 0 || sample_rate == 0 {
        return Err(SourceError::Configuration("the sound has no channels, or no rate".to_owned()));
    }
    let mut out = BoxWriter::new();
    out.boxed(&entry.kind.0, |out| {
        out.bytes(fixed);
        out.boxed(config, |out| out.bytes(payload.payload));
    });
    Ok((Kind::Audio { sample_rate, channels }, codecs, out.into_bytes()))
}
