//! Boxes against the real server.
#![allow(clippy::unwrap_used)]

mod activation;
mod delivery;
mod embedded;
mod live;
mod playing;
mod registration;
mod rules;
mod streams;
mod telemetry;
mod world;
