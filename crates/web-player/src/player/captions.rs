//! Subtitles on the video element: the browser reads the WebVTT; our own layer draws it, or the browser,
//! where the layer is not to be seen.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo::{events::EventListener, utils::document};
use js_sys::Reflect;
use nccp::TextTrack;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, BlobPropertyBag, HtmlElement, HtmlTrackElement, HtmlVideoElement, TextTrackMode, Url};

use crate::{
    captions::{ActiveCues, CaptionStyle, Layer},
    fetcher::{self, Fetch},
};

/// The picture is elsewhere than the page, or here again: in a window of its own, or in the full screen of a
/// phone that shows nothing but the video.
const ELSEWHERE: [(&str, bool); 4] = [
    ("enterpictureinpicture", true),
    ("leavepictureinpicture", false),
    ("webkitbeginfullscreen", true),
    ("webkitendfullscreen", false),
];

/// The subtitles that are shown.
pub(super) struct Captions {
    state: Rc<State>,
    _elsewhere: Vec<EventListener>,
}

struct State {
    video: HtmlVideoElement,
    /// `None`: the browser draws them.
    layer: Option<Layer>,
    /// The picture is where the layer is not.
    is_elsewhere: Cell<bool>,
    shown: RefCell<Option<Shown>>,
    /// Hears what they say, whenever that may be something else.
    on_cues: Box<dyn Fn(ActiveCues)>,
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
    _listeners: [EventListener; 2],
}

impl Drop for Track {
    fn drop(&mut self) {
        self.element.remove();
        let _ = Url::revoke_object_url(&self.url);
    }
}

impl Captions {
    /// Nothing yet. `place` is the element in which they are drawn so; without it the browser draws them.
    /// `on_cues` hears what they say.
    pub(super) fn new(
        video: HtmlVideoElement,
        place: Option<HtmlElement>,
        style: &CaptionStyle,
        on_cues: impl Fn(ActiveCues) + 'static,
    ) -> Self {
        let layer = place.map(|place| Layer::new(video.clone(), place));
        style.apply(&video);
        if let Some(layer) = &layer {
            layer.style(style);
        }
        let own = Reflect::get(&document(), &"pictureInPictureElement".into());
        let is_elsewhere = own.is_ok_and(|own| own == *AsRef::<JsValue>::as_ref(&video));
        let is_elsewhere = Cell::new(is_elsewhere);
        let on_cues = Box::new(on_cues);
        let state = Rc::new(State { video, layer, is_elsewhere, shown: RefCell::default(), on_cues });
        let listener = |(name, elsewhere): (&'static str, bool)| {
            let this = Rc::downgrade(&state);
            EventListener::new(&state.video, name, move |_| {
                if let Some(state) = this.upgrade() {
                    state.is_elsewhere.set(elsewhere);
                    state.draw();
                }
            })
        };
        let elsewhere = ELSEWHERE.into_iter().map(listener).collect();
        Self { state, _elsewhere: elsewhere }
    }

    /// Draws them so from now on.
    pub(super) fn style(&self, style: &CaptionStyle) {
        style.apply(&self.state.video);
        self.state.layer.iter().for_each(|layer| layer.style(style));
    }

    /// Shows these, or none; `failed` is told if they do not arrive from any CDN.
    pub(super) fn show(&self, text: Option<&TextTrack>, failed: impl FnOnce() + 'static) {
        let state = &self.state;
        if state.shown.borrow().as_ref().map(|shown| &shown.id) == text.map(|text| &text.id) {
            return;
        }
        state.shown.take();
        state.draw();
        let Some(text) = text.cloned() else { return };
        state.shown.replace(Some(Shown { id: text.id.clone(), element: None }));
        let state = Rc::clone(state);
        spawn_local(async move {
            let track = load(&state, &text).await;
            {
                let mut shown = state.shown.borrow_mut();
                // Others may have been chosen meanwhile.
                let Some(wanted) = shown.as_mut().filter(|shown| shown.id == text.id) else { return };
                if track.is_none() {
                    shown.take();
                } else {
                    wanted.element = track;
                    drop(shown);
                    return state.draw();
                }
            }
            failed();
        });
    }
}

impl State {
    /// Has them drawn by whom it is for now. A track is read once it has such a mode.
    fn draw(&self) {
        let track = self.track();
        let layer = self.layer.as_ref().filter(|_| !self.is_elsewhere.get());
        if let Some(track) = &track {
            let mode = if layer.is_some() { TextTrackMode::Hidden } else { TextTrackMode::Showing };
            track.set_mode(mode);
        }
        if let Some(own) = &self.layer {
            own.show(track.filter(|_| layer.is_some()));
        }
        self.tell();
    }

    /// The one that is shown.
    fn track(&self) -> Option<web_sys::TextTrack> {
        self.shown.borrow().as_ref()?.element.as_ref()?.element.track()
    }

    fn tell(&self) {
        (self.on_cues)(self.track().as_ref().map(ActiveCues::of).unwrap_or_default());
    }
}

/// A track element with the file in it, from the first CDN that gives it.
async fn load(state: &Rc<State>, text: &TextTrack) -> Option<Track> {
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
            return put(state, text, Url::create_object_url_with_blob(&blob).ok()?);
        }
    }
    None
}

fn put(state: &Rc<State>, text: &TextTrack, url: String) -> Option<Track> {
    let element: HtmlTrackElement = document().create_element("track").ok()?.unchecked_into();
    element.set_kind(if text.role == "caption" { "captions" } else { "subtitles" });
    element.set_srclang(&text.language);
    element.set_label(text.label.as_deref().unwrap_or(&text.language));
    element.set_src(&url);
    let this = Rc::downgrade(state);
    let loaded = EventListener::once(&element, "load", move |_| {
        if let Some(state) = this.upgrade() {
            state.draw();
        }
    });
    let this = Rc::downgrade(state);
    let changed = EventListener::new(&element, "cuechange", move |_| {
        if let Some(state) = this.upgrade() {
            state.tell();
        }
    });
    state.video.append_child(&element).ok()?;
    Some(Track { element, url, _listeners: [loaded, changed] })
}
