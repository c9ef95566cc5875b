//! An event that has not begun, or not begun again: says so, and begins by itself.

use gloo::timers::future::TimeoutFuture;
use localization::say;
use nccp::{ErrorCode, MovieId};
use wasm_bindgen_futures::spawn_local;
use web_player::{clock, control, player::waits};
use yew::prelude::*;

use crate::{
    route::{Link, Route},
    session::use_session,
    spoken,
};

/// Properties of [`EventWaiting`].
#[derive(Properties, PartialEq)]
pub struct EventWaitingProps {
    /// The event's movie.
    pub movie: MovieId,
    /// Its title, where it is known.
    pub title: AttrValue,
    /// When it is to begin, Unix seconds.
    pub starts: Option<u64>,
    /// It has begun before, and its encoder is to come back.
    #[prop_or_default]
    pub has_run: bool,
    /// Without ways to the rest of the site.
    pub bare: bool,
    /// It has begun, or will not.
    pub on_begun: Callback<()>,
}

/// The waiting page.
#[function_component]
pub fn EventWaiting(props: &EventWaitingProps) -> Html {
    let session = use_session();
    {
        let (movie, starts, on_begun) = (props.movie, props.starts, props.on_begun.clone());
        use_effect_with(session.control.clone(), move |control| {
            let control = control.clone();
            // Whoever leaves the page asks no more.
            let alive = std::rc::Rc::new(());
            let weak = std::rc::Rc::downgrade(&alive);
            spawn_local(async move {
                let Some(control) = control else { return };
                for asked in 0.. {
                    let ahead = starts.map(|starts| starts as f64 - clock::unix_now());
                    let wait = waits::for_beginning(ahead, asked, js_sys::Math::random());
                    TimeoutFuture::new((wait * 1000.0) as u32).await;
                    if weak.upgrade().is_none() {
                        return;
                    }
                    let waits = match control.authorize(movie).await {
                        Ok(_) => false,
                        Err(control::Error::Refused(error)) => {
                            matches!(error.code, ErrorCode::EventWaiting | ErrorCode::TryLater)
                        }
                        Err(_) => true,
                    };
                    if !waits && weak.upgrade().is_some() {
                        return on_begun.emit(());
                    }
                }
            });
            move || drop(alive)
        });
    }
    let when = props.starts.filter(|_| !props.has_run).map(|starts| starts as f64);
    let (what, comes) = if props.has_run {
        (say::event_interrupted(), say::event_interrupted_text())
    } else {
        (say::event_waiting(), say::event_waiting_text())
    };
    let is_late = when.is_some_and(|when| when <= clock::unix_now());
    html! {
        <section class="event-waiting" role="status">
            if !props.title.is_empty() { <h1 dir="auto">{ &props.title }</h1> }
            <p class="big">{ what }</p>
            if let Some(when) = when {
                <p>{ if is_late { say::event_was_to_begin() } else { say::event_is_to_begin() } }{ " " }<strong>{ spoken::date_and_time(when) }</strong>{ "." }</p>
            }
            <p>{ comes }</p>
            if !props.bare {
                <p><Link to={Route::Library} class="button secondary">{ say::back_to_library() }</Link></p>
            }
        </section>
    }
}
