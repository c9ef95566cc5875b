//! The manifest: the answer to `authorization` (docs/protocol.md, section 5).

use crate::Error;
use crate::ids::MovieId;
use crate::range::ByteRange;
use crate::value::Fraction;
use std::fmt;
use std::str::FromStr;

/// What a player needs to fetch and show a movie.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Which movie.
    pub movie_id: MovieId,
    /// On demand or live.
    pub movie_type: MovieType,
    /// Exact length in seconds; absent in the study's form, and live.
    pub duration: Option<Fraction>,
    /// Where to resume, in seconds.
    pub resume_position: f64,
    /// The first moment at which one of the URLs is no longer good.
    pub expiration: u64,
    /// Where the files are, in the order to use.
    pub cdns: Vec<Cdn>,
    /// What is live, of a dynamic one.
    pub live: Option<LiveManifest>,
    /// The representations, one file each; none of what is live, whose index names them.
    pub downloadables: Vec<Downloadable>,
    /// Subtitles.
    pub text_tracks: Vec<TextTrack>,
    /// Small pictures for seeking.
    pub trick_play: Option<TrickPlay>,
    /// COSE octets of the DRM metadata; absent for clear films.
    pub drm_metadata: Option<Vec<u8>>,
    /// Where newer DRM metadata is, with a URL token; absent for clear films.
    pub drm_metadata_url: Option<String>,
    /// Where the film comes over a persistent connection, with a URL token; absent where it does not.
    pub stream_url: Option<String>,
    /// Which way players are to take.
    pub transport: Transport,
    /// Where the license comes from.
    pub license_mode: LicenseMode,
    /// Names the rules of the license in the DRM metadata, for `logblob`.
    pub policy_version: Option<String>,
    /// Where the player is to report how it goes; absent where nobody wants that.
    pub reports: Option<Reports>,
}

/// Where a player is to report how it goes (CMCD, CTA-5004-B, event mode).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reports {
    /// Where to.
    pub url: String,
    /// The film's name there: up to 64 letters and digits.
    pub content: String,
    /// Each download is to be reported, too.
    pub downloads: bool,
}

/// What a manifest says of what is live.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveManifest {
    /// Unix time at which the session's time 0 was, in seconds.
    pub availability_start: f64,
    /// Seconds that one can go back.
    pub window: f64,
    /// Seconds that a player is to stay behind.
    pub target_latency: f64,
    /// Where the index is, with a URL token: at the first of the CDNs, where there are any.
    pub index_url: String,
    /// The same at the other CDNs, by their ids, in the order to use.
    pub other_index_urls: Vec<(u32, String)>,
}

/// Which way a film's media come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Transport {
    /// As ranges of files.
    #[default]
    Ranges,
    /// Pushed over the persistent connection of `streamurl`; as ranges where there is none.
    WebSocket,
}

impl Transport {
    /// As `transport` says it; unknown ones are ranges.
    pub(crate) fn of(text: Option<&str>) -> Self {
        if text == Some("ws") { Self::WebSocket } else { Self::Ranges }
    }

    /// The text of `transport`, where it is written.
    pub(crate) fn written(self) -> Option<&'static str> {
        (self == Self::WebSocket).then_some("ws")
    }
}

/// Where a film's license comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LicenseMode {
    /// From the license server, which is asked.
    #[default]
    Server,
    /// It lies in the DRM metadata; the license server is asked where that one does not serve.
    Embedded,
}

impl LicenseMode {
    /// As `licensemode` says it; unknown ones are the server's.
    pub(crate) fn of(text: Option<&str>) -> Self {
        if text == Some("embedded") { Self::Embedded } else { Self::Server }
    }

    /// The text of `licensemode`, where it is written.
    pub(crate) fn written(self) -> Option<&'static str> {
        (self == Self::Embedded).then_some("embedded")
    }
}

/// A delivery network, or one's own edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cdn {
    /// Number that [`DownloadUrl::cdn_id`] refers to.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Relative weight of the server's draw.
    pub weight: u32,
    /// Which form of ranges to use there.
    pub ranges: RangeForm,
    /// It is to be told how each download is needed (CMCD, CTA-5004, version 2); the film's name there: up to
    /// 64 letters and digits.
    pub cmcd: Option<String>,
}

