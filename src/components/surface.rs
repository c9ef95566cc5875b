//! What clicks and taps on the picture do.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo::timers::callback::Timeout;
use wasm_bindgen::JsCast;
use web_sys::Element;
use yew::prelude::*;

use super::{
    idle::Idle,
    remote::{Press, Remote, STEP},
};

/// Two taps within this time, in milliseconds, are one.
const DOUBLE_TAP_MS: f64 = 350.0;
/// So long a click waits for a second one.
const DOUBLE_CLICK_MS: u32 = 250;

/// A click plays or pauses, and two are full screen; a tap shows or hides the controls, and two at a side move by
/// some seconds, each further one again. `at_once`: the film waits for a click, which nothing is to hold up.
#[hook]
pub fn use_surface(remote: &Remote, idle: &Idle, at_once: bool) -> Callback<MouseEvent> {
    let (tapped, first) = (use_mut_ref(|| f64::NEG_INFINITY), use_memo((), |()| FirstClick::default()));
    let (remote, idle) = (remote.clone(), idle.clone());
    Callback::from(move |event: MouseEvent| {
        let is_touch = event.dyn_ref::<PointerEvent>().is_some_and(|event| event.pointer_type() == "touch");
        if !is_touch {
            // What is no pointer's comes once.
            let single = at_once || event.detail() == 0;
            return if single { remote.press(Press::PlayPause) } else { first.click(&remote) };
        }
        let twice = event.time_stamp() - tapped.replace(event.time_stamp()) < DOUBLE_TAP_MS;
        let width = remote.stage.cast::<Element>().map_or(0, |stage| stage.client_width());
        match f64::from(event.client_x()) / f64::from(width.max(1)) {
            left if twice && left < 0.35 => remote.press(Press::By(-STEP)),
            right if twice && right > 0.65 => remote.press(Press::By(STEP)),
            _ if idle.woken_by_press() => {}
            _ => idle.now(),
        }
    })
}

/// A click that may be the first of two: the film does not stop and go on again for a double click.
#[derive(Default)]
struct FirstClick {
    waits: Rc<Cell<bool>>,
    timer: RefCell<Option<Timeout>>,
}

impl FirstClick {
    fn click(&self, remote: &Remote) {
        if self.waits.take() {
            self.timer.take();
            return remote.press(Press::FullScreen);
        }
        self.waits.set(true);
        let (waits, remote) = (Rc::clone(&self.waits), remote.clone());
        let timer = Timeout::new(DOUBLE_CLICK_MS, move || {
            waits.set(false);
            remote.press(Press::PlayPause);
        });
        self.timer.replace(Some(timer));
    }
}
