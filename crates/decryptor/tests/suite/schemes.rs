//! Protection that the fixtures do not have: cbcs, constant and 16-byte IVs, several keys and tracks, clear
//! samples.

use crate::common::{Given, decrypt};
use cenc::{
    AesCipher, Cek, Direction, Iv, Kid, Pattern, RangeTable, SampleProtection, SegmentCipher, Subsample,
};
use decryptor::{PushDecryptor, Step};
use isobmff::{
    BoxWriter, FourCc, FragmentSpec, InitSpec, MediaHeader, ProtectionSpec, SampleAuxiliary, SampleSpec,
    TrackEncryption, write_fragment, write_init,
};

const KID: [u8; 16] = [1; 16];

fn key(n: u8) -> Cek {
    Cek::new([n; 16])
}

fn init(scheme: &[u8; 4], encryption: TrackEncryption) -> Vec<u8> {
    let mut entry = BoxWriter::new();
    entry.boxed(b"mp4a", |out| out.zeros(28));
    let entry = entry.into_bytes();
    let mut out = BoxWriter::new();
    let spec = InitSpec {
        track_id: 1,
        timescale: 1000,
        duration: 0,
        language: *b"und",
        media: MediaHeader::Audio,
        sample_entry: &entry,
        protection: Some(ProtectionSpec { scheme: FourCc(*scheme), encryption }),
        clear_entry: false,
        default_sample_flags: 0,
        media_time: 0,
        pssh: &[],
    };
    write_init(&mut out, &spec);
    out.into_bytes()
}

/// Three samples, the middle one with subsamples that are clear only; and what they are once clear.
struct Media {
    fragment: Vec<u8>,
    clear: Vec<u8>,
}

fn media(protection: SampleProtection, ivs: &[Iv; 3], auxiliary_iv: bool) -> Media {
    let sizes = [500u32, 100, 777];
    let subsamples = [vec![(20u16, 160u32), (0, 320)], vec![(100, 0)], vec![(7, 770)]];
    let samples =
        sizes.map(|size| SampleSpec { size, duration: 10, composition_offset: 0, flags: 0x0200_0000 });
    let auxiliary: Vec<_> = ivs
        .iter()
        .zip(&subsamples)
        .map(|(iv, subsamples)| SampleAuxiliary {
            iv: if auxiliary_iv { iv.as_bytes().to_vec() } else { vec![] },
            subsamples: subsamples.clone(),
        })
        .collect();
    let head = write_fragment(&FragmentSpec {
        sequence: 1,
        track_id: 1,
        base_decode_time: 0,
        samples: &samples,
        auxiliary: &auxiliary,
        description_index: None,
        group: None,
        roll: None,
    })
    .unwrap();
    let clear: Vec<u8> = (0..sizes.iter().sum::<u32>()).map(|i| (i * 7 % 251) as u8).collect();
    let mut data = clear.clone();
    let mut table = RangeTable::new(protection);
    let mut at = 0;
    for ((size, iv), subsamples) in sizes.iter().zip(ivs).zip(&subsamples) {
        let subsamples: Vec<_> =
            subsamples.iter().map(|&(clear, protected)| Subsample { clear, protected }).collect();
        table.push_sample(at, *size as usize, *iv, &subsamples).unwrap();
        at += *size as usize;
    }
    AesCipher::new(&key(1)).apply(Direction::Encrypt, &table, &mut data).unwrap();
    assert_ne!(data, clear);
    Media { fragment: [head, data].concat(), clear }
}

fn keys(numbers: &[u8]) -> Given {
    Given(numbers.iter().map(|&n| (Kid([n; 16]), AesCipher::new(&key(n)))).collect())
}

fn check(init: Vec<u8>, media: &Media) {
    let mut stream = PushDecryptor::new();
    assert_eq!(stream.set_init(init).unwrap().kids, [Kid(KID)]);
    for chunk in [1, 100, 5000] {
        let out = decrypt(&mut stream, &mut keys(&[1]), media.fragment.chunks(chunk)).unwrap();
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].len(), media.fragment.len());
        assert!(out[0].ends_with(&media.clear));
    }
}

#[test]
fn cenc_with_sixteen_byte_ivs() {
    let ivs = [1u8, 2, 3].map(|n| {
        let mut iv = [n; 16];
        iv[8..].fill(0xff); // the counter wraps
        Iv::from_bytes(iv)
    });
    let media = media(SampleProtection::Ctr, &ivs, true);
    check(init(b"cenc", TrackEncryption::per_sample_iv(KID, 16)), &media);
}

#[test]
fn cenc_with_eight_byte_ivs() {
    let ivs = [u64::MAX, 0, 1].map(Iv::from_u64);
    check(init(b"cenc", TrackEncryption::per_sample_iv(KID, 8)), &media(SampleProtection::Ctr, &ivs, true));
}

