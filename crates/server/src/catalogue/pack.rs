//! A pack as manifests and licenses need to know it, and what is asked of it.

use crate::content_rules::ContentRules;
use crate::keys::imported::SealedKey;
use cenc::Kid;
use license::KeyName;
use nccp::{Art, ByteRange, Fraction, Level, MediaType, Resolution, Scheme};
use pack::layout;
use storage::Key;

/// What manifests and licenses need to know of a pack.
#[derive(Debug, Clone, PartialEq)]
pub struct Pack {
    /// 32 hex digits; the name of its folder in the library.
    pub id: String,
    /// Where its files are in URLs, behind `/s/`: its id, or set, revision and path of a content.
    pub place: String,
    /// What the catalogue calls it: its id, or set and path of a content.
    pub name: String,
    /// What an origin's configuration says over the catalogue.
    pub(crate) rules: ContentRules,
    /// The movie that it was packaged as.
    pub movie_id: u64,
    /// The title that it was packaged with.
    pub title: String,
    /// Exact length.
    pub duration: Fraction,
    /// What keys are derived for; empty for clear films.
    pub content_id: String,
    /// The keys by period; empty for clear films.
    pub keys: Vec<KeyName>,
    /// Keys that were given to the packager, sealed.
    pub(crate) given_keys: Vec<SealedKey>,
    /// When each key begins to hold.
    pub(super) key_starts: Vec<pack::Fraction>,
    /// Segments under each; 0: there is one key.
    pub(super) segments_per_key: u32,
    /// How samples are protected.
    pub scheme: Scheme,
    /// Which samples are protected.
    pub level: Level,
    /// Files, video by bit rate first.
    pub representations: Vec<Representation>,
    /// Subtitles.
    pub subtitles: Vec<pack::Subtitle>,
    /// Small pictures for seeking.
    pub thumbnails: Option<pack::Thumbnails>,
    /// Chapters, ascending.
    pub chapters: Vec<pack::Chapter>,
    /// Pictures, by URL path.
    pub art: Vec<Art>,
}

/// One file of a pack.
#[derive(Debug, Clone, PartialEq)]
pub struct Representation {
    /// Its name in the pack, such as `v720-2100`.
    pub id: String,
    /// Ten digits.
    pub downloadable_id: String,
    /// Extension of the file.
    pub extension: String,
    /// Octets.
    pub size: u64,
    /// SHA-256 of the file, hexadecimal, as the packager wrote it.
    pub sha256: String,
    /// Average kbit/s.
    pub bitrate: u32,
    /// Picture or sound.
    pub media_type: MediaType,
    /// Without parameters.
    pub mime_type: String,
    /// RFC 6381.
    pub codecs: String,
    /// Alternatives of one track have one group.
    pub group: String,
    /// Label of its keys; empty for clear films.
    pub label: String,
    /// bit/s of the highest segment.
    pub peak_bandwidth: u64,
    /// Ticks per second.
    pub timescale: u32,
    /// Picture size.
    pub resolution: Option<Resolution>,
    /// Pictures per second.
    pub frame_rate: Option<Fraction>,
    /// `w:h`.
    pub sar: Option<String>,
    /// `SDR`, `PQ` or `HLG`.
    pub video_range: Option<String>,
    /// Samples per second.
    pub sample_rate: Option<u32>,
    /// Channels.
    pub channels: Option<u16>,
    /// BCP 47, audio only.
    pub language: Option<String>,
    /// Whether to begin with this track.
    pub default: bool,
    /// What the track is for, audio only.
    pub role: Option<String>,
    /// Name of the track for people.
    pub name: Option<String>,
    /// `ftyp` and `moov`.
    pub init_range: ByteRange,
    /// `sidx`.
    pub index_range: ByteRange,
    /// In order.
    pub segments: Vec<Segment>,
}

/// What is fetched at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Presentation time in ticks.
    pub start: u64,
    /// Octets in the file.
    pub range: ByteRange,
}

impl Representation {
    /// Whether it is sound, or a picture of at most this height.
    fn is_within(&self, max_height: Option<u32>) -> bool {
        let allowed = |picture: Resolution| max_height.is_none_or(|height| picture.height <= height);
        self.resolution.is_none_or(allowed)
    }

