//! A film's own page.

use std::rc::Rc;

use localization::{intl, say};
use nccp::{
    ErrorCode, MovieId,
    json::{Film as Details, FilmChapter, FilmTrack, LibraryMovie},
};
use wasm_bindgen_futures::spawn_local;
use web_player::{player::language_name, problem::Problem};
use yew::prelude::*;

use crate::{
    api,
    browse::{self, Entry},
    components::{ErrorView, Frame, Lane, PlayLink, Poster, QueueButton, VoteButtons, facts, standing},
    route::{Link, Route},
    session::{Action, use_session},
    spoken,
};

/// Properties of [`Film`].
#[derive(Properties, PartialEq)]
pub struct FilmProps {
    /// Which film.
    pub movie: MovieId,
}

/// What is known of the film's tracks and chapters.
#[derive(Clone, PartialEq)]
enum Known {
    Asked,
    Told(Rc<Details>),
    Failed(Problem),
}

/// The page: what the library knows at once, and the rest when it is there.
#[function_component]
pub fn Film(props: &FilmProps) -> Html {
    let movie = props.movie;
    let session = use_session();
    let known = use_state_eq(|| Known::Asked);
    let attempt = use_state_eq(|| 0);
    {
        let (known, session) = (known.setter(), session.dispatcher());
        use_effect_with((movie, *attempt), move |(movie, _)| {
            let movie = *movie;
            spawn_local(async move {
                match api::film(movie).await {
                    Ok(details) => known.set(Known::Told(Rc::new(details))),
                    Err(error) if error.wants_login() => session.dispatch(Action::SignedOut),
                    Err(error) => known.set(Known::Failed(Problem::from(&error))),
                }
            });
        });
    }
    let retry = {
        let (known, attempt) = (known.setter(), attempt.clone());
        Callback::from(move |()| {
            // If it fails again, what says so is made anew and waits for the network once more.
            known.set(Known::Asked);
            attempt.set(*attempt + 1);
        })
    };
    let films = session.library.as_ref().map(|library| library.movies.as_slice()).unwrap_or_default();
    // The library follows what is watched and put on the list here.
    let told = match &*known {
        Known::Told(details) => Some(&**details),
        _ => None,
    };
    let film = browse::film(films, movie).or(told.map(|details| &details.film));
    let (title, content) = match (film, &*known) {
        (_, Known::Failed(problem)) if problem.code == ErrorCode::MovieUnknown.as_str() => {
            (say::film_not_found().to_owned(), unknown())
        }
        (None, Known::Failed(problem)) => {
            let problem = problem.clone();
            (problem.title.clone(), html! { <ErrorView {problem} on_retry={retry} /> })
        }
        (None, _) => (say::film().to_owned(), skeleton()),
        (Some(film), known) => {
            let failed = matches!(known, Known::Failed(_)).then_some(retry);
            (film.title.clone(), page(film, told, films, failed))
        }
    };
    html! { <Frame {title}>{ content }</Frame> }
}

fn unknown() -> Html {
    html! {
        <section class="empty">
            <h1>{ say::film_none() }</h1>
            <p>{ say::film_none_text() }</p>
            <Link to={Route::Library} class="button">{ say::to_library() }</Link>
        </section>
    }
}

fn skeleton() -> Html {
    html! {
        <div class="skeleton" role="status" aria-label={say::film_loading()}>
            <div class="bone large" /><div class="bone line" /><div class="bone line" />
        </div>
    }
}

