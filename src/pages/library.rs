//! The films.

use std::rc::Rc;

use gloo::timers::callback::Interval;
use localization::say;
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
    browse,
    components::{DeviceList, ErrorView, Films, Frame},
    session::{Action, refresh_library, use_session},
};

/// How long the library as it was fetched will do.
const FRESH_SECONDS: f64 = 60.0;

/// Seconds from one look at where the events stand to the next; `None` where there are none.
fn look_again(list: &List) -> Option<f64> {
    let now = clock::unix_now();
    let look = |film: &LibraryMovie| {
        let is_on = film.state.as_deref() != Some(EventState::Waiting.as_str());
        waits::for_look(is_on, film.starts.map(|starts| starts as f64 - now))
    };
    list.movies.iter().filter(|film| browse::is_event(film)).map(look).reduce(f64::min)
}

/// The page.
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
                <Films library={Rc::clone(library)} />
            </>
        },
    };
    html! { <Frame title={say::library()}>{ content }</Frame> }
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
                    { say::remove_a_device() }
                </button>
            }
        }
        _ => {
            let onclick = retry.reform(|_: MouseEvent| ());
            html! { <button type="button" class="quiet" {onclick}>{ say::try_again() }</button> }
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

fn skeleton() -> Html {
    html! {
        <div class="skeleton" role="status" aria-label={say::library_loading()}>
            <div class="bone large" />
            <div class="films"><div class="bone" /><div class="bone" /><div class="bone" /></div>
        </div>
    }
}
