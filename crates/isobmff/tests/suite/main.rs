//! Boxes read and written: fixtures of other makers, round trips, tables built by hand.
#![allow(clippy::unwrap_used)]

mod clear_lead_and_rotation;
mod read_fixtures;
mod round_trips;
mod sample_table;
