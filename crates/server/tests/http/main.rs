//! The service as HTTP clients see it, and what it stands on: stores, sockets, two servers at once.
#![allow(clippy::unwrap_used)]

mod attacks;
mod audit;
mod boxes;
mod bucket_sources;
#[path = "../../../storage/tests/suite/buckets.rs"]
mod buckets;
mod caches;
mod clear_films;
mod client;
mod cmcd;
mod contract;
mod controller;
mod devices;
mod dialects;
mod drm;
mod edge;
mod exchange;
mod forms;
mod grants;
mod heights;
mod hls_whole;
mod http2;
mod identity;
mod interop;
mod license;
mod live;
mod locks;
mod login;
mod nginx;
mod origin;
mod playlists;
mod policies;
mod races;
mod redteam;
mod regions;
mod rotation;
mod s3;
#[path = "../../../storage/tests/suite/servers.rs"]
mod servers;
mod serving;
mod shares;
mod site;
mod steering;
mod store;
mod stream;
mod two_servers;
mod webhook;
mod world;
