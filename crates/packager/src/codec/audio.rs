use std::path::Path;

use cmaf::Bits;
use isobmff::{BoxWriter, Cursor, FourCc, SampleEntry};

use super::dolby::{ac3_sound, eac3_sound};
use super::sound::{Sound, flac_sound, opus_sound};
use super::{codec_name, entry_box};
use crate::Error;

/// What is said to be supported where something is not.
const SUPPORTED: &str = "AAC, Opus, AC-3, E-AC-3 or FLAC";

/// What is known about an audio track beyond its samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AudioCodec {
    pub(crate) codecs: String,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u16,
    /// The clear sample entry, a whole box.
    pub(crate) entry: Vec<u8>,
}

impl AudioCodec {
    /// Reads an audio sample entry.
    ///
    /// # Errors
    /// [`Error::Codec`] for a codec that is not supported, [`Error::Boxes`] and [`Error::Unsupported`] if it
    /// is malformed.
    pub(crate) fn read(path: &Path, moov: &[u8], entry: &SampleEntry) -> Result<Self, Error> {
        let config = match &entry.kind.0 {
            b"mp4a" => b"esds",
            b"Opus" => b"dOps",
            b"ac-3" => b"dac3",
            b"ec-3" => b"dec3",
            b"fLaC" => b"dfLa",
            b"enca" => return Err(Error::Encrypted { path: path.into() }),
            _ => return Err(Self::unsupported(path, codec_name(entry.kind))),
        };
        let (payload, channels) = read_entry(moov, entry, config).map_err(Error::boxes(path))?;
        match config {
            b"esds" => Self::aac(path, payload, channels),
            _ => Self::with_config(path, *config, payload),
        }
    }

    /// The error for another codec.
    pub(crate) fn unsupported(path: &Path, codec: String) -> Error {
        Error::Codec { path: path.into(), media: "audio", codec, supported: SUPPORTED }
    }

    /// AAC, by the payload of its `esds`. `channels` counts where the configuration leaves it open.
    pub(crate) fn aac(path: &Path, esds: &[u8], channels: u16) -> Result<Self, Error> {
        let (object_type, config) = read_esds(esds).map_err(Error::boxes(path))?;
        let other = match object_type {
            // Also MPEG-2 AAC, whose streams are the same.
            0x40 | 0x66..=0x68 => None,
            0x69 | 0x6b => Some("MP3".to_owned()),
            0xa5 => Some("AC-3".to_owned()),
            0xa6 => Some("E-AC-3".to_owned()),
            0xa9..=0xac => Some("DTS".to_owned()),
            0xdd => Some("Vorbis".to_owned()),
            other => Some(format!("object type {other:#04x}")),
        };
        if let Some(other) = other {
            return Err(Self::unsupported(path, format!("mp4a ({other})")));
        }
        let config = config
            .and_then(AudioConfig::read)
            .ok_or_else(|| Error::unsupported(path, "a malformed AAC configuration"))?;
        let channels = match config.channels {
            0 => channels,
            7 => 8,
            count => count.into(),
        };
        let sound = Sound { sample_rate: config.sample_rate, channels };
        Ok(Self {
            codecs: format!("mp4a.40.{}", config.object_type),
            entry: write_entry(b"mp4a", sound, b"esds", esds),
            sample_rate: config.sample_rate,
            channels,
        })
    }

    /// Any other codec, by its configuration's box.
    pub(crate) fn with_config(path: &Path, kind: [u8; 4], payload: &[u8]) -> Result<Self, Error> {
        // RFC 6381 names the sample entry; of Opus and FLAC browsers take it in small letters only.
        let (code, codecs, sound) = match &kind {
            b"dOps" => (b"Opus", "opus", opus_sound(payload)),
            b"dac3" => (b"ac-3", "ac-3", ac3_sound(payload)),
            b"dec3" => (b"ec-3", "ec-3", eac3_sound(payload)),
            _ => (b"fLaC", "flac", flac_sound(payload)),
        };
        let sound = sound
            .filter(|sound| sound.sample_rate > 0 && sound.channels > 0)
            .ok_or_else(|| Error::unsupported(path, format!("a malformed `{}`", FourCc(kind))))?;
        Ok(Self {
            codecs: codecs.to_owned(),
            entry: write_entry(code, sound, &kind, payload),
            sample_rate: sound.sample_rate,
            channels: sound.channels,
        })
    }
}

