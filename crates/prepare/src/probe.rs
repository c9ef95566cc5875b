//! What ffprobe says of a file.

use crate::mastering::{Mastering, SideData};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A file with its streams.
#[derive(Debug, Clone, PartialEq)]
pub struct Media {
    /// ffprobe's names of the container, such as `mov,mp4,m4a,3gp,3g2,mj2`.
    pub container: String,
    /// When the first stream begins, in seconds.
    pub start: f64,
    /// How long it is, in seconds; 0 if not known.
    pub duration: f64,
    /// Its streams.
    pub streams: Vec<Stream>,
    /// Its chapters: start in seconds, and title.
    pub chapters: Vec<(f64, Option<String>)>,
}

/// A stream of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// Its number in the file.
    pub index: usize,
    /// ffprobe's name of the codec; empty if not known.
    pub codec: String,
    /// When it begins, in seconds.
    pub start: f64,
    /// How long it is, in seconds, where that is said.
    pub duration: Option<f64>,
    /// Bits a second, where that is said.
    pub bit_rate: Option<u64>,
    /// Number of its pictures or frames, where the container says it.
    pub frames: Option<u64>,
    /// Language as the file says it, mostly three letters.
    pub language: Option<String>,
    /// Its name for people.
    pub title: Option<String>,
    /// ffprobe's dispositions that are set, such as `default`, `forced`, `hearing_impaired`.
    pub dispositions: Vec<String>,
    /// What it has.
    pub kind: Kind,
}

/// What a stream has.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Pictures.
    Video(Video),
    /// Sound: samples a second, channels.
    Audio {
        /// Samples a second.
        rate: u32,
        /// Channels.
        channels: u32,
    },
    /// Subtitles.
    Subtitle,
    /// Anything else.
    Other,
}

/// Pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct Video {
    /// Width and height in samples, as coded.
    pub size: (u32, u32),
    /// Sample aspect ratio.
    pub sar: (u32, u32),
    /// Degrees by which players turn it: 0, 90, 180 or 270.
    pub rotation: u32,
    /// ffmpeg's name of the pixel format.
    pub pixels: String,
    /// Whether there are fields.
    pub interlaced: bool,
    /// Pictures a second, on average.
    pub rate: f64,
    /// Whether the rate varies.
    pub variable: bool,
    /// ffmpeg's name of the transfer characteristics: `smpte2084` and `arib-std-b67` are HDR.
    pub transfer: String,
    /// ffmpeg's name of the colour primaries.
    pub primaries: String,
    /// ffmpeg's name of the matrix of luma and chroma.
    pub matrix: String,
    /// How they were mastered, where that is said.
    pub mastering: Mastering,
    /// Whether captions are seen in them (CEA-608 and CEA-708 in the user data of ATSC A/53).
    pub captions: bool,
}

impl Stream {
    /// Whether a disposition is set.
    pub fn is(&self, disposition: &str) -> bool {
        self.dispositions.iter().any(|set| set == disposition)
    }
}

impl Video {
    /// Whether it is HDR (PQ or HLG).
    pub fn is_hdr(&self) -> bool {
        ["smpte2084", "arib-std-b67"].contains(&&self.transfer[..])
    }

    /// Width and height as shown: turned, with square samples. Even numbers.
    pub fn shown(&self) -> (u32, u32) {
        let (width, height) = self.size;
        let square = u64::from(width) * u64::from(self.sar.0) / u64::from(self.sar.1.max(1));
        let square = u32::try_from(square.clamp(2, 16_384)).unwrap_or(width);
        let even = |number: u32| number.div_ceil(2) * 2;
        match self.rotation {
            90 | 270 => (even(height), even(square)),
            _ => (even(square), even(height)),
        }
    }
}

#[derive(Deserialize)]
struct RawFile {
    #[serde(default)]
    streams: Vec<RawStream>,
    #[serde(default)]
    chapters: Vec<RawChapter>,
    format: RawFormat,
}

#[derive(Deserialize)]
struct RawFormat {
    format_name: String,
    start_time: Option<String>,
    duration: Option<String>,
}

