//! The scrubber of a film.

use localization::say;
use nccp::Chapter;
use web_player::player::Stills;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::{media_state::MediaState, rail::Rail, remote::Press};
use crate::spoken;

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

/// The rail of a film, with its chapters, and the small picture of the time under the pointer.
#[function_component]
pub fn SeekBar(props: &SeekBarProps) -> Html {
    let SeekBarProps { media, duration, stills, chapters, scrub, on_scrub, on_press } = props;
    let duration = *duration;
    let time = scrub.unwrap_or(media.time);
    let still = use_node_ref();
    let on_point = {
        let (still, stills) = (still.clone(), stills.clone());
        Callback::from(move |seconds: f64| {
            if let (Some(stills), Some(still)) = (&stills, still.cast::<HtmlElement>()) {
                show(&still, stills, seconds);
            }
        })
    };
    let bubble = {
        let (chapters, has_stills) = (chapters.clone(), stills.is_some());
        Callback::from(move |pointed: Option<f64>| {
            let here = pointed.and_then(|seconds| chapter_at(&chapters, seconds));
            html! {
                <>
                    if has_stills {
                        <span class="still" ref={still.clone()} />
                    }
                    if let Some(chapter) = here {
                        <span class="of" dir="auto">{ chapter.to_owned() }</span>
                    }
                    { pointed.map(spoken::position).unwrap_or_default() }
                </>
            }
        })
    };
    let inside = |start: &f64| *start > 0.0 && *start < duration;
    let marks: Vec<f64> = chapters.iter().map(|chapter| chapter.start).filter(inside).collect();
    let spoken = match chapter_at(chapters, time) {
        Some(chapter) => say::seek_in_chapter(&spoken::position(time), &spoken::position(duration), chapter),
        None => say::seek_at(&spoken::position(time), &spoken::position(duration)),
    };
    html! {
        <Rail window={(0.0, duration)} media={media.clone()} {time} {spoken} {marks} {bubble} {on_point}
            {on_scrub} {on_press} />
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
