//! What is done with which stream, and why. Pure: from what was probed to a plan.

use crate::ladder::{self, Rung};
use crate::probe::{Kind, Media, Stream, Video};
use pack::{AudioRole, Chapter, SubtitleRole};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// ffprobe's names of codecs that the packager takes as they are.
pub const PASSING: [(&str, Passing); 2] = [("h264", Passing::Video), ("aac", Passing::Audio)];

/// What a codec that passes is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// Codecs of subtitles that are text. Others are pictures, of which only a person can make text.
const TEXT: [&str; 8] = ["subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text", "subviewer"];

/// A bit rate that is sane for pictures that pass: bits for each sample of each picture, and no limit below
/// 1 Mbit/s.
const MOST_BITS_PER_SAMPLE: f64 = 0.3;

/// Seconds by which sound may begin late or end early before it is made to fit.
const LOOSE: f64 = 0.5;

/// An input and what was found in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The file, as it was named.
    pub path: PathBuf,
    /// What ffprobe says of it.
    pub media: Media,
    /// Longest distance of two key frames of its pictures in seconds, where that was looked at.
    pub key_frames: Option<f64>,
}

/// What an operator wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// A ladder of the operator's; films are then transcoded to it.
    pub ladder: Option<Vec<Rung>>,
    /// Pictures are transcoded, although they would pass.
    pub transcode: bool,
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
    },
    /// Transcoded to H.264.
    Encode {
        /// Where they are.
        place: Place,
        /// The steps of the ladder, highest first.
        steps: Vec<Step>,
        /// Filters in front of scaling: fields, HDR.
        filters: Vec<String>,
        /// Pictures a second, on average.
        rate: f64,
        /// Whether each keeps its own time.
        variable: bool,
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
    /// Whether the packager reads the input itself.
    pub direct: bool,
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
        let mut found = false;
        for stream in &source.media.streams {
            let name = name(source, stream);
            match &stream.kind {
                Kind::Video(_) if stream.is("attached_pic") => {
                    notes.push(format!("{name}: a cover picture, left out"))
                }
                Kind::Video(_) if found => notes.push(format!("{name}: more pictures of one file, left out")),
                Kind::Video(video) => {
                    found = true;
                    videos.push((source, stream, video));
                }
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
    if duration <= 0.0 {
        let what = "it does not say how long it is; write it anew by `ffmpeg -i IN -c copy OUT.mkv`";
        return Err(refuse(&first.path, what));
    }
    let several = videos.len() > 1;
    let mut pictures = Vec::new();
    for &(source, stream, video) in &videos {
        let name = name(source, stream);
        match unfit(source, stream, video, wishes, several) {
            None => {
                notes.push(format!(
                    "{name}: {} at {}x{} passes as it is",
                    stream.codec, video.size.0, video.size.1
                ));
                pictures.push(Pictures::Pass { place: place(source, stream), direct: is_direct(source) });
            }
            Some(why) if several => {
                let what =
                    format!("stream {}: {why}; give one input, and the ladder is made of it", stream.index);
                return Err(refuse(&source.path, &what));
            }
            Some(why) => {
                notes.push(format!("{name}: transcoded, for {why}"));
                pictures.push(encode(source, stream, video, wishes, &mut notes));
            }
        }
    }
    let mut plan = Plan {
        duration,
        pictures,
        sounds: Vec::new(),
        texts: Vec::new(),
        chapters: chapters(&first.media),
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
            plan.add_sounds(source);
        }
        plan.add_texts(source, !has_pictures);
    }
    if plan.sounds.is_empty() {
        plan.notes.push("there is no sound".to_owned());
    }
    Ok(plan)
}

/// The stream of pictures that may pass, by its number.
pub(crate) fn may_pass(media: &Media) -> Option<usize> {
    let is_film = |s: &&Stream| matches!(s.kind, Kind::Video(_)) && !s.is("attached_pic");
    media.streams.iter().find(is_film).filter(|s| passes(s, Passing::Video)).map(|s| s.index)
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

fn passes(stream: &Stream, kind: Passing) -> bool {
    PASSING.contains(&(&stream.codec[..], kind))
}

/// Why pictures cannot be taken as they are.
fn unfit(source: &Source, stream: &Stream, video: &Video, wishes: &Wishes, several: bool) -> Option<String> {
    let (width, height) = video.size;
    let samples = f64::from(width) * f64::from(height) * video.rate;
    let most = (samples * MOST_BITS_PER_SAMPLE).max(1e6);
    // Of one file alone, what is not said of the stream is nearly all of the file.
    let rate = stream.bit_rate.filter(|_| !several).map(|rate| rate as f64);
    if wishes.ladder.is_some() && !several {
        Some("a ladder was asked for".to_owned())
    } else if wishes.transcode {
        Some("its key frames or its coding do not suit the packager".to_owned())
    } else if !passes(stream, Passing::Video) {
        Some(format!(
            "not every player takes {}",
            if stream.codec.is_empty() { "an unknown codec" } else { &stream.codec }
        ))
    } else if !["yuv420p", "yuvj420p"].contains(&&video.pixels[..]) {
        Some(format!("players do not take H.264 in {}", video.pixels))
    } else if video.interlaced {
        Some("it is interlaced".to_owned())
    } else if video.rotation != 0 {
        Some(format!("it is to be turned by {} degrees", video.rotation))
    } else if let Some(distance) = source.key_frames.filter(|distance| *distance > 10.0) {
        Some(format!("{distance:.1} s lie between two of its key frames, and 10 s are the most"))
    } else {
        let rate = rate.filter(|rate| *rate > most);
        rate.map(|rate| format!("{:.1} Mbit/s are more than its size is worth", rate / 1e6))
    }
}

fn encode(
    source: &Source,
    stream: &Stream,
    video: &Video,
    wishes: &Wishes,
    notes: &mut Vec<String>,
) -> Pictures {
    let name = name(source, stream);
    let (width, height) = video.shown();
    let lines = width.min(height);
    let ladder = wishes.ladder.as_deref().unwrap_or(&ladder::USUAL);
    // Caps are for up to 30 pictures a second.
    let factor = if video.rate > 31.0 { 1.5 } else { 1.0 };
    let mut steps = ladder::steps(ladder, lines);
    if steps.is_empty() {
        steps.extend(ladder.last().map(|rung| Rung { height: lines, ..*rung }));
    }
    let even = |number: f64| ((number / 2.0).round() as u32 * 2).max(2);
    let step = |rung: &Rung| {
        let scale = f64::from(rung.height) / f64::from(lines);
        Step {
            width: even(f64::from(width) * scale),
            height: even(f64::from(height) * scale),
            max_kbps: (f64::from(rung.max_kbps) * factor) as u32,
        }
    };
    let mut filters = Vec::new();
    if video.interlaced {
        filters.push("bwdif=mode=send_frame".to_owned());
        notes.push(format!("{name}: fields are made whole pictures (bwdif)"));
    }
    if video.is_hdr() {
        filters.push(to_sdr());
        notes.push(format!("{name}: HDR becomes SDR (hable), for H.264 players have no HDR"));
    }
    if video.sar.0 != video.sar.1 {
        notes.push(format!("{name}: samples of {}:{} become square", video.sar.0, video.sar.1));
    }
    if video.variable {
        notes.push(format!(
            "{name}: pictures have unequal lengths; each keeps its time, so that sound stays with it"
        ));
    }
    Pictures::Encode {
        place: place(source, stream),
        steps: steps.iter().map(step).collect(),
        filters,
        rate: video.rate,
        variable: video.variable,
    }
}

/// HDR to SDR: to linear light of BT.709, tone-mapped, and back.
pub(crate) fn to_sdr() -> String {
    "zscale=transfer=linear:npl=100,format=gbrpf32le,zscale=primaries=bt709,tonemap=tonemap=hable:desat=0,\
     zscale=transfer=bt709:matrix=bt709:range=tv"
        .to_owned()
}

impl Plan {
    fn add_sounds(&mut self, source: &Source) {
        let sounds = source.media.streams.iter().filter_map(|stream| match stream.kind {
            Kind::Audio { rate, channels } => Some((stream, rate, channels)),
            _ => None,
        });
        let all_pass = sounds.clone().all(|(stream, _, _)| passes(stream, Passing::Audio));
        for (n, (stream, rate, channels)) in sounds.enumerate() {
            let name = name(source, stream);
            if rate == 0 || channels == 0 {
                self.notes.push(format!("{name}: sound that ffmpeg cannot read, left out"));
                continue;
            }
            let end = stream.duration.map(|duration| stream.start - source.media.start + duration);
            let fits = stream.start - source.media.start < LOOSE
                && end.is_none_or(|end| end > self.duration - LOOSE);
            let pass = passes(stream, Passing::Audio) && fits && rate <= 96_000;
            self.notes.push(match (pass, fits) {
                (true, _) => format!("{name}: {} passes as it is", stream.codec),
                (false, true) => format!("{name}: {} becomes AAC", stream.codec),
                (false, false) => {
                    format!("{name}: shorter than the film; silence is added, and it becomes AAC")
                }
            });
            self.sounds.push(Sound {
                place: place(source, stream),
                number: n + 1,
                pass,
                // The packager reads all sounds of a file or none.
                direct: pass && is_direct(source) && all_pass,
                channels: channels.min(6),
                language: stream.language.clone().or_else(|| in_name(&source.path)),
                role: match () {
                    () if stream.is("visual_impaired") || stream.is("descriptions") => AudioRole::Description,
                    () if stream.is("comment") => AudioRole::Commentary,
                    () if stream.is("dub") => AudioRole::Dub,
                    () => AudioRole::Main,
                },
                label: stream.title.clone().filter(|title| pack::layout::is_label(title)),
                default: false,
            });
        }
        // One begins: the first that its file marks, else the first that tells the film.
        let marked = self.sounds.iter().position(|sound| {
            let of =
                |stream: &&Stream| stream.index == sound.place.stream && source.path == sound.place.input;
            source.media.streams.iter().find(of).is_some_and(|stream| stream.is("default"))
        });
        if self.sounds.iter().all(|sound| !sound.default)
            && let Some(sound) = self.sounds.get_mut(marked.unwrap_or(0))
        {
            sound.default = true;
        }
    }

    fn add_texts(&mut self, source: &Source, alone: bool) {
        for stream in source.media.streams.iter().filter(|stream| stream.kind == Kind::Subtitle) {
            let name = name(source, stream);
            if !TEXT.contains(&&stream.codec[..]) {
                let codec = &stream.codec;
                self.notes
                    .push(format!("{name}: {codec} subtitles are pictures, left out; give them as SRT"));
                continue;
            }
            let words = file_words(&source.path);
            let said = |word: &str| alone && words.iter().any(|other| other == word);
            self.texts.push(Text {
                place: place(source, stream),
                direct: alone && ["srt", "webvtt"].contains(&&source.media.container[..]),
                alone,
                language: stream.language.clone().or_else(|| alone.then(|| in_name(&source.path))?),
                role: match () {
                    () if stream.is("forced") || said("forced") => SubtitleRole::Forced,
                    () if stream.is("hearing_impaired")
                        || stream.is("captions")
                        || said("sdh")
                        || said("cc") =>
                    {
                        SubtitleRole::Caption
                    }
                    () => SubtitleRole::Subtitle,
                },
                label: stream.title.clone().filter(|title| pack::layout::is_label(title)),
            });
            self.notes.push(format!("{name}: {} becomes WebVTT", stream.codec));
        }
    }
}

/// Words of a file's name between dots, without the first and the extension: `film.de.forced.srt`.
fn file_words(path: &Path) -> Vec<String> {
    let name = path.file_stem().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.split('.').skip(1).map(str::to_owned).collect()
}

/// The language that a file's name says.
fn in_name(path: &Path) -> Option<String> {
    let is_code = |word: &String| (2..=3).contains(&word.split('-').next().unwrap_or_default().len());
    let words = file_words(path).into_iter().filter(|word| !["sdh", "cc"].contains(&&word[..]));
    words.filter(is_code).find(|word| pack::layout::is_language(word))
}

fn chapters(media: &Media) -> Vec<Chapter> {
    let chapter = |(n, (start, title)): (usize, &(f64, Option<String>))| Chapter {
        start: (start * 1000.0).round() as u64,
        title: title
            .clone()
            .filter(|t| pack::layout::is_label(t))
            .unwrap_or_else(|| format!("Chapter {}", n + 1)),
    };
    let mut chapters: Vec<_> = media.chapters.iter().enumerate().map(chapter).collect();
    chapters.sort_by_key(|chapter| chapter.start);
    chapters.truncate(1000);
    chapters
}
