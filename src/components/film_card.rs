//! One film of the library.

use std::rc::Rc;

use gloo::timers::callback::Timeout;
use nccp::json::LibraryMovie;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::{
    api, clock,
    components::icons,
    route::{self, Link, Route},
    session::{refresh_library, use_session},
};

/// So long the pointer or the focus rests before the film's manifest is asked for.
const RESTING_MS: u32 = 200;

/// Properties of [`FilmCard`].
#[derive(Properties, PartialEq)]
pub struct FilmCardProps {
    /// The film.
    pub film: LibraryMovie,
    /// Shown large, with its synopsis.
    #[prop_or_default]
    pub featured: bool,
}

/// Poster, title (the link), what is known of it, how far it was seen.
#[function_component]
pub fn FilmCard(props: &FilmCardProps) -> Html {
    let film = &props.film;
    let session = use_session();
    let progress = use_node_ref();
    let seen = film.position.filter(|position| *position >= 1.0 && film.runtime > 0.0);
    let fraction = seen.map_or(0.0, |position| (position / film.runtime).clamp(0.0, 1.0));
    {
        let progress = progress.clone();
        use_effect_with(fraction.to_bits(), move |_| {
            if let Some(bar) = progress.cast::<web_sys::HtmlElement>() {
                let _ = bar.style().set_property("--seen", &fraction.to_string());
            }
        });
    }
    // Whoever rests on a title probably wants it: its manifest is asked for before the click (PROTOCOL §9).
    let resting = use_mut_ref(|| None::<Timeout>);
    let rest = {
        let (resting, control, movie) = (Rc::clone(&resting), session.control.clone(), film.movie_id);
        let playable = film.playable;
        Callback::from(move |()| {
            if let Some(control) = control.clone().filter(|_| playable) {
                let ask = move || control.prefetch(movie);
                resting.replace(Some(Timeout::new(RESTING_MS, ask)));
            }
        })
    };
    let leave = Callback::from(move |()| drop(resting.take()));
    // A finger does not rest first. What the click asks for is under way before the next page is made.
    let (press, open) = {
        let control = session.control.clone().filter(|_| film.playable);
        let (pressed, movie) = (control.clone(), film.movie_id);
        let on_link = |target: Option<web_sys::EventTarget>| {
            target
                .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
                .is_some_and(|element| matches!(element.closest("a"), Ok(Some(_))))
        };
        (
            move |event: PointerEvent| {
                if let Some(control) = pressed.as_ref().filter(|_| on_link(event.target())) {
                    control.prepare_film(movie);
                }
            },
            move |event: MouseEvent| {
                // The link has taken the click for the app; others open elsewhere.
                if let Some(control) = control.as_ref().filter(|_| event.default_prevented()) {
                    route::after(control.open_film(movie));
                }
            },
        )
    };
    let toggle = {
        let (movie, queued) = (film.movie_id, film.queued);
        Callback::from(move |_: MouseEvent| {
            let session = session.clone();
            spawn_local(async move {
                if api::set_queued(movie, !queued).await.is_ok() {
                    refresh_library(session);
                }
            });
        })
    };
    // The poster that covers the card best: the smallest that is wide enough.
    let wanted = if props.featured { 1280 } else { 640 };
    let art = film
        .art
        .iter()
        .filter(|art| art.width >= wanted)
        .min_by_key(|art| art.width)
        .or_else(|| film.art.iter().max_by_key(|art| art.width));
    let facts: Vec<String> =
        [film.year.map(|year| year.to_string()), Some(clock::runtime(film.runtime)), film.rating.clone()]
            .into_iter()
            .flatten()
            .collect();
    let queue_name = if film.queued {
        format!("Remove {} from my list", film.title)
    } else {
        format!("Add {} to my list", film.title)
    };
    html! {
        <article class={classes!("film", props.featured.then_some("featured"))}
            onpointerenter={rest.reform(|_: PointerEvent| ())} onpointerleave={leave.reform(|_: PointerEvent| ())}
            onpointerdown={press} onclick={open}
            onfocusin={rest.reform(|_: FocusEvent| ())} onfocusout={leave.reform(|_: FocusEvent| ())}>
            <div class="poster">
                if let Some(art) = art {
                    <img src={art.url.clone()} alt="" width={art.width.to_string()} height={art.height.to_string()}
                        loading={if props.featured { "eager" } else { "lazy" }} />
                } else {
                    <span class="lobby-card" aria-hidden="true">{ &film.title }</span>
                }
                <span class="go" aria-hidden="true">{ icons::play() }</span>
                if seen.is_some() {
                    <span class="seen" ref={progress} aria-hidden="true"><span /></span>
                }
            </div>
            <div class="about">
                <h3>
                    <Link to={Route::Watch { movie: film.movie_id }} class="title">{ &film.title }</Link>
                </h3>
                <p class="facts">{ facts.join(" · ") }</p>
                if props.featured {
                    if let Some(synopsis) = &film.synopsis {
                        <p class="synopsis">{ synopsis }</p>
                    }
                    if !film.cast.is_empty() {
                        <p class="cast">{ "With " }{ film.cast.join(", ") }</p>
                    }
                }
                if let Some(position) = seen {
                    <p class="resume">{ format!("Stopped at {}", clock::spoken(position)) }</p>
                }
                if !film.playable {
                    <p class="resume">{ "Not in your plan" }</p>
                }
            </div>
            <button type="button" class="queue" aria-pressed={film.queued.to_string()} aria-label={queue_name.clone()}
                title={queue_name} onclick={toggle}>
                { if film.queued { icons::tick() } else { icons::plus() } }
            </button>
        </article>
    }
}
