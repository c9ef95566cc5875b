//! What a person asks of a packaged film: the ladder, the languages, what is protected how.

use std::fmt;
use std::path::{Path, PathBuf};

use pack::{Chapter, MediaType, Pack, Representation, Thumbnails};
use serde::Serialize;

use super::text::{bits, count, samples};
use super::{TrackReport, inspect};
use crate::{Error, Progress, read_pack};

/// What is in a packaged film. [`Display`](fmt::Display) is for people, [`Serialize`] for programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FilmInspection {
    /// The film's folder.
    pub path: PathBuf,
    /// Its id.
    pub pack_id: String,
    /// The movie's number.
    pub movie_id: u64,
    /// The movie's title.
    pub title: String,
    /// Seconds.
    pub duration: f64,
    /// Protection scheme.
    pub scheme: pack::Scheme,
    /// Which samples are encrypted.
    #[serde(serialize_with = "pack::as_text::serialize")]
    pub level: pack::Level,
    /// Bytes of all files that `pack.json` names.
    pub size: u64,
    /// The steps of the ladder, lowest first, then the tracks of sound.
    pub representations: Vec<RepresentationReport>,
    /// Subtitles.
    pub subtitles: Vec<pack::Subtitle>,
    /// Thumbnails.
    pub thumbnails: Option<Thumbnails>,
    /// Chapters.
    pub chapters: Vec<Chapter>,
    /// The poster's file.
    pub poster: Option<String>,
    /// Samples encrypted with a counter that another sample of the same key in the same file uses, too.
    pub reused_counters: u64,
}

/// A representation: what `pack.json` says, and what its samples do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RepresentationReport {
    /// Its id.
    pub id: String,
    /// The file, relative to the film's folder.
    pub path: String,
    /// Pictures or sound.
    pub media_type: MediaType,
    /// RFC 6381.
    pub codecs: String,
    /// Language as BCP 47.
    pub language: String,
    /// Bytes of its file.
    pub size: u64,
    /// Bits a second of the segment with the most for its duration.
    pub peak_of_segments: u64,
    /// How many segments it has.
    pub segments: usize,
    /// Seconds of the longest.
    pub longest_segment: f64,
    /// What only video has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<pack::VideoProperties>,
    /// What only audio has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<pack::AudioProperties>,
    /// Its samples: bit rates, groups of pictures, keys, protection.
    pub track: TrackReport,
}

/// Looks into a packaged film, whose folder has `pack.json`. Reads no media.
///
/// # Errors
/// What is wrong with `pack.json` or with a file that it names.
pub fn inspect_film(folder: &Path, progress: &mut dyn Progress) -> Result<FilmInspection, Error> {
    let pack = read_pack(folder)?;
    progress.stage("reading", pack.representations.iter().map(|r| r.size).sum());
    let (mut representations, mut reused_counters) = (Vec::new(), 0);
    for representation in &pack.representations {
        let path = folder.join(&representation.path);
        let inspection = inspect(&path)?;
        reused_counters += inspection.reused_counters;
        let track = inspection.tracks.into_iter().next();
        let track = track.ok_or_else(|| Error::unsupported(&path, "there is no track in it"))?;
        representations.push(RepresentationReport::new(representation, track));
        progress.advance(representation.size);
    }
    let size = size(&pack);
    Ok(FilmInspection {
        path: folder.into(),
        duration: pack.duration.seconds(),
        pack_id: pack.pack_id,
        movie_id: pack.movie_id,
        title: pack.title,
        scheme: pack.scheme,
        level: pack.level,
        size,
        representations,
        subtitles: pack.subtitles,
        thumbnails: pack.thumbnails,
        chapters: pack.chapters,
        poster: pack.poster,
        reused_counters,
    })
}

fn size(pack: &Pack) -> u64 {
    let media = pack.representations.iter().map(|representation| representation.size);
    let texts = pack.subtitles.iter().map(|subtitle| subtitle.file.size);
    let thumbnails = pack.thumbnails.iter().flat_map(|thumbnails| {
        [&thumbnails.bif].into_iter().chain(&thumbnails.sheets).chain(&thumbnails.sheet_index)
    });
    media.chain(texts).chain(thumbnails.map(|file| file.size)).sum()
}

