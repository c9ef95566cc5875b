//! What stands in media messages ("Video File Format Specification" 10.1, annex E; "Enhanced RTMP" v2,
//! "Enhanced Audio" and "Enhanced Video").

use bytes::Bytes;

/// Tracks in one message.
const MAX_TRACKS: usize = 16;

/// Codecs that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// H.264: configuration `avcC`, samples of NAL units behind their lengths.
    Avc,
    /// HEVC: `hvcC`, the same.
    Hevc,
    /// AV1: `av1C`, temporal units.
    Av1,
    /// AAC: `AudioSpecificConfig`, raw frames.
    Aac,
    /// Opus: the identification header of Ogg (RFC 7845, section 5.1), packets.
    Opus,
}

/// What a message says of a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The decoder's configuration.
    Config(Bytes),
    /// A picture or a frame of sound.
    Frame {
        /// As the codec has it.
        data: Bytes,
        /// Whether decoding can begin with it.
        sync: bool,
        /// Milliseconds from decoding to presentation.
        composition: i32,
    },
}

/// A track's part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// The track's number; 0 where there is one only.
    pub track: u8,
    /// Its codec.
    pub codec: Codec,
    /// What is said.
    pub body: Body,
}

/// Why a message cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlvError {
    /// It ends too early.
    #[error("a media message is cut off")]
    CutOff,
    /// It cannot be so.
    #[error("a media message contradicts itself")]
    Invalid,
    /// Another codec than those that players take.
    #[error("{0} is not taken: send H.264, HEVC or AV1, with AAC or Opus")]
    Codec(String),
}

/// Types of packets of pictures.
mod video_type {
    pub(super) const START: u8 = 0;
    pub(super) const FRAMES: u8 = 1;
    pub(super) const FRAMES_NOW: u8 = 3;
    pub(super) const METADATA: u8 = 4;
    pub(super) const TRACKS: u8 = 6;
    pub(super) const EXTENSION: u8 = 7;
}

/// Types of packets of sound.
mod audio_type {
    pub(super) const START: u8 = 0;
    pub(super) const FRAMES: u8 = 1;
    pub(super) const TRACKS: u8 = 5;
    pub(super) const EXTENSION: u8 = 7;
}

/// Reads the payload of a message with pictures.
///
/// # Errors
/// [`FlvError`].
pub fn video(payload: &Bytes) -> Result<Vec<Packet>, FlvError> {
    let mut reader = Reader(payload.clone());
    // A message without anything in it means nothing.
    if payload.is_empty() {
        return Ok(Vec::new());
    }
    let first = reader.byte()?;
    let (frame_type, low) = (first >> 4 & 7, first & 15);
    if first & 0x80 != 0 {
        return enhanced_video(reader, frame_type, low);
    }
    let codec = match low {
        7 => Codec::Avc,
        // Not in the specification, and sent by many.
        12 => Codec::Hevc,
        // A command to the player, without a picture.
        _ if frame_type == 5 => return Ok(Vec::new()),
        2 => return Err(FlvError::Codec("Sorenson H.263".to_owned())),
        4 | 5 => return Err(FlvError::Codec("VP6".to_owned())),
        other => return Err(FlvError::Codec(format!("video codec {other}"))),
    };
    if frame_type == 5 {
        return Ok(Vec::new());
    }
    let (kind, composition) = (reader.byte()?, reader.signed()?);
    let body = match kind {
        0 => Body::Config(reader.0),
        1 => frame(reader.0, frame_type, composition),
        // The end of a sequence.
        _ => return Ok(Vec::new()),
    };
    Ok(vec![Packet { track: 0, codec, body }])
}

fn frame(data: Bytes, frame_type: u8, composition: i32) -> Body {
    // 4: a key frame that a server made.
    Body::Frame { data, sync: matches!(frame_type, 1 | 4), composition }
}

fn enhanced_video(mut reader: Reader, frame_type: u8, kind: u8) -> Result<Vec<Packet>, FlvError> {
    let kind = reader.extensions(kind, video_type::EXTENSION)?;
    if kind != video_type::METADATA && frame_type == 5 {
        return Ok(Vec::new());
    }
    reader.tracks(kind, video_type::TRACKS, |kind, code, mut reader| {
        let codec = match code {
            b"avc1" => Codec::Avc,
            b"hvc1" => Codec::Hevc,
            b"av01" => Codec::Av1,
            other => return Err(FlvError::Codec(format!("`{}`", other.escape_ascii()))),
        };
        Ok(match kind {
            video_type::START => Some((codec, Body::Config(reader.0))),
            video_type::FRAMES => {
                let composition = if codec == Codec::Av1 { 0 } else { reader.signed()? };
                Some((codec, frame(reader.0, frame_type, composition)))
            }
            video_type::FRAMES_NOW => Some((codec, frame(reader.0, frame_type, 0))),
            _ => None,
        })
    })
}

