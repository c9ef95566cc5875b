//! What stands beside a film on a wide screen, where the viewer does not want the film alone.

use gloo::utils::window;
use localization::say;
use nccp::{Chapter, json::LibraryMovie};
use yew::prelude::*;

use super::{facts, remote::Press};
use crate::{
    route::{Link, Route},
    spoken,
};

/// A screen that has room for it; `www/player.css` says the same.
const WIDE: &str = "(min-width: 75rem)";

/// Whether the screen has room for more than the film.
pub fn is_wide() -> bool {
    window().match_media(WIDE).ok().flatten().is_some_and(|query| query.matches())
}

/// Properties of [`Beside`].
#[derive(Properties, PartialEq)]
pub struct BesideProps {
    /// The film's title.
    pub title: AttrValue,
    /// As the library has it.
    #[prop_or_default]
    pub film: Option<LibraryMovie>,
    /// Its chapters, ascending.
    #[prop_or_default]
    pub chapters: Vec<Chapter>,
    /// In which of them the film is.
    #[prop_or_default]
    pub at: Option<usize>,
    /// What goes with it: the episodes of its series, else what is like it.
    #[prop_or_default]
    pub others: Vec<LibraryMovie>,
    /// Seeks.
    pub on_press: Callback<Press>,
}

/// What the film is about, its chapters, and what goes with it.
#[function_component]
pub fn Beside(props: &BesideProps) -> Html {
    let BesideProps { title, film, chapters, at, others, on_press } = props;
    let series = film.as_ref().and_then(|film| film.episode.as_ref()).map(|of| of.series.clone());
    html! {
        <aside class="beside" aria-label={say::about_label(title)}>
            <h2 dir="auto">{ title }</h2>
            if let Some(film) = film {
                { facts(film) }
                if let Some(synopsis) = &film.synopsis {
                    <p class="synopsis" dir="auto">{ synopsis }</p>
                }
            }
            if !chapters.is_empty() {
                <h3>{ say::chapters() }</h3>
                <ol class="chapters">
                    { for chapters.iter().enumerate().map(|(n, of)| chapter(of, *at == Some(n), on_press)) }
                </ol>
            }
            if !others.is_empty() {
                <h3 dir="auto">{ series.unwrap_or_else(|| say::more_like_this().to_owned()) }</h3>
                <ol class="chapters episodes">
                    { for others.iter().map(|film| html! {
                        <li key={film.movie_id.get()}>
                            <Link to={Route::Watch { movie: film.movie_id }}>
                                <span dir="auto">{ &film.title }</span>
                                { facts(film) }
                            </Link>
                        </li>
                    }) }
                </ol>
            }
        </aside>
    }
}

fn chapter(of: &Chapter, is_here: bool, on_press: &Callback<Press>) -> Html {
    let (start, current) = (of.start, is_here.then_some("true"));
    let onclick = on_press.reform(move |_: MouseEvent| Press::To(start));
    html! {
        <li>
            <button type="button" aria-current={current} {onclick}>
                <span dir="auto">{ &of.title }</span>
                <span class="facts">{ spoken::position(start) }</span>
            </button>
        </li>
    }
}