#[derive(Deserialize)]
struct RawChapter {
    start_time: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RawStream {
    index: usize,
    codec_type: Option<String>,
    codec_name: Option<String>,
    codec_tag_string: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    sample_aspect_ratio: Option<String>,
    pix_fmt: Option<String>,
    field_order: Option<String>,
    r_frame_rate: Option<String>,
    avg_frame_rate: Option<String>,
    color_transfer: Option<String>,
    color_primaries: Option<String>,
    color_space: Option<String>,
    sample_rate: Option<String>,
    channels: Option<u32>,
    start_time: Option<String>,
    duration: Option<String>,
    bit_rate: Option<String>,
    nb_frames: Option<String>,
    closed_captions: Option<u32>,
    #[serde(default)]
    disposition: BTreeMap<String, i64>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    side_data_list: Vec<SideData>,
}

/// A number of ffprobe's, finite and within a century.
fn number(text: Option<&String>) -> Option<f64> {
    text?.parse::<f64>().ok().filter(|number| number.is_finite() && number.abs() < 3.2e9)
}

/// `hh:mm:ss.fraction` in seconds.
fn clock(text: &str) -> Option<f64> {
    let mut parts = text.splitn(3, ':');
    let mut next = || number(parts.next().map(str::to_owned).as_ref());
    Some(next()? * 3600.0 + next()? * 60.0 + next()?)
}

/// `a/b` or `a:b`.
fn ratio(text: Option<&String>, by: char) -> Option<(u32, u32)> {
    let (a, b) = text?.split_once(by)?;
    Some((a.parse().ok()?, b.parse().ok()?)).filter(|(a, b)| *a > 0 && *b > 0)
}

fn tag(tags: &BTreeMap<String, String>, name: &str) -> Option<String> {
    let found = tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().to_owned()).filter(|value| !value.is_empty())
}

impl Media {
    /// A file of subtitles that ffmpeg does not read, and the packager does.
    pub(crate) fn of_subtitles(format: &str) -> Self {
        let stream = Stream {
            index: 0,
            codec: format.to_owned(),
            start: 0.0,
            duration: None,
            bit_rate: None,
            frames: None,
            language: None,
            title: None,
            dispositions: Vec::new(),
            kind: Kind::Subtitle,
        };
        Self {
            container: format.to_owned(),
            start: 0.0,
            duration: 0.0,
            streams: vec![stream],
            chapters: Vec::new(),
        }
    }

    /// Remembers that captions were seen in a stream of pictures.
    pub(crate) fn set_captions(&mut self, index: usize) {
        for stream in self.streams.iter_mut().filter(|stream| stream.index == index) {
            if let Kind::Video(video) = &mut stream.kind {
                video.captions = true;
            }
        }
    }

    /// The first pictures in HDR of which is not known how they were mastered.
    pub(crate) fn unknown_mastering(&mut self) -> Option<(usize, &mut Mastering)> {
        self.streams.iter_mut().find_map(|stream| match &mut stream.kind {
            Kind::Video(video) if video.is_hdr() && video.mastering.is_none() => {
                Some((stream.index, &mut video.mastering))
            }
            _ => None,
        })
    }

    /// Reads the JSON of `ffprobe -show_format -show_streams -show_chapters`.
    ///
    /// # Errors
    /// serde's, if it is none.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        let raw: RawFile = serde_json::from_slice(json)?;
        let start = number(raw.format.start_time.as_ref()).unwrap_or(0.0);
        let chapter = |chapter: &RawChapter| {
            let begins = number(chapter.start_time.as_ref()).unwrap_or(0.0);
            ((begins - start).max(0.0), tag(&chapter.tags, "title"))
        };
        Ok(Self {
            container: raw.format.format_name,
            start,
            duration: number(raw.format.duration.as_ref()).unwrap_or(0.0).max(0.0),
            streams: raw.streams.iter().map(stream).collect(),
            chapters: raw.chapters.iter().map(chapter).collect(),
        })
    }
}

