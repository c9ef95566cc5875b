//! What is done with which stream, and why. Pure: from what was probed to a plan.

mod film;
mod hdr;
mod pictures;
mod sound;
mod text;

use crate::ladder::Rung;
use crate::probe::{Kind, Media, Stream, Video};
use pack::{AudioRole, Chapter, SubtitleRole};
use serde::Serialize;
use std::path::{Path, PathBuf};

pub(crate) use film::{film, picture_samples};
pub use hdr::{Colours, HdrCoding};
pub(crate) use pictures::may_pass as film_that_may_pass;
pub(crate) use sound::may_pass as sound_may_pass;
pub(crate) use text::may_have_captions;

use film::Held;
use pictures::{encode, unfit};

/// An input and what was found in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The file, as it was named.
    pub path: PathBuf,
    /// What ffprobe says of it.
    pub media: Media,
    /// Longest distance of two key frames of its pictures in seconds, where that was looked at.
    pub key_frames: Option<f64>,
    /// Streams that leave out some time, where that was looked at: of sound, gaps.
    pub holes: Vec<usize>,
}

impl Source {
    /// Whether its film is HDR.
    pub fn is_hdr(&self) -> bool {
        film(&self.media).is_some_and(|film| matches!(&film.kind, Kind::Video(video) if video.is_hdr()))
    }
}

/// What an operator wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// A ladder of the operator's; films are then transcoded to it.
    pub ladder: Option<Vec<Rung>>,
    /// Pictures are transcoded, although they would pass.
    pub transcode: bool,
    /// So is sound.
    pub transcode_sound: bool,
    /// In what the HDR of a source may be kept beside its SDR, the one to prefer first; empty: in nothing.
    pub hdr: Vec<HdrCoding>,
}

/// Why there is no film in the inputs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", path.display())]
pub struct Refusal {
    /// The input.
    pub path: PathBuf,
    /// What is wrong, and what to do.
    pub what: String,
}

/// A stream of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The input.
    pub input: PathBuf,
    /// The stream's number in it.
    pub stream: usize,
}

/// What becomes of pictures.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "how")]
pub enum Pictures {
    /// Taken as they are.
    Pass {
        /// Where they are.
        place: Place,
        /// Whether the packager reads the input itself; else it is put into MP4 first.
        direct: bool,
        /// ffprobe's name of their codec.
        codec: String,
    },
    /// Transcoded.
    Encode {
        /// Where they are.
        place: Place,
        /// To what.
        coding: Coding,
        /// The steps of the ladder, highest first.
        steps: Vec<Step>,
        /// Filters in front of scaling: fields, HDR.
        filters: Vec<String>,
        /// Filters that hold the first picture where the film begins without any, and the last where it ends
        /// so.
        held: Vec<String>,
        /// Pictures a second, on average.
        rate: f64,
        /// Whether each keeps its own time.
        variable: bool,
        /// Where key frames are put.
        keys: KeyFrames,
        /// What is said of the colours, of HDR.
        colours: Option<Colours>,
    },
}

/// What pictures are transcoded to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Coding {
    /// H.264, 8 bits, SDR.
    H264,
    /// HEVC, 10 bits, HDR.
    Hevc,
    /// AV1, 10 bits, HDR.
    Av1,
}

/// Where the key frames of a step are put; the same in all steps of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "at")]
pub enum KeyFrames {
    /// Every two seconds.
    Usual,
    /// Where the source has them.
    Source,
    /// By counting.
    Counted {
        /// Pictures from one to the next.
        pictures: u32,
    },
}

/// A step of the ladder that is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Width in samples.
    pub width: u32,
    /// Height in samples.
    pub height: u32,
    /// Bit rate that is not exceeded on average, kbit/s.
    pub max_kbps: u32,
}

/// What becomes of a track of sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sound {
    /// Where it is.
    pub place: Place,
    /// Which of the input's tracks of sound it is, from 1.
    pub number: usize,
    /// Whether it is taken as it is.
    pub pass: bool,
    /// Whether the packager reads the input itself.
    pub direct: bool,
    /// Channels when encoded.
    pub channels: u32,
    /// Language as the file says it.
    pub language: Option<String>,
    /// What it is for.
    #[serde(serialize_with = "pack::as_text::serialize")]
    pub role: AudioRole,
    /// Its name for people.
    pub label: Option<String>,
    /// Whether to begin with it.
    pub default: bool,
}

/// What becomes of subtitles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text {
    /// Where they are.
    pub place: Place,
    /// How they are read.
    #[serde(flatten)]
    pub how: Reading,
    /// Whether times count from the film's beginning, not from the file's first cue.
    pub alone: bool,
    /// Language as the file says it.
    pub language: Option<String>,
    /// What they are for.
    #[serde(serialize_with = "pack::as_text::serialize")]
    pub role: SubtitleRole,
    /// Their name for people.
    pub label: Option<String>,
}

/// How subtitles are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "how")]
pub enum Reading {
    /// The packager reads the input itself.
    Direct,
    /// ffmpeg makes WebVTT of them.
    Decode,
    /// The packager reads the TTML documents that the stream's samples are.
    Documents,
    /// ffmpeg finds them in the pictures and makes WebVTT of them.
    Captions {
        /// When the film begins, in milliseconds of the input's own time.
        start: i64,
    },
}

