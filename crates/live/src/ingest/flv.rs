//! What an encoder sends by RTMP: media messages, each with a picture or a frame of sound and its time in
//! milliseconds.

use bytes::Bytes;
use rtmp::flv::{self, Body, Codec, FlvError, Packet};
use rtmp::{Media, MediaKind};

use super::entry::{self, Entry};
use super::{InputSample, LATEST};
use crate::source::{Source, SourceError};

/// Most tracks of a connection.
const MAX_TRACKS: usize = 16;
/// Messages in a row that belong to no track.
const MAX_LOST: u32 = 1000;
/// Ticks a second of pictures: RTMP's.
const MILLIS: u32 = 1000;
/// Times of sound are rounded to milliseconds and later. What is no further off goes on where the sound
/// ended.
const ROUNDED: u64 = 50;
/// How long a picture lasts behind which none came.
const PICTURE: u32 = 40;

/// Why nothing more can be taken of a connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlvIngestError {
    /// A codec that is not taken.
    #[error(transparent)]
    Codec(FlvError),
    /// A configuration that cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Pictures or sound without end, and nothing says how to decode them.
    #[error("the stream has no parameter sets: the encoder must send a sequence header")]
    NoConfiguration,
    /// There are enough.
    #[error("more than {MAX_TRACKS} tracks")]
    TooMany,
}

/// What came.
#[derive(Debug, Clone, PartialEq)]
pub enum FlvInput {
    /// A track is new, or goes on as another.
    Track(Source),
    /// Samples of a track, in decoding order.
    Samples {
        /// The track's id in its [`Source`].
        track: u32,
        /// At least one.
        samples: Vec<InputSample>,
    },
    /// A message that cannot be read, or that came before its track's configuration; what follows may be
    /// good.
    Damaged(String),
}

/// Makes samples of the media messages of a connection. Keeps one picture of each track: how long it lasts is
/// known when the next one comes.
#[derive(Debug, Default)]
pub struct FlvIngest {
    tracks: Vec<Track>,
    /// The latest message's time.
    time: i64,
    lost: u32,
}

#[derive(Debug)]
struct Track {
    id: u32,
    config: Bytes,
    entry: Entry,
    codec: Codec,
    /// The latest picture, and how long the one before lasted.
    picture: Option<InputSample>,
    duration: u32,
    /// Where sound goes on, in its ticks.
    end: Option<i64>,
}

impl FlvIngest {
    /// Takes the next message.
    ///
    /// # Errors
    /// [`FlvIngestError`]: nothing more can be taken of this connection.
    pub fn push(&mut self, media: &Media) -> Result<Vec<FlvInput>, FlvIngestError> {
        // 32 bits that wrap, from where they were last.
        let step = media.time.wrapping_sub(self.time as u32).cast_signed();
        self.time = self.time.saturating_add(step.into()).clamp(-(LATEST as i64), LATEST as i64 * 1000);
        let packets = match media.kind {
            MediaKind::Video => flv::video(&media.payload),
            MediaKind::Audio => flv::audio(&media.payload),
        };
        let packets = match packets {
            Ok(packets) => packets,
            Err(error @ FlvError::Codec(_)) => return Err(FlvIngestError::Codec(error)),
            Err(error) => return self.damaged(error.to_string()),
        };
        let mut inputs = Vec::new();
        for Packet { track, codec, body } in packets {
            let id = u32::from(track) + if media.kind == MediaKind::Video { 1 } else { 0x101 };
            match body {
                Body::Config(config) => inputs.extend(self.configure(id, codec, config)?),
                Body::Frame { data, sync, composition } => {
                    inputs.extend(self.frame(id, codec, data, sync, composition)?);
                }
            }
        }
        Ok(inputs)
    }

    /// Nothing more comes: the pictures that were kept.
    pub fn finish(&mut self) -> Vec<FlvInput> {
        self.tracks.iter_mut().filter_map(Track::last).collect()
    }

