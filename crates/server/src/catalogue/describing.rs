//! A pack from what describes it: a `pack.json`, or a session that is live.

use super::pack::{Pack, Representation, Segment};
use crate::content_place::ContentPlace;
use crate::content_rules::ContentRules;
use cenc::Label;
use license::KeyName;
use nccp::{ByteRange, Fraction, Level, MediaType, Resolution, Scheme};
use pack::{Pack as PackFile, layout};

/// A representation of a session that is live.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LiveRepresentation {
    pub(crate) id: String,
    pub(crate) media_type: MediaType,
    pub(crate) codecs: String,
    pub(crate) timescale: u32,
    /// bit/s: highest, and on average.
    pub(crate) bandwidth: (u64, u64),
    pub(crate) label: String,
    pub(crate) resolution: Option<Resolution>,
}

impl Pack {
    /// What `pack.json` says, without pictures and keys. `None` if a manifest cannot carry its numbers.
    pub(crate) fn of_file(file: PackFile) -> Option<Self> {
        let protection = file.protection.as_ref();
        let keys = protection.map_or_else(Vec::new, |protection| {
            let name = |key: &pack::PackKey| KeyName {
                kid: key.kid,
                // A film with keys that were given has none.
                common_key_id: protection.common_key_id.clone().unwrap_or_default(),
                label: key.label.as_ref().unwrap_or(&protection.label).as_str().to_owned(),
                period: key.period,
            };
            protection.keys.iter().map(name).collect()
        });
        Some(Self {
            art: Vec::new(),
            place: file.pack_id.clone(),
            name: file.pack_id.clone(),
            rules: ContentRules::default(),
            movie_id: file.movie_id,
            title: file.title,
            duration: Fraction::new(file.duration.value, u64::from(file.duration.timescale)).ok()?,
            content_id: protection.map(|p| p.content_id.as_str().to_owned()).unwrap_or_default(),
            key_starts: protection.map(|p| p.keys.iter().map(|key| key.start).collect()).unwrap_or_default(),
            segments_per_key: protection.map_or(0, |p| p.segments_per_key),
            keys,
            given_keys: Vec::new(),
            scheme: match file.scheme {
                pack::Scheme::None => Scheme::None,
                pack::Scheme::Cenc => Scheme::Cenc,
                pack::Scheme::Cbcs => Scheme::Cbcs,
            },
            level: match file.level {
                pack::Level::High => Level::High,
                pack::Level::Medium => Level::Medium,
                pack::Level::Low => Level::Low,
            },
            representations: {
                let label = protection.map(|protection| &protection.label);
                file.representations.into_iter().map(|r| representation(r, label)).collect::<Option<_>>()?
            },
            subtitles: file.subtitles,
            thumbnails: file.thumbnails,
            chapters: file.chapters,
            id: file.pack_id,
        })
    }

    /// A film that an origin makes, by the `pack.json` that it would have; `place` is where it is in URLs.
    /// `None` if a manifest cannot carry its numbers.
    pub(crate) fn of_content(file: PackFile, place: &ContentPlace, rules: ContentRules) -> Option<Self> {
        let name = place.name().to_string();
        Some(Self { place: place.to_string(), name, rules, ..Self::of_file(file)? })
    }

    /// What is live, as if it were a film without end: no files, but keys and representations.
    pub(crate) fn of_live(
        (id, movie_id, title): (String, u64, String),
        content_id: String,
        keys: Vec<KeyName>,
        scheme: Scheme,
        level: Level,
        representations: Vec<LiveRepresentation>,
    ) -> Option<Self> {
        let none = ByteRange::new(0, 0).ok()?;
        let representation = |r: LiveRepresentation| Representation {
            downloadable_id: layout::downloadable_id(&id, &r.id),
            id: r.id.clone(),
            extension: "mp4".to_owned(),
            size: 0,
            sha256: String::new(),
            bitrate: u32::try_from(r.bandwidth.1.div_ceil(1000)).unwrap_or(u32::MAX),
            mime_type: format!("{}/mp4", r.media_type),
            group: if r.media_type == MediaType::Video { "video".to_owned() } else { r.id.clone() },
            media_type: r.media_type,
            codecs: r.codecs,
            label: r.label,
            peak_bandwidth: r.bandwidth.0,
            timescale: r.timescale,
            resolution: r.resolution,
            frame_rate: None,
            sar: None,
            video_range: None,
            sample_rate: None,
            channels: None,
            language: None,
            default: true,
            role: None,
            name: None,
            init_range: none,
            index_range: none,
            segments: Vec::new(),
        };
        Some(Self {
            movie_id,
            title,
            duration: Fraction::new(0, 1).ok()?,
            content_id,
            key_starts: Vec::new(),
            keys,
            given_keys: Vec::new(),
            segments_per_key: 0,
            scheme,
            level,
            representations: representations.into_iter().map(representation).collect(),
            subtitles: Vec::new(),
            thumbnails: None,
            chapters: Vec::new(),
            art: Vec::new(),
            place: id.clone(),
            name: id.clone(),
            rules: ContentRules::default(),
            id,
        })
    }
}

fn range(r: pack::ByteRange) -> Option<ByteRange> {
    ByteRange::new(r.first, r.last).ok()
}

fn representation(r: pack::Representation, label: Option<&Label>) -> Option<Representation> {
    let segment = |s: &pack::Segment| {
        let last = s.offset.checked_add(s.size)?.checked_sub(1)?;
        Some(Segment { start: s.start, range: ByteRange::new(s.offset, last).ok()? })
    };
    let audio = r.media_type == pack::MediaType::Audio;
    Some(Representation {
        extension: r.extension().to_owned(),
        id: r.id,
        segments: r.segments.iter().map(segment).collect::<Option<_>>()?,
        init_range: range(r.init_range)?,
        index_range: range(r.index_range)?,
        size: r.size,
        sha256: r.sha256,
        bitrate: u32::try_from(r.bitrate).ok()?,
        media_type: if audio { MediaType::Audio } else { MediaType::Video },
        mime_type: r.mime_type,
        codecs: r.codecs,
        group: r.group,
        label: r.label.as_ref().or(label).map(|label| label.as_str().to_owned()).unwrap_or_default(),
        peak_bandwidth: r.peak_bandwidth,
        timescale: r.timescale,
        resolution: r.video.as_ref().map(|v| Resolution { width: v.width, height: v.height }),
        frame_rate: match &r.video {
            Some(v) => Some(Fraction::new(v.frame_rate.value, u64::from(v.frame_rate.timescale)).ok()?),
            None => None,
        },
        sar: r.video.as_ref().map(|v| format!("{}:{}", v.sar[0], v.sar[1])),
        video_range: r.video.as_ref().map(|v| v.video_range.clone()),
        sample_rate: r.audio.as_ref().map(|a| a.sample_rate),
        channels: r.audio.as_ref().map(|a| a.channels),
        language: audio.then_some(r.language),
        default: r.audio.as_ref().is_some_and(|a| a.default),
        role: r.audio.as_ref().map(|a| a.role.to_string()),
        name: r.audio.as_ref().and_then(|a| a.label.clone()),
        downloadable_id: r.downloadable_id,
    })
}