#[test]
fn cbcs_with_pattern_and_constant_iv() {
    let ivs = [Iv::from_bytes([9; 16]); 3];
    let media = media(SampleProtection::Cbc(Pattern::VIDEO), &ivs, false);
    check(init(b"cbcs", TrackEncryption::with_constant_iv(KID, [9; 16], 1, 9)), &media);
}

#[test]
fn cbcs_of_whole_blocks() {
    let ivs = [Iv::from_bytes([9; 16]); 3];
    let media = media(SampleProtection::Cbc(Pattern::WHOLE), &ivs, false);
    check(init(b"cbcs", TrackEncryption::with_constant_iv(KID, [9; 16], 0, 0)), &media);
}

#[test]
fn other_schemes_are_refused() {
    let init = init(b"cens", TrackEncryption::per_sample_iv(KID, 8));
    let error = PushDecryptor::new().set_init(init).unwrap_err();
    assert_eq!(error.to_string(), "the protection scheme `cens` is not supported");
}

/// B64, B65: samples of one fragment under several keys (`seig`), which may come one after the other; a clear
/// one among them.
#[test]
fn b64_sample_groups_with_other_keys() {
    let samples = [64u32; 4];
    let specs =
        samples.map(|size| SampleSpec { size, duration: 10, composition_offset: 0, flags: 0x0200_0000 });
    let ivs = [1u64, 2, 3].map(Iv::from_u64);
    let auxiliary: Vec<_> =
        ivs.iter().map(|iv| SampleAuxiliary { iv: iv.as_bytes().to_vec(), subsamples: vec![] }).collect();
    // senc has an entry for every protected sample, and an empty one (no IV) for the clear one: written by
    // hand below.
    let head = write_fragment(&FragmentSpec {
        sequence: 1,
        track_id: 1,
        base_decode_time: 0,
        samples: &specs,
        auxiliary: &[],
        description_index: None,
        group: None,
        roll: None,
    })
    .unwrap();
    let mut extra = BoxWriter::new();
    extra.full_box(b"senc", 0, 0, |out| {
        out.u32(4);
        auxiliary.iter().for_each(|sample| out.bytes(&sample.iv));
    });
    let entry = |protected: bool, kid: [u8; 16]| {
        [&[0, 0, u8::from(protected), if protected { 8 } else { 0 }][..], &kid].concat()
    };
    extra.full_box(b"sgpd", 1, 0, |out| {
        out.bytes(b"seig");
        out.u32(20);
        out.u32(2);
        out.bytes(&entry(true, [2; 16]));
        out.bytes(&entry(false, [0; 16]));
    });
    extra.full_box(b"sbgp", 0, 0, |out| {
        out.bytes(b"seig");
        out.u32(3);
        // Sample 1: the track's key; 2 and 3: group 1 of this fragment; 4: clear.
        for (count, index) in [(1u32, 0u32), (2, 0x1_0001), (1, 0x1_0002)] {
            out.u32(count);
            out.u32(index);
        }
    });
    let extra = extra.into_bytes();
    // moof and traf grow by the extra boxes, and the data moves by as much.
    let mut head = head;
    let mdat = head.split_off(head.len() - 8);
    let grow = |head: &mut Vec<u8>, at: usize| {
        let size = u32::from_be_bytes(head[at..at + 4].try_into().unwrap()) + extra.len() as u32;
        head[at..at + 4].copy_from_slice(&size.to_be_bytes());
    };
    let find = |head: &[u8], kind: &[u8]| head.windows(4).position(|w| w == kind).unwrap();
    grow(&mut head, 0);
    let traf = find(&head, b"traf") - 4;
    grow(&mut head, traf);
    let data_offset = find(&head, b"trun") + 12;
    grow(&mut head, data_offset);
    let clear: Vec<u8> = (0..256u32).map(|i| i as u8).collect();
    let mut data = clear.clone();
    for (i, n) in [(0usize, 1u8), (1, 2), (2, 2)] {
        let mut table = RangeTable::new(SampleProtection::Ctr);
        table.push_sample(i * 64, 64, ivs[i], &[]).unwrap();
        AesCipher::new(&key(n)).apply(Direction::Encrypt, &table, &mut data).unwrap();
    }
    let fragment = [head, extra, mdat, data].concat();

    let mut stream = PushDecryptor::new();
    stream.set_init(init(b"cenc", TrackEncryption::per_sample_iv(KID, 8))).unwrap();
    stream.push(&fragment).unwrap();
    assert_eq!(stream.step(&mut keys(&[])).unwrap(), Step::NeedKeys(vec![Kid([1; 16]), Kid([2; 16])]));
    assert_eq!(stream.step(&mut keys(&[2])).unwrap(), Step::NeedKeys(vec![Kid([1; 16])]));
    let Step::Fragment(out) = stream.step(&mut keys(&[1])).unwrap() else { panic!("held") };
    assert!(out.ends_with(&clear));
    assert_eq!(out.len(), fragment.len());
    for kind in [b"senc", b"sgpd", b"sbgp"] {
        assert!(!out.windows(4).any(|w| w == kind), "{kind:?}");
    }
}