/// One file: a representation of the movie's picture or sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Downloadable {
    /// Ten digits.
    pub id: String,
    /// Octets of the file.
    pub size: u64,
    /// Average bit rate in kbit/s.
    pub bitrate: u32,
    /// Codec and protection; the study's own values are kept as [`ContentProfile::Other`].
    pub content_profile: ContentProfile,
    /// One URL per CDN.
    pub urls: Vec<DownloadUrl>,
    /// Picture size, video only.
    pub resolution: Option<Resolution>,
    /// Picture or sound; where the element is absent, it follows from the resolution.
    pub media_type: MediaType,
    /// MIME type without parameters.
    pub mime_type: String,
    /// Codecs (RFC 6381); empty when not told.
    pub codecs: String,
    /// Representations of one group are alternatives of one track.
    pub group: String,
    /// Highest segment's bit/s.
    pub peak_bandwidth: u64,
    /// Ticks per second of `start_time` and of the file; 0 when not told.
    pub timescale: u32,
    /// Frames per second.
    pub frame_rate: Option<Fraction>,
    /// Sample aspect ratio, `w:h`.
    pub sar: Option<String>,
    /// `SDR`, `PQ` or `HLG`.
    pub video_range: Option<String>,
    /// Samples per second.
    pub sample_rate: Option<u32>,
    /// Channels.
    pub channels: Option<u16>,
    /// Language (BCP 47).
    pub language: Option<String>,
    /// Role of the track.
    pub role: Option<String>,
    /// Name of the track for people.
    pub label: Option<String>,
    /// Whether to begin with this one.
    pub default: bool,
    /// How samples are protected.
    pub scheme: Scheme,
    /// Which samples are protected.
    pub level: Level,
    /// The pack that the file belongs to.
    pub pack_id: String,
    /// Octets of `ftyp` and `moov`.
    pub init_range: Option<ByteRange>,
    /// Octets of `sidx`, right after them.
    pub index_range: Option<ByteRange>,
    /// Octets of the segment that holds the resume point.
    pub start_range: Option<ByteRange>,
    /// That segment's presentation time, in `timescale`.
    pub start_time: Option<u64>,
    /// Octets of the largest segment.
    pub max_segment: Option<u64>,
    /// The KIDs and from when each holds; empty for clear files.
    pub keys: Vec<KeyPeriod>,
}

/// Subtitles: one file of WebVTT, not encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextTrack {
    /// Names the track.
    pub id: String,
    /// Language (BCP 47).
    pub language: String,
    /// `subtitle`, `caption` or `forced`.
    pub role: String,
    /// Name of the track for people.
    pub label: Option<String>,
    /// Whether to begin with it.
    pub default: bool,
    /// Octets of the file.
    pub size: u64,
    /// One URL per CDN.
    pub urls: Vec<DownloadUrl>,
}

/// Small pictures of the film at equal distances, the first at its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrickPlay {
    /// Milliseconds from one to the next.
    pub interval: u32,
    /// Size of each.
    pub resolution: Resolution,
    /// How many there are.
    pub count: u32,
    /// Octets of the BIF file.
    pub size: u64,
    /// The BIF file's, one URL per CDN.
    pub urls: Vec<DownloadUrl>,
    /// Pictures in a row of a sheet; 0 without sheets.
    pub columns: u32,
    /// Rows of a sheet.
    pub rows: u32,
    /// The same pictures on JPEG sheets, row by row; of each sheet one URL per CDN.
    pub sheets: Vec<Vec<DownloadUrl>>,
}

/// A file's address at one CDN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadUrl {
    /// When it is no longer good.
    pub expiration: u64,
    /// Which CDN.
    pub cdn_id: u32,
    /// The URL; see [`with_range`](crate::with_range).
    pub url: String,
}

/// Picture size in samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolution {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// A key and from when it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPeriod {
    /// Key id.
    pub kid: [u8; 16],
    /// Presentation time in `timescale` ticks.
    pub start: u64,
}

macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident { $($values:tt)* }) => {
        crate::named! { $(#[$doc])* $name { $($values)* } }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(s: &str) -> Result<Self, Error> {
                Self::named(s).ok_or(Error::Value(stringify!($name)))
            }
        }
    };
}

word_enum! {
    /// On demand or live.
    MovieType {
        /// The whole film is there.
        Static = "static",
        /// It is being made.
        Dynamic = "dynamic",
    }
}

word_enum! {
    /// Which form of ranges a CDN takes.
    RangeForm {
        /// `/range/a-b` appended to the path.
        Path = "path",
        /// `Range: bytes=a-b`.
        Header = "header",
    }
}

word_enum! {
    /// Picture or sound.
    MediaType {
        /// Picture.
        Video = "video",
        /// Sound.
        Audio = "audio",
    }
}

