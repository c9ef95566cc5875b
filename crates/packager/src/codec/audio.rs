use std::path::Path;

use cmaf::{AacConfig, read_esds};
use isobmff::{FourCc, SampleEntry, write_audio_entry};

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
    /// Of a sample, as the sample entry has it.
    pub(crate) bits: u16,
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
            .and_then(|config| AacConfig::read(config).ok())
            .filter(|config| config.sample_rate > 0)
            .ok_or_else(|| Error::unsupported(path, "a malformed AAC configuration"))?;
        let channels = config.channels.unwrap_or(channels);
        let sound = Sound { sample_rate: config.sample_rate, channels, bits: 16 };
        Ok(Self {
            codecs: format!("mp4a.40.{}", config.object_type),
            entry: write_entry(b"mp4a", sound, b"esds", esds),
            sample_rate: sound.sample_rate,
            channels: sound.channels,
            bits: sound.bits,
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
            bits: sound.bits,
        })
    }
}

fn write_entry(code: &[u8; 4], sound: Sound, config: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    write_audio_entry(code, sound.channels, sound.sample_rate, sound.bits, |out| {
        out.boxed(config, |out| out.bytes(payload));
    })
}

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
