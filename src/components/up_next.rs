//! What comes after a film: a card with a countdown that can be stopped.

use gloo::{
    events::EventListener,
    timers::callback::Timeout,
    utils::{document, window},
};
use localization::say;
use nccp::{Chapter, json::LibraryMovie};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::{Poster, facts, icons, media_state::MediaState, skip::closing_credits};
use crate::spoken;

/// So many seconds the next film waits for somebody who does not want it.
pub const COUNTDOWN: u32 = 8;
const SECOND_MS: u32 = 1000;

/// Whether a film of this length is over, but for the credits that it ends with.
pub fn is_over(media: &MediaState, chapters: &[Chapter], duration: f64) -> bool {
    media.ended || closing_credits(chapters, duration).is_some_and(|begin| media.time >= begin)
}

/// Properties of [`UpNext`].
#[derive(Properties, PartialEq)]
pub struct UpNextProps {
    /// What comes next.
    pub film: LibraryMovie,
    /// How long it waits.
    #[prop_or(COUNTDOWN)]
    pub seconds: u32,
    /// The countdown waits: the film is paused, or something else is open.
    #[prop_or_default]
    pub holds: bool,
    /// Plays it: asked for, or since nobody has stopped it.
    pub on_play: Callback<()>,
    /// It is not to come.
    pub on_stop: Callback<()>,
}

/// The card. It takes no focus; Escape stops it from wherever the focus is, and so does leaving full screen,
/// for which browsers keep that key to themselves.
#[function_component]
pub fn UpNext(props: &UpNextProps) -> Html {
    let UpNextProps { film, seconds, holds, on_play, on_stop } = props;
    let left = use_state_eq(|| *seconds);
    let card = use_node_ref();
    {
        // The bar runs down as long as the countdown does.
        let card = card.clone();
        use_effect_with(*seconds, move |seconds| {
            if let Some(card) = card.cast::<HtmlElement>() {
                let _ = card.style().set_property("--seconds", &format!("{seconds}s"));
            }
        });
    }
    {
        let (setter, on_play) = (left.setter(), on_play.clone());
        use_effect_with((*left, *holds), move |(seconds, holds)| {
            let seconds = *seconds;
            let tick = move || match seconds {
                0 | 1 => on_play.emit(()),
                more => setter.set(more - 1),
            };
            let timer = (!*holds).then(|| Timeout::new(SECOND_MS, tick));
            move || drop(timer)
        });
    }
    use_effect_with(on_stop.clone(), |on_stop| {
        let stop = on_stop.clone();
        let screen = EventListener::new(&document(), "fullscreenchange", move |_| {
            if document().fullscreen_element().is_none() {
                stop.emit(());
            }
        });
        let on_stop = on_stop.clone();
        let listener = EventListener::new(&window(), "keydown", move |event| {
            let is_escape = event.dyn_ref::<KeyboardEvent>().is_some_and(|event| event.key() == "Escape");
            // A dialog has the key for itself.
            let dialog = document().query_selector("dialog[open]").ok().flatten();
            if is_escape && dialog.is_none() {
                on_stop.emit(());
            }
        });
        move || drop((screen, listener))
    });
    let play = on_play.reform(|_: MouseEvent| ());
    let stop = on_stop.reform(|_: MouseEvent| ());
    html! {
        <section class={classes!("up-next", holds.then_some("held"))} aria-label={say::up_next()} ref={card}>
            <Poster film={film.clone()} />
            <div class="about">
                <p class="facts">{ say::up_next() }</p>
                <p class="name" dir="auto">{ &film.title }</p>
                { facts(film) }
                // Said once, when the card comes, by the page.
                <p class="count" aria-hidden="true">{ say::up_next_in(&spoken::wait((*left).into())) }</p>
                <span class="rest" aria-hidden="true" />
                <div class="actions">
                    <button type="button" class="button small" aria-label={say::up_next_play_label(&film.title)}
                        title={say::with_key(say::up_next_play(), "n")} onclick={play}>
                        { icons::play() }<span>{ say::up_next_play() }</span>
                    </button>
                    <button type="button" class="button secondary small" onclick={stop}>{ say::up_next_stop() }</button>
                </div>
            </div>
        </section>
    }
}

/// What a screen reader says when the card comes; nothing without one.
pub fn said(film: Option<&LibraryMovie>) -> String {
    film.map(|film| say::up_next_said(&film.title, &spoken::wait(COUNTDOWN.into()))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_is_over_at_its_end_or_at_the_credits_that_it_ends_with() {
        let chapters = |of: &[(f64, &str)]| -> Vec<Chapter> {
            of.iter().map(|(start, title)| Chapter { start: *start, title: (*title).to_owned() }).collect()
        };
        let at = |time, ended| MediaState { time, ended, ..MediaState::default() };
        let plain = chapters(&[(0.0, "Intro"), (10.0, "The walk")]);
        assert!(!is_over(&at(59.9, false), &plain, 60.0));
        assert!(is_over(&at(59.9, true), &plain, 60.0) && is_over(&at(0.0, true), &[], 60.0));
        let credits = chapters(&[(0.0, "The walk"), (50.0, "Abspann")]);
        for (time, expected) in [(0.0, false), (49.9, false), (50.0, true), (59.0, true)] {
            assert_eq!(is_over(&at(time, false), &credits, 60.0), expected, "{time}");
        }
        for more in [
            chapters(&[(0.0, "The walk"), (40.0, "Credits"), (55.0, "One more thing")]),
            chapters(&[(0.0, "Credits"), (20.0, "The walk")]),
            chapters(&[(0.0, "Credits")]),
            chapters(&[(0.0, "The walk"), (10.0, "Credits")]),
        ] {
            assert!(!is_over(&at(58.0, false), &more, 60.0), "{more:?}");
        }
        assert!(!is_over(&at(58.0, false), &credits, 0.0), "the length is not known yet");
    }
}
