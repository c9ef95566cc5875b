use super::attributes::Attributes;
use super::media::has_i_frames;
use super::{VERSION, keys};
use crate::time::bandwidth;
use crate::track::{audio_name, family, is_for_all, language, subtitle_name, tracks};
use crate::{Delivery, Pathway};
use pack::{AudioRole, MediaType, Pack, Representation, SubtitleRole, VideoProperties, layout};
use std::collections::BTreeSet;

/// `GROUP-ID` of subtitles.
const SUBTITLES: &str = "subtitles";

/// `DATA-ID` of DRM metadata.
const METADATA: &str = "org.matinee.drm";

/// Where media playlists are had: beside this one, or on a pathway of content steering. Each pathway has all
/// groups and variants, the same but for their addresses and the groups' names (section 7.1).
#[derive(Clone, Copy)]
struct Way<'a> {
    delivery: &'a Delivery<'a>,
    pathway: Option<&'a Pathway<'a>>,
}

impl<'a> Way<'a> {
    fn all(delivery: &'a Delivery<'a>) -> Vec<Self> {
        match delivery.steering {
            None => vec![Self { delivery, pathway: None }],
            Some(steering) => {
                steering.pathways.iter().map(|pathway| Self { delivery, pathway: Some(pathway) }).collect()
            }
        }
    }

    fn url(self, path: &str) -> String {
        self.pathway.map_or_else(|| self.delivery.url("", path), |pathway| pathway.url(path))
    }

    fn id(self) -> Option<&'a str> {
        self.pathway.map(|pathway| pathway.id.as_str())
    }

    /// The name of a group on it.
    fn group(self, id: &str) -> String {
        self.id().map_or_else(|| id.to_owned(), |pathway| format!("{id}-{pathway}"))
    }
}

