//! Subtitles of operators, captions of pictures, and thumbnails: read or refused; what is read is written and
//! read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pack::bif;
use subtitles::{Cea708, Time};

fuzz_target!(|data: &[u8]| {
    if let Ok(track) = subtitles::read(data) {
        assert!(track.cues.iter().all(|cue| cue.start < cue.end && !cue.text.is_empty()));
        assert_eq!(subtitles::read_webvtt(track.to_webvtt().as_bytes()), Ok(track));
    }
    let mut captions = Cea708::default();
    for (time, picture) in (0..).zip(data.chunks(30)) {
        assert!(captions.push(Time(time), picture).is_ok());
    }
    if let Ok(track) = captions.finish(Time(u64::MAX)) {
        assert!(track.cues.iter().all(|cue| cue.start < cue.end && !cue.text.is_empty()));
    }
    if let Ok(pictures) = bif::read(data) {
        assert!(pictures.is_sorted_by_key(|picture| picture.time));
        assert!(pictures.iter().map(|picture| picture.jpeg.len()).sum::<usize>() <= data.len());
    }
});
