//! Objects from who makes them to who opens them, and everything that is refused on the way.
#![allow(missing_docs, clippy::unwrap_used)]

mod embedded;
mod refusals;
mod round_trip;
mod site;
