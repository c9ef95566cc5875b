use std::fmt;
use std::str::FromStr;

use cenc::{ContentId, Kid, Label, Level};
use serde::{Deserialize, Serialize};

use crate::{PackSystem, as_text};

/// `pack.json`: all that a server needs to know about a packaged film. Contains no secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pack {
    /// [`LAYOUT_VERSION`](crate::LAYOUT_VERSION) of the packager that wrote it.
    pub version: u32,
    /// 32 lowercase hexadecimal digits that follow from everything that changes a byte of the media files.
    pub pack_id: String,
    /// The movie's number.
    pub movie_id: u64,
    /// The movie's title.
    pub title: String,
    /// From the first presented picture or sound to the end of the last.
    pub duration: Fraction,
    /// How samples are encrypted.
    pub scheme: Scheme,
    /// Which samples are encrypted.
    #[serde(with = "as_text")]
    pub level: Level,
    /// The keys' names; absent with scheme `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection: Option<PackProtection>,
    /// File name of the poster, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poster: Option<String>,
    /// Video representations in the order of their bitrate, then audio.
    pub representations: Vec<Representation>,
    /// Subtitles, in the order in which they were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subtitles: Vec<Subtitle>,
    /// Small pictures of the film, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnails: Option<Thumbnails>,
    /// Chapters, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chapters: Vec<Chapter>,
}

/// From what the content keys follow, and their names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackProtection {
    /// Content id of the key derivation.
    #[serde(with = "as_text")]
    pub content_id: ContentId,
    /// Label of the key derivation, for keys that have none of their own.
    #[serde(with = "as_text")]
    pub label: Label,
    /// Which common key the content keys are derived from; absent if the key was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_key_id: Option<String>,
    /// The content keys by rotation period; where heights have keys of their own, one label after another.
    pub keys: Vec<PackKey>,
    /// Segments of each rotation period: segment `n`, from 0, belongs to period `n / segments_per_key`. 0:
    /// there is one period.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub segments_per_key: u32,
    /// Segments at the beginning that are not encrypted at all, in no track.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub clear_segments: u32,
    /// What other protection systems are told of the keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub systems: Vec<PackSystem>,
}

impl PackProtection {
    /// The keys of a representation with this label, by rotation period.
    pub fn keys_of<'a>(&'a self, label: Option<&'a Label>) -> impl Iterator<Item = &'a PackKey> {
        self.keys.iter().filter(move |key| key.label.as_ref() == label)
    }

    /// What other systems are told of the keys of a representation with this label.
    pub fn systems_of<'a>(&'a self, label: Option<&'a Label>) -> impl Iterator<Item = &'a PackSystem> {
        self.systems.iter().filter(move |system| self.keys_of(label).any(|key| key.kid == system.kid))
    }
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A content key's name and when it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackKey {
    /// The key's id.
    #[serde(with = "as_text")]
    pub kid: Kid,
    /// Rotation period, from 0.
    pub period: u32,
    /// Presentation time from which it holds, in seconds.
    pub start: Fraction,
    /// Its own label of the key derivation: it is for the representations with this label alone.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text::optional")]
    pub label: Option<Label>,
}

/// `value / timescale`: an exact time in seconds, or a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fraction {
    /// Numerator: ticks.
    pub value: u64,
    /// Denominator: ticks a second. Not 0.
    pub timescale: u32,
}

/// Displays as `value/timescale`.
impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.value, self.timescale)
    }
}

impl Fraction {
    /// The fraction in lowest terms.
    pub fn reduced(self) -> Self {
        let (mut a, mut b) = (self.value, u64::from(self.timescale));
        while b != 0 {
            (a, b) = (b, a % b);
        }
        match a {
            0 => self,
            // A divisor of the timescale divides it into a u32 again.
            gcd => Self { value: self.value / gcd, timescale: (u64::from(self.timescale) / gcd) as u32 },
        }
    }

    /// Seconds, rounded to what a double can say.
    pub fn seconds(self) -> f64 {
        self.value as f64 / f64::from(self.timescale)
    }
}

/// Protection scheme of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Clear.
    None,
    /// AES-128-CTR.
    Cenc,
    /// AES-128-CBC with a pattern.
    Cbcs,
}

macro_rules! words {
    ($type:ident: $($variant:ident $word:literal),*) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $word,)* })
            }
        }

        impl FromStr for $type {
            type Err = String;

            /// On error, the words that would have been understood.
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(format!("expected one of: {}", [$($word),*].join(", "))),
                }
            }
        }
    };
}

words! {
    AudioRole: Main "main", Alternate "alternate", Dub "dub", Commentary "commentary", Description "description",
        Supplementary "supplementary"
}
words! { SubtitleRole: Subtitle "subtitle", Caption "caption", Forced "forced" }
words! { Scheme: None "none", Cenc "cenc", Cbcs "cbcs" }
words! { MediaType: Video "video", Audio "audio" }

/// Pictures or sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaType {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// Inclusive range of bytes in a file; written `first-last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte.
    pub first: u64,
    /// Last byte.
    pub last: u64,
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl FromStr for ByteRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('-').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        match parsed {
            Some((first, last)) if first <= last => Ok(Self { first, last }),
            _ => Err("not a byte range".to_owned()),
        }
    }
}

