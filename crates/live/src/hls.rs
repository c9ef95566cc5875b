//! HLS of a session (RFC 8216, draft-pantos-hls-rfc8216bis): low latency by parts, blocking reload, preload
//! hints, delta updates and rendition reports. Keys are named, never given.

use cenc::Scheme;
use std::fmt::Write as _;

use crate::broadcast::{Broadcast, Representation};
use crate::keys::Keys;
use crate::output::pssh;
use crate::source::Kind;

/// Media type of playlists.
pub const MEDIA_TYPE: &str = "application/vnd.apple.mpegurl";

/// Players stay behind the newest part by so many parts (at least three).
const PARTS_BEHIND: f64 = 3.0;
/// Target durations from the end in which parts are told.
const WITH_PARTS: f64 = 3.0;
/// And in which a delta update tells segments again: the least that the standard allows.
const NOT_SKIPPED: f64 = 6.0;

/// Base64 with padding (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0u32, |word, i| word << 8 | u32::from(chunk.get(i).copied().unwrap_or(0)));
        for i in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * i) & 63) as usize];
            text.push(if i <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

/// `pssh` of some periods as base64.
pub(crate) fn pssh_base64(keys: &Keys, periods: std::ops::RangeInclusive<u32>) -> String {
    let mut out = isobmff::BoxWriter::new();
    pssh(keys, periods).write(&mut out);
    base64(&out.into_bytes())
}

/// What stands behind `#EXT-X-KEY:` or `#EXT-X-SESSION-KEY:` for a period.
fn key(keys: &Keys, period: u32) -> String {
    let method = match keys.scheme {
        Scheme::Cenc => "SAMPLE-AES-CTR",
        Scheme::Cbcs => "SAMPLE-AES",
    };
    format!(
        "METHOD={method},URI=\"data:text/plain;base64,{}\",KEYID=0x{},KEYFORMAT=\"urn:uuid:6d617469-6e65-6580-8000-64726d000001\",KEYFORMATVERSIONS=\"1\"",
        pssh_base64(keys, period..=period),
        keys.kid(period)
    )
}

/// The multivariant playlist. `query` is put behind every URI, with its question mark.
pub fn master(broadcast: &Broadcast, query: &str) -> String {
    let mut out = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
    let is_sound = |r: &Representation<'_>| !r.source().is_video();
    let sounds: Vec<_> = broadcast.representations().filter(is_sound).collect();
    let pictures: Vec<_> = broadcast.representations().filter(|r| !is_sound(r) && !r.is_retired()).collect();
    if let Some(keys) = broadcast.keys() {
        let (_, last) = broadcast.span().unwrap_or((0, 0));
        for period in keys.declared(last, last) {
            let _ = writeln!(out, "#EXT-X-SESSION-KEY:{}", key(keys, period));
        }
    }
    let uri = |r: &Representation<'_>| format!("{}/media.m3u8{query}", r.id());
    if !pictures.is_empty() {
        for (n, r) in sounds.iter().enumerate() {
            let Kind::Audio { channels, .. } = r.source().kind else { continue };
            let (id, language, default) = (r.id(), r.language(), if n == 0 { "YES" } else { "NO" });
            let _ = writeln!(
                out,
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"{id}\",LANGUAGE=\"{language}\",DEFAULT={default},AUTOSELECT=YES,CHANNELS=\"{channels}\",URI=\"{}\"",
                uri(r)
            );
        }
    }
    let most = sounds.iter().map(|r| r.bandwidth()).max().unwrap_or((0, 0));
    for r in if pictures.is_empty() { &sounds } else { &pictures } {
        let (mut peak, mut average) = r.bandwidth();
        let mut codecs = vec![r.source().codecs.as_str()];
        if let (Kind::Video { .. }, true) = (&r.source().kind, !sounds.is_empty()) {
            (peak, average) = (peak.saturating_add(most.0), average.saturating_add(most.1));
            for sound in &sounds {
                if !codecs.contains(&sound.source().codecs.as_str()) {
                    codecs.push(&sound.source().codecs);
                }
            }
        }
        let _ = write!(
            out,
            "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{}\"",
            codecs.join(",")
        );
        if let Kind::Video { size: (width, height), range, .. } = &r.source().kind {
            let _ = write!(out, ",RESOLUTION={width}x{height},VIDEO-RANGE={range}");
            if !sounds.is_empty() {
                out.push_str(",AUDIO=\"sound\"");
            }
        }
        let _ = write!(out, "\n{}\n", uri(r));
    }
    out
}

/// A media playlist. `skip`: a delta update is wanted. `query` is put behind every URI, with its question
/// mark.
pub fn media(broadcast: &Broadcast, r: Representation<'_>, skip: bool, query: &str) -> String {
    let (segment, part, _) = broadcast.lengths();
    let seconds = |ticks: u64| ticks as f64 / f64::from(r.source().timescale);
    let window = r.window();
    let (target, part) = (segment as f64 / 1e6, part as f64 / 1e6);
    let longest = window
        .segments()
        .filter(|s| s.complete)
        .map(|s| seconds(s.duration).round())
        .fold(target.ceil(), f64::max);
    let parts = || window.segments().flat_map(|segment| &segment.parts);
    let part = parts().map(|part| seconds(part.duration)).fold(part, f64::max);
    let mut out = String::with_capacity(256 + window.segments().len() * 64);
    let _ = write!(
        out,
        "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:{longest}\n\
         #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={:.3},CAN-SKIP-UNTIL={:.1}\n\
         #EXT-X-PART-INF:PART-TARGET={part:.5}\n",
        PARTS_BEHIND * part,
        NOT_SKIPPED * longest
    );
    // An empty window goes on where it was: the sequence never goes back.
    let first = window.segments().next().map_or_else(|| window.next().0, |first| first.number);
    let _ = writeln!(out, "#EXT-X-MEDIA-SEQUENCE:{first}");
    let end = window.last().map_or(0, |last| last.start.saturating_add(last.duration));
    let from_end = |segment: &crate::Segment| seconds(end.saturating_sub(segment.start));
    let skipped = match skip {
        true => window
            .segments()
            .take_while(|segment| from_end(segment) > NOT_SKIPPED * longest + longest)
            .count(),
        false => 0,
    };
    if skipped > 0 {
        // Numbers that this representation has not are skipped, too.
        let last = window.segments().nth(skipped - 1).map_or(first, |last| last.number);
        let _ = writeln!(out, "#EXT-X-SKIP:SKIPPED-SEGMENTS={}", last.saturating_sub(first) + 1);
    } else {
        let _ = writeln!(out, "#EXT-X-MAP:URI=\"init.mp4{query}\"");
    }
    let (mut period, mut expected, mut run) = (None, first, None);
    for (at, segment) in window.segments().enumerate() {
        // What this representation has not, the numbers count all the same.
        while expected < segment.number {
            if at >= skipped {
                let _ = writeln!(out, "#EXT-X-GAP\n#EXTINF:{target:.5},\n{expected}.m4s{query}");
            }
            expected += 1;
        }
        expected = segment.number + 1;
        let now = broadcast.keys().map(|keys| (keys, keys.period(segment.number)));
        let runs = broadcast.runs();
        let micros = (seconds(segment.start) * 1e6) as i64;
        let of_run = runs.iter().rposition(|run| run.start <= micros + 1000).unwrap_or(0);
        if at < skipped {
            (period, run) = (now.map(|(_, period)| period), Some(of_run));
            continue;
        }
        if let Some((keys, now)) = now.filter(|(_, now)| period != Some(*now)) {
            let _ = writeln!(out, "#EXT-X-KEY:{}", key(keys, now));
            period = Some(now);
        }
        if run != Some(of_run)
            && let Some((begun, wall)) = runs.get(of_run).and_then(|run| Some((run.start, run.wall?)))
        {
            let since = u64::try_from((micros - begun) / 1000).unwrap_or(0);
            let _ = writeln!(out, "#EXT-X-PROGRAM-DATE-TIME:{}", time_of_day(wall + since));
            run = Some(of_run);
        }
        if from_end(segment) <= WITH_PARTS * longest + longest {
            for (n, part) in segment.parts.iter().enumerate() {
                let independent = if part.independent { ",INDEPENDENT=YES" } else { "" };
                let duration = seconds(part.duration);
                let _ = writeln!(
                    out,
                    "#EXT-X-PART:DURATION={duration:.5},URI=\"{}.{n}.m4s{query}\"{independent}",
                    segment.number
                );
            }
        }
        if segment.complete {
            let _ = writeln!(out, "#EXTINF:{:.5},\n{}.m4s{query}", seconds(segment.duration), segment.number);
        }
    }
    let (number, next) = window.next();
    if broadcast.has_ended() {
        out.push_str("#EXT-X-ENDLIST\n");
        return out;
    }
    // A key that comes with the next segment is told before its first part.
    if let Some((keys, coming)) = broadcast.keys().map(|keys| (keys, keys.period(number)))
        && next == 0
        && period != Some(coming)
    {
        let _ = writeln!(out, "#EXT-X-KEY:{}", key(keys, coming));
    }
    let _ = writeln!(out, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{number}.{next}.m4s{query}\"");
    for other in broadcast.representations().filter(|other| other.id() != r.id() && !other.is_retired()) {
        let (number, next) = other.window().next();
        let (number, part) = match next.checked_sub(1) {
            Some(part) => (number, part),
            None => match other.window().last() {
                Some(last) => (last.number, last.part_count.saturating_sub(1)),
                None => continue,
            },
        };
        let _ = writeln!(
            out,
            "#EXT-X-RENDITION-REPORT:URI=\"../{}/media.m3u8{query}\",LAST-MSN={number},LAST-PART={part}",
            other.id()
        );
    }
    out
}

/// Unix milliseconds as RFC 3339, with milliseconds.
pub(crate) fn time_of_day(millis: u64) -> String {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(millis);
    humantime::format_rfc3339_millis(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_vectors() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
