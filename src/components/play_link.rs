//! The link that plays a film.

use localization::say;
use nccp::json::LibraryMovie;
use yew::prelude::*;

use crate::{
    browse,
    components::{icons, use_early_opening},
    route::{Link, Route},
};

/// Properties of [`PlayLink`].
#[derive(Properties, PartialEq)]
pub struct PlayLinkProps {
    /// The film.
    pub film: LibraryMovie,
    /// Without words, for a card.
    #[prop_or_default]
    pub bare: bool,
}

/// Plays, goes on, or leads to where an event will be. What the film's start needs is asked for as soon as
/// the pointer or the focus rests here.
#[function_component]
pub fn PlayLink(props: &PlayLinkProps) -> Html {
    let film = &props.film;
    let early = use_early_opening(film.movie_id, film.playable);
    let title = &film.title;
    let (words, label) = match browse::is_event(film) {
        true if film.playable => (say::watch_live(), say::watch_live_label(title)),
        true => (say::open_event(), say::open_event_label(title)),
        false if browse::is_begun(film) => (say::resume(), say::resume_label(title)),
        false => (say::play(), say::play_label(title)),
    };
    let class = if props.bare { classes!("go") } else { classes!("button", "play") };
    html! {
        <span class="play-link"
            onpointerenter={early.rest.reform(|_: PointerEvent| ())} onpointerleave={early.leave.reform(|_: PointerEvent| ())}
            onpointerdown={early.press} onclick={early.open}
            onfocusin={early.rest.reform(|_: FocusEvent| ())} onfocusout={early.leave.reform(|_: FocusEvent| ())}>
            <Link to={Route::Watch { movie: film.movie_id }} {class} {label}>
                { icons::play() }
                if !props.bare { <span>{ words }</span> }
            </Link>
        </span>
    }
}
