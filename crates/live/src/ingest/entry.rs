//! Sample entries of what has none: from a decoder's configuration alone.

use cmaf::{VideoConfig, VideoStream};
use isobmff::BoxWriter;
use rtmp::flv::Codec;

use crate::source::SourceError;

/// A sample entry, and what is known of sound.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) bytes: Vec<u8>,
    pub(super) sound: Option<Sound>,
}

/// Samples a second, and samples of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sound {
    pub(super) rate: u32,
    pub(super) frame: u32,
}

fn bad(what: &str) -> SourceError {
    SourceError::Configuration(what.to_owned())
}

pub(super) fn read(codec: Codec, config: &[u8]) -> Result<Entry, SourceError> {
    match codec {
        Codec::Avc => pictures(b"avc1", b"avcC", config),
        Codec::Hevc => pictures(b"hvc1", b"hvcC", config),
        Codec::Av1 => pictures(b"av01", b"av1C", config),
        Codec::Aac => aac(config),
        Codec::Opus => opus(config),
    }
}

/// `VisualSampleEntry` (ISO/IEC 14496-12, section 12.1.3) around a configuration.
fn pictures(kind: &[u8; 4], box_kind: &[u8; 4], config: &[u8]) -> Result<Entry, SourceError> {
    let parsed = VideoConfig::of_box(*box_kind, config).ok_or_else(|| bad("an unknown codec"))?;
    let stream = VideoStream::new(parsed).map_err(SourceError::Configuration)?;
    let size = stream.appearance().size.ok_or_else(|| bad("it has no parameter sets"))?;
    let (Ok(width @ 1..), Ok(height @ 1..)) = (u16::try_from(size.0), u16::try_from(size.1)) else {
        return Err(bad("pictures of an impossible size"));
    };
    let mut out = BoxWriter::new();
    out.boxed(kind, |out| {
        out.zeros(6);
        out.u16(1); // data reference
        out.zeros(16);
        out.u16(width);
        out.u16(height);
        out.u32(0x48_0000); // 72 dpi
        out.u32(0x48_0000);
        out.zeros(4);
        out.u16(1); // frames of a sample
        out.zeros(32); // compressor
        out.u16(0x18);
        out.u16(0xffff);
        out.boxed(box_kind, |out| out.bytes(config));
    });
    Ok(Entry { bytes: out.into_bytes(), sound: None })
}

/// `AudioSampleEntry` (section 12.2.3).
fn sound(kind: &[u8; 4], channels: u16, sound: Sound, fill: impl FnOnce(&mut BoxWriter)) -> Entry {
    let mut out = BoxWriter::new();
    out.boxed(kind, |out| {
        out.zeros(6);
        out.u16(1); // data reference
        out.zeros(8);
        out.u16(channels);
        out.u16(16);
        out.zeros(4);
        // 16.16; what does not fit stands in the configuration.
        out.u32(u32::from(u16::try_from(sound.rate).unwrap_or(0)) << 16);
        fill(out);
    });
    Entry { bytes: out.into_bytes(), sound: Some(sound) }
}

/// Sampling frequencies (ISO/IEC 14496-3, table 1.18).
const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350];

/// `AudioSpecificConfig` (ISO/IEC 14496-3, section 1.6.2.1), as far as it says how long a frame is.
fn aac(config: &[u8]) -> Result<Entry, SourceError> {
    const CUT_OFF: &str = "the AudioSpecificConfig is cut off";
    if config.len() > 64 {
        return Err(bad("an AudioSpecificConfig that is too long"));
    }
    let mut bits = Bits { data: config, at: 0 };
    let mut next = |count| bits.next(count).ok_or_else(|| bad(CUT_OFF));
    let mut object = next(5)?;
    if object == 31 {
        object = 32 + next(6)?;
    }
    let rate = match next(4)? {
        15 => next(24)?,
        index => *RATES.get(index as usize).ok_or_else(|| bad("an unknown sampling frequency"))?,
    };
    let channels = match next(4)? {
        // Said further back, by a program config element: two, until a decoder knows better.
        0 => 2,
        count @ 1..=6 => count as u16,
        7 | 12 | 14 => 8,
        11 => 7,
        _ => return Err(bad("an unknown channel configuration")),
    };
    if matches!(object, 5 | 29) {
        // The rate with SBR, then the object type below it.
        if next(4)? == 15 {
            next(24)?;
        }
        object = next(5)?;
    }
    // Frames of 960 samples, where object types have the flag there.
    let short = matches!(object, 1..=4 | 6 | 7 | 17 | 19..=23) && next(1)? == 1;
    if !(7000..=96_000).contains(&rate) {
        return Err(bad("an impossible sampling frequency"));
    }
    let entry = sound(b"mp4a", channels, Sound { rate, frame: if short { 960 } else { 1024 } }, |out| {
        // ISO/IEC 14496-1, section 7.2.6; none of these is longer than 127.
        let len = config.len() as u8;
        out.full_box(b"esds", 0, 0, |out| {
            out.bytes(&[3, 3 + 2 + 13 + 2 + len + 3]);
            out.zeros(3); // id, flags
            out.bytes(&[4, 13 + 2 + len, 0x40, 0x15]);
            out.zeros(3 + 4 + 4); // buffer, bit rates
            out.bytes(&[5, len]);
            out.bytes(config);
            out.bytes(&[6, 1, 2]);
        });
    });
    match entry.sound {
        // The sample entry's field has 16 bits of it.
        Some(known) if known.rate > u16::MAX.into() => Err(bad("more than 65,535 samples a second")),
        _ => Ok(entry),
    }
}

