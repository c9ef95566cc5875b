//! The forms in which others write protection, and whole files in every chunking.

use crate::common::*;
use cenc::{AesCipher, Cek, Direction, Iv, Kid, RangeTable, SampleProtection, SegmentCipher, Subsample};
use decryptor::{Error, PushDecryptor, Step, WholeSegment};
use isobmff::{BoxRef, BoxWriter, Boxes};
use proptest::prelude::*;

const SHAKA_LEAD: &[u8] = include_bytes!("../fixtures/shaka-clear-lead.mp4");
const SHAKA_ROTATED: &[u8] = include_bytes!("../fixtures/shaka-rotated.mp4");
/// Of the source's `mdat`, which is the same in both.
const SHAKA_CLEAR: &str = "30de0c890f8ebbfa82b6f34af14af60ce4104bde200a16c29d3a6339e4809059";

/// KID and key of a period: both turn by one byte.
fn shaka_keys(periods: &[usize]) -> Given {
    let turned = |hex: &str, by: usize| {
        let mut octets: [u8; 16] =
            std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap());
        octets.rotate_left(by);
        octets
    };
    let key = |&period: &usize| {
        let kid = Kid(turned("00112233445566778899aabbccddeeff", period));
        (kid, AesCipher::new(&Cek::new(turned("ffeeddccbbaa99887766554433221100", period))))
    };
    Given(periods.iter().map(key).collect())
}

/// docs/protocol.md §9: the lead, under a second sample entry, passes before there is any key; then one entry
/// is left, and all fragments name it.
#[test]
fn clear_lead_passes_without_a_key() {
    let (mut stream, clear_init) = stream_of(SHAKA_LEAD);
    let entries = |init: &[u8]| isobmff::InitSegment::parse(init).unwrap().tracks[0].entries.len();
    assert_eq!((entries(SHAKA_LEAD), entries(&clear_init)), (2, 1));
    stream.push(SHAKA_LEAD).unwrap();
    let mut out = Vec::new();
    loop {
        match stream.step(&mut Given::default()).unwrap() {
            Step::Fragment(fragment) => out.push(fragment.to_vec()),
            Step::NeedKeys(kids) => break assert_eq!(kids, [shaka_keys(&[0]).0[0].0]),
            Step::NeedData => panic!("it needs a key"),
        }
    }
    assert_eq!(out.len(), 2, "two seconds in front");
    while let Step::Fragment(fragment) = stream.step(&mut shaka_keys(&[0])).unwrap() {
        out.push(fragment.to_vec());
    }
    stream.finish().unwrap();
    assert_eq!((out.len(), mdat_sha256(&out)), (6, SHAKA_CLEAR.to_owned()));
    let init = isobmff::InitSegment::parse(&clear_init).unwrap();
    for fragment in &out {
        assert_eq!(isobmff::Fragment::parse(fragment, 0, &init).unwrap().tracks()[0].description_index, 1);
    }
}

/// B64: each period asks for its own key, when its first fragment is whole.
#[test]
fn b64_shaka_rotated_file() {
    let (mut stream, _) = stream_of(SHAKA_ROTATED);
    let (mut out, mut asked) = (Vec::new(), Vec::new());
    stream.push(SHAKA_ROTATED).unwrap();
    loop {
        let have: Vec<usize> = (0..asked.len()).collect();
        match stream.step(&mut shaka_keys(&have)).unwrap() {
            Step::Fragment(fragment) => out.push(fragment.to_vec()),
            Step::NeedKeys(kids) => asked.push((out.len(), kids)),
            Step::NeedData => break,
        }
    }
    let kid = |period| vec![shaka_keys(&[period]).0[0].0];
    let counts: Vec<usize> = asked.iter().map(|(count, _)| *count).collect();
    assert_eq!(asked.into_iter().map(|(_, kids)| kids).collect::<Vec<_>>(), [kid(0), kid(1), kid(2)]);
    assert!(counts[0] == 0 && counts[1] > 1 && counts[2] > counts[1], "{counts:?}");
    assert_eq!((out.len(), mdat_sha256(&out)), (6, SHAKA_CLEAR.to_owned()));
}

