//! Source files: their tracks, with all that is known of each sample but its bytes. One module for each
//! container.

mod matroska;
mod mp4;

use std::path::Path;

use cmaf::Sample;

use crate::Error;
use crate::codec::{AudioCodec, VideoCodec};
use crate::edit_list::EditEffect;
use crate::media_file::MediaFile;

/// A source file with the tracks that will be packaged.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) file: MediaFile,
    pub(crate) video: Option<InputTrack<VideoCodec>>,
    pub(crate) audio: Vec<InputTrack<AudioCodec>>,
    pub(crate) left_out: LeftOut,
}

/// What is in a source and is not read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// Tracks of text: subtitles, or chapters of an MP4.
    pub(crate) texts: usize,
    /// Whether there are chapters beside the tracks.
    pub(crate) chapters: bool,
}

/// A track of a source.
#[derive(Debug)]
pub(crate) struct InputTrack<C> {
    pub(crate) id: u32,
    pub(crate) timescale: u32,
    pub(crate) language: [u8; 3],
    /// Width and height of the presentation (16.16) and matrix, from `tkhd`.
    pub(crate) display: (u32, u32, [u8; 36]),
    pub(crate) codec: C,
    /// In decoding order, edits applied: what is never shown nor needed is gone. Times are on the movie's
    /// timeline.
    pub(crate) samples: Vec<Sample>,
    /// Where in the file each sample lies.
    pub(crate) offsets: Vec<u64>,
    /// When the edit list lets the track begin.
    pub(crate) start: i64,
    /// Whether samples before `start` prime the decoder (audio) rather than being shown (video).
    pub(crate) primes: bool,
}

/// A sample of a source, and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct InputSample {
    offset: u64,
    size: u32,
    duration: u32,
    /// Presentation time, in the track's ticks.
    time: i64,
    sync: bool,
}

/// Samples of audio that may prime the decoder, at most; encoders use 1 to 3 frames.
const MAX_PRIMING_FRAMES: usize = 4;

/// Largest time, in ticks, that is taken seriously: a century at 100 kHz and more. Keeps sums from
/// overflowing.
const MAX_TIME: u64 = 1 << 50;

impl Input {
    /// Opens a source and reads what it says of its samples; audio only if it will be used.
    pub(crate) fn open(path: &Path, with_audio: bool) -> Result<Self, Error> {
        let file = MediaFile::open(path)?;
        let mut signature = [0; 4];
        let is_matroska = file.len() >= 4 && {
            file.read_at(0, &mut signature)?;
            signature == matroska::SIGNATURE
        };
        if is_matroska { matroska::open(file, with_audio) } else { mp4::open(file, with_audio) }
    }
}

/// Whether an MP4 file says that its samples are encrypted. What is no MP4, or cannot be read as one, says
/// nothing.
pub fn says_encrypted(path: &Path) -> bool {
    let tracks = MediaFile::open(path).and_then(|file| mp4::tracks(&file));
    tracks.is_ok_and(|tracks| {
        tracks.iter().flat_map(|track| &track.entries).any(|entry| entry.protection.is_some())
    })
}

/// A track before its edits are applied.
struct RawTrack<C> {
    id: u32,
    timescale: u32,
    language: [u8; 3],
    display: (u32, u32, [u8; 36]),
    codec: C,
    samples: Vec<InputSample>,
}

impl RawTrack<VideoCodec> {
    fn edited(self, path: &Path, effect: &EditEffect) -> Result<InputTrack<VideoCodec>, Error> {
        edited(self, path, effect, trim_video, false)
    }
}

impl RawTrack<AudioCodec> {
    fn edited(self, path: &Path, effect: &EditEffect) -> Result<InputTrack<AudioCodec>, Error> {
        edited(self, path, effect, trim_audio, true)
    }
}

/// Applies an edit: moves the samples, and drops those that are neither shown nor needed.
fn edited<C>(
    track: RawTrack<C>,
    path: &Path,
    effect: &EditEffect,
    trim: fn(&mut Vec<InputSample>, &EditEffect),
    primes: bool,
) -> Result<InputTrack<C>, Error> {
    let RawTrack { id, timescale, language, display, codec, mut samples } = track;
    samples.iter_mut().for_each(|sample| sample.time = sample.time.saturating_add(effect.offset));
    let times = samples.iter().map(|sample| sample.time).chain([effect.start]).chain(effect.end);
    if times.into_iter().any(|time| time.unsigned_abs() > MAX_TIME) {
        return Err(Error::unsupported(path, "a track with impossible times"));
    }
    trim(&mut samples, effect);
    if samples.is_empty() {
        return Err(Error::unsupported(path, "the edit list shows nothing of a track"));
    }
    Ok(InputTrack {
        id,
        timescale,
        language,
        display,
        codec,
        offsets: samples.iter().map(|sample| sample.offset).collect(),
        // In place: there are a million of them in a long film.
        samples: samples
            .into_iter()
            .map(|InputSample { size, duration, time, sync, .. }| Sample { size, duration, time, sync })
            .collect(),
        start: effect.start,
        primes,
    })
}

/// Drops leading groups of pictures that are over before the edit begins, and trailing pictures after its
/// end.
fn trim_video(samples: &mut Vec<InputSample>, effect: &EditEffect) {
    let begin = samples.iter().rposition(|sample| sample.sync && sample.time <= effect.start).unwrap_or(0);
    samples.drain(..begin);
    trim_end(samples, effect);
}

/// Drops leading frames that not even prime the decoder, and trailing frames after the edit's end.
fn trim_audio(samples: &mut Vec<InputSample>, effect: &EditEffect) {
    let first = samples.iter().position(|sample| sample.time + i64::from(sample.duration) > effect.start);
    samples.drain(..first.unwrap_or(samples.len()).saturating_sub(MAX_PRIMING_FRAMES));
    trim_end(samples, effect);
}

fn trim_end(samples: &mut Vec<InputSample>, effect: &EditEffect) {
    while samples.last().is_some_and(|last| effect.end.is_some_and(|end| last.time >= end)) {
        samples.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(times: &[(i64, bool)]) -> Vec<InputSample> {
        times
            .iter()
            .map(|&(time, sync)| InputSample { offset: 0, size: 1, duration: 10, time, sync })
            .collect()
    }

    #[test]
    fn video_keeps_the_group_that_the_edit_begins_in() {
        let mut video =
            samples(&[(-40, true), (-30, false), (-20, true), (-10, false), (0, false), (10, true)]);
        trim_video(&mut video, &EditEffect { offset: 0, start: 0, end: Some(10) });
        assert_eq!(video.iter().map(|s| s.time).collect::<Vec<_>>(), [-20, -10, 0]);
    }

    #[test]
    fn audio_keeps_its_priming() {
        let times: Vec<_> = (-9..5).map(|i| (i * 10, true)).collect();
        let mut audio = samples(&times);
        trim_audio(&mut audio, &EditEffect { offset: 0, start: 0, end: None });
        assert_eq!(audio[0].time, -40);
    }
}
