//! What is told of an event while it goes on: its index (docs/protocol.md, section 13), and the manifest that
//! it makes whole.

use std::collections::BTreeMap;

use engine::IndexQuestion;
use engine::index::{IndexUpdate, Location, MOST_PARTS, NewSegments, Part, Segment, SegmentParts};
use nccp::{
    ContentProfile, DownloadUrl, Downloadable, EventState, Level, LiveManifest, Manifest, MediaType,
    Resolution, Scheme,
};
use serde::Deserialize;

mod joining;

pub use joining::{BETWEEN, Joined, Joining, PATIENCE};

/// Longest index that is read, in bytes.
pub const MAX_INDEX: usize = 32 << 20;
/// Most representations of an event.
const MOST_REPRESENTATIONS: usize = 64;
/// Of so many segments the parts are read; the server tells those of as many.
const WITH_PARTS: usize = 4;
/// A player that takes parts stays so many of them behind what is live.
const PARTS_BEHIND: f64 = 3.0;
/// Most keys and runs that are kept.
const MOST_KEYS: usize = 10_000;

/// From some time of an event on: which time of day that was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// Seconds of the event.
    pub time: f64,
    /// Unix time in seconds.
    pub wall: f64,
}

/// The Unix time, in seconds, at which a second of an event was.
pub fn wall_of(runs: &[Run], time: f64) -> Option<f64> {
    let run = runs.iter().rev().find(|run| run.time <= time).or(runs.first())?;
    Some(run.wall + time - run.time)
}

/// An event's index.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveIndex {
    /// Names the session: what is of another does not continue it.
    pub session: String,
    /// Where the event stands.
    pub state: EventState,
    /// Length of a segment, and of a part, in seconds.
    pub lengths: (f64, f64),
    /// What can be played, oldest and latest number.
    pub numbers: (u64, u64),
    /// Times of day.
    pub runs: Vec<Run>,
    /// KIDs in hexadecimal digits, those of the next periods among them, with the first number that each is
    /// of.
    pub keys: Vec<(String, u64)>,
    protection: Option<(Scheme, Level)>,
    representations: Vec<Representation>,
}

#[derive(Clone, Debug, PartialEq)]
struct Representation {
    id: String,
    media_type: MediaType,
    mime: String,
    codecs: String,
    bandwidth: u64,
    timescale: u32,
    language: Option<String>,
    size: Option<(u32, u32)>,
    /// `PQ` or `HLG`; pictures of which nothing is told are SDR.
    range: Option<String>,
    rate: Option<u32>,
    channels: Option<u16>,
    /// Those that are whole, by their number.
    segments: BTreeMap<u64, Segment>,
    /// The parts of the latest, the one that is being made among them.
    parts: Vec<SegmentParts>,
    /// The part that may be asked for before it is there.
    hint: Option<(u64, usize)>,
}

#[derive(Deserialize)]
struct RawIndex {
    session: String,
    state: EventState,
    target: f64,
    part: f64,
    first: u64,
    last: u64,
    #[serde(default)]
    runs: Vec<RawRun>,
    protection: Option<RawProtection>,
    representations: Vec<RawRepresentation>,
}

#[derive(Deserialize)]
struct RawRun {
    time: f64,
    wall: f64,
}

#[derive(Deserialize)]
struct RawProtection {
    scheme: String,
    level: String,
    keys: Vec<RawKey>,
}

#[derive(Deserialize)]
struct RawKey {
    kid: String,
    first: u64,
}

#[derive(Deserialize)]
struct RawRepresentation {
    id: String,
    #[serde(rename = "type")]
    media: String,
    mime: String,
    codecs: String,
    timescale: u32,
    bandwidth: u64,
    language: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    range: Option<String>,
    rate: Option<u32>,
    channels: Option<u16>,
    init: RawInit,
    segments: Vec<RawSegment>,
    hint: Option<RawHint>,
}

#[derive(Deserialize)]
struct RawHint {
    n: u64,
    part: u64,
}

#[derive(Deserialize)]
struct RawInit {
    url: String,
}

#[derive(Deserialize)]
struct RawSegment {
    n: u64,
    start: u64,
    duration: u64,
    size: u64,
    complete: bool,
    #[serde(default)]
    parts: Vec<RawPart>,
}

#[derive(Deserialize)]
struct RawPart {
    duration: u64,
    size: u64,
}

/// The names of files in a representation's folder.
pub(crate) const INIT: &str = "init.mp4";
pub(crate) const MEDIA: &str = "$Number$.m4s";

/// Whether a text may be a part of a path.
fn is_part(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('.')
}

