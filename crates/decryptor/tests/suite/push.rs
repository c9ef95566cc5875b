//! The push decryptor on others' files.

use crate::common::*;
use decryptor::{Error, PushDecryptor, Step};
use proptest::prelude::*;

fn clearkey() -> PushDecryptor {
    let mut stream = PushDecryptor::new();
    let clear = stream.set_init(CLEARKEY_INIT.to_vec()).unwrap();
    assert_eq!(clear.kids, [CLEARKEY[..32].parse().unwrap()]);
    stream
}

/// B24, A103: decrypts what others encrypted.
#[test]
fn b24_shaka_segments() {
    let mut stream = clearkey();
    for (segment, expected) in CLEARKEY_SEGMENTS {
        let out = decrypt(&mut stream, &mut Given::new(CLEARKEY), [segment].into_iter()).unwrap();
        assert_eq!(mdat_sha256(&out), expected);
    }
}

#[test]
fn b24_mp4ff_file() {
    let mut stream = PushDecryptor::new();
    let moof = boxes(MP4FF_FILE).iter().find(|(_, kind, _)| kind == b"moof").unwrap().0;
    let clear = stream.set_init(MP4FF_FILE[..moof].to_vec()).unwrap();
    assert_eq!(clear.bytes.len(), moof);
    assert_eq!(clear.kids, [MP4FF[..32].parse().unwrap()]);
    // The whole file: what is not a fragment is passed over.
    for chunks in [MP4FF_FILE.len(), 10_000, 1] {
        let out = decrypt(&mut stream, &mut Given::new(MP4FF), MP4FF_FILE.chunks(chunks)).unwrap();
        assert_eq!(mdat_sha256(&out), MP4FF_CLEAR);
    }
}

/// docs/protocol.md §9: same offsets, one clear sample entry, no trace of protection.
#[test]
fn output_is_clear_and_of_the_same_length() {
    let mut stream = PushDecryptor::new();
    let clear = stream.set_init(CLEARKEY_INIT.to_vec()).unwrap();
    assert_eq!(clear.bytes.len(), CLEARKEY_INIT.len());
    let has = |data: &[u8], kind: &[u8; 4]| data.windows(4).any(|w| w == kind);
    assert!(has(CLEARKEY_INIT, b"encv") && has(CLEARKEY_INIT, b"sinf"));
    for kind in [b"encv", b"sinf", b"pssh"] {
        assert!(!has(&clear.bytes, kind), "{kind:?}");
    }
    assert!(has(&clear.bytes, b"avc1"));
    let segment = CLEARKEY_SEGMENTS[0].0;
    let out = decrypt(&mut stream, &mut Given::new(CLEARKEY), [segment].into_iter()).unwrap();
    let start = boxes(segment).iter().find(|(_, kind, _)| kind == b"moof").unwrap().0;
    assert_eq!(out.concat().len(), segment.len() - start);
    let moof = boxes(&out[0])[0].2;
    for kind in [b"senc", b"saiz", b"saio"] {
        assert!(has(segment, kind));
        assert!(!has(&out[0][..moof], kind), "{kind:?}");
    }
}

/// A24: media that comes before its license is held, not lost.
#[test]
fn a24_fragment_is_held_until_its_key_comes() {
    let mut stream = clearkey();
    let (segment, expected) = CLEARKEY_SEGMENTS[1];
    let (first, second) = segment.split_at(segment.len() / 2);
    stream.push(first).unwrap();
    assert_eq!(stream.step(&mut Given::default()).unwrap(), Step::NeedData);
    stream.push(second).unwrap();
    let kid = CLEARKEY[..32].parse().unwrap();
    assert_eq!(stream.step(&mut Given::default()).unwrap(), Step::NeedKeys(vec![kid]));
    assert_eq!(stream.step(&mut Given::default()).unwrap(), Step::NeedKeys(vec![kid]));
    let mut out = Vec::new();
    while let Step::Fragment(fragment) = stream.step(&mut Given::new(CLEARKEY)).unwrap() {
        out.push(fragment.to_vec());
    }
    assert_eq!(mdat_sha256(&out), expected);
    stream.finish().unwrap();
}

/// A fragment comes out as soon as it is whole, before the segment is.
#[test]
fn fragments_come_out_early() {
    let mut stream = PushDecryptor::new();
    let layout = boxes(MP4FF_FILE);
    let moof = layout.iter().position(|(_, kind, _)| kind == b"moof").unwrap();
    stream.set_init(MP4FF_FILE[..layout[moof].0].to_vec()).unwrap();
    let (mdat, _, size) = layout[moof + 1];
    stream.push(&MP4FF_FILE[layout[moof].0..mdat + size - 1]).unwrap();
    assert_eq!(stream.step(&mut Given::new(MP4FF)).unwrap(), Step::NeedData);
    stream.push(&MP4FF_FILE[mdat + size - 1..mdat + size + 3]).unwrap();
    let Step::Fragment(fragment) = stream.step(&mut Given::new(MP4FF)).unwrap() else {
        panic!("no fragment")
    };
    assert_eq!(fragment.len(), mdat + size - layout[moof].0);
    assert_eq!(stream.finish(), Err(Error::Unfinished));
}

