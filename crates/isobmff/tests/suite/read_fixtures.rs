//! What other packagers wrote is read as it is.

use isobmff::{Boxes, Fragment, InitSegment, SegmentIndex};

const SHAKA_INIT: &[u8] = include_bytes!("../fixtures/dash-clearkey/video-H264-288-400k_init.mp4");
const SHAKA_1: &[u8] = include_bytes!("../fixtures/dash-clearkey/video-H264-288-400k_1.m4s");
const MP4FF: &[u8] = include_bytes!("../fixtures/mp4ff/prog_8s_enc_dashinit.mp4");

fn position(data: &[u8], kind: &[u8; 4]) -> usize {
    Boxes::new(data).first(kind).unwrap().unwrap().offset
}

#[test]
fn shaka_init_and_segment() {
    let init = InitSegment::parse(SHAKA_INIT).unwrap();
    let track = &init.tracks[0];
    assert_eq!((track.id, track.timescale, &track.handler.0, init.fragmented), (1, 24, b"vide", true));
    let entry = &track.entries[0];
    let protection = entry.protection.unwrap();
    assert_eq!((&entry.kind.0, &entry.format.0, &protection.scheme.0), (b"encv", b"avc1", b"cenc"));
    assert_eq!(protection.scheme_version, 0x1_0000);
    assert_eq!(protection.encryption.kid[..3], [0x40, 0x60, 0xa8]);
    assert_eq!((protection.encryption.iv_size, protection.encryption.protected), (8, true));
    assert_eq!(init.pssh.len(), 2);

    let sidx = SegmentIndex::parse(&Boxes::new(SHAKA_1).first(b"sidx").unwrap().unwrap()).unwrap();
    assert_eq!((sidx.timescale, sidx.references.len()), (24, 1));
    let moof = position(SHAKA_1, b"moof");
    assert_eq!(moof + sidx.references[0].size as usize, SHAKA_1.len());

    let fragment = Fragment::parse(&SHAKA_1[moof..], moof as u64, &init).unwrap();
    assert_eq!(fragment.sequence, 1);
    let samples: Vec<_> = fragment.tracks()[0].samples().map(Result::unwrap).collect();
    assert_eq!(samples.len(), 96);
    let mdat = Boxes::new(&SHAKA_1[moof..]).first(b"mdat").unwrap().unwrap();
    assert_eq!(samples[0].offset as usize, mdat.payload_offset());
    assert_eq!(samples.iter().map(|s| s.size as usize).sum::<usize>(), mdat.payload.len());
    assert!(samples[0].is_sync() && !samples[1].is_sync());
    let crypto = samples[0].crypto.unwrap();
    assert_eq!(crypto.iv, [0x34, 0x13, 0x5a, 0x24, 0xea, 0x5b, 0xef, 0x6b]);
    assert_eq!(crypto.subsamples.collect::<Vec<_>>(), [(0x311, 0x40)]);
    for sample in &samples {
        let covered: u64 = sample
            .crypto
            .unwrap()
            .subsamples
            .map(|(clear, protected)| u64::from(clear) + u64::from(protected))
            .sum();
        assert_eq!(covered, u64::from(sample.size));
    }
}

#[test]
fn mp4ff_audio_and_video_in_one_file() {
    let init = InitSegment::parse(MP4FF).unwrap();
    let formats: Vec<_> = init.tracks.iter().map(|track| track.entries[0].format.to_string()).collect();
    assert_eq!(formats, ["avc1", "mp4a"]);
    let mut samples = 0;
    for moof in Boxes::new(MP4FF).map(Result::unwrap).filter(|found| found.kind == b"moof") {
        let fragment = Fragment::parse(&MP4FF[moof.offset..], moof.offset as u64, &init).unwrap();
        for sample in fragment.tracks().iter().flat_map(|track| track.samples()) {
            let sample = sample.unwrap();
            assert!(moof.offset + (sample.offset + u64::from(sample.size)) as usize <= MP4FF.len());
            assert!(sample.crypto.is_some());
            samples += 1;
        }
    }
    assert_eq!(samples, 615);
}

/// The edits clear the protection, keep the length, and leave a file that reads as unprotected.
#[test]
fn edits_make_a_clear_file() {
    let init = InitSegment::parse(MP4FF).unwrap();
    let mut clear = MP4FF.to_vec();
    for edit in init.edits() {
        edit.apply(&mut clear).unwrap();
    }
    for moof in Boxes::new(MP4FF).map(Result::unwrap).filter(|found| found.kind == b"moof") {
        let fragment = Fragment::parse(&MP4FF[moof.offset..], moof.offset as u64, &init).unwrap();
        for edit in fragment.edits() {
            edit.apply(&mut clear[moof.offset..]).unwrap();
        }
    }
    let init = InitSegment::parse(&clear).unwrap();
    assert!(init.pssh.is_empty());
    assert!(init.tracks.iter().all(|track| track.entries[0].protection.is_none()));
    assert_eq!(init.tracks[0].entries[0].kind, b"avc1");
    let moof = position(&clear, b"moof");
    let fragment = Fragment::parse(&clear[moof..], moof as u64, &init).unwrap();
    assert!(fragment.tracks()[0].samples().all(|sample| sample.unwrap().crypto.is_none()));
    for kind in [b"sinf", b"senc", b"saiz", b"saio", b"pssh", b"encv", b"enca"] {
        assert!(!clear.windows(4).any(|four| four == kind), "{}", String::from_utf8_lossy(kind));
    }
}