impl LiveIndex {
    /// Reads an index; `None` when it is not one. What this version cannot use of it is left out.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_INDEX {
            return None;
        }
        let raw: RawIndex = serde_json::from_slice(bytes).ok()?;
        let sane = |seconds: f64| seconds.clamp(0.05, 60.0);
        let protection = match &raw.protection {
            Some(RawProtection { scheme, level, .. }) => Some((scheme.parse().ok()?, level.parse().ok()?)),
            None => None,
        };
        let keys = raw.protection.into_iter().flat_map(|protection| protection.keys);
        Some(Self {
            session: raw.session,
            state: raw.state,
            lengths: (sane(raw.target), sane(raw.part)),
            numbers: (raw.first, raw.last),
            runs: raw
                .runs
                .into_iter()
                .take(MOST_KEYS)
                .map(|run| Run { time: run.time, wall: run.wall / 1000.0 })
                .collect(),
            keys: keys.take(MOST_KEYS).map(|key| (key.kid, key.first)).collect(),
            protection,
            representations: raw
                .representations
                .into_iter()
                .take(MOST_REPRESENTATIONS)
                .filter_map(Representation::of)
                .collect(),
        })
    }

    /// Whether something of it can be played.
    pub fn has_media(&self) -> bool {
        self.representations.iter().any(|r| !r.segments.is_empty())
    }

    /// Whether all of it that will be there can be played already: no representation has begun of which
    /// nothing is whole.
    pub fn is_settled(&self) -> bool {
        self.has_media() && self.representations.iter().all(|r| !r.segments.is_empty())
    }

    /// Whether there is enough of it to begin with at the target latency; of one that stands still there is
    /// no more.
    pub fn is_enough(&self) -> bool {
        let seconds = |r: &Representation| r.segments.values().map(Segment::duration).sum::<f64>();
        let shortest = self.representations.iter().map(seconds).fold(f64::INFINITY, f64::min);
        self.has_media() && (self.state != EventState::Live || shortest >= self.latency())
    }

    /// How far behind what is live it can be followed, in seconds, by a player that fetches segments when
    /// they are whole: half of one more is the least that is not dry.
    fn latency(&self) -> f64 {
        let longest = self.representations.iter().map(Representation::longest).fold(self.lengths.0, f64::max);
        longest * 1.5 + self.lengths.1
    }

    /// The same by one that fetches parts: one that plays, one that is fetched, and one that is being made.
    /// `None` where there are none.
    fn latency_in_parts(&self) -> Option<f64> {
        let with_media = || self.representations.iter().filter(|r| !r.segments.is_empty());
        let has_parts = with_media().next().is_some() && with_media().all(|r| !r.parts.is_empty());
        let length = |part: &Part| part.duration;
        let parts = self.representations.iter().flat_map(|r| &r.parts).flat_map(|of| &of.parts);
        let longest = parts.map(length).fold(self.lengths.1, f64::max);
        has_parts.then_some(PARTS_BEHIND * longest)
    }

    /// How an event is to be followed: how far behind what is live, in seconds, and whether that takes parts.
    /// The manifest's target counts where it is more than what can be had.
    fn pace(&self, live: &LiveManifest, takes_parts: bool) -> (f64, bool) {
        let whole = self.latency();
        let in_parts = self.latency_in_parts().filter(|_| takes_parts);
        match in_parts.map(|least| least.max(live.target_latency)) {
            Some(near) if near < whole => (near, true),
            _ => (whole.max(live.target_latency), false),
        }
    }

    /// Whether it has pictures, or sound, that a manifest made of an earlier one has not.
    pub fn has_more_than(&self, manifest: &Manifest) -> bool {
        let has = |kind: MediaType| manifest.downloadables.iter().any(|file| file.media_type == kind);
        let new = |r: &Representation| !r.segments.is_empty() && !has(r.media_type);
        self.representations.iter().any(new)
    }

    /// What a player needs of keys that it has not got yet: the number of the first segment under one that
    /// `knows` does not know.
    pub fn first_unlicensed(&self, knows: impl Fn(&str) -> bool) -> Option<u64> {
        self.keys.iter().filter(|(kid, _)| !knows(kid)).map(|(_, first)| *first).min()
    }

    /// Seconds until a number is published, as far as can be told.
    pub fn seconds_to(&self, number: u64) -> f64 {
        number.saturating_sub(self.numbers.1) as f64 * self.lengths.0
    }

    /// What the engine is told of it; with `in_parts` of parts, too.
    pub fn update(&self, in_parts: bool) -> IndexUpdate {
        let finished = self.state == EventState::Ended;
        // Alternatives of one track end together, so that none of them lacks what the others have.
        let videos = self.representations.iter().filter(|r| r.media_type == MediaType::Video);
        let last = videos.filter_map(|r| r.segments.keys().next_back()).min().copied();
        let bound = |r: &Representation| {
            last.filter(|_| finished && r.media_type == MediaType::Video).unwrap_or(u64::MAX)
        };
        IndexUpdate {
            first: self.numbers.0,
            added: self.representations.iter().flat_map(|r| r.added(bound(r), in_parts)).collect(),
            finished,
        }
    }

    /// The manifest of an event with the files that its index tells of, as a film's has them, and how far
    /// behind what is live it is to be played. With it, whether that takes parts; never where the player does
    /// not take them.
    pub fn complete(&self, manifest: &Manifest, takes_parts: bool) -> (Manifest, bool) {
        let mut whole = manifest.clone();
        let Some(live) = &mut whole.live else { return (whole, false) };
        let (latency, in_parts) = self.pace(live, takes_parts);
        live.target_latency = latency;
        let (scheme, level) = self.protection.unwrap_or((Scheme::None, Level::High));
        let expiration = whole.expiration;
        let indexes = index_urls(whole.cdns.first().map(|cdn| cdn.id), live);
        let mut has_sound = false;
        let file = |r: &Representation| {
            let url = |(cdn_id, index_url): &(u32, String)| {
                let url = beside(index_url, &format!("{}/", r.id));
                DownloadUrl { expiration, cdn_id: *cdn_id, url }
            };
            let is_sound = r.media_type == MediaType::Audio;
            let default = is_sound && !has_sound;
            has_sound |= is_sound;
            r.downloadable((scheme, level), indexes.iter().map(url).collect(), default, &self.session)
        };
        let there = self.representations.iter().filter(|r| !r.segments.is_empty());
        whole.downloadables = there.map(file).collect();
        // A CDN without the index has nothing of the event.
        whole.cdns.retain(|cdn| indexes.iter().any(|(id, _)| *id == cdn.id));
        (whole, in_parts)
    }
}