/// The identification header of Ogg (RFC 7845, section 5.1) as `dOps` ("Encapsulation of Opus in ISO Base Media File
/// Format", section 4.3.2).
fn opus(config: &[u8]) -> Result<Entry, SourceError> {
    let fields = config.strip_prefix(b"OpusHead").ok_or_else(|| bad("it is no OpusHead"))?;
    let [1..=15, channels @ 1..=u8::MAX, a, b, r0, r1, r2, r3, g0, g1, family, ref table @ ..] = *fields
    else {
        return Err(bad("the OpusHead is cut off"));
    };
    let table = match family {
        0 => &[][..],
        _ => table.get(..2 + usize::from(channels)).ok_or_else(|| bad("the OpusHead is cut off"))?,
    };
    // Opus has 48,000 whatever its input had; packets of 20 ms are what encoders make.
    Ok(sound(b"Opus", channels.into(), Sound { rate: 48_000, frame: 960 }, |out| {
        out.boxed(b"dOps", |out| {
            out.bytes(&[0, channels, b, a, r3, r2, r1, r0, g1, g0, family]);
            out.bytes(table);
        });
    }))
}

/// Samples at 48,000 a second in a packet (RFC 6716, section 3.1); `None` if it cannot be so.
pub(super) fn opus_ticks(packet: &[u8]) -> Option<u32> {
    let (first, second) = (*packet.first()?, packet.get(1));
    let config = u32::from(first >> 3);
    let frame = match config {
        0..12 => [480, 960, 1920, 2880][(config % 4) as usize],
        12..16 => [480, 960][(config % 2) as usize],
        _ => [120, 240, 480, 960][(config % 4) as usize],
    };
    let count = match first & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(second? & 0x3f),
    };
    // 120 ms at most.
    Some(frame * count).filter(|ticks| (1..=5760).contains(ticks))
}

struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn next(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.data.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Kind, Source};
    use proptest::prelude::*;

    fn sound_of(codec: Codec, config: &[u8]) -> (Sound, Source) {
        let entry = read(codec, config).unwrap();
        let sound = entry.sound.unwrap();
        (sound, Source::of_entry(1, sound.rate, &entry.bytes, false).unwrap())
    }

    #[test]
    fn sound_is_described() {
        // AAC-LC, 44,100, two channels.
        let (sound, source) = sound_of(Codec::Aac, &[0x12, 0x10]);
        assert_eq!(sound, Sound { rate: 44_100, frame: 1024 });
        assert_eq!(
            (source.codecs.as_str(), &source.kind),
            ("mp4a.40.2", &Kind::Audio { sample_rate: 44_100, channels: 2 })
        );
        // HE-AAC, said: 24,000 below, 48,000 above; frames of 1024 of the lower.
        let (sound, source) = sound_of(Codec::Aac, &[0x2b, 0x11, 0x88, 0x00]);
        assert_eq!((sound, source.codecs.as_str()), (Sound { rate: 24_000, frame: 1024 }, "mp4a.40.5"));
        // Opus, two channels, 312 before it begins.
        let (sound, source) = sound_of(Codec::Opus, b"OpusHead\x01\x02\x38\x01\x80\xbb\0\0\0\0\0");
        assert_eq!((sound.rate, source.codecs.as_str()), (48_000, "opus"));
        assert!(source.entry.ends_with(&[b'd', b'O', b'p', b's', 0, 2, 1, 0x38, 0, 0, 0xbb, 0x80, 0, 0, 0]));
        for (packet, ticks) in [
            (&[0xfc][..], Some(960)),
            (&[0xe1], Some(240)),
            (&[0x03, 3], Some(1440)),
            (&[0x1b, 63], None),
            (&[], None),
        ] {
            assert_eq!(opus_ticks(packet), ticks, "{packet:?}");
        }
    }

    #[test]
    fn pictures_need_parameter_sets() {
        let error = read(Codec::Avc, &[1, 0x64, 0, 0x1f, 0xff, 0xe0, 0]).unwrap_err();
        assert!(error.to_string().contains("no parameter sets"), "{error}");
    }

    proptest! {
        #[test]
        fn arbitrary_configurations_never_panic(config: Vec<u8>) {
            for codec in [Codec::Avc, Codec::Hevc, Codec::Av1, Codec::Aac, Codec::Opus] {
                if let Ok(entry) = read(codec, &config) {
                    let _ = Source::of_entry(1, 1000, &entry.bytes, entry.sound.is_none());
                }
            }
        }
    }
}
