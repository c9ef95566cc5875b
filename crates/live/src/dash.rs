//! DASH of a session (ISO/IEC 23009-1, live profile): `SegmentTimeline` by numbers, low latency by
//! `availabilityTimeOffset`, a period for each run of an encoder.

use std::fmt::Write as _;

use crate::broadcast::{Broadcast, Representation};
use crate::hls::{pssh_base64, time_of_day};
use crate::source::Kind;

/// Media type of the MPD.
pub const MEDIA_TYPE: &str = "application/dash+xml";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

/// The MPD. `query` is put behind every URL, with its question mark; `now` is Unix milliseconds.
pub fn mpd(broadcast: &Broadcast, query: &str, now: u64) -> String {
    let query = escape(query);
    let (segment, part, window) = broadcast.lengths();
    let [segment, part, window] = [segment, part, window].map(|micros| micros as f64 / 1e6);
    let runs: Vec<_> = broadcast.runs().iter().filter(|run| run.wall.is_some()).collect();
    let begun = runs.first().and_then(|run| run.wall).unwrap_or(now);
    let ended = broadcast.has_ended();
    let longest = longest(broadcast).max(segment);
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let _ = write!(
        out,
        "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" xmlns:cenc=\"urn:mpeg:cenc:2013\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" type=\"{}\" \
         availabilityStartTime=\"{}\" publishTime=\"{}\" minBufferTime=\"PT{part}S\" maxSegmentDuration=\"PT{longest}S\"",
        if ended { "static" } else { "dynamic" },
        time_of_day(begun),
        time_of_day(now)
    );
    if ended {
        let end = broadcast.leader().and_then(|r| r.window().last().map(|last| (r, last)));
        let end = end.map_or(0.0, |(r, last)| {
            last.start.saturating_add(last.duration) as f64 / f64::from(r.source().timescale)
        });
        let _ = writeln!(out, " mediaPresentationDuration=\"PT{end:.3}S\">");
    } else {
        let _ = writeln!(
            out,
            " minimumUpdatePeriod=\"PT1S\" timeShiftBufferDepth=\"PT{window}S\" suggestedPresentationDelay=\"PT{:.1}S\">",
            segment + part
        );
        let latency = (segment * 1000.0) as u64;
        let _ = writeln!(
            out,
            "<ServiceDescription id=\"0\"><Latency referenceId=\"0\" target=\"{latency}\" min=\"{}\" max=\"{}\"/>\
             <PlaybackRate min=\"0.97\" max=\"1.03\"/></ServiceDescription>",
            latency / 2,
            latency * 3
        );
    }
    let mut earliest = 0.0f64;
    let before = out.len();
    for (n, run) in runs.iter().enumerate() {
        let from = run.start;
        let to = runs.get(n + 1).map_or(i64::MAX, |next| next.start);
        // Periods follow each other, whenever their encoders did.
        let since = run.wall.unwrap_or(begun).saturating_sub(begun) as f64 / 1000.0;
        let start = if n == 0 { from as f64 / 1e6 } else { since.max(earliest) };
        earliest = start + to.saturating_sub(from).min(1 << 52) as f64 / 1e6;
        let sets: String =
            [true, false].map(|video| adaptation_sets(broadcast, video, (from, to), &query)).concat();
        if sets.is_empty() {
            continue;
        }
        let _ = writeln!(out, "<Period id=\"r{n}\" start=\"PT{start:.3}S\">\n{sets}</Period>");
    }
    if out.len() == before {
        // There must be one: it is going to begin, and nobody knows when (ISO/IEC 23009-1, 5.3.2.1).
        out.push_str("<Period id=\"r0\"/>\n");
    }
    if !ended {
        let _ = writeln!(
            out,
            "<UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:direct:2014\" value=\"{}\"/>",
            time_of_day(now)
        );
    }
    out.push_str("</MPD>\n");
    out
}

