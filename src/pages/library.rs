//! The films.

use gloo::timers::callback::Interval;
use nccp::json::{Library as List, LibraryMovie};
use wasm_bindgen::JsCast;
use web_player::{
    clock,
    player::{EventState, waits},
    problem::{Problem, Way},
};
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::{
    components::{DeviceList, ErrorView, FilmCard, Frame},
    session::{Action, refresh_library, use_session},
};

/// So long the library as it was fetched will do.
const FRESH_SECONDS: f64 = 60.0;

/// Whether it is an event that is not over.
fn changes(film: &LibraryMovie) -> bool {
    film.state.as_deref().is_some_and(|state| state != EventState::Ended.as_str())
}

/// Seconds from one look at where the events stand to the next; `None` where there are none.
fn look_again(list: &List) -> Option<f64> {
    let now = clock::unix_now();
    let look = |film: &LibraryMovie| {
        let is_on = film.state.as_deref() != Some(EventState::Waiting.as_str());
        waits::for_look(is_on, film.starts.map(|starts| starts as f64 - now))
    };
    list.movies.iter().filter(|film| changes(film)).map(look).reduce(f64::min)
}

/// Whether it is an event that goes on now.
fn is_live(film: &&LibraryMovie) -> bool {
    film.playable && changes(film)
}

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
    {
        // An event begins, and ends, while one looks on.
        let look = session.library.as_deref().and_then(look_again);
        let session = session.clone();
        use_effect_with((look, session.account().map(str::to_owned)), move |(look, _)| {
            let ask = move || {
                if !gloo::utils::document().hidden() {
                    refresh_library(session.clone());
                }
            };
            let spread = 0.8 + js_sys::Math::random() * 0.4;
            let timer = look.map(|seconds| Interval::new((seconds * 1000.0 * spread) as u32, ask));
            move || drop(timer)
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
                    <Notice {problem} on_retry={session.missing.is_empty().then_some(retry)} />
                }
                { films(library) }
            </>
        },
    };
    html! { <Frame title="Library">{ content }</Frame> }
}

/// Properties of [`Notice`].
#[derive(Properties, PartialEq)]
struct NoticeProps {
    problem: Problem,
    on_retry: Option<Callback<()>>,
}

/// Why this browser cannot play yet, above the films; where a device has to go, it goes here.
#[function_component]
fn Notice(props: &NoticeProps) -> Html {
    let Problem { title, text, way, .. } = &props.problem;
    let choosing = use_state_eq(|| false);
    let retry = props.on_retry.clone();
    let action = retry.clone().map(|retry| match way {
        Way::Devices => {
            let (setter, open) = (choosing.setter(), *choosing);
            html! {
                <button type="button" class="button small" aria-expanded={open.to_string()} onclick={move |_: MouseEvent| setter.set(!open)}>
                    { "Remove a device" }
                </button>
            }
        }
        _ => {
            let onclick = retry.reform(|_: MouseEvent| ());
            html! { <button type="button" class="quiet" {onclick}>{ "Try again" }</button> }
        }
    });
    let on_removed = Callback::from(move |()| {
        if let Some(retry) = &retry {
            retry.emit(());
        }
        // What had the focus goes away with the notice.
        if let Some(main) = gloo::utils::document()
            .get_element_by_id("main")
            .and_then(|main| main.dyn_into::<HtmlElement>().ok())
        {
            let _ = main.focus();
        }
    });
    html! {
        <aside class="notice" aria-label={title.clone()}>
            <p role="alert"><strong>{ title }</strong>{ ". " }{ text }</p>
            { action.unwrap_or_default() }
            if *choosing {
                <DeviceList {on_removed} />
            }
        </aside>
    }
}

fn films(library: &List) -> Html {
    let all = &library.movies;
    if all.is_empty() {
        return html! {
            <section class="empty">
                <h1>{ "The library is empty" }</h1>
                <p>{ "No films have been added yet. Come back soon." }</p>
            </section>
        };
    }
    let begun = |film: &&LibraryMovie| film.position.is_some_and(|position| position >= 1.0);
    // What was seen last, else what comes first, is the poster in front of the house.
    let seen_last = all.iter().filter(begun).max_by_key(|film| film.watched_at);
    let first = all.iter().find(|film| !changes(film)).unwrap_or(&all[0]);
    let featured = all.iter().find(is_live).or(seen_last).unwrap_or(first);
    let rest = || all.iter().filter(|film| film.movie_id != featured.movie_id);
    let mine = match library.boxes {
        0 => "",
        1 => "Your TV box shows it, too.",
        _ => "Your TV boxes show it, too.",
    };
    let films = || rest().filter(|film| !changes(film));
    let groups: [(&str, &str, Vec<&LibraryMovie>); 4] = [
        ("Events", "", rest().filter(|film| changes(film)).collect()),
        ("Keep watching", "", films().filter(begun).collect()),
        ("My list", mine, films().filter(|film| !begun(film) && film.queued).collect()),
        ("Also showing", "", films().filter(|film| !begun(film) && !film.queued).collect()),
    ];
    html! {
        <>
            <h1 class="sr">{ "Library" }</h1>
            <section class="now-showing" aria-label="Now showing">
                <h2 class="sr">{ "Now showing" }</h2>
                <FilmCard film={featured.clone()} featured=true />
            </section>
            { for groups.into_iter().filter(|(_, _, films)| !films.is_empty()).map(|(name, note, films)| html! {
                <section class="row" key={name}>
                    <h2>{ name }</h2>
                    if !note.is_empty() { <p class="facts">{ note }</p> }
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
