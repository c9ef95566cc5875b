//! Subtitles on the video element: the browser reads and draws the WebVTT.

use std::{cell::RefCell, rc::Rc};

use gloo::{events::EventListener, utils::document};
use nccp::TextTrack;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, BlobPropertyBag, HtmlTrackElement, HtmlVideoElement, TextTrackMode, Url};

use crate::fetcher::{self, Fetch};

/// The subtitles that are shown.
pub(super) struct Captions {
    video: HtmlVideoElement,
    shown: Rc<RefCell<Option<Shown>>>,
}

/// One file of subtitles, until it is dropped.
struct Shown {
    id: String,
    /// Once the file is there.
    element: Option<Track>,
}

struct Track {
    element: HtmlTrackElement,
    url: String,
    _loaded: EventListener,
}

impl Drop for Track {
    fn drop(&mut self) {
        self.element.remove();
        let _ = Url::revoke_object_url(&self.url);
    }
}

impl Captions {
    pub(super) fn new(video: HtmlVideoElement) -> Self {
        Self { video, shown: Rc::default() }
    }

    /// Shows these, or none; `failed` is told if they do not arrive from any CDN.
    pub(super) fn show(&self, text: Option<&TextTrack>, failed: impl FnOnce() + 'static) {
        if self.shown.borrow().as_ref().map(|shown| &shown.id) == text.map(|text| &text.id) {
            return;
        }
        self.shown.take();
        let Some(text) = text.cloned() else { return };
        self.shown.replace(Some(Shown { id: text.id.clone(), element: None }));
        let (video, shown) = (self.video.clone(), Rc::clone(&self.shown));
        spawn_local(async move {
            let track = load(&video, &text).await;
            let mut shown = shown.borrow_mut();
            // Others may have been chosen meanwhile.
            let Some(wanted) = shown.as_mut().filter(|shown| shown.id == text.id) else { return };
            wanted.element = track;
            if wanted.element.is_none() {
                shown.take();
                drop(shown);
                failed();
            }
        });
    }
}

/// A track element with the file in it, from the first CDN that gives it.
async fn load(video: &HtmlVideoElement, text: &TextTrack) -> Option<Track> {
    for url in &text.urls {
        let fetch = Fetch {
            url: url.url.clone(),
            range: None,
            length: text.size,
            sized: true,
            resumed: false,
            afresh: false,
        };
        if let Ok(parts) = fetcher::whole(fetch).await {
            let kind = BlobPropertyBag::new();
            kind.set_type("text/vtt");
            let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &kind).ok()?;
            return put(video, text, Url::create_object_url_with_blob(&blob).ok()?);
        }
    }
    None
}

fn put(video: &HtmlVideoElement, text: &TextTrack, url: String) -> Option<Track> {
    let element: HtmlTrackElement = document().create_element("track").ok()?.unchecked_into();
    element.set_kind(if text.role == "caption" { "captions" } else { "subtitles" });
    element.set_srclang(&text.language);
    element.set_label(text.label.as_deref().unwrap_or(&text.language));
    element.set_src(&url);
    let track = element.clone();
    let show = move || {
        if let Some(track) = track.track() {
            track.set_mode(TextTrackMode::Showing);
        }
    };
    let loaded = EventListener::once(&element, "load", {
        let show = show.clone();
        move |_| show()
    });
    video.append_child(&element).ok()?;
    // It loads once it is to be shown.
    show();
    Some(Track { element, url, _loaded: loaded })
}
