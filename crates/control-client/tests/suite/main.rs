//! The control client against a controller in the same thread.
#![allow(clippy::unwrap_used)]

mod bench;
mod envelopes;
mod licenses;
mod properties;
mod recoveries;
mod registrations;
