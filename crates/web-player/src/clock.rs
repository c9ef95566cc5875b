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

/// Has `task` run when the browser has nothing better to do, or soon where it does not say when that is.
pub fn when_idle(task: impl FnOnce() + 'static) {
    let task = Closure::once_into_js(task);
    if window().request_idle_callback(task.unchecked_ref()).is_err() {
        let _ = window().set_timeout_with_callback(task.unchecked_ref());
    }
}
