//! The engine against simulated links, CDNs, source buffers and viewers, on a virtual clock.

mod adapting;
mod any_events;
mod buffering;
mod decoding;
mod delivery;
mod dvr;
mod growing;
mod live;
mod low_latency;
mod playing;
mod seeking;
mod storm;
mod switching;
mod telling;
mod urls;
mod window;
#[allow(dead_code)] // some of it is for the example `simulate` only
mod world;
