//! Moving a lane along with a pointer that cannot push it sideways, as most mice cannot. Keys go from card to
//! card, and fingers push: neither needs these buttons.

use gloo::{events::EventListener, utils::window};
use localization::say;
use web_sys::{Element, EventTarget};
use yew::prelude::*;

use super::icons;
use crate::browser::{call, object};

/// How much of what is seen goes out of sight.
const PART: f64 = 0.85;

/// Properties of [`LaneShift`].
#[derive(Properties, PartialEq)]
pub(super) struct LaneShiftProps {
    /// What is moved along.
    pub row: NodeRef,
    /// How many are in it.
    pub count: usize,
}

/// Two buttons over the ends of a lane, each where there is more on its side. They look when the pointer
/// comes, and when the window has another size.
#[function_component]
pub(super) fn LaneShift(props: &LaneShiftProps) -> Html {
    let more = use_state_eq(|| (false, false));
    {
        let (row, more) = (props.row.clone(), more.setter());
        use_effect_with(props.count, move |_| {
            let listeners = row.cast::<Element>().map(|row| {
                let window: EventTarget = window().into();
                let events: [(&EventTarget, &'static str); 3] =
                    [(&row, "pointerenter"), (&row, "scroll"), (&window, "resize")];
                events.map(|(target, name)| {
                    let (of, more) = (row.clone(), more.clone());
                    EventListener::new(target, name, move |_| more.set(rest(&of)))
                })
            });
            move || drop(listeners)
        });
    }
    let shift = |sign: f64| {
        let row = props.row.clone();
        move |_: MouseEvent| {
            let Some(row) = row.cast::<Element>() else { return };
            let width = f64::from(row.client_width()) * PART;
            let sign = if say::direction() == "rtl" { -sign } else { sign };
            let behavior = if likes_motion() { "smooth" } else { "instant" };
            let to = object([("left", (sign * width).into()), ("behavior", behavior.into())]);
            call(&row, "scrollBy", &[to]);
        }
    };
    let (back, forth) = *more;
    // What is hidden from assistive technology takes no focus, by a click neither.
    let keep_focus = |event: MouseEvent| event.prevent_default();
    let button = |class: &'static str, on: bool, onclick: Callback<MouseEvent>| {
        html! {
            <button type="button" class={classes!("lane-shift", class, on.then_some("on"))} tabindex="-1" aria-hidden="true"
                onmousedown={keep_focus} {onclick}>{ icons::chevron() }</button>
        }
    };
    html! {
        <>
            { button("back", back, Callback::from(shift(-1.0))) }
            { button("forth", forth, Callback::from(shift(1.0))) }
        </>
    }
}

/// Whether there is more before and behind what is seen.
fn rest(row: &Element) -> (bool, bool) {
    // From right to left it counts below zero.
    let before = row.scroll_left().abs();
    (before > 1, before + row.client_width() + 1 < row.scroll_width())
}

fn likes_motion() -> bool {
    let asked = window().match_media("(prefers-reduced-motion: reduce)").ok().flatten();
    !asked.is_some_and(|query| query.matches())
}
