//! Times as people say them.

use js_sys::{Date, Object, Reflect};
use localization::{Unit, intl, say, tag};
use web_player::player::display_name;

/// `1:02:03` or `2:03`, for people.
pub fn position(seconds: f64) -> String {
    let whole = if seconds.is_finite() { seconds.max(0.0) as u64 } else { 0 };
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// The name of a device or browser: where nobody named it, in the viewer's language.
pub fn machine(name: &str) -> String {
    match nccp::machine_parts(name) {
        Some((browser, system)) => {
            say::machine(browser.unwrap_or(say::machine_browser()), system.unwrap_or(say::machine_system()))
        }
        None => name.to_owned(),
    }
}

/// The name of a country (ISO 3166-1 alpha-2) in the viewer's language; its code where the browser has none.
pub fn country(code: &str) -> String {
    display_name("region", code).unwrap_or_else(|| code.to_owned())
}

/// `20:15:03`, as the viewer's language writes times, of Unix seconds.
pub fn time_of_day(unix: f64) -> String {
    date(unix).to_locale_time_string(tag()).into()
}

/// `Saturday, 28 November at 20:00`, as the viewer's language writes it, of Unix seconds.
pub fn date_and_time(unix: f64) -> String {
    let options = Object::new();
    for (name, value) in [
        ("weekday", "long"),
        ("day", "numeric"),
        ("month", "long"),
        ("hour", "2-digit"),
        ("minute", "2-digit"),
    ] {
        let _ = Reflect::set(&options, &name.into(), &value.into());
    }
    date(unix).to_locale_string(tag(), &options).into()
}

fn date(unix: f64) -> Date {
    Date::new(&(unix * 1000.0).into())
}

/// `1 h 32 min`, `1 min` or `45 s`, for people.
pub fn runtime(seconds: f64) -> String {
    let whole = if seconds.is_finite() { seconds.max(0.0).round() as u64 } else { 0 };
    match (whole / 3600, whole % 3600 / 60) {
        (0, 0) => say::runtime_seconds(whole as f64),
        (0, minutes) => say::runtime_minutes(minutes as f64),
        (hours, 0) => say::runtime_hours(hours as f64),
        (hours, minutes) => say::runtime_hours_minutes(hours as f64, minutes as f64),
    }
}

/// `just now`, `5 minutes ago`, `3 days ago`.
pub fn ago(seconds: f64) -> String {
    let (count, unit) = match seconds.max(0.0) as u64 {
        0..120 => return say::ago_now().to_owned(),
        s @ 120..7200 => (s / 60, Unit::Minute),
        s @ 7200..172_800 => (s / 3600, Unit::Hour),
        s => (s / 86_400, Unit::Day),
    };
    intl().ago(count as f64, unit)
}

/// How long to wait, for people: `5 seconds`, `1 minute`, `54 minutes`; rounded up.
pub fn wait(seconds: u64) -> String {
    let (count, unit) =
        if seconds < 60 { (seconds.max(1), Unit::Second) } else { (seconds.div_ceil(60), Unit::Minute) };
    intl().duration(count as f64, unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_called_as_they_were_in_english() {
        for name in ["Firefox on Linux", "Browser on an unknown system", "Ada's laptop"] {
            assert_eq!(machine(name), name);
        }
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        for (seconds, words) in [
            (-5.0, "just now"),
            (119.0, "just now"),
            (120.0, "2 minutes ago"),
            (7200.0, "2 hours ago"),
            (172_800.0, "2 days ago"),
        ] {
            assert_eq!(ago(seconds), words);
        }
        for (seconds, words) in
            [(0, "1 second"), (59, "59 seconds"), (60, "1 minute"), (61, "2 minutes"), (3599, "60 minutes")]
        {
            assert_eq!(wait(seconds), words);
        }
    }
}
