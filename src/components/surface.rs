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
/// How long a click waits for a second one. The system decides what is a double click, and that may take
/// longer.
const DOUBLE_CLICK_MS: u32 = 250;

/// A click plays or pauses, and two are full screen; a tap shows or hides the controls, and two at a side
/// move by some seconds, each further one again. `at_once`: the film waits for a click, which nothing is to
/// hold up.
#[hook]
pub fn use_surface(remote: &Remote, idle: &Idle, at_once: bool) -> Callback<MouseEvent> {
    let (tapped, first) = (use_mut_ref(|| f64::NEG_INFINITY), use_memo((), |()| FirstClick::default()));
    let (remote, idle) = (remote.clone(), idle.clone());
    Callback::from(move |event: MouseEvent| {
        let is_touch = event.dyn_ref::<PointerEvent>().is_some_and(|event| event.pointer_type() == "touch");
        if !is_touch {
            // What is no pointer's comes once.
            let single = at_once || event.detail() == 0;
            return if single {
                remote.press(Press::PlayPause)
            } else {
                first.click(event.detail(), &remote)
            };
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

/// A click that may be the first of two: the film does not stop and go on again for a double click that is
/// quick.
#[derive(Default)]
struct FirstClick {
    state: Rc<Cell<State>>,
    timer: RefCell<Option<Timeout>>,
}

/// What became of the first click.
#[derive(Clone, Copy, Default, PartialEq)]
enum State {
    /// There was none, or a second one came.
    #[default]
    None,
    /// It waits for a second one.
    Waits,
    /// It has played or paused the film.
    Done,
}

impl FirstClick {
    /// `count` is which of several clicks it is, as the system counts them (W3C, UI Events, `detail`).
    fn click(&self, count: i32, remote: &Remote) {
        self.timer.take();
        if count % 2 == 0 {
            if self.state.take() == State::Done {
                // That was not meant.
                remote.press(Press::PlayPause);
            }
            return remote.press(Press::FullScreen);
        }
        self.state.set(State::Waits);
        let (state, remote) = (Rc::clone(&self.state), remote.clone());
        let timer = Timeout::new(DOUBLE_CLICK_MS, move || {
            state.set(State::Done);
            remote.press(Press::PlayPause);
        });
        self.timer.replace(Some(timer));
    }
}
