//! Sample entries of what has none: from a decoder's configuration alone.

use cmaf::{AacConfig, OPUS_RATE, VideoConfig, VideoStream, opus_configuration, write_esds};
use isobmff::{write_audio_entry, write_visual_entry};
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

/// Pictures, with their configuration's box.
fn pictures(kind: &[u8; 4], box_kind: &[u8; 4], config: &[u8]) -> Result<Entry, SourceError> {
    let parsed = VideoConfig::of_box(*box_kind, config).ok_or_else(|| bad("an unknown codec"))?;
    let stream = VideoStream::new(parsed).map_err(SourceError::Configuration)?;
    let size = stream.appearance().size.ok_or_else(|| bad("it has no parameter sets"))?;
    let (Ok(width @ 1..), Ok(height @ 1..)) = (u16::try_from(size.0), u16::try_from(size.1)) else {
        return Err(bad("pictures of an impossible size"));
    };
    let bytes = write_visual_entry(kind, (width, height), |out| {
        out.boxed(box_kind, |out| out.bytes(config));
    });
    Ok(Entry { bytes, sound: None })
}

/// Sound, with its configuration's box.
fn sound(kind: &[u8; 4], channels: u16, sound: Sound, box_kind: &[u8; 4], config: &[u8]) -> Entry {
    let bytes = write_audio_entry(kind, channels, sound.rate, 16, |out| {
        out.boxed(box_kind, |out| out.bytes(config));
    });
    Entry { bytes, sound: Some(sound) }
}

fn aac(config: &[u8]) -> Result<Entry, SourceError> {
    let esds = write_esds(config).ok_or_else(|| bad("an AudioSpecificConfig of an impossible length"))?;
    let AacConfig { core_rate: rate, channels, frame, .. } = AacConfig::read(config).map_err(bad)?;
    if !(7000..=96_000).contains(&rate) {
        return Err(bad("an impossible sampling frequency"));
    }
    // The sample entry's field has 16 bits of it.
    if rate > u16::MAX.into() {
        return Err(bad("more than 65,535 samples a second"));
    }
    // What is said further back: two, until a decoder knows better.
    Ok(sound(b"mp4a", channels.unwrap_or(2), Sound { rate, frame }, b"esds", &esds))
}

fn opus(config: &[u8]) -> Result<Entry, SourceError> {
    let (channels, dops) = opus_configuration(config).map_err(bad)?;
    // Packets of 20 ms are what encoders make.
    Ok(sound(b"Opus", channels.into(), Sound { rate: OPUS_RATE, frame: 960 }, b"dOps", &dops))
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
