//! An encoder's stream: any bytes in any pieces, behind a real header or not, into a session.
#![no_main]

use cenc::{CommonKey, Level, Scheme};
use libfuzzer_sys::fuzz_target;
use live::{Broadcast, Ingest, Input, Keys, SessionId, Settings, dash, hls, index};
use nccp::EventState;

const INIT: &[u8] = include_bytes!("../../crates/decryptor/tests/fixtures/clearkey-init.mp4");

fuzz_target!(|input: (bool, bool, u8, &[u8])| {
    let (own, cbcs, chunk, media) = input;
    let Ok((settings, _)) = Settings::read(None, None) else { return };
    let scheme = if cbcs { Scheme::Cbcs } else { Scheme::Cenc };
    let Ok(content) = "live/a/b".parse() else { return };
    let keys = Keys::new(CommonKey::new([7; 16]), "k".into(), content, (scheme, Level::High), 1);
    let mut broadcast = Broadcast::new(SessionId([1; 16]), Some(keys), &settings);
    let mut ingest = Ingest::new(None);
    let mut handles = Vec::new();
    let head = if own { &[][..] } else { INIT };
    for piece in [head].into_iter().chain(media.chunks(usize::from(chunk) + 1)) {
        let Ok(inputs) = ingest.push(piece) else { break };
        for input in inputs {
            match input {
                Input::Header(header) => {
                    for source in &header.sources {
                        if let Ok((handle, _)) = broadcast.open("t", source) {
                            handles.push((source.track_id, handle));
                        }
                    }
                }
                Input::Samples { track, samples } => {
                    if let Some((_, handle)) = handles.iter().find(|(id, _)| *id == track) {
                        broadcast.push(*handle, samples, 1_790_000_000_000);
                    }
                }
                Input::Damaged(_) => {}
            }
        }
    }
    broadcast.finish(1_790_000_000_000);
    for representation in broadcast.representations() {
        hls::media(&broadcast, representation, false, "");
    }
    let _ = (hls::master(&broadcast, ""), dash::mpd(&broadcast, "", 0));
    let _ = index::json(&broadcast, ("a", "b"), EventState::Live, None, 0);
});
