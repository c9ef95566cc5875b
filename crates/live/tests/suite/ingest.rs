//! What encoders send, whole and broken.

use crate::encoder::Tape;
use live::{Ingest, IngestError, Input};
use proptest::prelude::*;

/// The samples' bytes by track, and how often a header came.
fn read(stream: &[u8], pieces: impl Iterator<Item = usize>) -> Result<(Vec<Vec<u8>>, usize), IngestError> {
    let (mut ingest, mut samples, mut headers, mut rest) = (Ingest::new(None), Vec::new(), 0, stream);
    for piece in pieces.chain(std::iter::once(usize::MAX)) {
        let (now, later) = rest.split_at(piece.min(rest.len()));
        rest = later;
        for input in ingest.push(now)? {
            match input {
                Input::Header(_) => headers += 1,
                Input::Samples { samples: found, .. } => {
                    samples.extend(found.into_iter().map(|sample| sample.data.to_vec()));
                }
                Input::Damaged(_) => {}
            }
        }
    }
    Ok((samples, headers))
}

/// The demo film's first second, and what is in it.
fn second() -> (Vec<u8>, Vec<Vec<u8>>) {
    let tape = Tape::video(1);
    (tape.stream(0.0), tape.samples.iter().map(|(_, data)| data.clone()).collect())
}

#[test]
fn a_stream_in_pieces_of_any_size_is_the_same_stream() {
    let (stream, samples) = second();
    for piece in [1, 7, 188, 1460, 65_536] {
        let (read, headers) = read(&stream, std::iter::repeat_n(piece, stream.len() / piece)).unwrap();
        assert_eq!((headers, read.len()), (1, samples.len()), "{piece}");
        assert!(read == samples, "{piece}");
    }
}

#[test]
fn a_fragment_needs_its_header() {
    let tape = Tape::video(1);
    let fragments = tape.fragments(12, 0.0).concat();
    assert_eq!(Ingest::new(None).push(&fragments), Err(IngestError::NoHeader));
    let mut with = Ingest::new(None);
    let Input::Header(header) = with.push(&tape.header()).unwrap().remove(0) else { panic!("no header") };
    assert!(with.is_complete());
    // One request for each segment: the header came before.
    let mut segment = Ingest::new(Some(header));
    assert_eq!(segment.push(&fragments).unwrap().len(), tape.samples.len().div_ceil(12));
    assert!(segment.is_complete());
    segment.push(&fragments[..100]).unwrap();
    assert!(!segment.is_complete());
}

#[test]
fn what_is_not_taken_is_refused_in_words() {
    let mut header = Tape::audio(1).header();
    let at = header.windows(4).position(|four| four == b"mp4a").unwrap();
    header[at..at + 4].copy_from_slice(b"sowt");
    let error = Ingest::new(None).push(&header).unwrap_err();
    assert!(error.to_string().contains("`sowt` is not taken"), "{error}");
    let error = Ingest::new(None).push(b"<?xml version=\"1.0\"?><MPD></MPD>").unwrap_err();
    assert!(matches!(error, IngestError::TooLarge { .. } | IngestError::NotMp4), "{error}");
}

/// Samples that do not lie where they should are left out, and the stream goes on.
#[test]
fn a_damaged_fragment_is_not_the_end() {
    let tape = Tape::audio(1);
    let fragments = tape.fragments(12, 0.0);
    let mut stream = tape.header();
    for (n, fragment) in fragments.iter().enumerate() {
        let mut fragment = fragment.clone();
        if n == 1 {
            // The first sample's size.
            let trun = fragment.windows(4).position(|four| four == b"trun").unwrap();
            fragment[trun + 20..trun + 24].copy_from_slice(&u32::MAX.to_be_bytes());
        }
        stream.extend(fragment);
    }
    let (samples, _) = read(&stream, std::iter::empty()).unwrap();
    assert_eq!(samples.len(), tape.samples.len() - 12);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..300), piece in 1usize..50) {
        let _ = read(&data, std::iter::repeat_n(piece, data.len() / piece));
    }

    /// A real stream with some bytes changed.
    #[test]
    fn damaged_streams_never_panic(
        damage in proptest::collection::vec((0usize..6000, any::<u8>()), 1..8),
        piece in 1usize..5000,
    ) {
        let mut stream = Tape::audio(1).stream(0.0);
        let len = stream.len();
        damage.iter().for_each(|(at, byte)| stream[at % len] = *byte);
        let _ = read(&stream, std::iter::repeat_n(piece, len / piece));
    }
}