/// One file of a pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Representation {
    /// `v{height}-{kbps}`, with the coding behind it where another has the same; or `a-{language}-{n}`.
    pub id: String,
    /// Ten decimal digits; names the file in URLs.
    pub downloadable_id: String,
    /// The file, relative to `pack.json`: `{last three digits of downloadable_id}/{downloadable_id}.mp4`.
    pub path: String,
    /// Pictures or sound.
    pub media_type: MediaType,
    /// `video/mp4` or `audio/mp4`.
    pub mime_type: String,
    /// RFC 6381, such as `avc1.64001F` or `mp4a.40.2`.
    pub codecs: String,
    /// Representations of one group are alternatives of one track.
    pub group: String,
    /// Ticks a second of all times here and in the file.
    pub timescale: u32,
    /// Average bitrate of the file in kbit/s, rounded.
    pub bitrate: u64,
    /// Bit/s of the segment with the most bits for its duration, rounded up.
    pub peak_bandwidth: u64,
    /// Label of its keys, where they are not those of the whole film.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "as_text::optional")]
    pub label: Option<Label>,
    /// Language as BCP 47, `und` if not known.
    pub language: String,
    /// What only video has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoProperties>,
    /// What only audio has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioProperties>,
    /// Size of the file in bytes.
    pub size: u64,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// `ftyp` and `moov`; begins at 0.
    #[serde(with = "as_text")]
    pub init_range: ByteRange,
    /// `sidx`; follows the init range.
    #[serde(with = "as_text")]
    pub index_range: ByteRange,
    /// The segments, in order.
    pub segments: Vec<Segment>,
    /// Bytes of the largest segment.
    pub max_segment: u64,
    /// Number of samples.
    pub samples: u64,
    /// Number of samples with at least one protected byte.
    pub protected_samples: u64,
    /// The IVs used; absent with scheme `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ivs: Option<IvRange>,
}

impl Representation {
    /// The extension of its file, without the dot.
    pub fn extension(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}

/// What only video has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VideoProperties {
    /// Width in samples.
    pub width: u32,
    /// Height in samples.
    pub height: u32,
    /// Sample aspect ratio, width to height.
    pub sar: [u32; 2],
    /// Pictures a second; the average where it varies.
    pub frame_rate: Fraction,
    /// `SDR`, `PQ` or `HLG`.
    pub video_range: String,
}

/// What only audio has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AudioProperties {
    /// Samples a second.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u16,
    /// Bits of a sample as the sample entry has them, where they are not 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<u16>,
    /// Whether to begin with this track where there is a choice.
    pub default: bool,
    /// What the track is for.
    #[serde(default, skip_serializing_if = "AudioRole::is_main")]
    pub role: AudioRole,
    /// Name of the track for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// What a track of sound is for: the roles of DASH (ISO/IEC 23009-1, 5.8.5.5).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AudioRole {
    /// The film's sound.
    #[default]
    Main,
    /// Another one that can stand for it, such as a mix for night hours.
    Alternate,
    /// The dialogue in another language than that of the original.
    Dub,
    /// Somebody talks about the film.
    Commentary,
    /// Somebody tells what there is to see.
    Description,
    /// Anything else that goes along with it.
    Supplementary,
}

impl AudioRole {
    fn is_main(&self) -> bool {
        *self == Self::Main
    }
}

/// A subtitle track: WebVTT, never encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subtitle {
    /// `s-{language}-{n}`; names the file.
    pub id: String,
    /// Language as BCP 47, `und` if not known.
    pub language: String,
    /// What it is for.
    #[serde(default)]
    pub role: SubtitleRole,
    /// Name of the track for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether to begin with it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub default: bool,
    /// The whole track, `subtitles/{id}.vtt`.
    pub file: PackFile,
}

/// What subtitles are for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubtitleRole {
    /// What is said, for those who do not know the language.
    #[default]
    Subtitle,
    /// What there is to hear, for those who do not (SDH).
    Caption,
    /// Only what everybody needs, such as signs: shown when no others are.
    Forced,
}

/// Small pictures of the film at equal distances, for seeking: all in one BIF file, and the same pictures on
/// sheets of many with WebVTT that says which is where (`sheet.jpg#xywh=x,y,w,h`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnails {
    /// Milliseconds from one picture to the next; the first is at 0.
    pub interval: u32,
    /// Width of each in pixels.
    pub width: u32,
    /// Height of each in pixels.
    pub height: u32,
    /// How many there are.
    pub count: u32,
    /// All pictures, `thumbnails/{width}.bif`.
    pub bif: PackFile,
    /// Pictures in a row of a sheet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub columns: u32,
    /// Rows of a sheet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rows: u32,
    /// The sheets, `thumbnails/{n}.jpg`, from 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sheets: Vec<PackFile>,
    /// Which picture is where, `thumbnails/sheets.vtt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet_index: Option<PackFile>,
}

/// A file of a pack that is no representation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackFile {
    /// The file, relative to `pack.json`.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of it, hexadecimal.
    pub sha256: String,
}

/// Where a part of the film begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapter {
    /// Presentation time in milliseconds.
    pub start: u64,
    /// Its name.
    pub title: String,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// A segment: what is fetched at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Presentation time of its earliest sample.
    pub start: u64,
    /// Time to the next segment's start, or to the end.
    pub duration: u64,
    /// First byte in the file.
    pub offset: u64,
    /// Number of bytes.
    pub size: u64,
    /// Of pictures: the bytes from the segment's beginning to the end of its first picture, which can be
    /// decoded by itself. `None` where nobody noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_picture: Option<u64>,
}

/// IVs of a representation: `first`, `first + 1`, … for cenc, always `first` for cbcs, whatever the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IvRange {
    /// The first sample's IV, hexadecimal.
    pub first: String,
    /// Number of samples, protected or not.
    pub count: u64,
    /// Whether it came with the key from elsewhere (CPIX `explicitIV`), and is that of all tracks under the
    /// key.
    #[serde(default, skip_serializing_if = "is_false")]
    pub explicit: bool,
}