/// What is done, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Length of the film in seconds.
    pub duration: f64,
    /// Pictures.
    pub pictures: Vec<Pictures>,
    /// Sound.
    pub sounds: Vec<Sound>,
    /// Subtitles.
    pub texts: Vec<Text>,
    /// Chapters.
    pub chapters: Vec<Chapter>,
    /// Where thumbnails and poster are taken from.
    pub picture: Place,
    /// Width and height of the film as shown.
    pub shown: (u32, u32),
    /// Pictures a second of it.
    pub rate: f64,
    /// Whether thumbnails and poster come from HDR.
    pub hdr: bool,
    /// Decisions, for people.
    pub notes: Vec<String>,
}

/// Plans a film.
///
/// # Errors
/// [`Refusal`].
pub fn plan(sources: &[Source], wishes: &Wishes) -> Result<Plan, Refusal> {
    let mut notes = Vec::new();
    let mut videos: Vec<(&Source, &Stream, &Video)> = Vec::new();
    for source in sources {
        let film = film(&source.media).map(|film| film.index);
        for stream in &source.media.streams {
            let name = name(source, stream);
            match &stream.kind {
                Kind::Video(video) if film == Some(stream.index) => videos.push((source, stream, video)),
                Kind::Video(_) if film::is_cover(stream) => {
                    notes.push(format!("{name}: a cover picture, left out"))
                }
                Kind::Video(_) => notes.push(format!("{name}: more pictures of one file, left out")),
                Kind::Other => notes.push(format!("{name}: neither pictures, sound nor text, left out")),
                _ => {}
            }
        }
    }
    let refuse = |path: &Path, what: &str| Refusal { path: path.into(), what: what.to_owned() };
    let Some(&(first, stream, video)) = videos.first() else {
        let path = sources.first().map(|source| source.path.clone()).unwrap_or_default();
        return Err(refuse(&path, "there are no moving pictures in it; name the film's file"));
    };
    let duration = match first.media.duration {
        known if known > 0.0 => known,
        _ => stream.duration.unwrap_or(0.0),
    };
    if duration <= 0.0 && first.media.container.contains("mp4") {
        let what = "it is the header of a film, and its segments are elsewhere; join them by `cat HEADER SEGMENT… > FILM.mp4`";
        return Err(refuse(&first.path, what));
    }
    if duration <= 0.0 {
        let what = format!(
            "it has pictures without times; give it some by `ffmpeg -framerate {} -i IN -c copy OUT.mp4`, with its \
             pictures a second",
            video.rate
        );
        return Err(refuse(&first.path, &what));
    }
    let several = videos.len() > 1;
    if let Some((source, other, _)) = videos.iter().find(|(_, other, _)| other.codec != stream.codec) {
        let what = format!(
            "{} beside {}; the steps of a ladder have one codec: give one input, and the ladder is made of it",
            other.codec, stream.codec
        );
        return Err(refuse(&source.path, &what));
    }
    let mut pictures = Vec::new();
    for &(source, stream, video) in &videos {
        let name = name(source, stream);
        let held = Held::of(source, stream, duration);
        match unfit(source, stream, video, wishes, several).or_else(|| held.unfit()) {
            None => {
                let note = if stream.codec == "av1" { "; of Safari only new devices play it" } else { "" };
                notes.push(format!(
                    "{name}: {} at {}x{} passes as it is{note}",
                    stream.codec, video.size.0, video.size.1
                ));
                pictures.push(Pictures::Pass {
                    place: place(source, stream),
                    direct: is_direct(source),
                    codec: stream.codec.clone(),
                });
            }
            Some(why) if several => {
                let what =
                    format!("stream {}: {why}; give one input, and the ladder is made of it", stream.index);
                return Err(refuse(&source.path, &what));
            }
            Some(why) => {
                notes.push(format!("{name}: transcoded, for {why}"));
                let (keys, beside) = hdr::keep((source, stream, video), &held, wishes, &mut notes);
                pictures.push(encode((source, stream, video), &held, wishes, keys, &mut notes));
                pictures.extend(beside);
            }
        }
    }
    let mut plan = Plan {
        duration,
        pictures,
        sounds: Vec::new(),
        texts: Vec::new(),
        chapters: text::chapters(&first.media, duration),
        picture: place(first, stream),
        shown: video.shown(),
        rate: video.rate,
        hdr: video.is_hdr(),
        notes,
    };
    // The steps of a ladder mostly have the same sound each.
    let with_sound =
        sources.iter().position(|s| s.media.streams.iter().any(|s| matches!(s.kind, Kind::Audio { .. })));
    for (n, source) in sources.iter().enumerate() {
        let has_pictures = videos.iter().any(|(other, _, _)| other.path == source.path);
        if has_pictures && with_sound.is_some_and(|first| first < n) {
            plan.notes
                .push(format!("{}: its sound is that of another input, left out", source.path.display()));
        } else {
            plan.add_sounds(source, wishes.transcode_sound);
        }
        plan.add_texts(source, !has_pictures);
    }
    if video.captions {
        // Those of the other steps of a ladder are the same.
        plan.add_captions(first, stream);
    }
    if plan.sounds.is_empty() {
        plan.notes.push("there is no sound".to_owned());
    }
    Ok(plan)
}

fn name(source: &Source, stream: &Stream) -> String {
    format!("{} stream {}", source.path.display(), stream.index)
}

fn place(source: &Source, stream: &Stream) -> Place {
    Place { input: source.path.clone(), stream: stream.index }
}

/// Whether the packager can read an input itself: MP4 whose times begin at 0, with one stream of pictures.
fn is_direct(source: &Source) -> bool {
    let videos = source.media.streams.iter().filter(|s| matches!(s.kind, Kind::Video(_)));
    source.media.container.split(',').any(|name| name == "mp4")
        && source.media.start.abs() < 0.001
        && videos.count() == 1
}
