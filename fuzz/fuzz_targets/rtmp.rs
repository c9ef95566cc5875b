//! A publisher: any octets in any pieces, behind a handshake or not; and any media messages, on their way to
//! samples.
#![no_main]

use libfuzzer_sys::fuzz_target;
use live::FlvIngest;
use rtmp::{Event, Media, MediaKind, Session};

fuzz_target!(|input: (bool, bool, u8, &[u8], Vec<(bool, u32, Vec<u8>)>)| {
    let (shakes, accepts, piece, octets, messages) = input;
    let (mut session, mut ingest) = (Session::new([7; 32]), FlvIngest::default());
    if shakes {
        let mut hands = vec![3];
        hands.resize(1 + 2 * 1536, 0);
        if session.push(&hands).is_err() {
            return;
        }
    }
    'connection: for piece in octets.chunks(usize::from(piece) + 1) {
        if session.push(piece).is_err() {
            break;
        }
        loop {
            match session.event() {
                Ok(Some(Event::Connect(_) | Event::Publish(_))) if accepts => session.accept(),
                Ok(Some(Event::Connect(_) | Event::Publish(_))) => session.refuse("no"),
                Ok(Some(Event::Media(media))) => drop(ingest.push(&media)),
                Ok(Some(Event::End)) | Err(_) => break 'connection,
                Ok(None) => break,
            }
        }
        // What is answered is no more than what was asked.
        assert!(session.output().len() < 64 << 10);
    }
    for (is_video, time, payload) in messages {
        let kind = if is_video { MediaKind::Video } else { MediaKind::Audio };
        if ingest.push(&Media { kind, time, payload: payload.into() }).is_err() {
            break;
        }
    }
    ingest.finish();
});
