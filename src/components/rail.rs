//! The rail that a film's scrubber and an event's are: what was played, what is buffered, and what is under
//! the pointer, around a native slider.

use localization::say;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::{media_state::MediaState, remote::Press};

/// Units of the rail's drawing: a thousandth of the film is less than a pixel.
const UNITS: f64 = 10_000.0;

/// Properties of [`Rail`]. All times are in seconds.
#[derive(Properties, PartialEq)]
pub(super) struct RailProps {
    /// Where it begins and ends; nothing can be sought while these are the same.
    pub window: (f64, f64),
    /// The video element's state.
    pub media: MediaState,
    /// Where the thumb is.
    pub time: f64,
    /// What screen readers say of that.
    pub spoken: String,
    /// Times that are marked.
    #[prop_or_default]
    pub marks: Vec<f64>,
    /// What the bubble holds for a time under the pointer, or when there is none.
    pub bubble: Callback<Option<f64>, Html>,
    /// Is told of each time under the pointer.
    #[prop_or_default]
    pub on_point: Callback<f64>,
    /// Tells where the thumb is dragged to; `None` when it is let go.
    pub on_scrub: Callback<Option<f64>>,
    /// Seeks.
    pub on_press: Callback<Press>,
}

/// The rail; the native slider on it keeps its keyboard and name.
#[function_component]
pub(super) fn Rail(props: &RailProps) -> Html {
    let RailProps { window, media, time, spoken, marks, bubble, on_point, on_scrub, on_press } = props;
    let (begin, end) = *window;
    let length = end - begin;
    let output = use_node_ref();
    let pointed = use_state_eq(|| None::<f64>);
    let dragged = use_state_eq(|| false);
    let unit =
        |seconds: f64| if length > 0.0 { ((seconds - begin) / length).clamp(0.0, 1.0) * UNITS } else { 0.0 };
    let ranges = media.buffered.as_slice().iter().map(|(start, end)| {
        let (x, width) = (unit(*start), unit(*end) - unit(*start));
        html! { <rect class="buffered" x={format!("{x:.0}")} width={format!("{width:.0}")} height="1" /> }
    });
    let marks = marks.iter().map(|seconds| {
        html! { <rect class="chapter" x={format!("{:.0}", unit(*seconds))} width="20" height="1" /> }
    });
    let value = |event: &web_sys::Event| {
        let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        input.map(|input| input.value_as_number())
    };
    let point = {
        let (output, on_point, pointed) = (output.clone(), on_point.clone(), pointed.setter());
        move |part: f64| {
            if let Some(output) = output.cast::<HtmlElement>() {
                let _ = output.style().set_property("--at", &format!("{part:.4}"));
            }
            let seconds = begin + part * length;
            on_point.emit(seconds);
            pointed.set(Some(seconds));
        }
    };
    // A finger has no place to rest: what is there shows while the thumb is dragged.
    let oninput = {
        let (on_scrub, point, dragged) = (on_scrub.clone(), point.clone(), dragged.setter());
        move |event: InputEvent| {
            let to = value(&event);
            if let Some(to) = to.filter(|_| length > 0.0) {
                dragged.set(true);
                point(((to - begin) / length).clamp(0.0, 1.0));
            }
            on_scrub.emit(to);
        }
    };
    let onchange = {
        let (on_scrub, on_press) = (on_scrub.clone(), on_press.clone());
        let dragged = dragged.setter();
        move |event: Event| {
            dragged.set(false);
            if let Some(to) = value(&event) {
                on_press.emit(Press::To(to));
            }
            on_scrub.emit(None);
        }
    };
    let onpointermove = {
        let output = output.clone();
        move |event: PointerEvent| {
            // Yew listens at the root: the event's current target is not the rail.
            let Some(output) = output.cast::<HtmlElement>() else { return };
            let Some(rail) = output.parent_element() else { return };
            let bounds = rail.get_bounding_client_rect();
            point(((f64::from(event.client_x()) - bounds.left()) / bounds.width().max(1.0)).clamp(0.0, 1.0));
        }
    };
    let onpointerleave = {
        let pointed = pointed.setter();
        move |_: PointerEvent| pointed.set(None)
    };
    html! {
        <div class="seek" {onpointermove} {onpointerleave}>
            <svg class="rail" viewBox="0 0 10000 1" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                { for ranges }
                <rect class="played" width={format!("{:.0}", unit(*time))} height="1" />
                { for marks }
            </svg>
            <input type="range" aria-label={say::seek()} aria-valuetext={spoken.clone()} min={format!("{begin:.3}")}
                max={format!("{end:.3}")} step="0.001" value={format!("{time:.3}")}
                disabled={length <= 0.0} {oninput} {onchange} />
            <output class={classes!("bubble", (pointed.is_some() && length > 0.0).then_some("on"), dragged.then_some("dragged"))} ref={output}
                aria-hidden="true">{ bubble.emit(*pointed) }</output>
        </div>
    }
}
