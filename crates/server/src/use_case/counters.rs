//! The player's counters: they grow during one playback, and begin again with the next.

use crate::Error;
use crate::store::{LogEntry, Store, retried};
use std::collections::BTreeMap;

/// Milliseconds from the click to the first frame; once for each playback.
const STARTUP: &str = "startup_ms";
/// Counters that become metrics. Others are kept in the log only, so that clients cannot make names up.
const KNOWN: [(&str, &str); 4] = [
    ("stalls", "matinee_player_stalls_total"),
    ("switches", "matinee_player_switches_total"),
    ("dropped_frames", "matinee_player_dropped_frames_total"),
    ("frames", "matinee_player_frames_total"),
];
/// The most that one report may add: a client that lies does not drown the others.
const MOST: u64 = 1_000_000;

type Counters = [(String, u64)];

fn value(counters: &Counters, name: &str) -> Option<u64> {
    counters.iter().find(|(n, _)| n == name).map(|(_, value)| *value)
}

/// Whether `after` belongs to another playback than `before`: something has shrunk, or it started
/// differently.
fn is_new(before: &Counters, after: &Counters) -> bool {
    let shrunk = |name: &str| value(after, name).unwrap_or(0) < value(before, name).unwrap_or(0);
    before.is_empty()
        || KNOWN.iter().any(|(name, _)| shrunk(name))
        || value(before, STARTUP).is_some_and(|startup| value(after, STARTUP) != Some(startup))
}

/// How much each known counter has grown.
fn growth<'a>(before: &'a Counters, after: &'a Counters) -> impl Iterator<Item = (usize, u64)> + 'a {
    let new = is_new(before, after);
    KNOWN.iter().enumerate().map(move |(at, (name, _))| {
        let base = if new { 0 } else { value(before, name).unwrap_or(0) };
        (at, value(after, name).unwrap_or(0).saturating_sub(base).min(MOST))
    })
}

/// The start-up time, where a report is the first of its playback that tells it.
fn startup(before: &Counters, after: &Counters) -> Option<u64> {
    value(after, STARTUP).filter(|_| is_new(before, after) || value(before, STARTUP).is_none())
}

/// Counts a report of a device; `before` is its last one of the same movie.
pub(crate) fn count(before: &Counters, after: &Counters) {
    for (at, grown) in growth(before, after) {
        if grown > 0 {
            metrics::counter!(KNOWN[at].1).increment(grown);
        }
    }
    if let Some(ms) = startup(before, after) {
        metrics::histogram!("matinee_player_startup_seconds").record(ms.min(MOST) as f64 / 1000.0);
    }
}

/// How a movie has played, over the log that is kept (90 days).
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Playback {
    /// Playbacks that sent reports.
    pub playbacks: u64,
    /// Devices that they were on.
    pub devices: u64,
    /// Times that playback waited for data.
    pub stalls: u64,
    /// Changes of representation.
    pub switches: u64,
    /// Frames that were not shown.
    pub dropped_frames: u64,
    /// Frames decoded.
    pub frames: u64,
    /// Errors that ended playback.
    pub errors: u64,
    /// Errors by the player's code.
    pub error_codes: BTreeMap<String, u64>,
    /// Median of the start-up times in milliseconds.
    pub startup_ms_median: Option<u64>,
    /// Start-up time that 95 % stayed below.
    pub startup_ms_p95: Option<u64>,
}

/// Sums a movie's log up.
///
/// # Errors
/// [`Error::Store`].
pub async fn summary(store: &dyn Store, movie: u64) -> Result<Playback, Error> {
    let log = retried!(async { store.read().await?.movie_log(movie).await })?;
    Ok(sum(&log))
}

/// `log` is sorted by device, oldest first.
fn sum(log: &[LogEntry]) -> Playback {
    let mut total = Playback::default();
    let mut startups = Vec::new();
    let mut last: Option<&LogEntry> = None;
    for entry in log {
        if entry.event == "error" {
            total.errors += 1;
            *total.error_codes.entry(entry.code.clone().unwrap_or_else(|| "-".to_owned())).or_default() += 1;
        }
        let Some(device) = &entry.device else { continue };
        let same = last.filter(|last| last.device.as_ref() == Some(device));
        let before = same.map_or(&[][..], |last| &last.counters);
        total.devices += u64::from(same.is_none());
        total.playbacks +=
            u64::from(is_new(before, &entry.counters) && (same.is_none() || !before.is_empty()));
        for (at, grown) in growth(before, &entry.counters) {
            let sums = [&mut total.stalls, &mut total.switches, &mut total.dropped_frames, &mut total.frames];
            if let Some(sum) = sums.into_iter().nth(at) {
                *sum = sum.saturating_add(grown);
            }
        }
        startups.extend(startup(before, &entry.counters));
        last = Some(entry);
    }
    startups.sort_unstable();
    let rank =
        |percent: usize| startups.get((startups.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    (total.startup_ms_median, total.startup_ms_p95) = (rank(50), rank(95));
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(device: Option<&str>, event: &str, counters: &[(&str, u64)]) -> LogEntry {
        LogEntry {
            account: 1,
            device: device.map(str::to_owned),
            movie: 7,
            at: 1,
            event: event.to_owned(),
            code: (event == "error").then(|| "MEDIA_DECODE".to_owned()),
            position: None,
            counters: counters.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        }
    }

    #[test]
    fn counters_grow_within_a_playback_and_begin_again_with_the_next() {
        let log = [
            line(None, "error", &[]),
            line(Some("a"), "interval", &[("startup_ms", 300), ("stalls", 1), ("frames", 100)]),
            line(Some("a"), "interval", &[("startup_ms", 300), ("stalls", 3), ("frames", 200)]),
            // Another playback on the same device.
            line(Some("a"), "interval", &[("startup_ms", 500), ("stalls", 1), ("frames", 50)]),
            line(Some("b"), "interval", &[("startup_ms", 100), ("stalls", 0), ("made_up", u64::MAX)]),
            line(Some("b"), "end", &[("startup_ms", 100), ("stalls", u64::MAX)]),
        ];
        let total = sum(&log);
        assert_eq!((total.devices, total.playbacks, total.errors), (2, 3, 1));
        assert_eq!((total.frames, total.stalls), (250, 4 + MOST));
        assert_eq!((total.startup_ms_median, total.startup_ms_p95), (Some(300), Some(500)));
        assert_eq!(total.error_codes["MEDIA_DECODE"], 1);
        assert_eq!(sum(&[]), Playback::default());
    }
}