    fn damaged(&mut self, why: String) -> Result<Vec<FlvInput>, FlvIngestError> {
        self.lost += 1;
        match self.lost > MAX_LOST {
            true => Err(FlvIngestError::NoConfiguration),
            false => Ok(vec![FlvInput::Damaged(why)]),
        }
    }

    fn configure(&mut self, id: u32, codec: Codec, config: Bytes) -> Result<Vec<FlvInput>, FlvIngestError> {
        let known = self.tracks.iter().position(|track| track.id == id);
        // Some say it again and again, and some say nothing in it at first.
        if config.is_empty() || known.is_some_and(|at| self.tracks[at].config == config) {
            return Ok(Vec::new());
        }
        let entry = entry::read(codec, &config)?;
        let timescale = entry.sound.map_or(MILLIS, |sound| sound.rate);
        let source = Source::of_entry(id, timescale, &entry.bytes, entry.sound.is_none())?;
        let track = Track { id, config, entry, codec, picture: None, duration: PICTURE, end: None };
        let mut inputs = Vec::new();
        match known {
            Some(at) => {
                inputs.extend(self.tracks[at].last());
                self.tracks[at] = track;
            }
            None if self.tracks.len() >= MAX_TRACKS => return Err(FlvIngestError::TooMany),
            None => self.tracks.push(track),
        }
        inputs.push(FlvInput::Track(source));
        Ok(inputs)
    }

    fn frame(
        &mut self,
        id: u32,
        codec: Codec,
        data: Bytes,
        sync: bool,
        composition: i32,
    ) -> Result<Vec<FlvInput>, FlvIngestError> {
        let time = self.time;
        let Some(track) = self.tracks.iter_mut().find(|track| track.id == id && track.codec == codec) else {
            return self.damaged("a picture or sound before its parameter sets".to_owned());
        };
        self.lost = 0;
        if data.is_empty() {
            return Ok(Vec::new());
        }
        let sample = match track.entry.sound {
            None => track.picture(data, time, composition, sync),
            Some(sound) => Some(track.sound(sound, data, time)),
        };
        Ok(sample.map(|sample| FlvInput::Samples { track: id, samples: vec![sample] }).into_iter().collect())
    }
}

impl Track {
    /// Takes a picture; the one before, which lasted until it.
    fn picture(&mut self, data: Bytes, time: i64, composition: i32, sync: bool) -> Option<InputSample> {
        let data = if self.codec == Codec::Av1 { without_delimiter(data) } else { data };
        let (decode_time, time) = (time, time.saturating_add(composition.into()));
        let before = self.picture.replace(InputSample { data, decode_time, time, duration: 0, sync });
        let mut before = before?;
        let lasted = decode_time.saturating_sub(before.decode_time);
        // Where times jump, it lasts as long as the one before it.
        before.duration = match u32::try_from(lasted) {
            Ok(lasted @ 1..10_000) => lasted,
            _ => self.duration,
        };
        self.duration = before.duration;
        Some(before)
    }

    fn sound(&mut self, sound: entry::Sound, data: Bytes, time: i64) -> InputSample {
        let said = cmaf::timeline::rescale(time, MILLIS, sound.rate);
        let near = u64::from(sound.rate) * ROUNDED / 1000;
        let decode_time = self.end.filter(|end| end.abs_diff(said) <= near).unwrap_or(said);
        let duration = match self.codec {
            Codec::Opus => cmaf::opus_samples(&data).unwrap_or(sound.frame),
            _ => sound.frame,
        };
        self.end = Some(decode_time.saturating_add(duration.into()));
        InputSample { data, decode_time, time: decode_time, duration, sync: true }
    }

    fn last(&mut self) -> Option<FlvInput> {
        let picture = self.picture.take()?;
        let samples = vec![InputSample { duration: self.duration, ..picture }];
        Some(FlvInput::Samples { track: self.id, samples })
    }
}

/// Samples have no temporal delimiters ("AV1 Codec ISO Media File Format Binding", section 2.4).
fn without_delimiter(mut data: Bytes) -> Bytes {
    if data.starts_with(&[0x12, 0]) {
        let _ = data.split_to(2);
    }
    data
}
