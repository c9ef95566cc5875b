//! What holds between the representations.

use std::cmp::Ordering;

use cmaf::timeline::{compare, rescale};
use pack::layout::downloadable_id;
use pack::{Fraction, MediaType, Pack, Representation, Segment};

use super::report::{Check, Findings, count};

/// How far apart the same cut may be in two videos, in microseconds: timescales round.
const TOLERANCE: i64 = 2_000;

/// Microseconds a second.
const MICROS: u32 = 1_000_000;

/// How far apart the ends of two videos may be, in microseconds.
const ENDS: i64 = 1_000_000;

fn micros(ticks: u64, timescale: u32) -> i64 {
    rescale(ticks.try_into().unwrap_or(i64::MAX), timescale, MICROS)
}

fn end(r: &Representation) -> u64 {
    r.segments.last().map_or(0, |last: &Segment| last.start.saturating_add(last.duration))
}

/// Segments begin together; `longest` is the longest sample of each representation, in its ticks.
pub(super) fn check(pack: &Pack, longest: &[Option<u32>]) -> Vec<Check> {
    vec![alignment(pack, longest), durations(pack), key_times(pack)]
}

fn alignment(pack: &Pack, longest: &[Option<u32>]) -> Check {
    let mut findings = Findings::default();
    let first = pack.representations.iter().find(|r| r.media_type == MediaType::Video);
    let segments = first.map_or(0, |first| first.segments.len());
    if first.is_none() {
        findings.add("there are no pictures");
    }
    for (r, longest) in pack.representations.iter().zip(longest) {
        let Some(first) = first else { break };
        if !findings.must(r.segments.len() == segments, || {
            format!("{} has {} segments, {} has {segments}", r.id, r.segments.len(), first.id)
        }) {
            continue;
        }
        // Sound is cut at the frame that is nearest.
        let allowed = match (r.media_type, longest) {
            (MediaType::Audio, Some(longest)) => micros(u64::from(*longest), r.timescale) / 2 + TOLERANCE,
            (MediaType::Audio, None) => continue,
            (MediaType::Video, _) => TOLERANCE,
        };
        // Sound may begin later than pictures do.
        let skip = usize::from(r.media_type == MediaType::Audio);
        for (n, (mine, theirs)) in r.segments.iter().zip(&first.segments).enumerate().skip(skip) {
            let (mine, theirs) = (micros(mine.start, r.timescale), micros(theirs.start, first.timescale));
            findings.must((mine - theirs).abs() <= allowed, || {
                format!("segment {n} of {} begins at {mine} µs, of {} at {theirs} µs", r.id, first.id)
            });
        }
    }
    let tracks = pack.representations.len() as u64;
    let seen =
        format!("{} in each of {}", count(segments as u64, "segment"), count(tracks, "representation"));
    findings.into_check("ladder", None, seen)
}

fn durations(pack: &Pack) -> Check {
    let mut findings = Findings::default();
    let ends = pack.representations.iter().map(|r| (end(r), r.timescale));
    let wide = |(ticks, timescale): (u64, u32)| (i64::try_from(ticks).unwrap_or(i64::MAX), timescale);
    let longest = ends.max_by(|a, b| compare(wide(*a), wide(*b))).unwrap_or((0, 1));
    let Fraction { value, timescale } = pack.duration;
    findings.must(compare(wide((value, timescale)), wide(longest)) == Ordering::Equal, || {
        format!(
            "pack.json says that the film has {} s, and its longest track has {} s",
            pack.duration.seconds(),
            Fraction { value: longest.0, timescale: longest.1 }.seconds()
        )
    });
    let mut videos = pack.representations.iter().filter(|r| r.media_type == MediaType::Video);
    if let Some(first) = videos.next() {
        for r in videos {
            let (mine, theirs) = (micros(end(r), r.timescale), micros(end(first), first.timescale));
            findings.must((mine - theirs).abs() <= ENDS, || {
                format!("{} ends at {mine} µs, {} at {theirs} µs", r.id, first.id)
            });
        }
    }
    for r in &pack.representations {
        let id = downloadable_id(&pack.pack_id, &r.id);
        findings.must(id == r.downloadable_id, || {
            format!("{} has the downloadable id {} instead of {id}", r.id, r.downloadable_id)
        });
    }
    findings.into_check("durations", None, format!("{:.3} s", pack.duration.seconds()))
}

/// Periods follow each other, and begin with their first segment.
fn key_times(pack: &Pack) -> Check {
    let mut findings = Findings::default();
    let Some(protection) = &pack.protection else {
        findings.must(pack.scheme == pack::Scheme::None, || {
            format!("pack.json says {} and names no key", pack.scheme)
        });
        return findings.into_check("key periods", None, "no keys, for nothing is encrypted".to_owned());
    };
    findings.must(pack.scheme != pack::Scheme::None, || "pack.json names keys and says `none`".to_owned());
    let first = pack.representations.iter().find(|r| r.media_type == MediaType::Video);
    let segments = first.map_or(0, |first| first.segments.len());
    let periods = match protection.segments_per_key {
        0 => 1,
        each => segments.div_ceil(each as usize).max(1),
    };
    let mut labels: Vec<_> = pack.representations.iter().map(|r| r.label.as_ref()).collect();
    labels.sort_by_key(|label| label.map(ToString::to_string));
    labels.dedup();
    for label in labels {
        let keys: Vec<_> = protection.keys_of(label).collect();
        let name = label.map_or_else(|| protection.label.to_string(), ToString::to_string);
        findings.must(keys.len() == periods, || {
            format!("label {name} has {} keys for {}", keys.len(), count(periods as u64, "period"))
        });
        for (n, key) in keys.iter().enumerate() {
            findings
                .must(key.period as usize == n, || format!("KID {} is of period {}", key.kid, key.period));
            let start = first.and_then(|first| {
                // The first holds from the beginning, where sound may be before there are pictures.
                if n == 0 {
                    return Some((0, first.timescale));
                }
                let segment = n.checked_mul(protection.segments_per_key as usize)?;
                Some((first.segments.get(segment)?.start, first.timescale))
            });
            let Some((ticks, timescale)) = start else { continue };
            let apart = micros(key.start.value, key.start.timescale) - micros(ticks, timescale);
            findings.must(apart.abs() <= TOLERANCE, || {
                format!("KID {} holds from {} s, not from its first segment", key.kid, key.start.seconds())
            });
        }
    }
    findings.into_check("key periods", None, count(protection.keys.len() as u64, "key"))
}
