//! The player: runs the engine's commands with the fetcher, the DRM worker and Media Source Extensions.
//!
//! [`Player`] joins the parts of a film, none of which knows it: each has a narrow host in its place.
//!
//! * `event`: what a page hears of it
//! * `driver`: the engine, its media source, and a `track` for picture and sound each
//! * `licenses`: the license from the first to the last, with `embedded` for those that come along with the
//!   manifest
//! * `live`: the index of an event, and what a page may know of it; `speed` keeps to it
//! * `tracks`: what there is of sound and subtitles; `captions` puts subtitles on the
//!   element, and has [`crate::captions`] draw them
//! * `quality`: what there is of the picture, and what the viewer wants of it
//! * `statistics`: the numbers of it all
//! * `report`: what the site and the controller are told; `telemetry`: what the operator's receiver is, where
//!   there is one
//! * `video`: what happens on the element, to the page and by the clock

mod captions;
mod driver;
mod embedded;
mod event;
mod film;
mod licenses;
mod live;
mod quality;
mod rehearsal;
mod report;
mod speed;
mod statistics;
mod telemetry;
mod track;
mod tracks;
mod video;

pub use engine::abr::caps::Limit;
pub use event::{Listener, PlayerEvent};
pub use film::Player;
pub use live::Event as LiveEvent;
pub use playback::{
    DynamicRange, EventState, HeadAssembly, Run, media_type, parse_index, presentation, waits,
};
pub use quality::{Quality, Rung, SAVING};
pub use rehearsal::rehearse;
pub use speed::chosen_speed;
pub use statistics::{Form, Lease, Statistics};
pub use tracks::{Choice, Stills, Tracks, display_name, language_name};
