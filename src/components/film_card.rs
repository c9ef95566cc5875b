//! One film of the library.

use nccp::json::LibraryMovie;
use web_player::player::EventState;
use yew::prelude::*;

use crate::{
    components::{QueueButton, icons, use_early_opening},
    route::{Link, Route},
    spoken,
};

/// Where an event stands, in words; nothing of one that is a film like any other now.
fn stands(state: EventState, film: &LibraryMovie) -> Option<(&'static str, String)> {
    let words = match (state, film.starts) {
        (EventState::Live, _) => "LIVE".to_owned(),
        (EventState::Interrupted, _) => "Interrupted: it will go on".to_owned(),
        (EventState::Waiting, Some(starts)) => format!("Begins {}", spoken::date_and_time(starts as f64)),
        (EventState::Waiting, None) => "Has not begun yet".to_owned(),
        (EventState::Ended, _) if film.playable => return None,
        (EventState::Ended, _) => "Has ended".to_owned(),
    };
    Some((state.as_str(), words))
}

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
    let early = use_early_opening(film.movie_id, film.playable);
    // The poster that covers the card best: the smallest that is wide enough.
    let wanted = if props.featured { 1280 } else { 640 };
    let art = film
        .art
        .iter()
        .filter(|art| art.width >= wanted)
        .min_by_key(|art| art.width)
        .or_else(|| film.art.iter().max_by_key(|art| art.width));
    // How long an event is shows when it is over.
    let runtime = Some(film.runtime).filter(|runtime| *runtime > 0.0).map(spoken::runtime);
    let facts: Vec<String> = [film.year.map(|year| year.to_string()), runtime, film.rating.clone()]
        .into_iter()
        .flatten()
        .collect();
    let state = film.state.as_deref().and_then(EventState::parse);
    let stands = state.and_then(|state| stands(state, film));
    let is_to_come = state.is_some_and(|state| state != EventState::Ended);
    html! {
        <article class={classes!("film", props.featured.then_some("featured"))}
            onpointerenter={early.rest.reform(|_: PointerEvent| ())} onpointerleave={early.leave.reform(|_: PointerEvent| ())}
            onpointerdown={early.press} onclick={early.open}
            onfocusin={early.rest.reform(|_: FocusEvent| ())} onfocusout={early.leave.reform(|_: FocusEvent| ())}>
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
                    <p class="resume">{ format!("Stopped at {}", spoken::position(position)) }</p>
                }
                if let Some((class, words)) = stands {
                    <p class="resume"><span class={classes!("live-badge", class)}>{ words }</span></p>
                }
                if !film.playable && !is_to_come {
                    <p class="resume">{ "Not available to you" }</p>
                }
            </div>
            <QueueButton movie={film.movie_id} title={film.title.clone()} queued={film.queued} />
        </article>
    }
}
