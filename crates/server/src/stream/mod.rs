//! Persistent connections (docs/protocol.md, section 8), but for their I/O, which is in `http`: `film` is
//! what of a film is streamed, `machine` decides what is sent next; `metadata` is kept for an interval,
//! `places` bound how many connections a URL has.

mod film;
mod machine;
mod metadata;
mod places;
mod together;

pub(crate) use film::{Film, Rep};
pub(crate) use machine::{Mistake, Playback, Segment, Step};
pub(crate) use metadata::MetadataCache;
pub(crate) use places::{Place, Places};

/// What all connections share.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    pub(crate) metadata: MetadataCache,
    pub(crate) places: Places,
}