/// Reads the payload of a message with sound.
///
/// # Errors
/// [`FlvError`].
pub fn audio(payload: &Bytes) -> Result<Vec<Packet>, FlvError> {
    let mut reader = Reader(payload.clone());
    if payload.is_empty() {
        return Ok(Vec::new());
    }
    let first = reader.byte()?;
    match first >> 4 {
        10 => {}
        9 => return enhanced_audio(reader, first & 15),
        2 | 14 => return Err(FlvError::Codec("MP3".to_owned())),
        11 => return Err(FlvError::Codec("Speex".to_owned())),
        other => return Err(FlvError::Codec(format!("audio codec {other}"))),
    }
    let body = match reader.byte()? {
        0 => Body::Config(reader.0),
        _ => Body::Frame { data: reader.0, sync: true, composition: 0 },
    };
    Ok(vec![Packet { track: 0, codec: Codec::Aac, body }])
}

fn enhanced_audio(mut reader: Reader, kind: u8) -> Result<Vec<Packet>, FlvError> {
    let kind = reader.extensions(kind, audio_type::EXTENSION)?;
    reader.tracks(kind, audio_type::TRACKS, |kind, code, reader| {
        let codec = match code {
            b"mp4a" => Codec::Aac,
            b"Opus" => Codec::Opus,
            other => return Err(FlvError::Codec(format!("`{}`", other.escape_ascii()))),
        };
        Ok(match kind {
            audio_type::START => Some((codec, Body::Config(reader.0))),
            audio_type::FRAMES => Some((codec, Body::Frame { data: reader.0, sync: true, composition: 0 })),
            _ => None,
        })
    })
}

/// Octets still to be read.
struct Reader(Bytes);

impl Reader {
    fn take(&mut self, count: usize) -> Result<Bytes, FlvError> {
        if self.0.len() < count {
            return Err(FlvError::CutOff);
        }
        Ok(self.0.split_to(count))
    }

    fn byte(&mut self) -> Result<u8, FlvError> {
        self.take(1).map(|byte| byte[0])
    }

    fn three(&mut self) -> Result<u32, FlvError> {
        self.take(3).map(|octets| u32::from_be_bytes([0, octets[0], octets[1], octets[2]]))
    }

    fn signed(&mut self) -> Result<i32, FlvError> {
        // The sign is in the highest of 24 bits.
        Ok((self.three()? << 8).cast_signed() >> 8)
    }

    fn code(&mut self) -> Result<[u8; 4], FlvError> {
        let octets = self.take(4)?;
        octets[..].try_into().map_err(|_| FlvError::CutOff)
    }

    /// Passes over extensions (times in nanoseconds); the type behind them.
    fn extensions(&mut self, mut kind: u8, extension: u8) -> Result<u8, FlvError> {
        while kind == extension {
            let mut len = usize::from(self.byte()?) + 1;
            if len == 256 {
                len = (usize::from(self.byte()?) << 8 | usize::from(self.byte()?)) + 1;
            }
            self.take(len)?;
            kind = self.byte()? & 15;
        }
        Ok(kind)
    }