/// The multivariant playlist, `master.m3u8`.
pub fn master(pack: &Pack, delivery: &Delivery<'_>) -> String {
    let all = delivery.representations(pack);
    let groups = AudioGroup::all(&tracks(&all, MediaType::Audio));
    let mut text = format!("#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    // Keys of whole segments are named with their IVs, in media playlists.
    if let Some(protection) = pack.protection.as_ref().filter(|_| delivery.whole_iv.is_none()) {
        let mut labels = Vec::new();
        for r in &all {
            if !labels.contains(&r.label.as_ref()) {
                labels.push(r.label.as_ref());
            }
        }
        text.push_str(&keys::of_session(pack, protection, &labels));
    }
    if let Some(metadata) = delivery.drm_metadata {
        let data = Attributes::of("EXT-X-SESSION-DATA").quoted("DATA-ID", METADATA).quoted("VALUE", metadata);
        text.push_str(&data.line());
    }
    if let Some(steering) = delivery.steering {
        let tag = Attributes::of("EXT-X-CONTENT-STEERING")
            .quoted("SERVER-URI", steering.server)
            .maybe("PATHWAY-ID", steering.pathways.first().map(|first| first.id.as_str()));
        text.push_str(&tag.line());
    }
    let ways = Way::all(delivery);
    for way in &ways {
        groups.iter().for_each(|group| group.write(&mut text, *way));
        write_subtitles(&mut text, pack, *way);
    }
    let mut pictures: Vec<_> = all.iter().copied().filter(|r| r.media_type == MediaType::Video).collect();
    // Players begin with the first variant, unless they know better: it is one that all can show.
    pictures.sort_by_key(|r| !is_for_all(r));
    let mut variants: Vec<(&Representation, Option<&AudioGroup<'_>>)> = Vec::new();
    for picture in pictures {
        match groups.as_slice() {
            [] => variants.push((picture, None)),
            groups => variants.extend(groups.iter().map(|group| (picture, Some(group)))),
        }
    }
    // Sound alone: the variants are those of the track to begin with.
    if variants.is_empty() {
        variants = groups.iter().filter_map(|group| Some((group.first()?, Some(group)))).collect();
    }
    for way in &ways {
        for (r, group) in &variants {
            text.push_str(&stream(pack, r, *group, *way));
            text.push_str(&way.url(&playlist(r)));
            text.push('\n');
        }
    }
    for way in &ways {
        for r in all.iter().filter(|r| has_i_frames(r, delivery)) {
            text.push_str(&i_frame_stream(r, *way));
        }
    }
    text
}

/// Pictures for fast motion (section 4.4.6.3).
fn i_frame_stream(r: &Representation, way: Way<'_>) -> String {
    let sizes =
        || r.segments.iter().map(|segment| (segment.first_picture.unwrap_or_default(), segment.duration));
    let peak = sizes().map(|(octets, duration)| bandwidth(octets, duration, r.timescale)).max();
    let (octets, duration) = sizes().fold((0, 0), |(all, time), (octets, d)| (all + octets, time + d));
    let average = bandwidth(octets, duration, r.timescale);
    let tag = Attributes::of("EXT-X-I-FRAME-STREAM-INF")
        .word("BANDWIDTH", peak.unwrap_or_default().max(average))
        .word("AVERAGE-BANDWIDTH", average)
        .quoted("CODECS", &r.codecs);
    let tag = match &r.video {
        Some(video) => tag.word("RESOLUTION", resolution(video)).word("VIDEO-RANGE", &video.video_range),
        None => tag,
    };
    let path = layout::media_path(&r.downloadable_id, "iframes.m3u8");
    tag.maybe("PATHWAY-ID", way.id()).quoted("URI", &way.url(&path)).line()
}

/// The size as it is shown.
fn resolution(video: &VideoProperties) -> String {
    let [wide, high] = video.sar.map(|part| u64::from(part.max(1)));
    format!("{}x{}", (u64::from(video.width) * wide + high / 2) / high, video.height)
}

/// Where a representation's media playlist lies in the pack.
fn playlist(r: &Representation) -> String {
    layout::media_path(&r.downloadable_id, "m3u8")
}

fn stream(pack: &Pack, r: &Representation, group: Option<&AudioGroup<'_>>, way: Way<'_>) -> String {
    let average = |r: &Representation| {
        let octets = r.segments.iter().map(|segment| segment.size).sum();
        bandwidth(octets, r.segments.iter().map(|segment| segment.duration).sum(), r.timescale)
    };
    let beside = group.map(|group| group.renditions.as_slice()).unwrap_or_default();
    // Where sound is all there is, it is not counted twice.
    let sound = || beside.iter().filter(|_| r.media_type == MediaType::Video);
    let peak = r.peak_bandwidth.saturating_add(sound().map(|a| a.peak_bandwidth).max().unwrap_or_default());
    let average = average(r).saturating_add(sound().map(|a| average(a)).max().unwrap_or_default());
    let mut codecs = vec![r.codecs.as_str()];
    for rendition in beside {
        if !codecs.contains(&rendition.codecs.as_str()) {
            codecs.push(&rendition.codecs);
        }
    }
    let mut tag = Attributes::of("EXT-X-STREAM-INF")
        .word("BANDWIDTH", peak.max(average))
        .word("AVERAGE-BANDWIDTH", average)
        .quoted("CODECS", &codecs.join(","));
    if let Some(video) = &r.video {
        tag = tag
            .word("RESOLUTION", resolution(video))
            .word("FRAME-RATE", format_args!("{:.3}", video.frame_rate.seconds()))
            .word("VIDEO-RANGE", &video.video_range);
    }
    let subtitles = (!pack.subtitles.is_empty()).then(|| way.group(SUBTITLES));
    tag.maybe("AUDIO", group.map(|group| way.group(&group.id)).as_deref())
        .maybe("SUBTITLES", subtitles.as_deref())
        .maybe("PATHWAY-ID", way.id())
        .line()
}

/// Tracks of sound in one codec, where every track has it; otherwise all there are.
struct AudioGroup<'a> {
    id: String,
    /// One for each track.
    renditions: Vec<&'a Representation>,
}

impl<'a> AudioGroup<'a> {
    fn all(tracks: &[Vec<&'a Representation>]) -> Vec<Self> {
        let Some(first) = tracks.first() else { return Vec::new() };
        let best = |track: &[&'a Representation], codec: &str| {
            track.iter().copied().filter(|r| family(r) == codec).max_by_key(|r| r.peak_bandwidth)
        };
        let mut groups: Vec<Self> = Vec::new();
        for r in first {
            let codec = family(r);
            let renditions: Option<Vec<_>> = tracks.iter().map(|track| best(track, codec)).collect();
            match renditions {
                Some(renditions) if groups.iter().all(|group| group.id != codec) => {
                    groups.push(Self { id: codec.to_owned(), renditions });
                }
                _ => {}
            }
        }
        if groups.is_empty() {
            let renditions = tracks.iter().filter_map(|track| track.first().copied()).collect();
            groups.push(Self { id: "audio".to_owned(), renditions });
        }
        groups
    }

    /// The track to begin with.
    fn first(&self) -> Option<&'a Representation> {
        let default = |r: &&&Representation| r.audio.as_ref().is_some_and(|audio| audio.default);
        self.renditions.iter().find(default).or_else(|| self.renditions.first()).copied()
    }

    fn write(&self, text: &mut String, way: Way<'_>) {
        let first = self.first().map(|r| &r.id);
        let (mut names, mut chosen) = (Names::default(), BTreeSet::new());
        for r in &self.renditions {
            let audio = r.audio.as_ref();
            let role = audio.map(|audio| audio.role).unwrap_or_default();
            let described = role == AudioRole::Description;
            let is_first = Some(&r.id) == first;
            // Chosen by language alone: what says the film's words, one of each language.
            let plain = matches!(role, AudioRole::Main | AudioRole::Dub | AudioRole::Description);
            let automatic = is_first || plain && !chosen.contains(&(r.language.clone(), described));
            if automatic {
                chosen.insert((r.language.clone(), described));
            }
            let characteristics = described.then_some("public.accessibility.describes-video");
            let channels = audio.map(|audio| audio.channels.to_string());
            let tag = Attributes::of("EXT-X-MEDIA")
                .word("TYPE", "AUDIO")
                .quoted("GROUP-ID", &way.group(&self.id))
                .quoted("NAME", &names.unique(audio_name(r)))
                .maybe("LANGUAGE", language(&r.language))
                .word("DEFAULT", yes(is_first))
                .word("AUTOSELECT", yes(automatic))
                .maybe("CHARACTERISTICS", characteristics)
                .maybe("CHANNELS", channels.as_deref())
                .quoted("URI", &way.url(&playlist(r)));
            text.push_str(&tag.line());
        }
    }
}

fn write_subtitles(text: &mut String, pack: &Pack, way: Way<'_>) {
    let (mut names, mut chosen) = (Names::default(), BTreeSet::new());
    let default = pack.subtitles.iter().position(|s| s.default && s.role != SubtitleRole::Forced);
    for (n, subtitle) in pack.subtitles.iter().enumerate() {
        let (caption, forced) =
            (subtitle.role == SubtitleRole::Caption, subtitle.role == SubtitleRole::Forced);
        let kind = (subtitle.language.clone(), caption, forced);
        let automatic = Some(n) == default || !chosen.contains(&kind);
        if automatic {
            chosen.insert(kind);
        }
        let characteristics = caption.then_some(
            "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound",
        );
        let path = format!("{}/{}.m3u8", layout::SUBTITLES, subtitle.id);
        let tag = Attributes::of("EXT-X-MEDIA")
            .word("TYPE", "SUBTITLES")
            .quoted("GROUP-ID", &way.group(SUBTITLES))
            .quoted("NAME", &names.unique(subtitle_name(subtitle)))
            .maybe("LANGUAGE", language(&subtitle.language))
            .word("DEFAULT", yes(Some(n) == default))
            .word("AUTOSELECT", yes(automatic))
            .word("FORCED", yes(forced))
            .maybe("CHARACTERISTICS", characteristics)
            .quoted("URI", &way.url(&path));
        text.push_str(&tag.line());
    }
}

fn yes(is: bool) -> &'static str {
    if is { "YES" } else { "NO" }
}

/// Names in one group: no two are equal (section 4.4.6.1.1).
#[derive(Default)]
struct Names(BTreeSet<String>);

impl Names {
    fn unique(&mut self, name: String) -> String {
        let mut unique = name.clone();
        let mut number = 2;
        while !self.0.insert(unique.clone()) {
            unique = format!("{name} ({number})");
            number += 1;
        }
        unique
    }
}
