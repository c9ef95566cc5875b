//! IVs and subsamples wherever others write them: `senc`, `saiz` and `saio`, PIFF's boxes.

use crate::common::*;
use cenc::Kid;
use decryptor::{PushDecryptor, Step};
use isobmff::{BoxRef, BoxWriter};
use proptest::prelude::*;

/// IVs and subsamples where `saiz` and `saio` say, with no `senc` to be seen.
#[test]
fn auxiliary_information_by_saiz_and_saio() {
    let (mut stream, _) = stream_of(CLEARKEY_INIT);
    for (segment, expected) in CLEARKEY_SEGMENTS {
        let hidden = renamed(segment, b"senc", b"skip");
        let out = decrypt(&mut stream, &mut Given::new(CLEARKEY), hidden.chunks(1000)).unwrap();
        assert_eq!(mdat_sha256(&out), expected);
    }
}

/// IVs and subsamples in `senc`, with no `saiz` and `saio` about it.
#[test]
fn auxiliary_information_in_place() {
    let (mut stream, _) = stream_of(CLEARKEY_INIT);
    for (segment, expected) in CLEARKEY_SEGMENTS {
        let alone = renamed(&renamed(segment, b"saiz", b"skip"), b"saio", b"skip");
        let out = decrypt(&mut stream, &mut Given::new(CLEARKEY), alone.chunks(1000)).unwrap();
        assert_eq!(mdat_sha256(&out), expected);
    }
}

/// Changes the offsets of `saio`.
type Change<'a> = &'a dyn Fn(&mut Vec<u64>);

/// A segment whose samples are in several runs, their IVs and subsamples in parts of a `skip` box in another
/// order, where `saio` says run by run; `offsets` changes what it says.
fn in_runs(segment: &[u8], lengths: &[u32], wide: bool, offsets: Change<'_>) -> Vec<u8> {
    let written = |places: &[u64], grown: u32| {
        rebuilt(segment, &|found, out| {
            let mut fields = found.cursor();
            match &found.kind.0 {
                b"trun" => {
                    let (version, flags) = fields.version_and_flags().unwrap();
                    // A data offset, and no flags of the first sample.
                    assert_eq!(flags & 5, 1);
                    let (samples, offset) = (fields.u32().unwrap(), fields.u32().unwrap());
                    assert_eq!(samples, lengths.iter().sum::<u32>());
                    let entry = fields.rest().len() / samples as usize;
                    for (at, &count) in lengths.iter().enumerate() {
                        // Only the first says where its data are; the others follow.
                        let flags = if at == 0 { flags } else { flags & !1 };
                        out.full_box(b"trun", version, flags, |out| {
                            out.u32(count);
                            if at == 0 {
                                out.u32(offset.wrapping_add(grown));
                            }
                            out.bytes(fields.take(count as usize * entry).unwrap());
                        });
                    }
                }
                b"saio" => out.full_box(b"saio", u8::from(wide), 0, |out| {
                    out.u32(places.len() as u32);
                    for &place in places {
                        if wide { out.u64(place) } else { out.u32(place as u32) }
                    }
                }),
                // The last run's first.
                b"senc" => out.boxed(b"skip", |out| {
                    let entries = &found.payload[8..];
                    let mut ends: Vec<_> = lengths
                        .iter()
                        .scan(0, |end, &count| {
                            *end += 16 * count as usize;
                            Some(*end)
                        })
                        .collect();
                    assert_eq!(ends.last(), Some(&entries.len()), "an IV and one subsample each");
                    while let Some(end) = ends.pop() {
                        out.bytes(&entries[ends.last().copied().unwrap_or(0)..end]);
                    }
                }),
                _ => return false,
            }
            true
        })
    };
    let mut places = vec![0; lengths.len()];
    let mut as_many = places.clone();
    offsets(&mut as_many);
    let first = written(&as_many, 0);
    let moof = boxes(&first).into_iter().find(|found| &found.1 == b"moof").unwrap();
    let mut at = (first.windows(4).position(|four| four == b"skip").unwrap() + 4 - moof.0) as u64;
    for (place, &count) in places.iter_mut().zip(lengths).rev() {
        *place = at;
        at += 16 * u64::from(count);
    }
    offsets(&mut places);
    written(&places, (first.len() as u32).wrapping_sub(segment.len() as u32))
}