/// Several tracks, each with a key of its own, and one of them in two `traf`s of a fragment; a sample of
/// 3,000 subsamples.
#[test]
fn several_tracks_and_many_subsamples() {
    let track = |id: u32| {
        let mut entry = BoxWriter::new();
        entry.boxed(b"mp4a", |out| out.zeros(28));
        let entry = entry.into_bytes();
        let mut out = BoxWriter::new();
        let encryption = isobmff::TrackEncryption::per_sample_iv([id as u8; 16], 8);
        let spec = isobmff::InitSpec {
            track_id: id,
            timescale: 1000,
            duration: 0,
            language: *b"und",
            media: isobmff::MediaHeader::Audio,
            sample_entry: &entry,
            protection: Some(isobmff::ProtectionSpec { scheme: (*b"cenc").into(), encryption }),
            clear_entry: false,
            default_sample_flags: 0,
            media_time: 0,
            pssh: &[],
        };
        isobmff::write_init(&mut out, &spec);
        out.into_bytes()
    };
    let (one, two) = (track(1), track(2));
    let part = |moov: &[u8], kind: &[u8; 4]| -> Vec<u8> {
        let moov = Boxes::new(moov).next().unwrap().unwrap();
        let found = moov.child(kind).unwrap().unwrap();
        let mut out = BoxWriter::new();
        out.boxed(kind, |out| out.bytes(found.payload));
        out.into_bytes()
    };
    let trex = part(&two, b"mvex")[8..].to_vec();
    let both = rebuilt(&one, &|found, out| {
        if found.kind == b"mvex" {
            out.bytes(&part(&two, b"trak"));
            out.boxed(b"mvex", |out| {
                out.bytes(found.payload);
                out.bytes(&trex);
            });
        }
        found.kind == b"mvex"
    });
    let mut stream = PushDecryptor::new();
    assert_eq!(stream.set_init(both).unwrap().kids, [Kid([1; 16]), Kid([2; 16])]);

    let many: Vec<(u16, u32)> = (0..3000).map(|n| (n % 5, 7 + u32::from(n % 40))).collect();
    let length = many.iter().map(|&(clear, protected)| u32::from(clear) + protected).sum::<u32>();
    let parts = [(1u32, 100u64, vec![(3u16, 61u32)]), (2, 100, many), (1, 101, vec![(0, 500), (20, 0)])];
    let sizes = [64, length, 520];
    let traf = |at: usize, data_offset: u32| {
        let (id, iv, subsamples) = &parts[at];
        let mut out = BoxWriter::new();
        out.boxed(b"traf", |out| {
            out.full_box(b"tfhd", 0, 0x02_0000, |out| out.u32(*id));
            out.full_box(b"trun", 0, 0x201, |out| {
                out.u32(1);
                out.u32(data_offset);
                out.u32(sizes[at]);
            });
            out.full_box(b"senc", 0, 2, |out| {
                out.u32(1);
                out.bytes(&iv.to_be_bytes());
                out.u16(subsamples.len() as u16);
                for &(clear, protected) in subsamples {
                    out.u16(clear);
                    out.u32(protected);
                }
            });
        });
        out.into_bytes()
    };
    let head = |offsets: [u32; 3]| -> Vec<u8> {
        let mut out = BoxWriter::new();
        out.boxed(b"moof", |out| {
            out.full_box(b"mfhd", 0, 0, |out| out.u32(1));
            (0..3).for_each(|at| out.bytes(&traf(at, offsets[at])));
        });
        out.into_bytes()
    };
    let first = head([0; 3]).len() as u32 + 8;
    let moof = head([first, first + sizes[0], first + sizes[0] + sizes[1]]);
    let clear: Vec<u8> = (0..sizes.iter().sum::<u32>()).map(|n| (n * 11 % 253) as u8).collect();
    let mut data = clear.clone();
    let mut at = 0;
    for ((id, iv, subsamples), size) in parts.iter().zip(sizes) {
        let mut table = RangeTable::new(SampleProtection::Ctr);
        let subsamples: Vec<_> =
            subsamples.iter().map(|&(clear, protected)| Subsample { clear, protected }).collect();
        table.push_sample(at, size as usize, Iv::from_u64(*iv), &subsamples).unwrap();
        AesCipher::new(&Cek::new([*id as u8; 16])).apply(Direction::Encrypt, &table, &mut data).unwrap();
        at += size as usize;
    }
    let mdat = [&(data.len() as u32 + 8).to_be_bytes()[..], b"mdat", &data].concat();
    let fragment = [moof, mdat].concat();
    let keys =
        |ids: &[u8]| Given(ids.iter().map(|&n| (Kid([n; 16]), AesCipher::new(&Cek::new([n; 16])))).collect());
    stream.push(&fragment).unwrap();
    assert_eq!(stream.step(&mut keys(&[1])).unwrap(), Step::NeedKeys(vec![Kid([2; 16])]));
    let Step::Fragment(out) = stream.step(&mut keys(&[2])).unwrap() else { panic!("held") };
    assert!(out.ends_with(&clear));
}

