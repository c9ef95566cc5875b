//! The rail that a film's scrubber and an event's are: what was played, what is buffered, and what is under
//! the pointer or where a key leads, around a native slider.

use gloo::timers::callback::Timeout;
use localization::say;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::{media_state::MediaState, remote::Press};

/// Units of the rail's drawing: a thousandth of the film is less than a pixel.
const UNITS: f64 = 10_000.0;
/// So long what is there stays to be seen once a key has moved the film.
const KEYED_MS: u32 = 1_200;

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
    // Which key press it was that moves the film; 0 when there is none.
    let keyed = use_state_eq(|| 0_u32);
    let is_keyed = *keyed > 0;
    // A key moves the film itself: what is to be seen is where it goes.
    let shown = Some(*time).filter(|_| is_keyed).or(*pointed).filter(|_| length > 0.0);
    {
        let (output, on_point) = (output.clone(), on_point.clone());
        use_effect_with((shown, begin, length), move |(shown, begin, length)| {
            let Some(seconds) = *shown else { return };
            if let Some(output) = output.cast::<HtmlElement>() {
                let part = ((seconds - begin) / length).clamp(0.0, 1.0);
                let _ = output.style().set_property("--at", &format!("{part:.4}"));
            }
            on_point.emit(seconds);
        });
    }
    {
        let setter = keyed.setter();
        use_effect_with((*keyed, media.waiting), move |(keyed, waiting)| {
            let has_come = *keyed > 0 && !waiting;
            let timer = has_come.then(|| Timeout::new(KEYED_MS, move || setter.set(0)));
            move || drop(timer)
        });
    }
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
        let pointed = pointed.setter();
        move |part: f64| pointed.set(Some(begin + part * length))
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
        let (dragged, pointed) = (dragged.setter(), pointed.setter());
        move |event: Event| {
            dragged.set(false);
            if is_keyed {
                pointed.set(None);
            }
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
    let onkeydown = {
        let keyed = keyed.clone();
        move |event: KeyboardEvent| {
            if length > 0.0 && moves(&event) {
                keyed.set(keyed.wrapping_add(1).max(1));
            }
        }
    };
    let onblur = {
        let keyed = keyed.setter();
        move |_: FocusEvent| keyed.set(0)
    };
    let class = classes!(
        "bubble",
        shown.is_some().then_some("on"),
        dragged.then_some("dragged"),
        is_keyed.then_some("keyed")
    );
    html! {
        <div class="seek" {onpointermove} {onpointerleave}>
            <svg class="rail" viewBox="0 0 10000 1" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                { for ranges }
                <rect class="played" width={format!("{:.0}", unit(*time))} height="1" />
                { for marks }
            </svg>
            <input type="range" aria-label={say::seek()} aria-valuetext={spoken.clone()} min={format!("{begin:.3}")}
                max={format!("{end:.3}")} step="0.001" value={format!("{time:.3}")}
                disabled={length <= 0.0} {oninput} {onchange} {onkeydown} {onblur} />
            <output {class} ref={output} aria-hidden="true">{ bubble.emit(shown) }</output>
        </div>
    }
}

/// Whether a key on the slider moves the film: the page's keys, and the browser's own.
fn moves(key: &KeyboardEvent) -> bool {
    let is_plain = !key.ctrl_key() && !key.meta_key() && !key.alt_key();
    is_plain
        && matches!(key.key().as_str(), "ArrowLeft" | "ArrowRight" | "Home" | "End" | "PageUp" | "PageDown")
}