fn sample_count(segment: &[u8]) -> u32 {
    let init = isobmff::InitSegment::parse(CLEARKEY_INIT).unwrap();
    let (at, ..) = boxes(segment).into_iter().find(|found| &found.1 == b"moof").unwrap();
    isobmff::Fragment::parse(&segment[at..], 0, &init).unwrap().tracks()[0].sample_count()
}

/// `saio` with an offset for each `trun` (ISO/IEC 14496-12 §8.7.9): each run's samples find their IVs and
/// subsamples where it says.
#[test]
fn auxiliary_information_run_by_run() {
    for (segment, expected) in CLEARKEY_SEGMENTS {
        let samples = sample_count(segment);
        for lengths in
            [vec![samples], vec![1, samples - 1], vec![samples - 5, 0, 3, 2], vec![1; samples as usize]]
        {
            for wide in [false, true] {
                let (mut stream, _) = stream_of(CLEARKEY_INIT);
                let changed = in_runs(segment, &lengths, wide, &|_| ());
                let out = decrypt(&mut stream, &mut Given::new(CLEARKEY), changed.chunks(1000)).unwrap();
                assert_eq!(mdat_sha256(&out), expected, "{lengths:?}");
            }
        }
    }
}

/// Neither one offset nor one for each run, an offset outside of the fragment, a run whose entries reach past
/// its end: refused.
#[test]
fn auxiliary_information_elsewhere_is_refused() {
    let (segment, _) = CLEARKEY_SEGMENTS[0];
    let samples = sample_count(segment);
    let lengths = [2, 3, samples - 5];
    let changes: [Change<'_>; 7] = [
        &|places| places.truncate(2),
        &|places| places.push(places[0]),
        &|places| places.clear(),
        &|places| places[1] = 1 << 30,
        &|places| places[2] = u64::MAX,
        &|places| places[0] = 7,
        &|places| places[2] = places[0] + 31,
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let (mut stream, _) = stream_of(CLEARKEY_INIT);
        let changed = in_runs(segment, &lengths, true, change);
        let refused = decrypt(&mut stream, &mut Given::new(CLEARKEY), changed.chunks(1000)).unwrap_err();
        assert!(at == 6 || refused.to_string().contains("`saio`"), "{at}: {refused}");
    }
}

/// Runs that share one sample's subsamples cost few bytes each, and are counted all the same.
#[test]
fn subsamples_are_bounded() {
    const EACH: u32 = 40;
    let track = isobmff::InitSegment::parse(CLEARKEY_INIT).unwrap().tracks[0].id;
    let moof = |runs: u32, moof_size: u32| {
        let mut out = BoxWriter::new();
        out.boxed(b"moof", |out| {
            // An IV, and subsamples of nothing.
            out.boxed(b"skip", |out| {
                out.zeros(8);
                out.u16(EACH as u16);
                out.zeros(6 * EACH as usize);
            });
            out.boxed(b"traf", |out| {
                // Offsets from `moof`, samples of no bytes.
                out.full_box(b"tfhd", 0, 0x02_0010, |out| {
                    out.u32(track);
                    out.u32(0);
                });
                for run in 0..runs {
                    out.full_box(b"trun", 0, u32::from(run == 0), |out| {
                        out.u32(1);
                        if run == 0 {
                            out.u32(moof_size + 8);
                        }
                    });
                }
                out.full_box(b"saiz", 0, 0, |out| {
                    out.u8((8 + 2 + 6 * EACH) as u8);
                    out.u32(runs);
                });
                out.full_box(b"saio", 0, 0, |out| {
                    out.u32(runs);
                    (0..runs).for_each(|_| out.u32(16));
                });
            });
        });
        out.into_bytes()
    };
    for (runs, fits) in [((1 << 20) / EACH, true), ((1 << 20) / EACH + 1, false)] {
        let mut fragment = moof(runs, moof(runs, 0).len() as u32);
        fragment.extend_from_slice(b"\0\0\0\x08mdat");
        let (mut stream, _) = stream_of(CLEARKEY_INIT);
        let taken = decrypt(&mut stream, &mut Given::new(CLEARKEY), std::iter::once(&*fragment));
        assert_eq!(taken.is_ok(), fits, "{taken:?}");
        assert!(fits || taken.unwrap_err().to_string().contains("`senc`"));
    }
}

