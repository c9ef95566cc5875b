//! What is written is read back the same, and no bytes make a reader panic.

use isobmff::{
    BoxHeader, BoxWriter, Boxes, Fragment, FragmentSpec, InitSegment, InitSpec, MediaHeader, ProtectionSpec,
    Pssh, SampleAuxiliary, SampleSpec, SampleTable, SegmentIndex, SegmentReference, TrackEncryption,
    write_file_type, write_fragment, write_init,
};
use proptest::prelude::*;

fn entry(kind: &[u8; 4], fixed: usize) -> Vec<u8> {
    let mut out = BoxWriter::new();
    out.boxed(kind, |out| out.zeros(fixed));
    out.into_bytes()
}

fn encryption(cbcs: bool) -> TrackEncryption {
    if cbcs {
        TrackEncryption::with_constant_iv([7; 16], [9; 16], 1, 9)
    } else {
        TrackEncryption::per_sample_iv([7; 16], 8)
    }
}

fn init_bytes(video: bool, cbcs: bool, pssh: &[Pssh], media_time: u64) -> Vec<u8> {
    let mut out = BoxWriter::new();
    write_file_type(&mut out, b"iso6", &[b"iso6", b"cmfc"]);
    let matrix = [3; 36];
    write_init(
        &mut out,
        &InitSpec {
            track_id: 1,
            timescale: 24_000,
            duration: 1 << 33,
            language: *b"deu",
            media: if video {
                MediaHeader::Video { width: 640 << 16, height: 360 << 16, matrix }
            } else {
                MediaHeader::Audio
            },
            sample_entry: &if video { entry(b"avc1", 78) } else { entry(b"mp4a", 28) },
            protection: Some(ProtectionSpec {
                scheme: if cbcs { *b"cbcs" } else { *b"cenc" }.into(),
                encryption: encryption(cbcs),
            }),
            clear_entry: false,
            default_sample_flags: 0x0101_0000,
            media_time,
            pssh,
        },
    );
    out.into_bytes()
}

fn sample() -> impl Strategy<Value = (SampleSpec, u64, Vec<(u16, u32)>)> {
    let spec = (any::<u16>(), prop_oneof![Just(1000u32), 1..5000u32], -9000..9000i32, any::<bool>());
    let spec = spec.prop_map(|(size, duration, composition_offset, sync)| SampleSpec {
        size: size.into(),
        duration,
        composition_offset,
        flags: if sync { 0x0200_0000 } else { 0x0101_0000 },
    });
    (spec, any::<u64>(), proptest::collection::vec((any::<u16>(), any::<u32>()), 1..5))
}