fn page(
    film: &LibraryMovie,
    details: Option<&Details>,
    films: &[LibraryMovie],
    on_retry: Option<Callback<()>>,
) -> Html {
    let movie = film.movie_id;
    let episodes = browse::episodes(films, film);
    let alike = browse::alike(films, film).into_iter().filter(|film| !episodes.contains(film));
    let alike: Vec<Entry> = alike.map(Entry::from).collect();
    html! {
        <>
            <article class="film featured film-page">
                <Poster film={film.clone()} large=true />
                <div class="about">
                    <h1 dir="auto">{ &film.title }</h1>
                    { facts(film) }
                    { standing(film) }
                    <div class="actions">
                        <PlayLink film={film.clone()} />
                        if browse::is_begun(film) && !browse::is_event(film) {
                            <Link to={Route::Watch { movie }} further="&t=0" class="button secondary"
                                label={say::from_start_label(&film.title)}>{ say::from_start() }</Link>
                        }
                        if let Some(next) = browse::next_episode(films, film) {
                            <Link to={Route::Watch { movie: next.movie_id }} class="button secondary"
                                label={say::next_episode_label(&next.title)}>{ say::next_episode() }</Link>
                        }
                    </div>
                    <VoteButtons film={film.clone()} />
                    if let Some(synopsis) = &film.synopsis {
                        <p class="synopsis" dir="auto">{ synopsis }</p>
                    }
                    <dl class="credits">
                        { credit(say::cast(), intl().list(&film.cast)) }
                        { credit(say::genres(), intl().list(&film.genres)) }
                        if let Some(details) = details {
                            { credit(say::languages(), names(&details.audio)) }
                            { credit(say::subtitles(), names(&details.subtitles)) }
                        }
                    </dl>
                    if let Some(retry) = on_retry {
                        <p class="form-problem" role="alert">
                            { say::film_incomplete() }{ " " }
                            <button type="button" class="quiet" onclick={retry.reform(|_: MouseEvent| ())}>{ say::try_again() }</button>
                        </p>
                    }
                </div>
                <QueueButton {movie} title={film.title.clone()} queued={film.queued} place="page" />
            </article>
            if let Some(details) = details.filter(|details| !details.chapters.is_empty()) {
                { chapters(movie, &details.chapters) }
            }
            if episodes.len() > 1 {
                { series(film, &episodes) }
            }
            <Lane name={say::more_like_this()} place="alike" films={alike} />
        </>
    }
}

/// A line of the credits, where there is something to say.
fn credit(name: &'static str, text: String) -> Html {
    if text.is_empty() {
        return Html::default();
    }
    html! { <div><dt>{ name }</dt><dd dir="auto">{ text }</dd></div> }
}

/// The names of languages, each once.
fn names(tracks: &[FilmTrack]) -> String {
    let mut names: Vec<String> = Vec::new();
    for FilmTrack { language, label } in tracks {
        let of_language = language_name(language).filter(|_| language != "und");
        let name = label.clone().or(of_language).unwrap_or_default();
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    intl().list(&names)
}

/// All episodes, by season where there are several, each with a link to its page; this one is marked.
fn series(film: &LibraryMovie, episodes: &[&LibraryMovie]) -> Html {
    let name = film.episode.as_ref().map(|of| of.series.clone()).unwrap_or_default();
    let season = |film: &LibraryMovie| film.episode.as_ref().map_or(0, |of| of.season);
    let seasons: Vec<_> = episodes.chunk_by(|one, other| season(one) == season(other)).collect();
    let one_of = |film: &LibraryMovie| {
        html! {
            <li>
                <Link to={Route::Film { movie: film.movie_id }}>
                    <span dir="auto">{ &film.title }</span>
                    { facts(film) }
                </Link>
            </li>
        }
    };
    let several = seasons.len() > 1;
    html! {
        <section class="row">
            <h2 dir="auto">{ name }</h2>
            { for seasons.into_iter().map(|episodes| html! {
                <>
                    if let Some(first) = episodes.first().filter(|_| several) {
                        <h3 class="season">{ season_name(season(first)) }</h3>
                    }
                    <ol class="chapters episodes">{ for episodes.iter().map(|&film| one_of(film)) }</ol>
                </>
            }) }
        </section>
    }
}

/// 0 has what belongs to no season.
fn season_name(season: u16) -> String {
    match season {
        0 => say::season_specials().to_owned(),
        number => say::season(&number.to_string()),
    }
}

fn chapters(movie: MovieId, chapters: &[FilmChapter]) -> Html {
    html! {
        <section class="row">
            <h2>{ say::chapters() }</h2>
            <ol class="chapters">
                { for chapters.iter().map(|chapter| html! {
                    <li>
                        <Link to={Route::Watch { movie }} further={format!("&t={}", chapter.start)}>
                            <span dir="auto">{ &chapter.title }</span>
                            <span class="facts">{ spoken::position(chapter.start) }</span>
                        </Link>
                    </li>
                }) }
            </ol>
        </section>
    }
}
