use cenc::Scheme;

use crate::av1::{self, Av1Stream};
use crate::avc::AvcStream;
use crate::coded_sample::{Appearance, CodedSample};
use crate::hevc::{self, HevcStream};
use crate::vp9::{self, Vp9Stream};

/// The decoder configuration of a video track: the payload of the box in which a codec has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoConfig<'a> {
    /// H.264: `avcC` (ISO/IEC 14496-15 §5.3.3).
    Avc(&'a [u8]),
    /// HEVC: `hvcC` (ISO/IEC 14496-15 §8.3.3).
    Hevc(&'a [u8]),
    /// VP9: `vpcC` (VP Codec ISO Media File Format Binding).
    Vp9(&'a [u8]),
    /// AV1: `av1C` (AV1 Codec ISO Media File Format Binding §2.3).
    Av1(&'a [u8]),
}

impl<'a> VideoConfig<'a> {
    /// By the type of the box.
    pub fn of_box(kind: [u8; 4], payload: &'a [u8]) -> Option<Self> {
        match &kind {
            b"avcC" => Some(Self::Avc(payload)),
            b"hvcC" => Some(Self::Hevc(payload)),
            b"vpcC" => Some(Self::Vp9(payload)),
            b"av1C" => Some(Self::Av1(payload)),
            _ => None,
        }
    }

    /// What stands behind `codecs=` for a track with this configuration, whose sample entry has the type
    /// `entry` (RFC 6381).
    ///
    /// # Errors
    /// In words, if the configuration cannot be read.
    pub fn codec_string(&self, entry: [u8; 4]) -> Result<String, String> {
        let entry = entry.escape_ascii().to_string();
        match self {
            Self::Avc(avcc) => match avcc.get(1..4) {
                Some([profile, compatible, level]) => {
                    Ok(format!("{entry}.{profile:02X}{compatible:02X}{level:02X}"))
                }
                _ => Err("avcC: it is cut off".to_owned()),
            },
            Self::Hevc(hvcc) => hevc::codec_string(&entry, hvcc).ok_or("hvcC: it is cut off".to_owned()),
            Self::Vp9(vpcc) => vp9::codec_string(vpcc).ok_or("vpcC: it is cut off".to_owned()),
            Self::Av1(av1c) => av1::codec_string(av1c),
        }
    }
}

/// A stream of pictures, read sample by sample in decoding order: parameter sets may change on the way.
pub struct VideoStream(Kind);

enum Kind {
    Avc(Box<AvcStream>),
    Hevc(Box<HevcStream>),
    Vp9(Box<Vp9Stream>),
    Av1(Box<Av1Stream>),
}

impl VideoStream {
    /// Takes what the decoder configuration says.
    ///
    /// # Errors
    /// In words, if it cannot be parsed.
    pub fn new(config: VideoConfig<'_>) -> Result<Self, String> {
        Ok(Self(match config {
            VideoConfig::Avc(avcc) => Kind::Avc(AvcStream::new(avcc)?.into()),
            VideoConfig::Hevc(hvcc) => Kind::Hevc(HevcStream::new(hvcc)?.into()),
            VideoConfig::Vp9(vpcc) => Kind::Vp9(Vp9Stream::new(vpcc)?.into()),
            VideoConfig::Av1(av1c) => Kind::Av1(Av1Stream::new(av1c)?.into()),
        }))
    }

    /// What the configuration says of the pictures.
    pub fn appearance(&self) -> Appearance {
        match &self.0 {
            Kind::Avc(stream) => stream.appearance(),
            Kind::Hevc(stream) => stream.appearance(),
            Kind::Vp9(stream) => stream.appearance(),
            Kind::Av1(stream) => stream.appearance(),
        }
    }

    /// Reads the next sample: what of it is protected under a scheme, and what kind of picture it is.
    ///
    /// # Errors
    /// In words, if the headers that stay clear cannot be parsed.
    pub fn sample(&mut self, sample: &[u8], scheme: Scheme) -> Result<CodedSample, String> {
        match &mut self.0 {
            Kind::Avc(stream) => stream.sample(sample, scheme),
            Kind::Hevc(stream) => stream.sample(sample, scheme),
            Kind::Vp9(stream) => stream.sample(sample, scheme),
            Kind::Av1(stream) => stream.sample(sample, scheme),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A `hvcC`, `vpcC` and `av1C` of real streams (x265, libvpx, libaom), so that samples are looked into.
    const CONFIGS: [(&[u8; 4], &[u8]); 3] = [
        (b"hvcC", include_bytes!("../tests/fixtures/hvcC.bin")),
        (b"vpcC", &[1, 0, 0, 0, 0, 10, 0x82, 1, 1, 1, 0, 0]),
        (b"av1C", include_bytes!("../tests/fixtures/av1C.bin")),
    ];

    fn assert_covers(config: VideoConfig<'_>, samples: &[Vec<u8>]) -> Result<(), TestCaseError> {
        let Ok(mut stream) = VideoStream::new(config) else { return Ok(()) };
        for sample in samples {
            let Ok(read) = stream.sample(sample, Scheme::Cenc) else { continue };
            let covered = read.subsamples.iter().map(|s| u64::from(s.clear) + u64::from(s.protected));
            prop_assert_eq!(covered.sum::<u64>(), sample.len() as u64);
            prop_assert!(read.subsamples.iter().all(|s| s.protected % 16 == 0));
        }
        Ok(())
    }

    #[test]
    fn real_configurations_are_read() {
        for (kind, payload) in CONFIGS {
            let config = VideoConfig::of_box(*kind, payload).unwrap();
            assert!(VideoStream::new(config).is_ok(), "{}", kind.escape_ascii());
            assert!(config.codec_string(*b"xxxx").is_ok());
        }
    }

    proptest! {
        #[test]
        fn arbitrary_streams_never_panic(
            config: Vec<u8>,
            samples in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..6),
        ) {
            for (kind, real) in CONFIGS {
                for payload in [real, &config] {
                    let Some(config) = VideoConfig::of_box(*kind, payload) else { continue };
                    let _ = config.codec_string(*kind);
                    assert_covers(config, &samples)?;
                }
            }
        }

        /// Behind a head that makes them frames.
        #[test]
        fn arbitrary_frames_never_panic(
            frames in proptest::collection::vec((0usize..64, proptest::collection::vec(any::<u8>(), 20..120)), 1..6),
        ) {
            for (kind, real) in CONFIGS {
                let head = |(unit, body): &(usize, Vec<u8>)| match kind {
                    b"hvcC" => [&(body.len() as u32 + 2).to_be_bytes()[..], &[(*unit as u8) << 1, 1], body].concat(),
                    b"vpcC" => [&[0x82 | (*unit as u8 & 5)][..], body].concat(),
                    _ => [&[(*unit as u8 & 15) << 3][..], body].concat(),
                };
                let samples: Vec<_> = frames.iter().map(head).collect();
                let config = VideoConfig::of_box(*kind, real);
                assert_covers(config.ok_or_else(|| TestCaseError::fail("no codec"))?, &samples)?;
            }
        }
    }
}