/// The longest segment there is, in seconds: pictures decide where one may end.
fn longest(broadcast: &Broadcast) -> f64 {
    let lengths = broadcast.representations().flat_map(|r| {
        let timescale = f64::from(r.source().timescale);
        r.window().segments().map(move |segment| segment.duration as f64 / timescale)
    });
    // Up to the millisecond.
    (lengths.fold(0.0, f64::max) * 1000.0).ceil() / 1000.0
}

/// How bright pictures are (ISO/IEC 23009-1, 5.8.4.8).
fn transfer(out: &mut String, property: &str, code: u8) {
    let scheme = "urn:mpeg:mpegB:cicp:TransferCharacteristics";
    let _ = writeln!(out, "<{property} schemeIdUri=\"{scheme}\" value=\"{code}\"/>");
}

/// Between which pictures players may switch: those of one dynamic range and one codec.
fn kind(r: Representation<'_>) -> (Option<&'static str>, &str) {
    let source = r.source();
    (source.range(), source.codecs.split('.').next().unwrap_or_default())
}

/// Pictures are alternatives of each other, as far as they are of one kind; each sound is a track of its own.
fn adaptation_sets(broadcast: &Broadcast, video: bool, span: (i64, i64), query: &str) -> String {
    let told = broadcast.representations().filter(|r| !r.is_retired());
    let all = told.filter(|r| r.source().is_video() == video);
    let mut all: Vec<_> =
        all.map(|r| (r, timeline(broadcast, r, span))).filter(|(_, line)| !line.is_empty()).collect();
    let sets: Vec<&[(Representation<'_>, String)]> = match video {
        // Nobody switches from HDR to SDR and back, or from one codec to another.
        true => {
            let mut kinds = Vec::new();
            for (r, _) in &all {
                if !kinds.contains(&kind(*r)) {
                    kinds.push(kind(*r));
                }
            }
            all.sort_by_key(|(r, _)| kinds.iter().position(|of| *of == kind(*r)));
            all.chunk_by(|(a, _), (b, _)| kind(*a) == kind(*b)).collect()
        }
        false => all.chunks(1).collect(),
    };
    let mut out = String::new();
    for set in sets.into_iter().filter(|set| !set.is_empty()) {
        let kind = if video { "video" } else { "audio" };
        let language = set[0].0.language();
        let _ = writeln!(
            out,
            "<AdaptationSet contentType=\"{kind}\" mimeType=\"{kind}/mp4\" lang=\"{language}\" segmentAlignment=\"true\" startWithSAP=\"1\">"
        );
        if let Some(keys) = broadcast.keys() {
            let (oldest, latest) = broadcast.span().unwrap_or((0, 0));
            let kid = keys.kid(0).to_string();
            let uuid = [&kid[..8], &kid[8..12], &kid[12..16], &kid[16..20], &kid[20..]].join("-");
            let _ = writeln!(
                out,
                "<ContentProtection schemeIdUri=\"urn:mpeg:dash:mp4protection:2011\" value=\"{}\" cenc:default_KID=\"{uuid}\"/>\n\
                 <ContentProtection schemeIdUri=\"urn:uuid:6d617469-6e65-6580-8000-64726d000001\"><cenc:pssh>{}</cenc:pssh></ContentProtection>",
                keys.scheme,
                pssh_base64(keys, keys.declared(oldest, latest))
            );
        }
        // By the codes of ISO/IEC 23091-2. Who does not know PQ is to leave it alone; HLG is made for all.
        match set[0].0.source().range() {
            Some("PQ") => transfer(&mut out, "EssentialProperty", 16),
            Some("HLG") => transfer(&mut out, "SupplementalProperty", 18),
            _ => {}
        }
        for (r, line) in set {
            representation(&mut out, broadcast, *r, span.0, line, query);
        }
        out.push_str("</AdaptationSet>\n");
    }
    out
}

fn representation(
    out: &mut String,
    broadcast: &Broadcast,
    r: Representation<'_>,
    begun: i64,
    line: &str,
    query: &str,
) {
    let source = r.source();
    let (segment, part, _) = broadcast.lengths();
    let timescale = source.timescale;
    let _ = write!(
        out,
        "<Representation id=\"{}\" codecs=\"{}\" bandwidth=\"{}\"",
        r.id(),
        source.codecs,
        r.bandwidth().0
    );
    match &source.kind {
        Kind::Video { size: (width, height), sar, .. } => {
            let _ = writeln!(out, " width=\"{width}\" height=\"{height}\" sar=\"{}:{}\">", sar[0], sar[1]);
        }
        Kind::Audio { sample_rate, channels } => {
            let _ = writeln!(
                out,
                " audioSamplingRate=\"{sample_rate}\">\n\
                 <AudioChannelConfiguration schemeIdUri=\"urn:mpeg:dash:23003:3:audio_channel_configuration:2011\" value=\"{channels}\"/>"
            );
        }
    }
    let offset = cmaf::timeline::rescale(begun, 1_000_000, timescale).max(0);
    // When the encoder had the first picture of its run (ISO/IEC 23009-1, 5.12): latency is counted from
    // there.
    let run = broadcast.runs().iter().find(|run| run.start == begun);
    if let Some(wall) = run.and_then(|run| run.wall) {
        let _ = writeln!(
            out,
            "<ProducerReferenceTime id=\"0\" type=\"encoder\" wallClockTime=\"{}\" presentationTime=\"{offset}\"/>",
            time_of_day(wall)
        );
    }
    let early = match broadcast.has_ended() {
        true => String::new(),
        false => format!(
            " availabilityTimeOffset=\"{:.3}\" availabilityTimeComplete=\"false\"",
            segment.saturating_sub(part) as f64 / 1e6
        ),
    };
    let _ = writeln!(
        out,
        "<SegmentTemplate timescale=\"{timescale}\" presentationTimeOffset=\"{offset}\"{early} \
         initialization=\"$RepresentationID$/init.mp4{query}\" media=\"$RepresentationID$/$Number$.m4s{query}\" {line}\
         </SegmentTemplate>\n</Representation>"
    );
}

/// `startNumber` and the timeline of the segments that begin within a run; empty if there are none. The
/// segment that is under way is told with the length that it is going to have.
fn timeline(broadcast: &Broadcast, r: Representation<'_>, (from, to): (i64, i64)) -> String {
    let timescale = r.source().timescale;
    let ticks = |micros: i64| cmaf::timeline::rescale(micros, 1_000_000, timescale);
    // Tracks begin a little apart.
    let (from, to) =
        (ticks(from.saturating_sub(100_000)), if to == i64::MAX { to } else { ticks(to - 100_000) });
    let target = ticks(broadcast.lengths().0).max(1) as u64;
    let within =
        r.window().segments().filter(|s| (from..to).contains(&i64::try_from(s.start).unwrap_or(i64::MAX)));
    let mut out = String::new();
    let mut expected = None;
    for segment in within {
        let duration = if segment.complete { segment.duration } else { segment.duration.max(target) };
        match expected {
            None => {
                let _ = write!(out, "startNumber=\"{}\"><SegmentTimeline>", segment.number);
            }
            // Numbers count on: what is missing is told, and answered with 404.
            Some((number, end)) if segment.number > number => {
                let missing = segment.number - number;
                let each = segment.start.saturating_sub(end) / missing;
                let _ = write!(out, "<S t=\"{end}\" d=\"{}\" r=\"{}\"/>", each.max(1), missing - 1);
            }
            Some(_) => {}
        }
        let _ = write!(out, "<S t=\"{}\" d=\"{duration}\"/>", segment.start);
        expected = Some((segment.number + 1, segment.start.saturating_add(duration)));
    }
    if !out.is_empty() {
        out.push_str("</SegmentTimeline>");
    }
    out
}
