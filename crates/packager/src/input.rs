use std::path::Path;

use cmaf::Sample;
use isobmff::{BoxRef, Boxes, Fragment, InitSegment, SampleTable, Track};

use crate::Error;
use crate::codec::{AudioCodec, VideoCodec};
use crate::edit_list::{EditEffect, edit_effect};
use crate::media_file::{MediaFile, TopBox};
use crate::sample_budget::{SampleBudget, TOO_MANY};

/// A source file with the tracks that will be packaged.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) file: MediaFile,
    pub(crate) video: Option<InputTrack<VideoCodec>>,
    pub(crate) audio: Vec<InputTrack<AudioCodec>>,
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
    /// Opens a source and reads its tables; audio only if it will be used.
    pub(crate) fn open(path: &Path, with_audio: bool) -> Result<Self, Error> {
        let file = MediaFile::open(path)?;
        let boxes = file.boxes()?;
        let Some(moov) = boxes.iter().find(|found| found.kind == b"moov") else {
            return Err(match boxes.iter().any(|found| found.kind == b"mdat") {
                true => file.truncated("it has no `moov`; was its recording interrupted?".into()),
                false => Error::NotMp4 { path: path.into() },
            });
        };
        let moov = file.read_box(moov)?;
        let init = InitSegment::parse(&moov).map_err(Error::boxes(path))?;
        let mut budget = SampleBudget::of_file(file.len());
        let mut this = Self { file, video: None, audio: Vec::new() };
        for (index, track) in init.tracks.iter().enumerate() {
            let of_use = match &track.handler.0 {
                b"vide" => this.video.is_none(),
                b"soun" => with_audio,
                _ => false,
            };
            let Some(entry) = track.entries.first().filter(|_| of_use) else { continue };
            let samples = this.samples(&moov, &init, index, &boxes, &mut budget)?;
            if samples.is_empty() {
                continue;
            }
            if track.handler == b"vide" {
                // A cover picture is a video track, too.
                if samples.len() == 1 && matches!(&entry.kind.0, b"jpeg" | b"png " | b"mjpg") {
                    continue;
                }
                let codec = VideoCodec::read(path, &moov, entry)?;
                this.video = Some(this.track(&init, track, codec, samples, trim_video)?);
            } else {
                let codec = AudioCodec::read(path, &moov, entry)?;
                let track = this.track(&init, track, codec, samples, trim_audio)?;
                this.audio.push(track);
            }
        }
        Ok(this)
    }

    fn track<C>(
        &self,
        init: &InitSegment,
        track: &Track,
        codec: C,
        mut samples: Vec<InputSample>,
        trim: fn(&mut Vec<InputSample>, &EditEffect),
    ) -> Result<InputTrack<C>, Error> {
        let path = self.file.path();
        let effect = edit_effect(&track.edit_list, init.timescale, track.timescale)
            .map_err(|what| Error::unsupported(path, what))?;
        samples.iter_mut().for_each(|sample| sample.time = sample.time.saturating_add(effect.offset));
        let times = samples.iter().map(|sample| sample.time).chain([effect.start]).chain(effect.end);
        if times.into_iter().any(|time| time.unsigned_abs() > MAX_TIME) {
            return Err(Error::unsupported(path, "a track with impossible times"));
        }
        trim(&mut samples, &effect);
        if samples.is_empty() {
            return Err(Error::unsupported(path, "the edit list shows nothing of a track"));
        }
        Ok(InputTrack {
            id: track.id,
            timescale: track.timescale,
            language: track.language,
            display: (track.width, track.height, track.matrix),
            codec,
            offsets: samples.iter().map(|sample| sample.offset).collect(),
            samples: samples
                .iter()
                .map(|&InputSample { size, duration, time, sync, .. }| Sample { size, duration, time, sync })
                .collect(),
            start: effect.start,
            primes: track.handler == b"soun",
        })
    }

    /// The samples of a track, from the tables or from fragments; times before edits.
    fn samples(
        &self,
        moov: &[u8],
        init: &InitSegment,
        index: usize,
        boxes: &[TopBox],
        budget: &mut SampleBudget,
    ) -> Result<Vec<InputSample>, Error> {
        let path = self.file.path();
        let track = &init.tracks[index];
        let table =
            stbl(moov, index).and_then(|stbl| SampleTable::parse(&stbl, self.file.len(), budget.left()));
        let table = table.map_err(|error| match error {
            isobmff::Error::Invalid { what, .. } if what.contains("end of the file") => {
                self.file.truncated(what.to_owned())
            }
            isobmff::Error::Invalid { what: "more samples than are allowed", .. } => {
                Error::unsupported(path, TOO_MANY)
            }
            source => Error::Boxes { path: path.into(), source },
        })?;
        if table.samples.iter().any(|sample| sample.description_index != 1) {
            return Err(Error::unsupported(path, "a track that changes its codec configuration"));
        }
        budget.take(table.samples.len() as u64).map_err(|what| Error::unsupported(path, what))?;
        let mut samples: Vec<_> = table
            .samples
            .into_iter()
            .map(|sample| InputSample {
                offset: sample.offset,
                size: sample.size,
                duration: sample.duration,
                time: sample.decode_time as i64 + i64::from(sample.composition_offset),
                sync: sample.sync,
            })
            .collect();
        let mut expected = None;
        for found in boxes.iter().filter(|found| init.fragmented && found.kind == b"moof") {
            let moof = self.file.read_box(found)?;
            let fragment = Fragment::parse(&moof, found.offset, init).map_err(Error::boxes(path))?;
            for part in fragment.tracks().iter().filter(|part| part.track.id == track.id) {
                if part.description_index > 1 {
                    return Err(Error::unsupported(path, "a track that changes its codec configuration"));
                }
                for sample in part.samples() {
                    let sample = sample.map_err(Error::boxes(path))?;
                    budget.take(1).map_err(|what| Error::unsupported(path, what))?;
                    let offset = found.offset.saturating_add(sample.offset);
                    if offset.checked_add(sample.size.into()).is_none_or(|end| end > self.file.len()) {
                        return Err(self.file.truncated("samples lie beyond its end".into()));
                    }
                    // A gap between fragments is time in which the sample before it stays.
                    if let (Some(expected), Some(last)) = (expected, samples.last_mut()) {
                        let gap = sample.decode_time.checked_sub(expected).map(u32::try_from);
                        let longer = gap.and_then(|gap| last.duration.checked_add(gap.ok()?));
                        last.duration = longer.ok_or_else(|| {
                            Error::unsupported(path, "fragments that are not in the order of time")
                        })?;
                    }
                    expected = sample.decode_time.checked_add(sample.duration.into());
                    samples.push(InputSample {
                        offset,
                        size: sample.size,
                        duration: sample.duration,
                        time: (sample.decode_time as i64).saturating_add(sample.composition_offset),
                        sync: sample.is_sync(),
                    });
                }
            }
        }
        Ok(samples)
    }
}

fn stbl(moov: &[u8], track: usize) -> Result<BoxRef<'_>, isobmff::Error> {
    let missing = isobmff::Error::Missing { kind: b"trak".into(), parent: b"moov".into() };
    let moov = Boxes::new(moov).first(b"moov")?.ok_or(missing.clone())?;
    let mut traks = moov.children(0).filter(|child| child.as_ref().is_ok_and(|child| child.kind == b"trak"));
    let trak = traks.nth(track).transpose()?.ok_or(missing)?;
    trak.required(b"mdia")?.required(b"minf")?.required(b"stbl")
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