/// PIFF's UUIDs, by what the standard calls the boxes.
fn piff_uuid(kind: &[u8; 4]) -> Option<[u8; 16]> {
    Some(u128::to_be_bytes(match kind {
        b"senc" => 0xa2394f52_5a9b_4f14_a244_6c427c648df4,
        b"tenc" => 0x8974dbce_7be7_4c51_84f9_7148f9882554,
        b"pssh" => 0xd08a4f18_10f3_4a82_b6c8_32d8aba183d3,
        _ => return None,
    }))
}

/// The same film as PIFF 1.1 wrote it: `uuid` boxes for `senc`, `tenc` and `pssh`, scheme `piff`.
#[test]
fn piff_boxes() {
    let as_piff = |found: &BoxRef<'_>, out: &mut BoxWriter| {
        if found.kind == b"schm" {
            out.boxed(b"schm", |out| out.bytes(b"\0\0\0\0piff\0\x01\0\x01"));
        } else if let Some(uuid) = piff_uuid(&found.kind.0) {
            out.boxed(b"uuid", |out| {
                out.bytes(&uuid);
                out.bytes(found.payload);
            });
        } else if found.kind == b"saio" {
            // Both of them make room for the longer `senc`, so that the data stay where `trun` says.
            out.boxed(b"free", |out| out.zeros(found.size() + 17 - 16 - 8));
        } else if found.kind == b"saiz" {
            assert_eq!(found.size(), 17);
        } else {
            return false;
        }
        true
    };
    let init = rebuilt(CLEARKEY_INIT, &as_piff);
    let mut stream = PushDecryptor::new();
    let clear = stream.set_init(init.clone()).unwrap();
    assert_eq!(clear.kids, [CLEARKEY[..32].parse().unwrap()]);
    assert!(!clear.bytes.windows(4).any(|four| four == b"sinf" || four == b"encv"));
    for (segment, expected) in CLEARKEY_SEGMENTS {
        let piff = rebuilt(segment, &as_piff);
        assert_eq!(piff.len(), segment.len());
        let out = decrypt(&mut stream, &mut Given::new(CLEARKEY), [&piff[..]].into_iter()).unwrap();
        assert_eq!(mdat_sha256(&out), expected);
        assert!(!out[0].windows(4).any(|four| four == b"uuid"));
    }
}

/// A segment whose `senc` says its own algorithm, IV size and KID (PIFF 1.1 §5.3.2), under PIFF's UUID or
/// not; IVs of 16 bytes are the same ones, filled up.
fn overriding(segment: &[u8], algorithm: u32, iv_size: u8, kid: &[u8; 16], uuid: bool) -> Vec<u8> {
    let written = |grown: u32| {
        rebuilt(segment, &|found, out| {
            if found.kind == b"senc" {
                let mut payload = found.payload.to_vec();
                payload[3] |= 1;
                let entries = payload.split_off(8);
                let count = payload.split_off(4);
                out.boxed(if uuid { b"uuid" } else { b"senc" }, |out| {
                    if uuid {
                        out.bytes(&piff_uuid(b"senc").unwrap());
                    }
                    out.bytes(&payload);
                    out.u32(algorithm << 8 | u32::from(iv_size));
                    out.bytes(kid);
                    out.bytes(&count);
                    for entry in entries.chunks(16) {
                        out.bytes(&entry[..8]);
                        out.zeros(usize::from(iv_size).saturating_sub(8));
                        out.bytes(&entry[8..]);
                    }
                });
            } else if found.kind == b"trun" {
                let mut payload = found.payload.to_vec();
                let offset = u32::from_be_bytes(payload[8..12].try_into().unwrap()) + grown;
                payload[8..12].copy_from_slice(&offset.to_be_bytes());
                out.boxed(b"trun", |out| out.bytes(&payload));
            } else {
                return false;
            }
            true
        })
    };
    written((written(0).len() - segment.len()) as u32)
}