word_enum! {
    /// Protection scheme (ISO/IEC 23001-7).
    Scheme {
        /// AES-CTR over whole protected ranges.
        Cenc = "cenc",
        /// AES-CBC with pattern.
        Cbcs = "cbcs",
        /// Clear.
        None = "none",
    }
}

word_enum! {
    /// Which samples are protected.
    Level {
        /// Every sample.
        High = "high",
        /// Sync samples and those that others refer to.
        Medium = "medium",
        /// Sync samples.
        Low = "low",
    }
}

word_enum! {
    /// The codec that a content profile names.
    ProfileCodec {
        /// H.264 picture.
        H264 = "h264",
        /// HEVC picture.
        Hevc = "hevc",
        /// VP9 picture.
        Vp9 = "vp9",
        /// AV1 picture.
        Av1 = "av1",
        /// AAC sound.
        Aac = "aac",
        /// Opus sound.
        Opus = "opus",
        /// AC-3 sound.
        Ac3 = "ac3",
        /// E-AC-3 sound.
        Eac3 = "eac3",
        /// FLAC sound.
        Flac = "flac",
    }
}

impl ProfileCodec {
    /// The codec of a `codecs` string (RFC 6381), by the sample entry with which it begins.
    pub fn of_codecs(codecs: &str) -> Option<Self> {
        let entry = codecs.split('.').next().unwrap_or_default();
        Some(match entry.to_ascii_lowercase().as_str() {
            "avc1" | "avc3" => Self::H264,
            "hvc1" | "hev1" => Self::Hevc,
            "vp09" => Self::Vp9,
            "av01" => Self::Av1,
            "mp4a" => Self::Aac,
            "opus" => Self::Opus,
            "ac-3" => Self::Ac3,
            "ec-3" => Self::Eac3,
            "flac" => Self::Flac,
            _ => return None,
        })
    }
}

/// Codec and protection of a file: `matinee-{codec}-{cenc|cbcs|none}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ContentProfile {
    /// Matinee's own.
    Matinee(ProfileCodec, Scheme),
    /// Another system's, as the study's `playready-vc1ap-none`.
    Other(String),
}

impl ContentProfile {
    /// The profile of a file by its `codecs` string (RFC 6381) and its protection. A codec without a name of
    /// its own is called as in that string.
    pub fn of(codecs: &str, scheme: Scheme) -> Self {
        match ProfileCodec::of_codecs(codecs) {
            Some(codec) => Self::Matinee(codec, scheme),
            None => {
                let entry = codecs.split('.').next().unwrap_or_default();
                Self::Other(format!("matinee-{}-{scheme}", entry.to_ascii_lowercase()))
            }
        }
    }
}

impl fmt::Display for ContentProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matinee(codec, scheme) => write!(f, "matinee-{codec}-{scheme}"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

impl FromStr for ContentProfile {
    type Err = std::convert::Infallible;

    /// Never fails: what is not ours is kept as it is.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let ours = || {
            let (codec, scheme) = s.strip_prefix("matinee-")?.split_once('-')?;
            Some(Self::Matinee(codec.parse().ok()?, scheme.parse().ok()?))
        };
        Ok(ours().unwrap_or_else(|| Self::Other(s.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A62: every codec that is packaged has its name, in the manifest and read back.
    #[test]
    fn a62_content_profiles_name_their_codec() {
        for (codecs, profile) in [
            ("avc1.64001F", "matinee-h264-cenc"),
            ("hvc1.1.6.L93.B0", "matinee-hevc-cenc"),
            ("vp09.00.10.08", "matinee-vp9-cenc"),
            ("av01.0.04M.08", "matinee-av1-cenc"),
            ("mp4a.40.2", "matinee-aac-cenc"),
            ("opus", "matinee-opus-cenc"),
            ("Opus", "matinee-opus-cenc"),
            ("ac-3", "matinee-ac3-cenc"),
            ("ec-3", "matinee-eac3-cenc"),
            ("flac", "matinee-flac-cenc"),
            ("fLaC", "matinee-flac-cenc"),
        ] {
            let made = ContentProfile::of(codecs, Scheme::Cenc);
            assert_eq!(made.to_string(), profile);
            assert_eq!(profile.parse(), Ok(made.clone()));
            assert!(matches!(made, ContentProfile::Matinee(..)));
        }
        assert_eq!(ContentProfile::of("vvc1.1", Scheme::None).to_string(), "matinee-vvc1-none");
        assert_eq!("playready-vc1ap-none".parse(), Ok(ContentProfile::Other("playready-vc1ap-none".into())));
    }
}
