//! Encoders' streams into the core, and what comes out of it.

#![allow(clippy::unwrap_used)]

mod encoder;
mod film;
mod ingest;
mod memory;
mod playlists;
mod resuming;
mod rtmp;
mod schema;
mod timeline;
mod transcode;
mod world;