/// Samples that are clear by their subsamples alone go out without their key, as a lead without entry of its
/// own.
#[test]
fn nothing_protected_needs_no_key() {
    let clear_only = |found: &BoxRef<'_>, out: &mut BoxWriter| {
        if found.kind == b"senc" {
            let mut payload = found.payload.to_vec();
            let samples = u32::from_be_bytes(payload[4..8].try_into().unwrap());
            for entry in payload[8..].chunks_mut(16).take(samples as usize) {
                // IV, one subsample: all of it clear.
                let size = u32::from(u16::from_be_bytes([entry[10], entry[11]]))
                    + u32::from_be_bytes(entry[12..16].try_into().unwrap());
                entry[10..12].copy_from_slice(&(size as u16).to_be_bytes());
                entry[12..16].fill(0);
            }
            out.boxed(b"senc", |out| out.bytes(&payload));
        }
        found.kind == b"senc"
    };
    let segment = rebuilt(CLEARKEY_SEGMENTS[0].0, &clear_only);
    let (mut stream, _) = stream_of(CLEARKEY_INIT);
    stream.push(&segment).unwrap();
    assert!(matches!(stream.step(&mut Given::default()), Ok(Step::Fragment(_))));
}

/// HLS's `AES-128`: held until the key is there; refused when it is not what it should be.
#[test]
fn whole_segments() {
    let encrypted = include_bytes!("../../../cenc/tests/fixtures/subtitlesEncrypted.vtt");
    let clear = include_bytes!("../../../cenc/tests/fixtures/subtitles.vtt");
    let kid = Kid([5; 16]);
    let mut keys = Given(vec![(kid, AesCipher::new(&"2459d6388c608c6e8fa64c7f1ca17b48".parse().unwrap()))]);
    for size in [1, 7, 16, 100] {
        let mut segment = WholeSegment::new(kid, [0; 16]);
        encrypted.chunks(size).for_each(|chunk| segment.push(chunk).unwrap());
        assert_eq!(segment.finish(&mut Given::default()), Ok(Step::NeedKeys(vec![kid])));
        assert_eq!(segment.finish(&mut keys), Ok(Step::Fragment(clear)));
        assert_eq!(segment.finish(&mut keys), Ok(Step::NeedData));
    }
    let mut short = WholeSegment::new(kid, [0; 16]);
    short.push(&encrypted[..47]).unwrap();
    assert!(matches!(short.finish(&mut keys), Err(Error::Range(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Every chunking gives the same octets: of segments with one key, several keys, a lead, two tracks.
    #[test]
    fn every_chunking_gives_the_same_octets(
        which in 0usize..4,
        sizes in proptest::collection::vec(prop_oneof![1usize..40, 40usize..30_000], 1..30),
    ) {
        let (file, first, mut keys) = match which {
            0 => (SHAKA_LEAD, SHAKA_LEAD, shaka_keys(&[0])),
            1 => (SHAKA_ROTATED, SHAKA_ROTATED, shaka_keys(&[0, 1, 2])),
            2 => (CLEARKEY_SEGMENTS[1].0, CLEARKEY_INIT, Given::new(CLEARKEY)),
            _ => (MP4FF_FILE, MP4FF_FILE, Given::new(MP4FF)),
        };
        let (mut stream, _) = stream_of(first);
        let whole = decrypt(&mut stream, &mut keys, [file].into_iter()).unwrap();
        let mut rest = file;
        let mut sizes = sizes.into_iter().cycle();
        let chunks = std::iter::from_fn(|| {
            let (chunk, after) = rest.split_at(sizes.next()?.min(rest.len()));
            rest = after;
            (!chunk.is_empty()).then_some(chunk)
        });
        prop_assert_eq!(decrypt(&mut stream, &mut keys, chunks).unwrap(), whole);
    }

    /// Hostile changes in the files that have groups, leads and tracks: no panic, and never more bytes than
    /// came.
    #[test]
    fn mutations_never_panic(
        rotated: bool,
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..10),
        chunk in 1usize..4000,
    ) {
        let original = if rotated { SHAKA_ROTATED } else { SHAKA_LEAD };
        let mut file = original.to_vec();
        edits.iter().for_each(|(at, to)| file[at.index(original.len())] = *to);
        let Some((at, ..)) = boxes(original).into_iter().find(|(_, kind, _)| kind == b"moof") else { return Ok(()) };
        let mut stream = PushDecryptor::new();
        if stream.set_init(file[..at].to_vec()).is_err() {
            stream.set_init(original[..at].to_vec()).unwrap();
        }
        if let Ok(out) = decrypt(&mut stream, &mut shaka_keys(&[0, 1, 2]), file[at..].chunks(chunk)) {
            prop_assert!(out.concat().len() <= file.len());
        }
    }
}
