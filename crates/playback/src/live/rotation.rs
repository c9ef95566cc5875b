//! Keys that change while an event is watched, on a virtual clock: the index declares those of the next two
//! periods, a license has what was declared when it was asked for, and the license server may be away.

use std::ops::Range;

use serde_json::json;

use super::LiveIndex;
use crate::{Due, Renewal, Terms};

/// Seconds of a segment, and segments of a period: the key changes every ten seconds.
const SEGMENT: f64 = 2.0;
const IN_PERIOD: u64 = 5;
/// Seconds that the viewer is behind what is live, and that the license server takes to answer.
const BEHIND: f64 = 1.5;
const ANSWERS_IN: f64 = 0.2;
/// Seconds between two steps of the clock, and steps between two answers of the index.
const STEP: f64 = 0.05;
const INDEX_EVERY: usize = 10;

/// The number of the segment that is made at a time.
fn number(seconds: f64) -> u64 {
    (seconds / SEGMENT) as u64
}

fn kid(period: u64) -> String {
    format!("{period:032x}")
}

/// What the index says at a time.
fn index(now: f64) -> LiveIndex {
    let last = number(now);
    let keys: Vec<_> = (last.saturating_sub(50) / IN_PERIOD..=last / IN_PERIOD + 2)
        .map(|period| json!({"kid": kid(period), "first": period * IN_PERIOD}))
        .collect();
    let value = json!({
        "session": "0a1b2c3d", "state": "live", "target": SEGMENT, "part": 0.5,
        "first": last.saturating_sub(50), "last": last, "representations": [],
        "protection": {"scheme": "cenc", "level": "high", "keys": keys},
    });
    LiveIndex::parse(value.to_string().as_bytes()).unwrap()
}

fn kids(index: &LiveIndex) -> Vec<String> {
    index.keys.iter().map(|(kid, _)| kid.clone()).collect()
}

/// What a viewer got.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    /// Licenses that were asked for, and that did not come.
    asked: u32,
    failed: u32,
    /// Seconds without a picture because its key was not there.
    dark: f64,
    /// Whether the key of what plays was there at the end.
    has_key: bool,
}

/// Watches from one second of the event to another, while the license server is away for some of them.
/// Players draw lots when to ask; `lot` (0 to 1) is this one's.
fn watch(watched: Range<f64>, away: &Range<f64>, lot: f64) -> Seen {
    let mut renewal = Renewal::<()>::default();
    // The first license is asked for beside the manifest; nothing plays before it has come.
    let mut licensed: Vec<String> = Vec::new();
    let mut under_way = Some((watched.start + ANSWERS_IN, kids(&index(watched.start))));
    let mut seen = Seen { asked: 1, ..Seen::default() };
    let (mut began, mut step) = (false, 0);
    loop {
        let now = watched.start + step as f64 * STEP;
        if now > watched.end {
            return seen;
        }
        if let Some((_, declared)) = under_way.take_if(|(at, _)| now >= *at) {
            if away.contains(&now) {
                seen.failed += 1;
                assert!(!renewal.failed(now, true, lot), "what plays goes on");
            } else {
                (licensed, began) = (declared, true);
                renewal.taken(Terms::default());
            }
        }
        let has = |kid: &str| licensed.iter().any(|known| known == kid);
        if began && step % INDEX_EVERY == 0 {
            let index = index(now);
            if let Some(first) = index.first_unlicensed(has) {
                renewal.keys_declared(now, index.seconds_to(first), lot);
            }
        }
        let playing = kid(number(now - BEHIND) / IN_PERIOD);
        seen.has_key = has(&playing);
        seen.dark += if began && !seen.has_key { STEP } else { 0.0 };
        if let Some(Due::Renew(_)) = renewal.due(now) {
            seen.asked += 1;
            under_way = Some((now + ANSWERS_IN, kids(&index(now))));
        }
        step += 1;
    }
}

const LOTS: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 0.999];

/// B85: whoever joins within half a second of a border has the keys on both sides of it, and those to come.
#[test]
fn b85_joins_near_a_border_never_lack_a_key() {
    for hundredths in (-50..=50).step_by(5) {
        for lot in LOTS {
            let joins = 100.0 + f64::from(hundredths) / 100.0;
            let seen = watch(joins..joins + 120.0, &(0.0..0.0), lot);
            assert_eq!((seen.dark, seen.has_key, seen.failed), (0.0, true, 0), "{joins} {lot}: {seen:?}");
            // One for the beginning, and one for each border.
            assert!((12..=14).contains(&seen.asked), "{joins} {lot}: {seen:?}");
        }
    }
}

/// B85: a license server that is away for less than the margin is not noticed, whenever that is.
#[test]
fn b85_a_license_server_that_is_away_for_fifteen_seconds_is_not_noticed() {
    for tenths in (0..200).step_by(5) {
        for lot in LOTS {
            let begins = 110.0 + f64::from(tenths) / 10.0;
            let seen = watch(80.0..200.0, &(begins..begins + 15.0), lot);
            assert_eq!((seen.dark, seen.has_key), (0.0, true), "{begins} {lot}: {seen:?}");
            // At most once a second, and not from the beginning.
            assert!(seen.failed <= 12, "it is not stormed: {begins} {lot}: {seen:?}");
        }
    }
}

/// B85: for longer it is noticed, and over soon after it is back.
#[test]
fn b85_a_license_server_that_is_away_for_longer_is_noticed_and_recovered_from() {
    // The longer it was away, the longer it takes until all have asked again.
    for (seconds, patience) in [(40.0, 11.0), (90.0, 11.0), (300.0, 92.0)] {
        for lot in LOTS {
            let away = 100.0..100.0 + seconds;
            let during = watch(80.0..away.end, &away, lot);
            assert!(during.dark > 0.0 && !during.has_key && during.failed > 2, "{seconds} {lot}: {during:?}");
            let after = watch(80.0..away.end + patience, &away, lot);
            assert!(after.has_key, "{seconds} {lot}: {after:?}");
            let later = watch(80.0..away.end + patience + 60.0, &away, lot);
            assert!(later.dark < after.dark + 0.01 && later.has_key, "{seconds} {lot}: {later:?}");
            // While nothing plays it is asked again every few seconds, not all the time.
            let most = 12.0 + seconds / 3.0;
            assert!(f64::from(during.failed) < most, "{seconds} {lot}: {during:?}");
        }
    }
}
