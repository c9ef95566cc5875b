//! What the controls have for an event instead of a film's: a rail with times of day, where it stands, and the way
//! to what is live.

use wasm_bindgen::JsCast;
use web_player::player::{EventState, LiveEvent};
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::{media_state::MediaState, remote::Press};
use crate::spoken;

/// Units of the rail's drawing.
const UNITS: f64 = 10_000.0;

/// The word for where an event stands.
pub fn word(state: EventState) -> &'static str {
    match state {
        EventState::Waiting => "Not begun",
        EventState::Live => "LIVE",
        EventState::Interrupted => "Interrupted",
        EventState::Ended => "Ended",
    }
}

/// Properties of [`LiveRail`].
#[derive(Properties, PartialEq)]
pub struct LiveRailProps {
    /// The event.
    pub event: LiveEvent,
    /// The video element's state.
    pub media: MediaState,
    /// Where the thumb is while it is dragged, in seconds of the event.
    pub scrub: Option<f64>,
    /// Tells where the thumb is dragged to; `None` when it is let go.
    pub on_scrub: Callback<Option<f64>>,
    /// Seeks.
    pub on_press: Callback<Press>,
}

/// What can be seen of an event, up to what is live; a native slider, whose places are times of day.
#[function_component]
pub fn LiveRail(props: &LiveRailProps) -> Html {
    let LiveRailProps { event, media, scrub, on_scrub, on_press } = props;
    let (begin, edge) = event.window;
    let length = edge - begin;
    let time = scrub.unwrap_or(media.time);
    let bubble = use_node_ref();
    let pointed = use_state_eq(|| None::<f64>);
    let unit =
        |seconds: f64| if length > 0.0 { ((seconds - begin) / length).clamp(0.0, 1.0) * UNITS } else { 0.0 };
    let ranges = media.buffered.as_slice().iter().map(|(start, end)| {
        let (x, width) = (unit(*start), unit(*end) - unit(*start));
        html! { <rect class="buffered" x={format!("{x:.0}")} width={format!("{width:.0}")} height="1" /> }
    });
    let value = |event: &web_sys::Event| {
        let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        input.map(|input| input.value_as_number())
    };
    let oninput = {
        let on_scrub = on_scrub.clone();
        move |event: InputEvent| on_scrub.emit(value(&event))
    };
    let onchange = {
        let (on_scrub, on_press) = (on_scrub.clone(), on_press.clone());
        move |event: Event| {
            if let Some(to) = value(&event) {
                on_press.emit(Press::To(to));
            }
            on_scrub.emit(None);
        }
    };
    let onpointermove = {
        let (bubble, pointed) = (bubble.clone(), pointed.setter());
        move |event: PointerEvent| {
            let Some(bubble) = bubble.cast::<HtmlElement>() else { return };
            let Some(rail) = bubble.parent_element() else { return };
            let bounds = rail.get_bounding_client_rect();
            let part =
                ((f64::from(event.client_x()) - bounds.left()) / bounds.width().max(1.0)).clamp(0.0, 1.0);
            let _ = bubble.style().set_property("--at", &format!("{part:.4}"));
            pointed.set(Some(begin + part * length));
        }
    };
    let onpointerleave = {
        let pointed = pointed.setter();
        move |_: PointerEvent| pointed.set(None)
    };
    let clock =
        |seconds: f64| event.wall(seconds).map_or_else(|| spoken::position(seconds), spoken::time_of_day);
    let spoken = if event.follows {
        format!("{}, live", clock(time))
    } else {
        format!("{}, {} behind", clock(time), spoken::position(edge - time))
    };
    html! {
        <div class="seek" {onpointermove} {onpointerleave}>
            <svg class="rail" viewBox="0 0 10000 1" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                { for ranges }
                <rect class="played" width={format!("{:.0}", unit(time))} height="1" />
            </svg>
            <input type="range" aria-label="Seek" aria-valuetext={spoken} min={format!("{begin:.3}")}
                max={format!("{edge:.3}")} step="0.001" value={format!("{time:.3}")}
                disabled={length <= 0.0} {oninput} {onchange} />
            <output class={classes!("bubble", (pointed.is_some() && length > 0.0).then_some("on"))} ref={bubble}
                aria-hidden="true">{ pointed.map(clock).unwrap_or_default() }</output>
        </div>
    }
}

/// Properties of [`LiveStand`].
#[derive(Properties, PartialEq)]
pub struct LiveStandProps {
    /// The event.
    pub event: LiveEvent,
    /// Where the viewer is, in seconds of the event.
    pub time: f64,
    /// Goes to what is live.
    pub on_live: Callback<()>,
}

/// Where the event stands and where the viewer is in it, by the clock; and the button that leads to what is live.
#[function_component]
pub fn LiveStand(props: &LiveStandProps) -> Html {
    let LiveStandProps { event, time, on_live } = props;
    let has_edge = matches!(event.state, EventState::Live | EventState::Interrupted);
    let at_edge = event.follows || !has_edge;
    let onclick = on_live.reform(|_: MouseEvent| ());
    let clock = event.wall(*time).map(spoken::time_of_day).unwrap_or_default();
    let behind = (has_edge && !event.follows && event.latest > *time)
        .then(|| format!(" (−{})", spoken::position(event.latest - time)));
    html! {
        <p class="time live-stand">
            <span class={classes!("live-badge", event.state.as_str(), event.follows.then_some("on"))} role="status">
                { word(event.state) }
            </span>
            <span class="when">{ clock }{ behind.unwrap_or_default() }</span>
            if has_edge {
                // It stays where it is, so that whoever pressed it keeps the focus.
                <button type="button" class="go-live" aria-disabled={at_edge.to_string()} title="Go live (End)" {onclick}>
                    { "Go live" }
                </button>
            }
        </p>
    }
}