    /// Takes a message with one track, or several, apart.
    fn tracks(
        mut self,
        kind: u8,
        several: u8,
        read: impl Fn(u8, &[u8; 4], Self) -> Result<Option<(Codec, Body)>, FlvError>,
    ) -> Result<Vec<Packet>, FlvError> {
        let packet =
            |track, found: Option<(Codec, Body)>| found.map(|(codec, body)| Packet { track, codec, body });
        if kind != several {
            let code = self.code()?;
            return Ok(packet(0, read(kind, &code, self)?).into_iter().collect());
        }
        let form = self.byte()?;
        let (form, kind) = (form >> 4, form & 15);
        if kind == several || form > 2 {
            return Err(FlvError::Invalid);
        }
        let common = if form == 2 { None } else { Some(self.code()?) };
        let mut packets = Vec::new();
        while !self.0.is_empty() {
            if packets.len() >= MAX_TRACKS {
                return Err(FlvError::Invalid);
            }
            let code = match common {
                Some(code) => code,
                None => self.code()?,
            };
            let track = self.byte()?;
            let body = if form == 0 {
                std::mem::take(&mut self.0)
            } else {
                let len = self.three()?;
                self.take(len as usize)?
            };
            packets.extend(packet(track, read(kind, &code, Self(body))?));
        }
        Ok(packets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(parts: &[&[u8]]) -> Bytes {
        parts.concat().into()
    }

    fn frame_of(data: &'static [u8], sync: bool, composition: i32) -> Body {
        Body::Frame { data: Bytes::from_static(data), sync, composition }
    }

    #[test]
    fn plain_headers() {
        let one = |codec, body| Ok(vec![Packet { track: 0, codec, body }]);
        assert_eq!(
            video(&bytes(&[&[0x17, 0, 0, 0, 0], b"C"])),
            one(Codec::Avc, Body::Config(Bytes::from_static(b"C")))
        );
        assert_eq!(video(&bytes(&[&[0x17, 1, 0, 0, 80], b"I"])), one(Codec::Avc, frame_of(b"I", true, 80)));
        assert_eq!(
            video(&bytes(&[&[0x27, 1, 0xff, 0xff, 0xfe], b"P"])),
            one(Codec::Avc, frame_of(b"P", false, -2))
        );
        assert_eq!(video(&bytes(&[&[0x1c, 1, 0, 0, 0], b"I"])), one(Codec::Hevc, frame_of(b"I", true, 0)));
        assert_eq!(video(&bytes(&[&[0x17, 2, 0, 0, 0]])), Ok(Vec::new()));
        assert_eq!(video(&bytes(&[&[0x57, 0]])), Ok(Vec::new()));
        assert_eq!(
            audio(&bytes(&[&[0xaf, 0], b"C"])),
            one(Codec::Aac, Body::Config(Bytes::from_static(b"C")))
        );
        assert_eq!(audio(&bytes(&[&[0xaf, 1], b"S"])), one(Codec::Aac, frame_of(b"S", true, 0)));
        assert_eq!((video(&Bytes::new()), audio(&Bytes::new())), (Ok(Vec::new()), Ok(Vec::new())));
        assert_eq!(video(&bytes(&[&[0x17, 1, 0]])), Err(FlvError::CutOff));
        let refused = |read: Result<_, FlvError>| read.map(|_: Vec<Packet>| ()).unwrap_err().to_string();
        assert!(refused(audio(&bytes(&[&[0x2f, 1]]))).contains("MP3 is not taken"));
        assert!(refused(video(&bytes(&[&[0x12, 1]]))).contains("H.263 is not taken"));
    }

    #[test]
    fn enhanced_headers() {
        let one = |codec, body| Ok(vec![Packet { track: 0, codec, body }]);
        let config = Body::Config(Bytes::from_static(b"C"));
        assert_eq!(video(&bytes(&[&[0x90], b"hvc1C"])), one(Codec::Hevc, config.clone()));
        assert_eq!(
            video(&bytes(&[&[0x91], b"hvc1", &[0, 0, 80], b"I"])),
            one(Codec::Hevc, frame_of(b"I", true, 80))
        );
        assert_eq!(video(&bytes(&[&[0xa3], b"hvc1P"])), one(Codec::Hevc, frame_of(b"P", false, 0)));
        assert_eq!(video(&bytes(&[&[0x91], b"av01T"])), one(Codec::Av1, frame_of(b"T", true, 0)));
        assert_eq!(video(&bytes(&[&[0x94], b"hvc1xxxx"])), Ok(Vec::new()));
        assert_eq!(audio(&bytes(&[&[0x90], b"OpusC"])), one(Codec::Opus, config));
        assert_eq!(audio(&bytes(&[&[0x91], b"mp4aS"])), one(Codec::Aac, frame_of(b"S", true, 0)));
        // Nanoseconds in front, in both forms of their length.
        let extended = bytes(&[&[0x97, 2, 1, 2, 3, 0x01], b"avc1", &[0, 0, 0], b"I"]);
        assert_eq!(video(&extended), one(Codec::Avc, frame_of(b"I", true, 0)));
        let long = bytes(&[&[0x97, 0xff, 1, 0], &[0; 257], &[0x03], b"avc1I"]);
        assert_eq!(video(&long), one(Codec::Avc, frame_of(b"I", true, 0)));
        let error = video(&bytes(&[&[0x90], b"vp08C"])).unwrap_err();
        assert!(error.to_string().starts_with("`vp08` is not taken"), "{error}");
    }

    #[test]
    fn several_tracks() {
        let packet = |track, codec, data| Packet { track, codec, body: frame_of(data, true, 0) };
        let own = bytes(&[&[0x96, 0x03], b"avc1", &[2], b"I"]);
        assert_eq!(video(&own), Ok(vec![packet(2, Codec::Avc, b"I")]));
        let same = bytes(&[&[0x96, 0x13], b"avc1", &[0, 0, 0, 1], b"a", &[1, 0, 0, 2], b"bc"]);
        assert_eq!(video(&same), Ok(vec![packet(0, Codec::Avc, b"a"), packet(1, Codec::Avc, b"bc")]));
        let other = bytes(&[&[0x95, 0x21], b"mp4a", &[0, 0, 0, 1], b"a", b"Opus", &[1, 0, 0, 1], b"b"]);
        assert_eq!(audio(&other), Ok(vec![packet(0, Codec::Aac, b"a"), packet(1, Codec::Opus, b"b")]));
        assert_eq!(video(&bytes(&[&[0x96, 0x06], b"avc1"])), Err(FlvError::Invalid));
        assert_eq!(video(&bytes(&[&[0x96, 0x13], b"avc1", &[0, 0xff, 0, 1], b"a"])), Err(FlvError::CutOff));
        let many = bytes(&[&[0x96, 0x13], b"avc1", &[0; 4 * 17]]);
        assert_eq!(video(&many), Err(FlvError::Invalid));
    }

    proptest! {
        #[test]
        fn arbitrary_octets_never_panic(mut data: Vec<u8>, first: u8) {
            data.insert(0, first);
            let data = Bytes::from(data);
            let _ = (video(&data), audio(&data));
        }
    }
}
