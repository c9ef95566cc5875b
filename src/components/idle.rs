//! Whether the viewer has left the controls alone for a while.

use std::{cell::RefCell, rc::Rc};

use gloo::{events::EventListener, timers::callback::Timeout};
use web_sys::Element;
use yew::prelude::*;

/// The controls go away after this long without a movement.
const IDLE_MS: u32 = 3000;

/// The state of [`use_idle`].
#[derive(Clone, PartialEq)]
pub struct Idle {
    /// Nothing has moved for a while.
    pub idle: bool,
    /// Nothing had when the pointer last went down: it brought the controls back, and is to do nothing else.
    woke: Rc<RefCell<bool>>,
    setter: UseStateSetter<bool>,
}

impl Idle {
    /// Whether the last press only brought the controls back.
    pub fn woken_by_press(&self) -> bool {
        *self.woke.borrow()
    }

    /// Does not wait any longer.
    pub fn now(&self) {
        self.setter.set(true);
    }
}

/// Watches pointer and keys over `stage`.
#[hook]
pub fn use_idle(stage: NodeRef) -> Idle {
    let idle = use_state_eq(|| false);
    let woke = use_mut_ref(|| false);
    let asleep = use_mut_ref(|| false);
    *asleep.borrow_mut() = *idle;
    {
        let (setter, woke) = (idle.setter(), Rc::clone(&woke));
        use_effect_with(stage, move |stage| {
            // The timer that hides the controls starts afresh with every movement.
            let timer = Rc::new(RefCell::new(None::<Timeout>));
            let awake = move |event: Option<&web_sys::Event>| {
                if event.is_some_and(|event| event.type_() == "pointerdown") {
                    *woke.borrow_mut() = *asleep.borrow();
                }
                setter.set(false);
                let setter = setter.clone();
                timer.replace(Some(Timeout::new(IDLE_MS, move || setter.set(true))));
            };
            awake(None);
            let mut listeners = Vec::new();
            if let Some(stage) = stage.cast::<Element>() {
                for name in ["pointermove", "pointerdown", "keydown", "focusin"] {
                    let awake = awake.clone();
                    listeners.push(EventListener::new(&stage, name, move |event| awake(Some(event))));
                }
            }
            move || drop(listeners)
        });
    }
    Idle { idle: *idle, woke, setter: idle.setter() }
}
