//! What happens around a film that plays: on its video element, to its page, by the clock.

use std::rc::Rc;

use gloo::{events::EventListener, timers::callback::Interval, utils::document, utils::window};
use wasm_bindgen::JsCast;
use web_sys::{EventTarget, HtmlVideoElement};

const TICK_MS: u32 = 250;
const LOG_MS: u32 = 60_000;

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// The video element's events of the same names.
    Seeking,
    Seeked,
    TimeUpdate,
    Waiting,
    Play,
    Playing,
    Pause,
    Ended,
    Error,
    /// The page goes away.
    PageHide,
    /// The page can be seen, or not any more.
    VisibilityChange,
    /// The network is gone.
    Offline,
    /// The network is back.
    Online,
    /// The displays may have changed.
    Displays,
    /// A quarter of a second has passed.
    Tick,
    /// A minute has passed.
    LogDue,
}

const OF_THE_ELEMENT: [(&str, Happening); 9] = [
    ("seeking", Happening::Seeking),
    ("seeked", Happening::Seeked),
    ("timeupdate", Happening::TimeUpdate),
    ("waiting", Happening::Waiting),
    ("play", Happening::Play),
    ("playing", Happening::Playing),
    ("pause", Happening::Pause),
    ("ended", Happening::Ended),
    ("error", Happening::Error),
];

/// Somebody listens, until it is dropped.
pub(super) struct Watching {
    _listeners: Vec<EventListener>,
    _timers: [Interval; 2],
}

/// Has `tell` called for everything that happens.
pub(super) fn watch(video: &HtmlVideoElement, tell: impl Fn(Happening) + 'static) -> Watching {
    let tell = Rc::new(tell);
    let on = |target: &EventTarget, name: &'static str, what: Happening| {
        let tell = Rc::clone(&tell);
        EventListener::new(target, name, move |_| tell(what))
    };
    let mut listeners: Vec<EventListener> =
        OF_THE_ELEMENT.into_iter().map(|(name, what)| on(video, name, what)).collect();
    listeners.push(on(&window(), "pagehide", Happening::PageHide));
    listeners.push(on(&document(), "visibilitychange", Happening::VisibilityChange));
    listeners.push(on(&window(), "offline", Happening::Offline));
    listeners.push(on(&window(), "online", Happening::Online));
    if let Some(screen) = screen() {
        listeners.push(on(&screen, "change", Happening::Displays));
    }
    let every = |milliseconds, what| {
        let tell = Rc::clone(&tell);
        Interval::new(milliseconds, move || tell(what))
    };
    let timers = [every(TICK_MS, Happening::Tick), every(LOG_MS, Happening::LogDue)];
    Watching { _listeners: listeners, _timers: timers }
}

/// The screen, where it tells of changes.
fn screen() -> Option<EventTarget> {
    js_sys::Reflect::get(&js_sys::global(), &"screen".into()).ok()?.dyn_into().ok()
}