proptest! {
    #[test]
    fn init_segment(video: bool, cbcs: bool, kids in proptest::collection::vec(any::<[u8; 16]>(), 0..3), data: Vec<u8>, media_time in 0u64..3) {
        let pssh = [Pssh { system_id: [5; 16], kids, data }];
        let bytes = init_bytes(video, cbcs, &pssh, media_time);
        let init = InitSegment::parse(&bytes).unwrap();
        prop_assert_eq!(&init.pssh[..], &pssh[..]);
        let track = &init.tracks[0];
        prop_assert_eq!((track.timescale, &track.language, track.defaults.unwrap().flags), (24_000, b"deu", 0x0101_0000));
        let read = track.entries[0].protection.unwrap();
        prop_assert_eq!(read.encryption, encryption(cbcs));
        prop_assert_eq!(track.edit_list.first().map_or(0, |edit| edit.media_time as u64), media_time);
        if video {
            prop_assert_eq!((track.width, track.matrix), (640 << 16, [3; 36]));
        }
    }

    #[test]
    fn fragments(samples in proptest::collection::vec(sample(), 1..20), base in any::<u32>(), cbcs: bool) {
        let bytes = init_bytes(true, cbcs, &[], 0);
        let init = InitSegment::parse(&bytes).unwrap();
        let specs: Vec<_> = samples.iter().map(|(spec, ..)| *spec).collect();
        let auxiliary: Vec<_> = samples
            .iter()
            .map(|(_, iv, subsamples)| SampleAuxiliary {
                iv: if cbcs { vec![] } else { iv.to_be_bytes().to_vec() },
                subsamples: subsamples.clone(),
            })
            .collect();
        let spec = FragmentSpec {
            sequence: 3, track_id: 1, base_decode_time: base.into(), samples: &specs, auxiliary: &auxiliary,
        description_index: None,
        group: None,
        roll: None,
        };
        let written = write_fragment(&spec).unwrap();
        let fragment = Fragment::parse(&written, 0, &init).unwrap();
        let track = &fragment.tracks()[0];
        let (mut offset, mut time, mut count) = (written.len() as u64, u64::from(base), 0);
        for (read, (spec, iv, subsamples)) in track.samples().map(Result::unwrap).zip(&samples) {
            prop_assert_eq!((read.offset, read.size, read.decode_time), (offset, spec.size, time));
            prop_assert_eq!(
                (read.duration, read.composition_offset, read.flags),
                (spec.duration, i64::from(spec.composition_offset), spec.flags)
            );
            let crypto = read.crypto.unwrap();
            prop_assert_eq!(crypto.iv, if cbcs { &[9; 16][..] } else { &iv.to_be_bytes()[..] });
            prop_assert_eq!(&crypto.subsamples.collect::<Vec<_>>(), subsamples);
            offset += u64::from(spec.size);
            time += u64::from(spec.duration);
            count += 1;
        }
        prop_assert_eq!(count, samples.len());
        // The same IVs and subsamples are found by `saiz` and `saio` alone.
        let mut without_senc = written.clone();
        let senc = without_senc.windows(4).position(|four| four == b"senc").unwrap();
        without_senc[senc..senc + 4].copy_from_slice(b"free");
        let by_saio = Fragment::parse(&without_senc, 0, &init).unwrap();
        for (a, b) in by_saio.tracks()[0].samples().zip(track.samples()) {
            let (a, b) = (a.unwrap().crypto.unwrap(), b.unwrap().crypto.unwrap());
            prop_assert_eq!(a.iv, b.iv);
            prop_assert!(a.subsamples.eq(b.subsamples));
        }
    }

    #[test]
    fn segment_index(earliest: u64, references in proptest::collection::vec((0u32..1 << 31, any::<u32>()), 0..50)) {
        let index = SegmentIndex {
            reference_id: 1, timescale: 90_000, earliest_presentation_time: earliest, first_offset: 0,
            references: references.iter().map(|&(size, duration)| SegmentReference::media(size, duration)).collect(),
        };
        let mut out = BoxWriter::new();
        index.write(&mut out);
        prop_assert_eq!(out.len(), SegmentIndex::written_size(references.len()));
        let bytes = out.into_bytes();
        let read = SegmentIndex::parse(&Boxes::new(&bytes).first(b"sidx").unwrap().unwrap()).unwrap();
        prop_assert_eq!(read, index);
    }

    #[test]
    fn arbitrary_bytes_never_panic(data: Vec<u8>, kind in "moov|moof|stbl|sidx|pssh|stsd|traf|trun|senc") {
        let mut out = BoxWriter::new();
        out.boxed(kind.as_bytes().try_into().unwrap(), |out| out.bytes(&data));
        read_everything(&out.into_bytes());
        read_everything(&data);
    }

    /// Real files with a few bytes changed and an end cut off.
    #[test]
    fn mutated_files_never_panic(
        file in 0..3usize,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<proptest::sample::Index>(),
        cuts: bool,
    ) {
        let mut data = FILES[file].to_vec();
        // Changes hit the boxes, not the media.
        let boxes = data.len().min(9000);
        for (at, value) in changes {
            data[at.index(boxes)] = value;
        }
        if cuts {
            data.truncate(cut.index(boxes));
        }
        read_everything(&data);
    }
}

const FILES: [&[u8]; 3] = [
    include_bytes!("../fixtures/mp4ff/prog_8s_enc_dashinit.mp4"),
    include_bytes!("../fixtures/dash-clearkey/video-H264-288-400k_init.mp4"),
    include_bytes!("../fixtures/dash-clearkey/video-H264-288-400k_1.m4s"),
];

fn read_everything(data: &[u8]) {
    let _ = BoxHeader::parse(data);
    let good = InitSegment::parse(FILES[1]).unwrap();
    let own = InitSegment::parse(data);
    let mut rest = Boxes::new(data);
    while let Some(Ok(found)) = rest.next() {
        for init in [&good].into_iter().chain(&own) {
            if let Ok(fragment) = Fragment::parse(&data[found.offset..], 0, init) {
                fragment.tracks().iter().for_each(|track| track.samples().take(5000).for_each(drop));
                let mut copy = data[found.offset..].to_vec();
                fragment.edits().iter().for_each(|edit| edit.apply(&mut copy).unwrap());
            }
        }
        let _ = SegmentIndex::parse(&found);
        let _ = Pssh::parse(&found);
        let _ = SampleTable::parse(&found, 1 << 20, 1 << 17);
        found.children(0).flatten().for_each(|child| {
            let _ = SampleTable::parse(&child, 1 << 20, 1 << 17);
        });
    }
    if let Ok(init) = own {
        let mut copy = data.to_vec();
        init.edits().iter().for_each(|edit| edit.apply(&mut copy).unwrap());
    }
}
