//! A `SourceBuffer` on the page.

use engine::buffer::Ranges;
use js_sys::ArrayBuffer;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DomException, SourceBuffer, TimeRanges};

use super::append_queue::{Append, AppendError};

/// The [`Append`] of a page whose media source is on the page too.
pub struct PageSourceBuffer(pub SourceBuffer);

fn refused(error: &JsValue) -> AppendError {
    match error.dyn_ref::<DomException>().map(DomException::name) {
        Some(name) if name == "QuotaExceededError" => AppendError::Full,
        Some(name) => AppendError::Refused(name),
        None => AppendError::Refused("Error".into()),
    }
}

impl Append for PageSourceBuffer {
    fn append(&self, bytes: &ArrayBuffer) -> Result<(), AppendError> {
        self.0.append_buffer_with_array_buffer(bytes).map_err(|error| refused(&error))
    }

    fn remove(&self, start: f64, end: f64) -> Result<(), AppendError> {
        self.0.remove(start, end).map_err(|error| refused(&error))
    }

    fn change_type(&self, mime: &str) -> Result<(), AppendError> {
        self.0.change_type(mime).map_err(|error| refused(&error))
    }

    fn buffered(&self) -> Ranges {
        self.0.buffered().map(|ranges| time_ranges(&ranges)).unwrap_or_default()
    }
}

/// A `TimeRanges` object's ranges.
pub fn time_ranges(ranges: &TimeRanges) -> Ranges {
    let pair = |n| Some((ranges.start(n).ok()?, ranges.end(n).ok()?));
    Ranges::new((0..ranges.length()).filter_map(pair).collect())
}
