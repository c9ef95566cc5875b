//! Opening a film before the next page is there (docs/protocol.md §10).

use std::rc::Rc;

use gloo::timers::callback::Timeout;
use nccp::MovieId;
use wasm_bindgen::JsCast;
use web_sys::{Element, EventTarget};
use yew::prelude::*;

use crate::{route, session::use_session};

/// How long the pointer or the focus rests before the film's manifest is asked for.
const RESTING_MS: u32 = 200;

/// What an element with a link to a film has to tell of.
#[derive(Clone, PartialEq)]
pub struct EarlyOpening {
    /// The pointer or the focus came.
    pub rest: Callback<()>,
    /// It went.
    pub leave: Callback<()>,
    /// A button or a finger went down.
    pub press: Callback<PointerEvent>,
    /// It was clicked.
    pub open: Callback<MouseEvent>,
}

/// Asks for what a film's start needs as early as the viewer gives a hint of wanting it; for a film that may
/// not play, never.
#[hook]
pub fn use_early_opening(movie: MovieId, playable: bool) -> EarlyOpening {
    let control = use_session().control.clone().filter(|_| playable);
    let resting = use_mut_ref(|| None::<Timeout>);
    // Whoever rests on a title probably wants it: its manifest is asked for before the click.
    let rest = {
        let (resting, control) = (Rc::clone(&resting), control.clone());
        Callback::from(move |()| {
            if let Some(control) = control.clone() {
                resting.replace(Some(Timeout::new(RESTING_MS, move || control.prefetch(movie))));
            }
        })
    };
    let leave = Callback::from(move |()| drop(resting.take()));
    // Whoever presses wants it, almost always; a finger does not rest first.
    let press = {
        let control = control.clone();
        Callback::from(move |event: PointerEvent| {
            if let Some(control) = control.as_ref().filter(|_| is_on_link(event.target())) {
                control.prepare_film(movie);
            }
        })
    };
    // What the click asks for is under way before the next page is made.
    let open = Callback::from(move |event: MouseEvent| {
        // The link has taken the click for the app; others open elsewhere.
        if let Some(control) = control.as_ref().filter(|_| event.default_prevented()) {
            route::after(control.open_film(movie));
        }
    });
    EarlyOpening { rest, leave, press, open }
}

fn is_on_link(target: Option<EventTarget>) -> bool {
    target
        .and_then(|target| target.dyn_into::<Element>().ok())
        .is_some_and(|element| matches!(element.closest("a"), Ok(Some(_))))
}
