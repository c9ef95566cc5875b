//! Live: applications and events on disk, sessions under way, and the films that come of them.

mod admission;
mod disk;
mod drm;
mod event_lock;
mod events;
mod feed;
mod files;
mod film;
mod film_delay;
mod films;
mod known_headers;
mod ladder;
mod ladder_handle;
mod ladder_standing;
mod left;
mod live_pack;
mod pace;
mod publishers;
mod session;
mod sessions;

pub(crate) use admission::{Denied, admit};
pub(crate) use events::is_key;
pub use events::{Created, Event, Events, Known, NewEvent, Standing, create, end, find, list, new_key};
pub(crate) use feed::{Feed, FeedError};
pub use film::{Published, publish};
pub use film_delay::FilmDelay;
pub(crate) use known_headers::KnownHeaders;
pub use ladder::{unfit_encoder, unlisted as unlisted_encoder};
pub use ladder_standing::{LadderStanding, LadderState};
pub(crate) use pace::Pace;
pub(crate) use publishers::Place;
pub(crate) use session::Session;
pub(crate) use sessions::Live;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The name of the pack that a movie has until its event is a film.
pub(crate) fn pack_of(movie: u64) -> String {
    format!("live-{movie}")
}

/// What a mutex has, also where its last holder has panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
