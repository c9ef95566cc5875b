//! A media source on the page.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use drm_api::cdm::StreamId;
use gloo::events::EventListener;
use js_sys::{Array, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlVideoElement, MediaSource, MediaSourceReadyState, Url};

use super::{
    append_queue::QueueEvent,
    page_queue::PageQueue,
    source::{Queue, Source, SourceEvent},
};
use crate::capability;

/// A media source of the page, attached to a video element: clear fragments come to the page on their way to
/// it.
pub struct PageMediaSource {
    this: Weak<Self>,
    source: MediaSource,
    video: HtmlVideoElement,
    url: String,
    queues: RefCell<Vec<Rc<PageQueue>>>,
    is_ending: Cell<bool>,
    tell: Rc<dyn Fn(SourceEvent)>,
    _listeners: Vec<EventListener>,
}

impl PageMediaSource {
    /// Makes one and attaches it.
    ///
    /// # Errors
    /// When the browser has no Media Source Extensions.
    pub fn attach(
        video: &HtmlVideoElement,
        tell: impl Fn(SourceEvent) + 'static,
    ) -> Result<Rc<Self>, JsValue> {
        let (constructor, managed) =
            capability::media_source(&js_sys::global()).ok_or_else(|| JsValue::from_str("no MediaSource"))?;
        let source: MediaSource = Reflect::construct(&constructor, &Array::new())?.unchecked_into();
        if managed {
            // A managed source opens only on an element that will not hand the film to a television.
            Reflect::set(video, &"disableRemotePlayback".into(), &JsValue::TRUE)?;
        }
        let tell: Rc<dyn Fn(SourceEvent)> = Rc::new(tell);
        let opened = Rc::clone(&tell);
        let mut listeners =
            vec![EventListener::once(&source, "sourceopen", move |_| opened(SourceEvent::Opened))];
        if managed {
            for (name, wanted) in [("startstreaming", true), ("endstreaming", false)] {
                let tell = Rc::clone(&tell);
                let on = move |_: &web_sys::Event| tell(SourceEvent::Streaming(wanted));
                listeners.push(EventListener::new(&source, name, on));
            }
        }
        let url = Url::create_object_url_with_source(&source)?;
        video.set_src(&url);
        Ok(Rc::new_cyclic(|this| Self {
            this: this.clone(),
            source,
            video: video.clone(),
            url,
            queues: RefCell::default(),
            is_ending: Cell::new(false),
            tell,
            _listeners: listeners,
        }))
    }

    /// Ends the stream once no source buffer has anything left to do.
    fn end_if_idle(&self) {
        let is_idle = self.queues.borrow().iter().all(|queue| queue.is_idle());
        if is_idle && self.is_ending.replace(false) {
            if self.is_open() {
                let _ = self.source.end_of_stream();
            }
            (self.tell)(SourceEvent::Ended(self.source.duration()));
        }
    }
}

impl Source for PageMediaSource {
    fn is_open(&self) -> bool {
        self.source.ready_state() == MediaSourceReadyState::Open
    }

    fn set_duration(&self, seconds: Option<f64>) {
        let is_length = seconds.is_none_or(|seconds| seconds.is_finite() && seconds > 0.0);
        if self.is_open() && is_length {
            self.source.set_duration(seconds.unwrap_or(f64::INFINITY));
        }
    }

    fn set_live_range(&self, begin: f64, edge: f64) {
        if self.is_open() && begin.is_finite() && begin >= 0.0 && edge > begin {
            let _ = self.source.set_live_seekable_range(begin, edge);
        }
    }

    fn when_told(&self, then: Box<dyn FnOnce()>) {
        then();
    }

    fn add_queue(
        &self,
        _stream: StreamId,
        mime: &str,
        tell: Box<dyn Fn(QueueEvent)>,
    ) -> Option<Rc<dyn Queue>> {
        let buffer = self.source.add_source_buffer(mime).ok()?;
        let source = self.this.clone();
        let queue = PageQueue::new(&buffer, mime, tell, move || {
            if let Some(source) = source.upgrade() {
                source.end_if_idle();
            }
        });
        self.queues.borrow_mut().push(Rc::clone(&queue));
        Some(queue)
    }

    fn end(&self) {
        self.is_ending.set(true);
        self.end_if_idle();
    }

    fn go_on(&self) {
        self.is_ending.set(false);
    }
}

impl Drop for PageMediaSource {
    fn drop(&mut self) {
        // Another film may have been put in meanwhile.
        if self.video.src() == self.url {
            let _ = self.video.remove_attribute("src");
            self.video.load();
        }
        let _ = Url::revoke_object_url(&self.url);
    }
}