    /// The segment that holds a position in seconds: the last that begins at or before it.
    pub fn segment_at(&self, seconds: f64) -> Option<Segment> {
        let ticks = (seconds.max(0.0) * f64::from(self.timescale)) as u64;
        let after = self.segments.partition_point(|segment| segment.start <= ticks);
        self.segments.get(after.saturating_sub(1)).copied()
    }
}

impl Pack {
    /// All files that `pack.json` names but the poster: path, size, SHA-256.
    pub(crate) fn files(&self) -> impl Iterator<Item = (String, u64, &str)> {
        let media = self
            .representations
            .iter()
            .map(|r| (layout::media_path(&r.downloadable_id, &r.extension), r.size, &r.sha256[..]));
        let texts = self.subtitles.iter().map(|subtitle| &subtitle.file);
        let pictures =
            self.thumbnails.iter().flat_map(|t| [&t.bif].into_iter().chain(&t.sheets).chain(&t.sheet_index));
        media.chain(texts.chain(pictures).map(|file| (file.path.clone(), file.size, &file.sha256[..])))
    }

    /// When each key begins to hold, in the representation's ticks, with the key's name: the start of the
    /// segment where it does, for tracks are not all cut at the same instant.
    pub fn key_periods<'a>(&'a self, r: &'a Representation) -> impl Iterator<Item = (&'a KeyName, u64)> {
        let keys = self.keys.iter().zip(&self.key_starts).filter(|(key, _)| key.label == r.label);
        keys.map(move |(key, start)| {
            let segment = u64::from(key.period) * u64::from(self.segments_per_key);
            let begun = usize::try_from(segment).ok().filter(|n| *n > 0).and_then(|n| r.segments.get(n));
            let ticks =
                u128::from(start.value) * u128::from(r.timescale) / u128::from(start.timescale.max(1));
            (key, begun.map_or(u64::try_from(ticks).unwrap_or(u64::MAX), |segment| segment.start))
        })
    }

    /// The files that a policy with this greatest height lets be played: sound, and pictures up to it.
    pub fn up_to(&self, max_height: Option<u32>) -> impl Iterator<Item = &Representation> {
        self.representations.iter().filter(move |r| r.is_within(max_height))
    }

    /// Whether a policy with this greatest height lets a picture be shown.
    pub fn has_picture(&self, max_height: Option<u32>) -> bool {
        self.up_to(max_height).any(|r| r.media_type == MediaType::Video)
    }

    /// The keys of the files that a policy with this greatest height lets be played: all of the film's,
    /// unless its heights have keys of their own.
    pub fn keys_up_to(&self, max_height: Option<u32>) -> impl Iterator<Item = &KeyName> {
        self.keys.iter().filter(move |key| self.up_to(max_height).any(|r| r.label == key.label))
    }

    /// The KIDs of keys that were given to the packager and are not kept here: no license can be made for
    /// them.
    pub fn missing_keys(&self) -> impl Iterator<Item = Kid> {
        let given = self.keys.iter().filter(|key| key.common_key_id.is_empty());
        given.filter(|key| !self.given_keys.iter().any(|kept| kept.is_of(&key.kid))).map(|key| key.kid)
    }

    /// One representation of each group: the movie's tracks.
    pub fn tracks(&self) -> Vec<&Representation> {
        let mut tracks: Vec<&Representation> = Vec::new();
        for r in &self.representations {
            if !tracks.iter().any(|track| track.group == r.group) {
                tracks.push(r);
            }
        }
        tracks
    }

    /// Key in the library and media type of one of the pack's pictures.
    pub fn picture(&self, name: &str) -> Option<(Key, &'static str)> {
        let url = format!("/art/{}/{name}", self.id);
        self.art.iter().find(|art| art.url == url)?;
        let media_type = layout::media_type(name.rsplit_once('.')?.1);
        let key = format!("{}/{name}", self.id).parse().ok()?;
        media_type.starts_with("image/").then_some((key, media_type))
    }
}
