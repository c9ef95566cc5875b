//! The films.

use nccp::json::LibraryMovie;
use yew::prelude::*;

use crate::{
    clock,
    components::{ErrorView, FilmCard, Frame},
    problem::Problem,
    session::{Action, refresh_library, use_session},
};

/// So long the library as it was fetched will do.
const FRESH_SECONDS: f64 = 60.0;

/// The page: each film once, what was begun first.
#[function_component]
pub fn Library() -> Html {
    let session = use_session();
    {
        // Other devices may have been at it since.
        let session = session.clone();
        use_effect_with((), move |()| {
            if session.library.is_some() && clock::unix_now() > session.fetched_at + FRESH_SECONDS {
                refresh_library(session);
            }
        });
    }
    let retry = {
        let session = session.clone();
        Callback::from(move |()| session.dispatch(Action::Retry))
    };
    let notice = if session.missing.is_empty() {
        session.problem.clone()
    } else {
        Some(Problem::unsupported(&session.missing))
    };
    let content = match (&session.library, notice) {
        (None, Some(problem)) => html! { <ErrorView {problem} on_retry={retry} /> },
        (None, None) => skeleton(),
        (Some(library), notice) => html! {
            <>
                if let Some(problem) = notice {
                    <aside class="notice" role="alert">
                        <p><strong>{ problem.title }</strong>{ ". " }{ problem.text }</p>
                        if session.missing.is_empty() {
                            <button type="button" class="quiet" onclick={retry.reform(|_: MouseEvent| ())}>{ "Try again" }</button>
                        }
                    </aside>
                }
                { films(&library.movies) }
            </>
        },
    };
    html! { <Frame title="Library">{ content }</Frame> }
}

fn films(all: &[LibraryMovie]) -> Html {
    if all.is_empty() {
        return html! {
            <section class="empty">
                <h1>{ "The programme is empty" }</h1>
                <p>{ "No films have been added yet. Come back soon." }</p>
            </section>
        };
    }
    let begun = |film: &&LibraryMovie| film.position.is_some_and(|position| position >= 1.0);
    // What was seen last, else what comes first, is the poster in front of the house.
    let featured = all.iter().filter(begun).max_by_key(|film| film.watched_at).unwrap_or(&all[0]);
    let rest = || all.iter().filter(|film| film.movie_id != featured.movie_id);
    let groups: [(&str, Vec<&LibraryMovie>); 3] = [
        ("Keep watching", rest().filter(begun).collect()),
        ("My list", rest().filter(|film| !begun(film) && film.queued).collect()),
        ("Also showing", rest().filter(|film| !begun(film) && !film.queued).collect()),
    ];
    html! {
        <>
            <h1 class="sr">{ "Library" }</h1>
            <section class="now-showing" aria-label="Now showing">
                <FilmCard film={featured.clone()} featured=true />
            </section>
            { for groups.into_iter().filter(|(_, films)| !films.is_empty()).map(|(name, films)| html! {
                <section class="row">
                    <h2>{ name }</h2>
                    <div class="films">
                        { for films.into_iter().map(|film| html! { <FilmCard key={film.movie_id.get()} film={film.clone()} /> }) }
                    </div>
                </section>
            }) }
        </>
    }
}

fn skeleton() -> Html {
    html! {
        <div class="skeleton" role="status" aria-label="Loading the library">
            <div class="bone large" />
            <div class="films"><div class="bone" /><div class="bone" /><div class="bone" /></div>
        </div>
    }
}
