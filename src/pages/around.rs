//! What the library has around the film that is watched.

use std::{cell::RefCell, rc::Rc};

use nccp::{
    MovieId,
    json::{Library, LibraryMovie},
};
use web_player::player::Player;
use yew::prelude::*;

use crate::{
    browse,
    route::{self, Route},
    session::SessionHandle,
};

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

/// What is around the film; looked for again when the library is another one, for the page is made anew with
/// every moment of the film.
#[hook]
pub(super) fn use_around(session: &SessionHandle, movie: MovieId, bare: bool) -> Rc<Around> {
    let library = session.library.clone().filter(|_| !bare);
    use_memo((Which(library), movie), |(Which(library), movie)| {
        library.as_ref().map(|library| Around::find(&library.movies, *movie)).unwrap_or_default()
    })
}

/// A library; as long as it is held, no other one lies at its address.
struct Which(Option<Rc<Library>>);

impl PartialEq for Which {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Rc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        }
    }
}

/// What can be done at the end of a film.
pub(super) struct Ending {
    /// The viewer does not want what comes next.
    pub(super) stopped: bool,
    /// Goes on to what comes next; in the middle of a film to the next episode alone.
    pub(super) on_next: Callback<()>,
    /// The viewer stays.
    pub(super) on_stop: Callback<()>,
}

/// `is_over`: nothing is left of the film, or credits.
#[hook]
pub(super) fn use_ending(around: &Around, is_over: bool, player: &Rc<RefCell<Option<Player>>>) -> Ending {
    let stopped = use_state_eq(|| false);
    {
        // Whoever goes back is asked anew at the next end.
        let stopped = stopped.setter();
        use_effect_with(is_over, move |is_over| {
            if !is_over {
                stopped.set(false);
            }
        });
    }
    let next = if is_over { around.next.as_ref() } else { around.next_episode() };
    let player = Rc::clone(player);
    let on_next = use_callback((next.map(|next| next.movie_id), is_over), move |(), (next, is_over)| {
        let Some(movie) = *next else { return };
        if let (true, Some(player)) = (*is_over, &*player.borrow()) {
            player.finish();
        }
        // Back leads to where the viewer came from, however many episodes there were.
        route::replace(&Route::Watch { movie }.address());
    });
    let setter = stopped.setter();
    let on_stop = use_callback((), move |(), ()| setter.set(true));
    Ending { stopped: *stopped, on_next, on_stop }
}