impl RepresentationReport {
    fn new(of: &Representation, track: TrackReport) -> Self {
        let longest = of.segments.iter().map(|segment| segment.duration).max().unwrap_or(0);
        Self {
            id: of.id.clone(),
            path: of.path.clone(),
            media_type: of.media_type,
            codecs: of.codecs.clone(),
            language: of.language.clone(),
            size: of.size,
            peak_of_segments: of.peak_bandwidth,
            segments: of.segments.len(),
            longest_segment: longest as f64 / f64::from(of.timescale.max(1)),
            video: of.video.clone(),
            audio: of.audio.clone(),
            track,
        }
    }
}

/// `h:mm:ss.mmm`.
fn clock(milliseconds: u64) -> String {
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    format!("{}:{:02}:{:02}.{rest:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Several lines.
impl fmt::Display for FilmInspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = clock((self.duration * 1000.0).round() as u64);
        writeln!(
            f,
            "movie {} \"{}\", pack {}, {length}, {} bytes",
            self.movie_id, self.title, self.pack_id, self.size
        )?;
        match self.scheme {
            pack::Scheme::None => writeln!(f, "clear")?,
            scheme => writeln!(f, "protected by {scheme}, level {}", self.level)?,
        }
        for representation in &self.representations {
            write!(f, "{representation}")?;
        }
        for subtitle in &self.subtitles {
            write!(f, "subtitles {}: {}, {}", subtitle.id, subtitle.language, subtitle.role)?;
            write_label(f, subtitle.label.as_deref())?;
            writeln!(f, "{}", if subtitle.default { ", shown at first" } else { "" })?;
        }
        if let Some(thumbnails) = &self.thumbnails {
            let Thumbnails { interval, width, height, count: pictures, sheets, .. } = thumbnails;
            let seconds = f64::from(*interval) / 1000.0;
            writeln!(
                f,
                "thumbnails: {pictures} of {width}x{height}, one every {seconds} s, and {} of them",
                count(sheets.len() as u64, "sheet")
            )?;
        }
        for chapter in &self.chapters {
            writeln!(f, "chapter {} {}", clock(chapter.start), chapter.title)?;
        }
        if let Some(poster) = &self.poster {
            writeln!(f, "poster {poster}")?;
        }
        match self.reused_counters {
            0 => Ok(()),
            count => writeln!(f, "DANGER: {count} samples reuse a counter under the same key"),
        }
    }
}

fn write_label(f: &mut fmt::Formatter<'_>, label: Option<&str>) -> fmt::Result {
    label.map_or(Ok(()), |label| write!(f, ", \"{label}\""))
}

impl fmt::Display for RepresentationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.media_type, self.id, self.codecs)?;
        if let Some(video) = &self.video {
            let [horizontal, vertical] = video.sar;
            write!(f, ", {}x{}", video.width, video.height)?;
            if horizontal != vertical {
                write!(f, " with samples of {horizontal}:{vertical}")?;
            }
            let rate = (video.frame_rate.seconds() * 1000.0).round() / 1000.0;
            write!(f, ", {rate} pictures a second, {}", video.video_range)?;
        }
        if let Some(audio) = &self.audio {
            write!(f, ", {}, {}", self.language, audio.role)?;
            write_label(f, audio.label.as_deref())?;
            write!(f, ", {} at {} Hz", count(audio.channels.into(), "channel"), audio.sample_rate)?;
            f.write_str(if audio.default { ", begins" } else { "" })?;
        }
        writeln!(f)?;
        let peak = bits(self.peak_of_segments);
        writeln!(f, "  {}, {peak} in the fullest segment", self.track.bit_rate)?;
        writeln!(
            f,
            "  {} of {:.3} s at most, file {}",
            count(self.segments as u64, "segment"),
            self.longest_segment,
            self.path
        )?;
        samples(&self.track, f)?;
        for key in &self.track.keys {
            writeln!(f, "  KID {}: {} samples", key.kid, key.samples)?;
        }
        Ok(())
    }
}