/// PIFF 1.1 §5.3.2: `senc` overrides what the track says of algorithm, IV size and KID.
#[test]
fn piff_overrides_the_track() {
    let pair: cenc::KidAndKey = CLEARKEY.parse().unwrap();
    // Tracks that say something else: of another key, with 16-byte IVs, not protected, in another scheme,
    // clear.
    let tenc = |change: &'static dyn Fn(&mut Vec<u8>)| {
        rebuilt(CLEARKEY_INIT, &move |found, out| {
            if found.kind == b"tenc" {
                let mut payload = found.payload.to_vec();
                change(&mut payload);
                out.boxed(b"tenc", |out| out.bytes(&payload));
            }
            found.kind == b"tenc"
        })
    };
    let inits = [
        tenc(&|tenc| tenc[8] ^= 1),
        tenc(&|tenc| tenc[7] = 16),
        tenc(&|tenc| tenc[6] = 0),
        renamed(CLEARKEY_INIT, b"cenc", b"cbcs"),
        stream_of(CLEARKEY_INIT).1,
    ];
    for (at, init) in inits.iter().enumerate() {
        for (segment, expected) in CLEARKEY_SEGMENTS {
            for (iv_size, uuid) in [(8, true), (16, true), (8, false)] {
                let (mut stream, _) = stream_of(init);
                let changed = overriding(segment, 1, iv_size, pair.kid.as_bytes(), uuid);
                let out = decrypt(&mut stream, &mut Given::new(CLEARKEY), changed.chunks(1000)).unwrap();
                assert_eq!(mdat_sha256(&out), expected, "{at}");
                assert!(!out[0].windows(4).any(|four| four == b"uuid" || four == b"senc"));
            }
        }
    }
    let (segment, _) = CLEARKEY_SEGMENTS[0];
    let data = |fragment: &[u8]| mdat_sha256(&[fragment.to_vec()]);
    let (mut stream, _) = stream_of(CLEARKEY_INIT);
    // Another key than the track's: that one is asked for.
    stream.push(&overriding(segment, 1, 8, &[7; 16], true)).unwrap();
    assert_eq!(stream.step(&mut Given::new(CLEARKEY)).unwrap(), Step::NeedKeys(vec![Kid([7; 16])]));
    stream.reset();
    // Not encrypted: it passes as it is, without a key.
    stream.push(&overriding(segment, 0, 8, &[0; 16], true)).unwrap();
    let Step::Fragment(out) = stream.step(&mut Given::default()).unwrap() else { panic!("held") };
    assert_eq!(data(out), data(segment));
    // AES-CBC, something unknown, no IVs, IVs of another size.
    for (algorithm, iv_size) in [(2, 16), (3, 8), (0x1_0001, 8), (1, 0), (1, 7), (0, 9)] {
        stream.reset();
        stream.push(&overriding(segment, algorithm, iv_size, pair.kid.as_bytes(), true)).unwrap();
        let refused = stream.step(&mut Given::new(CLEARKEY)).unwrap_err().to_string();
        assert!(refused.contains("other than AES-CTR"), "{refused}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Hostile changes in `saio` run by run and in `senc` that overrides: no panic, and never more bytes than
    /// came.
    #[test]
    fn mutated_auxiliary_information_never_panics(
        override_track: bool,
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        chunk in 100usize..4000,
    ) {
        let (segment, _) = CLEARKEY_SEGMENTS[0];
        let samples = sample_count(segment);
        let mut file = if override_track {
            overriding(segment, 1, 8, &[7; 16], true)
        } else {
            in_runs(segment, &[1, samples - 4, 3], false, &|_| ())
        };
        // In what is read: all in front of the samples.
        let head = boxes(&file).into_iter().find(|found| &found.1 == b"mdat").unwrap().0;
        edits.iter().for_each(|(at, to)| file[at.index(head)] = *to);
        let (mut stream, _) = stream_of(CLEARKEY_INIT);
        if let Ok(out) = decrypt(&mut stream, &mut Given::new(CLEARKEY), file.chunks(chunk)) {
            prop_assert!(out.concat().len() <= file.len());
        }
    }
}
