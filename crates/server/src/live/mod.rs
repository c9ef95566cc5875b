//! Live: applications and events on disk, sessions under way, and the films that come of them.

mod admission;
mod disk;
mod drm;
mod event_lock;
mod events;
mod feed;
mod film;
mod film_delay;
mod known_headers;
mod ladder;
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
pub use ladder::{LadderStanding, LadderState, unfit as unfit_ffmpeg};
pub(crate) use pace::Pace;
pub(crate) use publishers::Place;
pub(crate) use session::Session;
pub(crate) use sessions::Live;

/// The name of the pack that a movie has until its event is a film.
pub(crate) fn pack_of(movie: u64) -> String {
    format!("live-{movie}")
}
