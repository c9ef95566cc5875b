//! End to end, in Chromium (and in Firefox with `cargo xtask test --firefox`), against the real `matinee`
//! with the real demo film.
//!
//! Tests run two at a time. One that counts stalls, or that a busy machine would make late, is marked
//! `#[ignore]`: `cargo xtask test` runs these afterwards, one by one.

mod accessibility;
mod account;
mod activation;
mod buffers;
mod cdns;
mod clear_samples;
mod codecs;
mod controls;
mod damage;
mod devices;
mod embedded;
mod embedding;
mod eme;
mod eme_players;
mod eme_sessions;
mod firefox;
mod frameworks;
mod heights;
mod identity;
mod languages;
mod library;
mod live;
mod network;
mod obs;
mod odd_films;
mod origin;
mod plain_http;
mod playback;
mod players;
mod policies;
mod reach;
mod refusals;
mod regions;
mod rotation;
mod screenshots;
mod security;
mod seeking;
mod sessions;
mod sharing;
mod shim;
mod soak;
mod socket;
mod startup;
mod streams;
mod switching;
mod sync;
mod tracks;
mod up_next;
mod watch_page;
