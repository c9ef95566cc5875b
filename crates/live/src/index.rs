//! `index.json`: what the own player, and anybody else, is told of a session (docs/protocol.md, section 13).

use nccp::EventState;
use serde::Serialize;

use crate::broadcast::{Broadcast, Representation};
use crate::source::Kind;
use crate::window::Segment;

#[derive(Serialize)]
struct Index<'a> {
    app: &'a str,
    event: &'a str,
    session: String,
    state: EventState,
    version: u64,
    #[serde(rename = "now")]
    now_ms: u64,
    target: f64,
    part: f64,
    window: f64,
    first: u64,
    last: u64,
    parts: usize,
    runs: Vec<RunOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protection: Option<Protection>,
    representations: Vec<Rep<'a>>,
}

#[derive(Serialize)]
struct RunOut {
    time: f64,
    wall: u64,
}

#[derive(Serialize)]
struct Protection {
    scheme: String,
    level: String,
    content_id: String,
    keys: Vec<Key>,
}

#[derive(Serialize)]
struct Key {
    kid: String,
    period: u32,
    first: u64,
}

#[derive(Serialize)]
struct Rep<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    media: &'static str,
    mime: &'static str,
    codecs: &'a str,
    timescale: u32,
    bandwidth: u64,
    language: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<u16>,
    init: Init,
    segments: Vec<Seg>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<Hint>,
}

#[derive(Serialize)]
struct Hint {
    n: u64,
    part: usize,
}

#[derive(Serialize)]
struct Init {
    url: String,
    size: usize,
}

#[derive(Serialize)]
struct Seg {
    n: u64,
    start: u64,
    duration: u64,
    size: u64,
    complete: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<PartOut>,
}

#[derive(Serialize)]
struct PartOut {
    duration: u64,
    size: usize,
    independent: bool,
}

/// Segments whose parts are told: the latest, where players begin.
const WITH_PARTS: u64 = 4;

/// The index as JSON: all of the window, or the segments from number `since` on.
///
/// # Errors
/// None that could happen with these types.
pub fn json(
    broadcast: &Broadcast,
    (app, event): (&str, &str),
    state: EventState,
    since: Option<u64>,
    now_ms: u64,
) -> Result<Vec<u8>, serde_json::Error> {
    let (target, part, window) = broadcast.lengths();
    let seconds = |micros: i64| micros as f64 / 1e6;
    let (first, last) = broadcast.span().unwrap_or((0, 0));
    let leader = broadcast.leader().and_then(|leader| leader.window().last());
    let protection = broadcast.keys().map(|keys| Protection {
        scheme: keys.scheme.to_string(),
        level: keys.level.to_string(),
        content_id: keys.content_id.to_string(),
        keys: keys
            .declared(first, last)
            .map(|period| Key {
                kid: keys.kid(period).to_string(),
                period,
                first: keys.first_segment(period),
            })
            .collect(),
    });
    let index = Index {
        app,
        event,
        session: broadcast.session().short(),
        state,
        version: broadcast.version(),
        now_ms,
        target: seconds(target),
        part: seconds(part),
        window: seconds(window),
        first,
        last,
        parts: leader.map_or(0, |segment| segment.part_count),
        runs: broadcast.latest_runs().map(|(start, wall)| RunOut { time: seconds(start), wall }).collect(),
        protection,
        representations: broadcast
            .representations()
            .filter(|r| !r.is_retired())
            .map(|r| representation(r, since, last, state))
            .collect(),
    };
    serde_json::to_vec(&index)
}

fn representation(r: Representation<'_>, since: Option<u64>, last: u64, state: EventState) -> Rep<'_> {
    let source = r.source();
    let (size, sound) = match &source.kind {
        Kind::Video { size, .. } => (Some(*size), None),
        Kind::Audio { sample_rate, channels } => (None, Some((*sample_rate, *channels))),
    };
    let (size, sound) = (size.unzip(), sound.unzip());
    // What a silent encoder would make next may never come.
    let (n, part) = r.window().next();
    let hint = (state == EventState::Live).then_some(Hint { n, part });
    let wanted = |segment: &&Segment| since.is_none_or(|since| segment.number >= since);
    Rep {
        id: r.id(),
        media: if source.is_video() { "video" } else { "audio" },
        mime: if source.is_video() { "video/mp4" } else { "audio/mp4" },
        codecs: &source.codecs,
        timescale: source.timescale,
        bandwidth: r.bandwidth().0,
        language: r.language(),
        width: size.0,
        height: size.1,
        range: source.range().filter(|range| *range != "SDR"),
        rate: sound.0,
        channels: sound.1,
        init: Init { url: format!("{}/init.mp4", r.id()), size: r.header().len() },
        segments: r.window().segments().filter(wanted).map(|segment| seg(segment, last)).collect(),
        hint,
    }
}

fn seg(segment: &Segment, last: u64) -> Seg {
    let told = segment.number.saturating_add(WITH_PARTS) > last;
    let part = |part: &crate::Part| PartOut {
        duration: part.duration,
        size: part.bytes.len(),
        independent: part.independent,
    };
    Seg {
        n: segment.number,
        start: segment.start,
        duration: segment.duration,
        size: segment.size,
        complete: segment.complete,
        parts: if told { segment.parts.iter().map(part).collect() } else { Vec::new() },
    }
}
