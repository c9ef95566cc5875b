//! Sample entries of the sources: codec, properties, and the clear entry that is written.

use std::path::Path;

use cmaf::AvcStream;
use isobmff::{BoxRef, BoxWriter, Boxes, Cursor, FourCc, SampleEntry};

use crate::Error;

/// What is known about a video track beyond its samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VideoCodec {
    pub(crate) codecs: String,
    /// `avcC`'s payload.
    pub(crate) avcc: Vec<u8>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) sar: [u32; 2],
    pub(crate) video_range: &'static str,
    /// The clear sample entry, a whole box.
    pub(crate) entry: Vec<u8>,
}

/// What is known about an audio track beyond its samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AudioCodec {
    pub(crate) codecs: String,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u16,
    /// The clear sample entry, a whole box.
    pub(crate) entry: Vec<u8>,
}

fn entry_box<'a>(moov: &'a [u8], entry: &SampleEntry) -> Result<BoxRef<'a>, isobmff::Error> {
    let missing = isobmff::Error::Missing { kind: entry.kind, parent: FourCc(*b"stsd") };
    Boxes::new(moov.get(entry.offset..).unwrap_or_default()).next().transpose()?.ok_or(missing)
}

/// What a code in `stsd` stands for, for people.
fn codec_name(code: FourCc) -> String {
    let name = match &code.0 {
        b"hvc1" | b"hev1" => "HEVC",
        b"av01" => "AV1",
        b"vp08" | b"vp09" => "VP8/VP9",
        b"mp4v" => "MPEG-4 Visual",
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" => "ProRes",
        b"ac-3" | b"ec-3" | b"ac-4" => "Dolby",
        b"Opus" => "Opus",
        b"fLaC" => "FLAC",
        b".mp3" => "MP3",
        b"alac" => "ALAC",
        b"sowt" | b"twos" | b"lpcm" | b"ipcm" | b"fpcm" => "PCM",
        _ => return code.to_string(),
    };
    format!("{code} ({name})")
}

impl VideoCodec {
    /// Reads a video sample entry.
    ///
    /// # Errors
    /// [`Error::Codec`] for anything but H.264, [`Error::Boxes`] and [`Error::Unsupported`] if it is
    /// malformed.
    pub(crate) fn read(path: &Path, moov: &[u8], entry: &SampleEntry) -> Result<Self, Error> {
        let codec = match &entry.kind.0 {
            b"avc1" | b"avc3" => entry.kind,
            b"encv" => return Err(Error::Encrypted { path: path.into() }),
            _ => {
                let (media, supported) = ("video", "H.264");
                return Err(Error::Codec {
                    path: path.into(),
                    media,
                    codec: codec_name(entry.kind),
                    supported,
                });
            }
        };
        let parsed = (|| {
            let found = entry_box(moov, entry)?;
            let mut cursor = found.cursor();
            let fixed = cursor.take(78)?;
            let [width, height] = [24, 26].map(|at| u32::from(fixed[at]) << 8 | u32::from(fixed[at + 1]));
            let avcc = found
                .children(78)
                .first(b"avcC")?
                .ok_or(isobmff::Error::Missing { kind: FourCc(*b"avcC"), parent: codec })?;
            let mut pasp = None;
            let mut out = BoxWriter::new();
            let mut kept = Ok(());
            out.boxed(&codec.0, |out| {
                out.bytes(fixed);
                kept = found.children(78).try_for_each(|child| {
                    let child = child?;
                    // What describes the pictures stays; bitrates and tool notes go.
                    if matches!(&child.kind.0, b"avcC" | b"pasp" | b"colr" | b"clap") {
                        out.boxed(&child.kind.0, |out| out.bytes(child.payload));
                    }
                    if child.kind == b"pasp" {
                        let mut cursor = child.cursor();
                        pasp = Some([cursor.u32()?, cursor.u32()?]);
                    }
                    Ok(())
                });
            });
            kept?;
            Ok((width, height, avcc.payload.to_vec(), pasp, out.into_bytes()))
        })();
        let (width, height, avcc, pasp, entry) = parsed.map_err(Error::boxes(path))?;
        let stream = AvcStream::new(&avcc).map_err(|what| Error::unsupported(path, what))?;
        if width == 0 || height == 0 {
            return Err(Error::unsupported(path, "the video has no width or height"));
        }
        let vui = stream.sps().and_then(|sps| sps.vui_parameters.as_ref());
        let in_stream = vui.and_then(|vui| vui.aspect_ratio_info.as_ref()).and_then(|info| info.get());
        let sar =
            pasp.or(in_stream.map(|(w, h)| [w.into(), h.into()])).filter(|sar| sar[0] > 0 && sar[1] > 0);
        let transfer = vui
            .and_then(|vui| vui.video_signal_type.as_ref()?.colour_description.as_ref())
            .map_or(1, |colour| colour.transfer_characteristics);
        Ok(Self {
            codecs: match avcc.get(1..4) {
                Some([profile, compatible, level]) => {
                    format!("{codec}.{profile:02X}{compatible:02X}{level:02X}")
                }
                _ => codec.to_string(),
            },
            avcc,
            width,
            height,
            sar: sar.unwrap_or([1, 1]),
            // Transfer characteristics of ITU-T H.273.
            video_range: match transfer {
                16 => "PQ",
                18 => "HLG",
                _ => "SDR",
            },
            entry,
        })
    }
}