/// Where an event's index is, by CDN, in the order to use.
fn index_urls(first: Option<u32>, live: &LiveManifest) -> Vec<(u32, String)> {
    let first = (first.unwrap_or(0), live.index_url.clone());
    std::iter::once(first).chain(live.other_index_urls.iter().cloned()).collect()
}

impl Representation {
    fn of(raw: RawRepresentation) -> Option<Self> {
        let media_type = raw.media.parse().ok()?;
        let in_place = raw.init.url.strip_prefix(&raw.id)?.strip_prefix('/')? == INIT;
        let plain = |text: &str| !text.contains(['"', ';', '\\']);
        if !in_place || !is_part(&raw.id) || raw.timescale == 0 || !plain(&raw.mime) || !plain(&raw.codecs) {
            return None;
        }
        let seconds = |ticks: u64| ticks as f64 / f64::from(raw.timescale);
        let segment = |one: &RawSegment| Segment {
            location: Location::File { size: Some(one.size) },
            start: seconds(one.start),
            end: seconds(one.start.saturating_add(one.duration)),
        };
        let part = |one: &RawPart| Part { duration: seconds(one.duration), size: one.size };
        let parts = |one: &RawSegment| SegmentParts {
            number: one.n,
            start: seconds(one.start),
            parts: one.parts.iter().take(MOST_PARTS).map(part).collect(),
        };
        let in_parts = raw.segments.iter().rev().filter(|one| !one.parts.is_empty()).take(WITH_PARTS);
        let whole = raw.segments.iter().filter(|one| one.complete && one.duration > 0 && one.size > 0);
        Some(Self {
            hint: raw.hint.and_then(|hint| Some((hint.n, usize::try_from(hint.part).ok()?))),
            parts: in_parts.map(parts).collect::<Vec<_>>().into_iter().rev().collect(),
            segments: whole.map(|one| (one.n, segment(one))).collect(),
            media_type,
            mime: raw.mime,
            codecs: raw.codecs,
            bandwidth: raw.bandwidth,
            timescale: raw.timescale,
            language: raw.language,
            size: raw.width.zip(raw.height),
            range: raw.range.filter(|range| ["PQ", "HLG"].contains(&range.as_str())),
            rate: raw.rate,
            channels: raw.channels,
            id: raw.id,
        })
    }

    /// How long its latest segments are at most, in seconds: as far apart as its encoder's key frames.
    fn longest(&self) -> f64 {
        self.segments.values().rev().take(4).map(Segment::duration).fold(0.0, f64::max)
    }

