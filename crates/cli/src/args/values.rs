//! Values of options, read from text; the errors go on after "invalid value: ".

use packager::Rotation;
use server::keys::KeyKind;
use std::time::{Duration, SystemTime};

/// A day, a moment, or how long ago.
pub(super) fn since(text: &str) -> Result<SystemTime, String> {
    let day = || humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).ok();
    let ago = || SystemTime::now().checked_sub(humantime::parse_duration(text).ok()?);
    let moment = humantime::parse_rfc3339(text).ok();
    moment.or_else(day).or_else(ago).ok_or_else(|| {
        "must be a day (2026-11-28), a moment (2026-11-28T20:00:00Z), or an age (12h, 7d)".to_owned()
    })
}

/// A moment, or how long from now.
pub(super) fn until(text: &str) -> Result<SystemTime, String> {
    let moment = humantime::parse_rfc3339(text).ok();
    let from_now = || SystemTime::now().checked_add(humantime::parse_duration(text).ok()?);
    moment
        .or_else(from_now)
        .ok_or_else(|| "must be a moment (2026-11-28T20:00:00Z) or a time from now (12h, 7d)".to_owned())
}

/// `90s`, `5m`, `1h 30m` or `0`; at most a day.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let time =
        humantime::parse_duration(text).map_err(|_| "must be a time, like 90s, 5m or 1h".to_owned())?;
    match time <= Duration::from_hours(24) {
        true => Ok(time),
        false => Err("must be a time of at most 24h, like 90s or 5m".to_owned()),
    }
}

/// A number of segments, or a time.
pub(super) fn rotation(text: &str) -> Result<Rotation, String> {
    match text.parse::<u32>() {
        Ok(0) => Err("must be at least one segment".to_owned()),
        Ok(segments) => Ok(Rotation::Segments(segments)),
        Err(_) => time(text).map(Rotation::Time).map_err(|_| {
            "must be a number of segments, like 10, or a time of at most 24h, like 60s or 5m".to_owned()
        }),
    }
}

/// `4s`, `4` or `2.5s`.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('s').unwrap_or(text).parse::<f64>().ok();
    number.filter(|n| n.is_finite() && (1.0..=60.0).contains(n)).ok_or_else(|| "must be 1s to 60s".to_owned())
}

pub(super) fn key_kind(text: &str) -> Result<KeyKind, String> {
    KeyKind::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
        let names: Vec<_> = KeyKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("must be one of {}", names.join(", "))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_and_a_limit() {
        let seconds = |text| time(text).map(|time| time.as_secs());
        assert_eq!(
            ["0", "90s", "5m", "1h 30m", "24h"].map(|text| seconds(text).unwrap()),
            [0, 90, 300, 5400, 86_400]
        );
        for wrong in ["", "5", "-5s", "s", "25h", "99999999999999999999s", "five minutes"] {
            assert!(seconds(wrong).unwrap_err().starts_with("must be a time"), "{wrong}");
        }
    }

    #[test]
    fn since_is_a_day_a_moment_or_a_while_ago() {
        let unix = |text| since(text).unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        assert_eq!(unix("2026-09-21"), 1_789_948_800);
        assert_eq!(unix("2026-09-21T14:13:20Z"), 1_790_000_000);
        assert!(since("7d").unwrap() < since("12h").unwrap());
        for wrong in ["", "yesterday", "2026-13-01", "21.9.2026"] {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn until_is_a_moment_or_a_while_from_now() {
        let unix = |text| until(text).unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        assert_eq!(unix("2026-09-21T14:13:20Z"), 1_790_000_000);
        assert!(until("7d").unwrap() > until("12h").unwrap() && until("1h").unwrap() > SystemTime::now());
        assert!(["", "tomorrow", "-1h", "2026-09-21"].iter().all(|wrong| until(wrong).is_err()));
    }

    #[test]
    fn rotation_is_by_segments_or_by_time() {
        assert!(matches!(rotation("10"), Ok(Rotation::Segments(10))));
        assert!(matches!(rotation("60s"), Ok(Rotation::Time(time)) if time.as_secs() == 60));
        assert!(rotation("0").is_err() && rotation("ten").is_err());
    }
}
