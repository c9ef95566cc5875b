//! The media source behind a `<video>`.

use gloo::events::EventListener;
use js_sys::{Array, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlVideoElement, MediaSource, MediaSourceReadyState, SourceBuffer, Url};

use crate::capability;

/// A media source attached to a video element.
pub struct MediaSourceHandle {
    source: MediaSource,
    video: HtmlVideoElement,
    url: String,
    _listeners: Vec<EventListener>,
}

impl MediaSourceHandle {
    /// Makes one, attaches it, and calls `on_open` when it may get source buffers.
    ///
    /// A `ManagedMediaSource` says by `on_streaming` whether it wants more media now; any other always does.
    ///
    /// # Errors
    /// When the browser has no Media Source Extensions.
    pub fn attach(
        video: &HtmlVideoElement,
        on_open: impl FnOnce() + 'static,
        on_streaming: impl Fn(bool) + Clone + 'static,
    ) -> Result<Self, JsValue> {
        let (constructor, managed) =
            capability::media_source(&js_sys::global()).ok_or_else(|| JsValue::from_str("no MediaSource"))?;
        let source: MediaSource = Reflect::construct(&constructor, &Array::new())?.unchecked_into();
        if managed {
            // A managed source opens only on an element that will not hand the film to a television.
            Reflect::set(video, &"disableRemotePlayback".into(), &JsValue::TRUE)?;
        }
        let mut listeners = vec![EventListener::once(&source, "sourceopen", move |_| on_open())];
        if managed {
            for (name, wanted) in [("startstreaming", true), ("endstreaming", false)] {
                let tell = on_streaming.clone();
                listeners.push(EventListener::new(&source, name, move |_| tell(wanted)));
            }
        }
        let url = Url::create_object_url_with_source(&source)?;
        video.set_src(&url);
        Ok(Self { source, video: video.clone(), url, _listeners: listeners })
    }

    /// Whether source buffers may be added.
    pub fn is_open(&self) -> bool {
        self.source.ready_state() == MediaSourceReadyState::Open
    }

    /// Adds a source buffer.
    ///
    /// # Errors
    /// When the source is not open or the type is not supported.
    pub fn add_source_buffer(&self, mime: &str) -> Result<SourceBuffer, JsValue> {
        self.source.add_source_buffer(mime)
    }

    /// Sets the film's length in seconds; no operation may be under way.
    pub fn set_duration(&self, seconds: f64) {
        if self.is_open() && seconds.is_finite() && seconds > 0.0 {
            self.source.set_duration(seconds);
        }
    }

    /// It has no end that is known; no operation may be under way.
    pub fn set_endless(&self) {
        if self.is_open() {
            self.source.set_duration(f64::INFINITY);
        }
    }

    /// What may be sought in something without an end.
    pub fn set_live_range(&self, begin: f64, edge: f64) {
        if self.is_open() && begin.is_finite() && begin >= 0.0 && edge > begin {
            let _ = self.source.set_live_seekable_range(begin, edge);
        }
    }

    /// Nothing more comes; no operation may be under way.
    pub fn end_of_stream(&self) {
        if self.is_open() {
            let _ = self.source.end_of_stream();
        }
    }
}

impl Drop for MediaSourceHandle {
    fn drop(&mut self) {
        // Another film may have been put in meanwhile.
        if self.video.src() == self.url {
            let _ = self.video.remove_attribute("src");
            self.video.load();
        }
        let _ = Url::revoke_object_url(&self.url);
    }
}
