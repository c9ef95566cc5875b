//! Pictures of H.264, HEVC, VP9 and AV1: decoder configurations, parameter sets, headers of slices, frames
//! and tiles.
#![no_main]

use cenc::Scheme;
use cmaf::{VideoConfig, VideoStream};
use libfuzzer_sys::fuzz_target;

/// Configurations of real streams (x264, x265, libvpx, libaom), so that samples are looked into.
const CONFIGS: [(&[u8; 4], &[u8]); 4] = [
    (b"avcC", AVCC),
    (b"hvcC", include_bytes!("../../crates/cmaf/tests/fixtures/hvcC.bin")),
    (b"vpcC", &[1, 0, 0, 0, 0, 10, 0x82, 1, 1, 1, 0, 0]),
    (b"av1C", include_bytes!("../../crates/cmaf/tests/fixtures/av1C.bin")),
];

/// Of 128x96, Baseline.
const AVCC: &[u8] = &[
    0x01, 0x42, 0xc0, 0x0a, 0xff, 0xe1, 0x00, 0x17, 0x67, 0x42, 0xc0, 0x0a, 0xda, 0x08, 0x36, 0xc0, 0x44,
    0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x48, 0x9a, 0x80, 0x01, 0x00, 0x04,
    0x68, 0xce, 0x0f, 0xc8,
];

/// As many octets as the two in front say, and the rest.
fn piece(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = data.split_first_chunk::<2>()?;
    Some(rest.split_at(rest.len().min(u16::from_be_bytes(*length).into())))
}

fuzz_target!(|data: &[u8]| {
    let Some((&head, mut rest)) = data.split_first() else { return };
    let (kind, real) = CONFIGS[usize::from(head & 3)];
    let scheme = if head & 4 == 0 { Scheme::Cenc } else { Scheme::Cbcs };
    let mut payload = real;
    if head & 8 != 0 {
        let Some(given) = piece(rest) else { return };
        (payload, rest) = given;
    }
    let Some(config) = VideoConfig::of_box(*kind, payload) else { return };
    let _ = config.codec_string(*kind);
    let Ok(mut stream) = VideoStream::new(config) else { return };
    let _ = stream.appearance();
    while let Some((sample, after)) = piece(rest) {
        rest = after;
        let Ok(read) = stream.sample(sample, scheme) else { continue };
        let covered: u64 = read.subsamples.iter().map(|s| u64::from(s.clear) + u64::from(s.protected)).sum();
        assert_eq!(covered, sample.len() as u64);
        if scheme == Scheme::Cenc {
            assert!(read.subsamples.iter().all(|s| s.protected % 16 == 0));
        }
    }
});
