//! An event that has not begun: says so, and begins by itself.

use gloo::timers::future::TimeoutFuture;
use nccp::{ErrorCode, MovieId};
use wasm_bindgen_futures::spawn_local;
use web_player::{clock, control};
use yew::prelude::*;

use crate::{
    route::{Link, Route},
    session::use_session,
    spoken,
};

/// From one question to the next, in milliseconds: when the event is about to begin, and long before.
const SOON_MS: f64 = 4_000.0;
const LATER_MS: f64 = 30_000.0;
/// So many seconds before its time it may begin any moment.
const SOON: f64 = 600.0;

/// Properties of [`EventWaiting`].
#[derive(Properties, PartialEq)]
pub struct EventWaitingProps {
    /// The event's movie.
    pub movie: MovieId,
    /// Its title, where it is known.
    pub title: AttrValue,
    /// When it is to begin, Unix seconds.
    pub starts: Option<u64>,
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
                loop {
                    let ahead = starts.map_or(0.0, |starts| starts as f64 - clock::unix_now());
                    let wait = if ahead > SOON { LATER_MS } else { SOON_MS };
                    // Those who wait do not ask all at once.
                    TimeoutFuture::new((wait * (0.75 + js_sys::Math::random() / 2.0)) as u32).await;
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
    let when = props.starts.map(|starts| starts as f64);
    let is_late = when.is_some_and(|when| when <= clock::unix_now());
    html! {
        <section class="event-waiting" role="status">
            if !props.title.is_empty() { <h1>{ &props.title }</h1> }
            <p class="big">{ "This event has not begun yet." }</p>
            if let Some(when) = when {
                <p>{ if is_late { "It was to begin " } else { "It is to begin " } }<strong>{ spoken::date_and_time(when) }</strong>{ "." }</p>
            }
            <p>{ "It starts here by itself as soon as there is something to see." }</p>
            if !props.bare {
                <p><Link to={Route::Library} class="button secondary">{ "Back to the library" }</Link></p>
            }
        </section>
    }
}
