//! One film of the library.

use localization::{intl, say};
use nccp::json::LibraryMovie;
use web_player::player::EventState;
use yew::prelude::*;

use crate::{
    browse,
    components::{PlayLink, Poster, QueueButton},
    route::{Link, Route},
    spoken,
};

/// Where an event stands, in words; nothing of one that is a film like any other now.
fn stands(state: EventState, film: &LibraryMovie) -> Option<(&'static str, String)> {
    let words = match (state, film.starts) {
        (EventState::Live, _) => say::event_live().to_owned(),
        (EventState::Interrupted, _) => say::event_will_go_on().to_owned(),
        (EventState::Waiting, Some(starts)) => say::event_begins(&spoken::date_and_time(starts as f64)),
        (EventState::Waiting, None) => say::event_not_begun().to_owned(),
        (EventState::Ended, _) if film.playable => return None,
        (EventState::Ended, _) => say::event_over().to_owned(),
    };
    Some((state.as_str(), words))
}

/// Year, length and rating.
pub fn facts(film: &LibraryMovie) -> Html {
    // How long an event is shows when it is over.
    let runtime = Some(film.runtime).filter(|runtime| *runtime > 0.0).map(spoken::runtime);
    let episode =
        film.episode.as_ref().map(|of| say::episode_number(&of.season.to_string(), &of.number.to_string()));
    let facts: Vec<String> = [episode, film.year.map(|year| year.to_string()), runtime, film.rating.clone()]
        .into_iter()
        .flatten()
        .collect();
    html! { <p class="facts">{ facts.join(" · ") }</p> }
}

/// How far it was seen, where an event stands, and whether the account may play it.
pub fn standing(film: &LibraryMovie) -> Html {
    let seen = film.position.filter(|_| browse::is_begun(film) && film.runtime > 0.0);
    let state = film.state.as_deref().and_then(EventState::named);
    let is_to_come = state.is_some_and(|state| state != EventState::Ended);
    html! {
        <>
            if let Some(position) = seen {
                <p class="resume">{ say::stopped_at(&spoken::position(position)) }</p>
            }
            if let Some((class, words)) = state.and_then(|state| stands(state, film)) {
                <p class="resume"><span class={classes!("live-badge", class)}>{ words }</span></p>
            }
            if !film.playable && !is_to_come {
                <p class="resume">{ say::not_available() }</p>
            }
        </>
    }
}

/// Properties of [`FilmCard`].
#[derive(Properties, PartialEq)]
pub struct FilmCardProps {
    /// The film.
    pub film: LibraryMovie,
    /// What tells its card from others of the same film on the page.
    #[prop_or_default]
    pub place: AttrValue,
}

/// Poster with a link that plays, title with a link to the film's page, and what is known of it.
#[function_component]
pub fn FilmCard(props: &FilmCardProps) -> Html {
    let FilmCardProps { film, place } = props;
    html! {
        <article class="film">
            <Poster film={film.clone()}><PlayLink film={film.clone()} bare=true /></Poster>
            <div class="about">
                <h3>
                    <Link to={Route::Film { movie: film.movie_id }} class="title" tip={film.title.clone()}>
                        <span class="words" dir="auto">{ &film.title }</span>
                    </Link>
                </h3>
                { facts(film) }
                { standing(film) }
            </div>
            <QueueButton movie={film.movie_id} title={film.title.clone()} queued={film.queued} place={place.clone()} />
        </article>
    }
}

/// Properties of [`SeriesCard`].
#[derive(Properties, PartialEq)]
pub struct SeriesCardProps {
    /// The episode that the account goes on with.
    pub film: LibraryMovie,
    /// How many episodes the series has.
    pub episodes: usize,
}

/// A series: its next episode's poster, and its name with a link to that episode's page, which lists all of
/// them.
#[function_component]
pub fn SeriesCard(props: &SeriesCardProps) -> Html {
    let name = props.film.episode.as_ref().map_or(&props.film.title, |of| &of.series).clone();
    // What stands in for a picture is the series' own.
    let film = LibraryMovie { title: name.clone(), ..props.film.clone() };
    let movie = film.movie_id;
    html! {
        <article class="film series">
            <Poster {film} />
            <div class="about">
                <h3>
                    <Link to={Route::Film { movie }} class="title" tip={name.clone()}>
                        <span class="words" dir="auto">{ name }</span>
                    </Link>
                </h3>
                <p class="facts">{ say::series_facts(props.episodes as f64) }</p>
            </div>
        </article>
    }
}

/// Properties of [`Billing`].
#[derive(Properties, PartialEq)]
pub struct BillingProps {
    /// The film.
    pub film: LibraryMovie,
}

/// The film in front of the house: large, with a button that plays and one that leads to its page.
#[function_component]
pub fn Billing(props: &BillingProps) -> Html {
    let film = &props.film;
    html! {
        <article class="film featured">
            <Poster film={film.clone()} large=true />
            <div class="about">
                <h2>
                    <Link to={Route::Film { movie: film.movie_id }} class="title" tip={film.title.clone()}>
                        <span dir="auto">{ &film.title }</span>
                    </Link>
                </h2>
                { facts(film) }
                if let Some(synopsis) = &film.synopsis {
                    <p class="synopsis" dir="auto">{ synopsis }</p>
                }
                if !film.cast.is_empty() {
                    <p class="cast" dir="auto">{ say::with_cast(&intl().list(&film.cast)) }</p>
                }
                { standing(film) }
                <div class="actions">
                    <PlayLink film={film.clone()} />
                    <Link to={Route::Film { movie: film.movie_id }} class="button secondary"
                        label={say::about_label(&film.title)}>{ say::about() }</Link>
                </div>
            </div>
            <QueueButton movie={film.movie_id} title={film.title.clone()} queued={film.queued} place="front" />
        </article>
    }
}
