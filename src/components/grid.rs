//! Many films in a grid.
//!
//! A thousand cards are some 25,000 elements: making them in one go is a task that one feels. So cards are
//! made as one comes near them, a page at a time, and stay: the focus, a search in the page and the way back
//! find what was seen. What is out of sight costs no layout and no paint (`content-visibility` in `app.css`).

use localization::say;
use nccp::json::LibraryMovie;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit};
use yew::prelude::*;

use crate::components::{FilmCard, use_focus_led_on};

/// Cards that are made at a time.
const PAGE: usize = 48;
/// So far before the end comes into sight the next ones are made.
const AHEAD: &str = "0px 0px 800px 0px";

/// Properties of [`Grid`].
#[derive(Properties, PartialEq)]
pub struct GridProps {
    /// The films, in order.
    pub films: Vec<LibraryMovie>,
}

/// The films, the first of them at once.
#[function_component]
pub fn Grid(props: &GridProps) -> Html {
    let films = &props.films;
    let shown = use_state_eq(|| PAGE);
    let (cards, end) = (use_node_ref(), use_node_ref());
    let is_more = films.len() > *shown;
    {
        let (end, shown) = (end.clone(), shown.clone());
        use_effect_with((is_more, *shown), move |(is_more, so_far)| {
            let next = *so_far + PAGE;
            let watch = end.cast::<Element>().filter(|_| *is_more).and_then(|end| {
                let near = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
                    let is_near = |entry: JsValue| {
                        entry.unchecked_into::<IntersectionObserverEntry>().is_intersecting()
                    };
                    if entries.iter().any(is_near) {
                        shown.set(next);
                    }
                });
                let options = IntersectionObserverInit::new();
                options.set_root_margin(AHEAD);
                let observer =
                    IntersectionObserver::new_with_options(near.as_ref().unchecked_ref(), &options).ok()?;
                observer.observe(&end);
                Some((observer, near))
            });
            move || {
                if let Some((observer, _near)) = watch {
                    observer.disconnect();
                }
            }
        });
    }
    // The button goes with the last page, of which the first card is the next thing.
    let next = format!(":scope > :nth-child({}) .title", *shown - PAGE + 1);
    use_focus_led_on(&cards, ".more", is_more, &next);
    let more = {
        let shown = shown.clone();
        move |_: MouseEvent| shown.set(*shown + PAGE)
    };
    html! {
        <>
            <div class="films all" ref={cards}>
                { for films.iter().take(*shown).map(|film| html! {
                    <FilmCard key={film.movie_id.get()} film={film.clone()} place="all" />
                }) }
            </div>
            if is_more {
                <p class="more" ref={end}>
                    <button type="button" class="button secondary" onclick={more}>{ say::show_more() }</button>
                </p>
            }
        </>
    }
}