/// An audio sample entry of version 0.
fn write_entry(code: &[u8; 4], sound: Sound, config: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut out = BoxWriter::new();
    out.boxed(code, |out| {
        out.zeros(6);
        out.u16(1); // data reference
        out.zeros(8);
        out.u16(sound.channels);
        out.u16(16);
        out.zeros(4);
        // 16.16 fixed point, where higher rates than 65,535 are written as 0.
        out.u32(u16::try_from(sound.sample_rate).map_or(0, |rate| u32::from(rate) << 16));
        out.boxed(config, |out| out.bytes(payload));
    });
    out.into_bytes()
}

/// Sampling frequencies by index (ISO/IEC 14496-3 table 1.18).
const FREQUENCIES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// The payload of the configuration's box and the channel count of an audio entry, of MP4 or QuickTime.
fn read_entry<'a>(
    moov: &'a [u8],
    entry: &SampleEntry,
    config: &[u8; 4],
) -> Result<(&'a [u8], u16), isobmff::Error> {
    let found = entry_box(moov, entry)?;
    let mut cursor = found.cursor();
    cursor.take(8)?;
    let version = cursor.u16()?;
    cursor.take(6)?;
    let channels = cursor.u16()?;
    let children = || {
        found.children(match version {
            1 => 44,
            2 => 64,
            _ => 28,
        })
    };
    let missing = isobmff::Error::Missing { kind: FourCc(*config), parent: entry.kind };
    let found = match children().first(config)? {
        Some(found) => found,
        None => children().first(b"wave")?.ok_or(missing.clone())?.child(config)?.ok_or(missing)?,
    };
    Ok((found.payload, channels))
}

/// Object type indication and decoder specific info of an `esds` payload (ISO/IEC 14496-1 §7.2.6).
fn read_esds(esds: &[u8]) -> Result<(u8, Option<&[u8]>), isobmff::Error> {
    let mut cursor = Cursor::new(FourCc(*b"esds"), esds);
    cursor.version_and_flags()?;
    let mut es = descriptor(&mut cursor, 3)?;
    es.u16()?;
    let flags = es.u8()?;
    if flags & 0x80 != 0 {
        es.u16()?;
    }
    if flags & 0x40 != 0 {
        let len = es.u8()?;
        es.take(len.into())?;
    }
    if flags & 0x20 != 0 {
        es.u16()?;
    }
    let mut decoder = descriptor(&mut es, 4)?;
    let object_type = decoder.u8()?;
    decoder.take(12)?;
    Ok((object_type, descriptor(&mut decoder, 5).ok().map(|info| info.rest())))
}

/// The next descriptor, which must have a given tag.
fn descriptor<'a>(cursor: &mut Cursor<'a>, tag: u8) -> Result<Cursor<'a>, isobmff::Error> {
    let kind = FourCc(*b"esds");
    if cursor.u8()? != tag {
        return Err(isobmff::Error::Invalid { kind, what: "an unexpected descriptor" });
    }
    let mut len = 0;
    for _ in 0..4 {
        let byte = cursor.u8()?;
        len = len << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Ok(Cursor::new(kind, cursor.take(len)?))
}

/// The start of an `AudioSpecificConfig` (ISO/IEC 14496-3 §1.6.2.1).
#[derive(Debug, PartialEq, Eq)]
struct AudioConfig {
    object_type: u8,
    sample_rate: u32,
    channels: u8,
}

impl AudioConfig {
    fn read(config: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(config);
        let mut object_type = bits.u(5).ok()?;
        if object_type == 31 {
            object_type = 32 + bits.u(6).ok()?;
        }
        let frequency = |bits: &mut Bits<'_>| match bits.u(4).ok()? {
            15 => bits.u(24).ok(),
            index => FREQUENCIES.get(index as usize).copied(),
        };
        let mut sample_rate = frequency(&mut bits)?;
        let channels = bits.u(4).ok()? as u8;
        if matches!(object_type, 5 | 29) {
            sample_rate = frequency(&mut bits)?;
        }
        (sample_rate > 0).then_some(Self { object_type: object_type as u8, sample_rate, channels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_configurations() {
        let config =
            |object_type, sample_rate, channels| Some(AudioConfig { object_type, sample_rate, channels });
        assert_eq!(AudioConfig::read(&[0x11, 0x90]), config(2, 48_000, 2));
        assert_eq!(AudioConfig::read(&[0x12, 0x10, 0x56, 0xe5, 0x00]), config(2, 44_100, 2));
        // HE-AAC, signalled: 24 kHz core, 48 kHz out.
        assert_eq!(AudioConfig::read(&[0x2b, 0x11, 0x88, 0x00]), config(5, 48_000, 2));
        assert_eq!(AudioConfig::read(&[0x17, 0x80, 0x5d, 0xc0, 0x10]), config(2, 48_000, 2));
        assert_eq!(AudioConfig::read(&[0x11]), None);
        assert_eq!(AudioConfig::read(&[]), None);
    }
}