    /// Its segments up to number `last`, in runs without gaps; and with the latest of them the parts that
    /// there are.
    fn added(&self, last: u64, in_parts: bool) -> Vec<NewSegments> {
        let mut runs: Vec<NewSegments> = Vec::new();
        for (number, segment) in self.segments.range(..=last) {
            match runs.last_mut() {
                Some(run) if run.first + run.segments.len() as u64 == *number => run.segments.push(*segment),
                _ => runs.push(NewSegments {
                    representation: self.id.clone(),
                    first: *number,
                    segments: vec![*segment],
                    parts: Vec::new(),
                    hint: None,
                }),
            }
        }
        let Some(oldest) = self.parts.first().filter(|_| in_parts) else { return runs };
        if runs.is_empty() {
            let (representation, first) = (self.id.clone(), oldest.number);
            let (segments, parts) = (Vec::new(), Vec::new());
            runs.push(NewSegments { representation, first, segments, parts, hint: None });
        }
        if let Some(latest) = runs.last_mut() {
            latest.parts.clone_from(&self.parts);
            latest.hint = self.hint;
        }
        runs
    }

    fn downloadable(
        &self,
        (scheme, level): (Scheme, Level),
        urls: Vec<DownloadUrl>,
        default: bool,
        session: &str,
    ) -> Downloadable {
        let group = if self.media_type == MediaType::Video { "video" } else { &self.id };
        Downloadable {
            id: self.id.clone(),
            size: 0,
            bitrate: u32::try_from(self.bandwidth / 1000).unwrap_or(u32::MAX),
            content_profile: ContentProfile::of(&self.codecs, scheme),
            urls,
            resolution: self.size.map(|(width, height)| Resolution { width, height }),
            media_type: self.media_type,
            mime_type: self.mime.clone(),
            codecs: self.codecs.clone(),
            group: group.to_owned(),
            peak_bandwidth: self.bandwidth.max(1),
            timescale: self.timescale,
            frame_rate: None,
            sar: None,
            video_range: self.range.clone(),
            sample_rate: self.rate,
            channels: self.channels,
            language: self.language.clone(),
            role: None,
            label: None,
            default,
            scheme,
            level,
            pack_id: session.to_owned(),
            init_range: None,
            index_range: None,
            start_range: None,
            start_time: None,
            max_segment: None,
            keys: Vec::new(),
        }
    }
}

/// The URL of what lies beside an index, with the index's token.
fn beside(index_url: &str, name: &str) -> String {
    let (path, query) = index_url.split_once('?').unwrap_or((index_url, ""));
    let folder = path.rfind('/').map_or("", |slash| &path[..=slash]);
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{folder}{name}{mark}{query}")
}

/// The URL to ask for all of an index at, before anything plays: answered when number `wait` is whole, or at
/// once. The CDNs are asked by turns.
pub fn index_question(live: &LiveManifest, turn: u32, wait: Option<u64>) -> String {
    let urls = index_urls(None, live);
    let url = urls.get(turn as usize % urls.len()).map_or(&live.index_url, |(_, url)| url);
    asked(url, None, wait.map(|number| number.to_string()))
}

/// The URL for what an engine asks: at the CDN that it names, and answered when there is what it waits for.
pub fn engine_question(live: &LiveManifest, question: &IndexQuestion) -> String {
    let named = |(id, _): &&(u32, String)| Some(id.to_string()) == question.cdn;
    let other = live.other_index_urls.iter().find(named).map(|(_, url)| url);
    let wait = match question.part {
        Some((number, part)) => Some(format!("{number}.{part}")),
        None => question.since.map(|number| number.to_string()),
    };
    asked(other.unwrap_or(&live.index_url), question.since, wait)
}

fn asked(index_url: &str, since: Option<u64>, wait: Option<String>) -> String {
    let mut url = index_url.to_owned();
    for (name, value) in [("since", since.map(|number| number.to_string())), ("wait", wait)] {
        if let Some(value) = value {
            let mark = if url.contains('?') { '&' } else { '?' };
            url = format!("{url}{mark}{name}={value}");
        }
    }
    url
}

/// Whether two manifests are of one session of an event.
pub fn is_same_session(one: &Manifest, other: &Manifest) -> bool {
    let path = |manifest: &Manifest| {
        let url = manifest.live.as_ref().map(|live| live.index_url.clone())?;
        let path = url.split('?').next().unwrap_or_default();
        // Networks may have other names; application, event and session are the end of the path.
        Some(path.rsplit('/').take(4).map(str::to_owned).collect::<Vec<_>>())
    };
    path(one) == path(other)
}

#[cfg(test)]
mod rotation;
#[cfg(test)]
mod tests;
