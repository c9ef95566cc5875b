//! The two clocks: Unix time for the protocol, monotonic time for the engine; and the browser's spare time.

use std::time::Duration;

use gloo::utils::window;
use wasm_bindgen::{JsCast, closure::Closure};

/// Unix time in seconds, with fraction, as this machine believes it to be.
pub fn unix_now() -> f64 {
    js_sys::Date::now() / 1000.0
}

/// Time since the page was opened; never goes back.
pub fn monotonic() -> Duration {
    let milliseconds = web_sys::window().and_then(|window| window.performance()).map_or(0.0, |p| p.now());
    Duration::from_secs_f64(milliseconds.max(0.0) / 1000.0)
}

/// `1:02:03` or `2:03`, for people.
pub fn spoken(seconds: f64) -> String {
    let whole = if seconds.is_finite() { seconds.max(0.0) as u64 } else { 0 };
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// `1 h 32 min`, `1 min` or `45 s`, for people.
pub fn runtime(seconds: f64) -> String {
    let whole = if seconds.is_finite() { seconds.max(0.0).round() as u64 } else { 0 };
    match (whole / 3600, whole % 3600 / 60) {
        (0, 0) => format!("{whole} s"),
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// Has `task` run when the browser has nothing better to do, or soon where it does not say when that is.
pub fn when_idle(task: impl FnOnce() + 'static) {
    let task = Closure::once_into_js(task);
    if window().request_idle_callback(task.unchecked_ref()).is_err() {
        let _ = window().set_timeout_with_callback(task.unchecked_ref());
    }
}

/// `just now`, `5 minutes ago`, `3 days ago`.
pub fn ago(seconds: f64) -> String {
    let (count, unit) = match seconds.max(0.0) as u64 {
        0..120 => return "just now".to_owned(),
        s @ 120..7200 => (s / 60, "minutes"),
        s @ 7200..172_800 => (s / 3600, "hours"),
        s => (s / 86_400, "days"),
    };
    format!("{count} {unit} ago")
}

/// How long to wait, for people: `5 seconds`, `1 minute`, `54 minutes`; rounded up.
pub fn wait(seconds: u64) -> String {
    let (count, unit) =
        if seconds < 60 { (seconds.max(1), "second") } else { (seconds.div_ceil(60), "minute") };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

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
