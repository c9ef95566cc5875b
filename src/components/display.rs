//! What a film asks of the screen: to stay on, and to be held crosswise.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo::{
    events::EventListener,
    utils::{document, window},
};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlVideoElement;
use yew::prelude::*;

use crate::{
    browser::{call, get, promise, tell},
    route::Route,
};

/// Keeps the screen on while the film plays (W3C, Screen Wake Lock), where the browser can and allows it.
#[hook]
pub fn use_wake_lock(plays: bool) {
    use_effect_with(plays, |plays| {
        let lock = plays.then(WakeLock::new);
        move || drop(lock)
    });
}

/// Keeps the screen on until it is dropped.
struct WakeLock {
    held: Rc<Held>,
    _listener: EventListener,
}

#[derive(Default)]
struct Held {
    over: Cell<bool>,
    sentinel: RefCell<Option<JsValue>>,
}

impl WakeLock {
    fn new() -> Self {
        let held = Rc::new(Held::default());
        Held::take(&held);
        let again = Rc::clone(&held);
        // A page that cannot be seen loses it.
        let listener = EventListener::new(&document(), "visibilitychange", move |_| Held::take(&again));
        Self { held, _listener: listener }
    }
}

impl Drop for WakeLock {
    fn drop(&mut self) {
        self.held.over.set(true);
        self.held.release();
    }
}

impl Held {
    fn take(self: &Rc<Self>) {
        let asked = (!document().hidden())
            .then(|| promise(&get(&window().navigator(), "wakeLock"), "request", &["screen".into()]));
        let Some(asked) = asked.flatten() else { return };
        let held = Rc::clone(self);
        spawn_local(async move {
            if let Ok(sentinel) = asked.await {
                held.release();
                held.sentinel.replace(Some(sentinel));
                // It may have come too late.
                if held.over.get() {
                    held.release();
                }
            }
        });
    }

    fn release(&self) {
        if let Some(sentinel) = self.sentinel.take() {
            tell(&sentinel, "release", &[]);
        }
    }
}

/// Leaves full screen with the page, unless another film follows on it, which has the screen as this one had
/// it.
#[hook]
pub fn use_full_screen_left() {
    use_effect_with((), |()| {
        || {
            let follows = matches!(Route::current(), Route::Watch { .. });
            if !follows && document().fullscreen_element().is_some() {
                document().exit_fullscreen();
            }
        }
    });
}

/// Holds a film that is wider than tall crosswise in full screen. Only phones and tablets can; others refuse.
#[hook]
pub fn use_orientation(video: &NodeRef, full_screen: bool) {
    let video = video.clone();
    use_effect_with(full_screen, move |full_screen| {
        let is_wide = |video: HtmlVideoElement| video.video_width() > video.video_height();
        let locked = *full_screen && video.cast::<HtmlVideoElement>().is_some_and(is_wide);
        let orientation = get(&get(&window(), "screen"), "orientation");
        if locked {
            tell(&orientation, "lock", &["landscape".into()]);
        }
        move || {
            if locked {
                call(&orientation, "unlock", &[]);
            }
        }
    });
}