/// Sampling frequencies by index (ISO/IEC 14496-3 table 1.18).
const FREQUENCIES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

impl AudioCodec {
    /// Reads an audio sample entry.
    ///
    /// # Errors
    /// [`Error::Codec`] for anything but AAC, [`Error::Boxes`] and [`Error::Unsupported`] if it is malformed.
    pub(crate) fn read(path: &Path, moov: &[u8], entry: &SampleEntry) -> Result<Self, Error> {
        let refuse = |codec| Error::Codec { path: path.into(), media: "audio", codec, supported: "AAC" };
        match &entry.kind.0 {
            b"mp4a" => {}
            b"enca" => return Err(Error::Encrypted { path: path.into() }),
            _ => return Err(refuse(codec_name(entry.kind))),
        }
        let (esds, entry_channels) = read_mp4a(moov, entry).map_err(Error::boxes(path))?;
        let (object_type, config) = read_esds(esds).map_err(Error::boxes(path))?;
        match object_type {
            // Also MPEG-2 AAC, whose streams are the same.
            0x40 | 0x66..=0x68 => {}
            0x69 | 0x6b => return Err(refuse("mp4a (MP3)".to_owned())),
            other => return Err(refuse(format!("mp4a with object type {other:#04x}"))),
        }
        let config = config
            .and_then(AudioConfig::read)
            .ok_or_else(|| Error::unsupported(path, "a malformed AAC configuration"))?;
        let channels = match config.channels {
            0 => entry_channels,
            7 => 8,
            count => count.into(),
        };
        let mut out = BoxWriter::new();
        out.boxed(b"mp4a", |out| {
            out.zeros(6);
            out.u16(1); // data reference
            out.zeros(8);
            out.u16(channels);
            out.u16(16);
            out.zeros(4);
            // 16.16 fixed point, where higher rates than 65,535 are written as 0.
            out.u32(u16::try_from(config.sample_rate).map_or(0, |rate| u32::from(rate) << 16));
            out.boxed(b"esds", |out| out.bytes(esds));
        });
        Ok(Self {
            codecs: format!("mp4a.40.{}", config.object_type),
            sample_rate: config.sample_rate,
            channels,
            entry: out.into_bytes(),
        })
    }
}

/// `esds`' payload and the channel count of an `mp4a` entry, of MP4 or QuickTime.
fn read_mp4a<'a>(moov: &'a [u8], entry: &SampleEntry) -> Result<(&'a [u8], u16), isobmff::Error> {
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
    let missing = isobmff::Error::Missing { kind: FourCc(*b"esds"), parent: entry.kind };
    let esds = match children().first(b"esds")? {
        Some(esds) => esds,
        None => children().first(b"wave")?.ok_or(missing.clone())?.child(b"esds")?.ok_or(missing)?,
    };
    Ok((esds.payload, channels))
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
        let mut at = 0;
        let mut bits = |count: usize| {
            (0..count).try_fold(0u32, |value, _| {
                let byte = *config.get(at / 8)?;
                let bit = byte >> (7 - at % 8) & 1;
                at += 1;
                Some(value << 1 | u32::from(bit))
            })
        };
        let mut object_type = bits(5)?;
        if object_type == 31 {
            object_type = 32 + bits(6)?;
        }
        let frequency = |bits: &mut dyn FnMut(usize) -> Option<u32>| match bits(4)? {
            15 => bits(24),
            index => FREQUENCIES.get(index as usize).copied(),
        };
        let mut sample_rate = frequency(&mut bits)?;
        let channels = bits(4)? as u8;
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