#[test]
fn wrong_order_and_sizes_are_refused() {
    let step = |bytes: &[u8]| {
        let mut stream = clearkey();
        stream.push(bytes).unwrap();
        stream.step(&mut Given::new(CLEARKEY)).map(|step| format!("{step:?}"))
    };
    assert_eq!(PushDecryptor::new().push(b"x"), Err(Error::NoInit));
    assert_eq!(step(b"\0\0\0\x09mdatx"), Err(Error::StrayData));
    assert!(matches!(step(b"\x7f\0\0\0moof"), Err(Error::TooLarge { .. })));
    assert!(matches!(step(b"\0\0\0\0moof"), Err(Error::TooLarge { .. })));
    assert!(matches!(step(b"\0\0\0\x07moof"), Err(Error::Box(_))));
    let (segment, _) = CLEARKEY_SEGMENTS[0];
    let layout = boxes(segment);
    let moof = layout.iter().position(|(_, kind, _)| kind == b"moof").unwrap();
    let (at, _, size) = layout[moof];
    let moof = &segment[at..at + size];
    assert!(matches!(step(&[moof, b"\x7f\0\0\0mdat"].concat()), Err(Error::TooLarge { .. })));
    assert_eq!(step(&[moof, moof].concat()), Err(Error::Unfinished));
    // A huge box that is of no interest costs nothing.
    assert_eq!(step(b"\x7f\xff\xff\xfffreeXX").unwrap(), "NeedData");
}

/// A102: the init segment says what is encrypted. Where nothing is, no key is asked for and the bytes pass as
/// they are.
#[test]
fn clear_media_passes() {
    let mut stream = clearkey();
    let (segment, _) = CLEARKEY_SEGMENTS[0];
    let fragments = decrypt(&mut stream, &mut Given::new(CLEARKEY), [segment].into_iter()).unwrap();
    let mut stream = clearkey();
    let init = stream.set_init(CLEARKEY_INIT.to_vec()).unwrap().bytes;
    let again = stream.set_init(init.clone()).unwrap();
    assert_eq!((again.bytes, again.kids, again.init_data), (init, vec![], vec![]));
    let clear = fragments.concat();
    let out = decrypt(&mut stream, &mut Given::default(), clear.chunks(100)).unwrap();
    assert_eq!(out, fragments);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// The chunking makes no difference.
    #[test]
    fn any_chunking(sizes in proptest::collection::vec(1usize..5000, 1..40)) {
        let mut stream = clearkey();
        let (segment, expected) = CLEARKEY_SEGMENTS[0];
        let mut rest = segment;
        let mut sizes = sizes.into_iter().cycle();
        let chunks = std::iter::from_fn(|| {
            let (chunk, after) = rest.split_at(sizes.next()?.min(rest.len()));
            rest = after;
            (!chunk.is_empty()).then_some(chunk)
        });
        let out = decrypt(&mut stream, &mut Given::new(CLEARKEY), chunks).unwrap();
        prop_assert_eq!(mdat_sha256(&out), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    /// Altered segments: an error or other output, never a panic, and never more bytes than came.
    #[test]
    fn mutated_segments_never_panic(
        edits in proptest::collection::vec((0usize..3000, any::<u8>()), 1..12),
        cut in 0usize..10_000,
        chunk in 1usize..4000,
    ) {
        let mut stream = clearkey();
        let mut segment = CLEARKEY_SEGMENTS[0].0.to_vec();
        edits.iter().for_each(|&(at, to)| segment[at] = to);
        segment.truncate(segment.len() - cut.min(segment.len()) / 2);
        if let Ok(out) = decrypt(&mut stream, &mut Given::new(CLEARKEY), segment.chunks(chunk)) {
            prop_assert!(out.concat().len() <= segment.len());
        }
    }

    #[test]
    fn mutated_inits_never_panic(edits in proptest::collection::vec((0usize..CLEARKEY_INIT.len(), any::<u8>()), 1..8)) {
        let mut init = CLEARKEY_INIT.to_vec();
        edits.iter().for_each(|&(at, to)| init[at] = to);
        let mut stream = PushDecryptor::new();
        if stream.set_init(init).is_ok() {
            let _ = decrypt(&mut stream, &mut Given::new(CLEARKEY), CLEARKEY_SEGMENTS[0].0.chunks(3000));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let mut stream = clearkey();
        let _ = decrypt(&mut stream, &mut Given::new(CLEARKEY), bytes.chunks(100));
        let _ = PushDecryptor::new().set_init(bytes);
    }
}
