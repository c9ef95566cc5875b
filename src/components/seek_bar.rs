//! The scrubber.

use nccp::Chapter;
use wasm_bindgen::JsCast;
use web_player::player::Stills;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::{media_state::MediaState, remote::Press};
use crate::spoken;

/// Units of the rail's drawing: a thousandth of the film is less than a pixel.
const UNITS: f64 = 10_000.0;

/// Properties of [`SeekBar`].
#[derive(Properties, PartialEq)]
pub struct SeekBarProps {
    /// The video element's state.
    pub media: MediaState,
    /// The film's length in seconds; 0 when not known yet.
    pub duration: f64,
    /// Small pictures of the film.
    pub stills: Option<Stills>,
    /// Chapters, ascending.
    pub chapters: Vec<Chapter>,
    /// Where the thumb is while it is dragged, in seconds.
    pub scrub: Option<f64>,
    /// Tells where the thumb is dragged to; `None` when it is let go.
    pub on_scrub: Callback<Option<f64>>,
    /// Seeks.
    pub on_press: Callback<Press>,
}

/// What was played, what is buffered, and the time under the pointer; a native slider, which keeps its
/// keyboard and name.
#[function_component]
pub fn SeekBar(props: &SeekBarProps) -> Html {
    let SeekBarProps { media, duration, stills, chapters, scrub, on_scrub, on_press } = props;
    let duration = *duration;
    let time = scrub.unwrap_or(media.time);
    let (bubble, still) = (use_node_ref(), use_node_ref());
    let pointed = use_state_eq(|| None::<f64>);

    let unit = |seconds: f64| if duration > 0.0 { (seconds / duration).clamp(0.0, 1.0) * UNITS } else { 0.0 };
    let ranges = media.buffered.as_slice().iter().map(|(start, end)| {
        let (x, width) = (unit(*start), unit(*end) - unit(*start));
        html! { <rect class="buffered" x={format!("{x:.0}")} width={format!("{width:.0}")} height="1" /> }
    });

    let value = |event: &web_sys::Event| {
        event
            .target()
            .and_then(|target| target.dyn_into::<HtmlInputElement>().ok())
            .map(|input| input.value_as_number())
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
        let (bubble, still, stills, pointed) =
            (bubble.clone(), still.clone(), stills.clone(), pointed.setter());
        move |event: PointerEvent| {
            // Yew listens at the root: the event's current target is not the bar.
            let Some(bubble) = bubble.cast::<HtmlElement>() else { return };
            let Some(rail) = bubble.parent_element() else { return };
            let bounds = rail.get_bounding_client_rect();
            let part =
                ((f64::from(event.client_x()) - bounds.left()) / bounds.width().max(1.0)).clamp(0.0, 1.0);
            let _ = bubble.style().set_property("--at", &format!("{part:.4}"));
            if let (Some(stills), Some(still)) = (&stills, still.cast::<HtmlElement>()) {
                show(&still, stills, part * duration);
            }
            pointed.set(Some(part * duration));
        }
    };
    let onpointerleave = {
        let pointed = pointed.setter();
        move |_: PointerEvent| pointed.set(None)
    };
    let marks =
        chapters.iter().filter(|chapter| chapter.start > 0.0 && chapter.start < duration).map(|chapter| {
            html! { <rect class="chapter" x={format!("{:.0}", unit(chapter.start))} width="20" height="1" /> }
        });
    let spoken = match chapter_at(chapters, time) {
        Some(chapter) => {
            format!("{} of {}, {chapter}", spoken::position(time), spoken::position(duration))
        }
        None => format!("{} of {}", spoken::position(time), spoken::position(duration)),
    };
    let here = pointed.and_then(|seconds| chapter_at(chapters, seconds));
    html! {
        <div class="seek" {onpointermove} {onpointerleave}>
            <svg class="rail" viewBox="0 0 10000 1" preserveAspectRatio="none" aria-hidden="true" focusable="false">
                { for ranges }
                <rect class="played" width={format!("{:.0}", unit(time))} height="1" />
                { for marks }
            </svg>
            <input type="range" aria-label="Seek" aria-valuetext={spoken} min="0"
                max={format!("{duration:.3}")} step="0.001" value={format!("{time:.3}")}
                disabled={duration <= 0.0} {oninput} {onchange} />
            <output class={classes!("bubble", (pointed.is_some() && duration > 0.0).then_some("on"))} ref={bubble}
                aria-hidden="true">
                if stills.is_some() {
                    <span class="still" ref={still} />
                }
                if let Some(chapter) = here {
                    <span class="of" dir="auto">{ chapter.to_owned() }</span>
                }
                { pointed.map(spoken::position).unwrap_or_default() }
            </output>
        </div>
    }
}

/// The name of the chapter at a time.
fn chapter_at(chapters: &[Chapter], seconds: f64) -> Option<&str> {
    let chapter = chapters.iter().rev().find(|chapter| chapter.start <= seconds)?;
    Some(&chapter.title).filter(|title| !title.is_empty()).map(String::as_str)
}

/// Shows the picture of a time: a part of its sheet.
fn show(still: &HtmlElement, stills: &Stills, seconds: f64) {
    let Some((sheet, column, row)) = stills.at(seconds) else { return };
    let ((width, height), (columns, rows)) = (stills.size, stills.grid);
    // Background positions are parts of what does not fit (CSS Backgrounds 3, 3.6).
    let part = |at: u32, of: u32| f64::from(at) * 100.0 / f64::from(of.saturating_sub(1).max(1));
    for (name, value) in [
        ("background-image", format!("url(\"{sheet}\")")),
        ("background-position", format!("{:.3}% {:.3}%", part(column, columns), part(row, rows))),
        ("background-size", format!("{}% {}%", columns * 100, rows * 100)),
        ("aspect-ratio", format!("{width} / {height}")),
    ] {
        let _ = still.style().set_property(name, &value);
    }
}