fn stream(raw: &RawStream) -> Stream {
    let video = || {
        let rate = |text: Option<&String>| ratio(text, '/').map(|(a, b)| f64::from(a) / f64::from(b));
        let (average, base) = (rate(raw.avg_frame_rate.as_ref()), rate(raw.r_frame_rate.as_ref()));
        let turned = raw.side_data_list.iter().find_map(SideData::rotation);
        let turned = turned.or_else(|| tag(&raw.tags, "rotate")?.parse().ok()).unwrap_or(0.0);
        Some(Video {
            size: (raw.width.filter(|n| *n > 0)?, raw.height.filter(|n| *n > 0)?),
            sar: ratio(raw.sample_aspect_ratio.as_ref(), ':').unwrap_or((1, 1)),
            rotation: ((turned / 90.0).round() as i64 * 90).rem_euclid(360) as u32,
            pixels: raw.pix_fmt.clone().unwrap_or_default(),
            interlaced: matches!(raw.field_order.as_deref(), Some("tt" | "bb" | "tb" | "bt")),
            rate: average.or(base).unwrap_or(25.0),
            variable: matches!((average, base), (Some(a), Some(b)) if (a - b).abs() > a * 0.005),
            transfer: raw.color_transfer.clone().unwrap_or_default(),
            primaries: raw.color_primaries.clone().unwrap_or_default(),
            matrix: raw.color_space.clone().unwrap_or_default(),
            mastering: Mastering::of(&raw.side_data_list),
            captions: raw.closed_captions.is_some_and(|seen| seen > 0),
        })
    };
    // To ffprobe 5.1 a track of TTML (ISO/IEC 14496-30) is data.
    let is_ttml = raw.codec_tag_string.as_deref() == Some("stpp");
    Stream {
        index: raw.index,
        codec: if is_ttml { "ttml".to_owned() } else { raw.codec_name.clone().unwrap_or_default() },
        start: number(raw.start_time.as_ref()).unwrap_or(0.0),
        // Matroska says it in a tag.
        duration: number(raw.duration.as_ref()).or_else(|| clock(&tag(&raw.tags, "DURATION")?)),
        frames: raw.nb_frames.as_ref().and_then(|frames| frames.parse().ok()),
        bit_rate: raw.bit_rate.as_ref().and_then(|rate| rate.parse().ok()),
        language: tag(&raw.tags, "language").filter(|language| language != "und"),
        title: tag(&raw.tags, "title"),
        dispositions: raw
            .disposition
            .iter()
            .filter(|(_, set)| **set != 0)
            .map(|(name, _)| name.clone())
            .collect(),
        kind: match raw.codec_type.as_deref() {
            Some("video") => video().map_or(Kind::Other, Kind::Video),
            Some("audio") => Kind::Audio {
                rate: raw.sample_rate.as_ref().and_then(|rate| rate.parse().ok()).unwrap_or(0),
                channels: raw.channels.unwrap_or(0),
            },
            Some("subtitle") => Kind::Subtitle,
            _ if is_ttml => Kind::Subtitle,
            _ => Kind::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turned_stretched_and_cut_off() {
        let video = |size, sar, rotation| Video {
            size,
            sar,
            rotation,
            pixels: "yuv420p".into(),
            interlaced: false,
            rate: 25.0,
            variable: false,
            transfer: String::new(),
            primaries: String::new(),
            matrix: String::new(),
            mastering: Mastering::default(),
            captions: false,
        };
        assert_eq!(video((1920, 1080), (1, 1), 0).shown(), (1920, 1080));
        assert_eq!(video((1920, 1080), (1, 1), 90).shown(), (1080, 1920));
        assert_eq!(video((720, 576), (16, 11), 0).shown(), (1048, 576));
        assert_eq!(video((127, 95), (1, 1), 270).shown(), (96, 128));
        assert!(Media::from_json(b"{}").is_err() && Media::from_json(b"").is_err());
        let least = Media::from_json(br#"{"format": {"format_name": "x"}}"#).unwrap();
        assert_eq!((least.duration, least.streams.len()), (0.0, 0));
    }

    /// What stands beside a stream is of other types in other versions of ffprobe.
    #[test]
    fn side_data_of_unexpected_types_says_nothing() {
        let media = |beside: &str| {
            let json = format!(
                r#"{{"format": {{"format_name": "x"}}, "streams": [{{"index": 0, "codec_type": "video", "width": 4,
                    "height": 2, "side_data_list": [{beside}]}}]}}"#
            );
            match Media::from_json(json.as_bytes()).unwrap().streams.remove(0).kind {
                Kind::Video(video) => (video.rotation, video.mastering),
                other => panic!("{other:?}"),
            }
        };
        for beside in [r#"{"rotation": "90"}"#, r#"{"red_x": 0.68, "max_content": []}"#, "7, null, []"] {
            assert_eq!(media(beside), (0, Mastering::default()), "{beside}");
        }
        let beside = r#"{"red_x": 1, "rotation": -90}, {"max_content": 1000, "max_average": 400}"#;
        let (rotation, mastering) = media(beside);
        assert_eq!((rotation, mastering.light.map(|light| light.most)), (270, Some(1000)));
    }
}
