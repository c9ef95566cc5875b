//! Tests of the just-in-time origin against what the packager writes.
#![allow(clippy::unwrap_used)]

mod bad_sources;
mod film;
mod ranges;
mod scopes;
mod whole;
