//! What the library has around the film that is watched.

use std::rc::Rc;

use nccp::{MovieId, json::LibraryMovie};
use yew::prelude::*;

use crate::{browse, session::SessionHandle};

/// What the library has around a film.
#[derive(Default)]
pub(super) struct Around {
    /// The film itself.
    pub(super) film: Option<LibraryMovie>,
    /// What comes after it.
    pub(super) next: Option<LibraryMovie>,
    /// The episodes of its series, else what is like it.
    pub(super) others: Vec<LibraryMovie>,
}

impl Around {
    fn find(films: &[LibraryMovie], movie: MovieId) -> Self {
        let Some(film) = browse::film(films, movie) else { return Self::default() };
        let mut others = browse::episodes(films, film);
        if others.len() < 2 {
            others = browse::alike(films, film);
        }
        Self {
            film: Some(film.clone()),
            next: browse::comes_next(films, film).cloned(),
            others: others.into_iter().cloned().collect(),
        }
    }

    /// What comes next, where it is an episode of the same series.
    pub(super) fn next_episode(&self) -> Option<&LibraryMovie> {
        let series = |film: &LibraryMovie| film.episode.as_ref().map(|of| of.series.clone());
        let of = self.film.as_ref().and_then(series)?;
        self.next.as_ref().filter(|next| series(next).as_ref() == Some(&of))
    }
}

/// What is around the film; looked for again when the library is another one, for the page is made anew with every
/// moment of the film.
#[hook]
pub(super) fn use_around(session: &SessionHandle, movie: MovieId, bare: bool) -> Rc<Around> {
    let library = session.library.clone().filter(|_| !bare);
    let which = library.as_ref().map(|library| (Rc::as_ptr(library), session.fetched_at.to_bits()));
    use_memo((which, movie), move |_| {
        library.map(|library| Around::find(&library.movies, movie)).unwrap_or_default()
    })
}
