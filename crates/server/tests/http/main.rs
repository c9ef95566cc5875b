//! The service as HTTP clients see it.
#![allow(clippy::unwrap_used)]

mod client;
mod controller;
mod devices;
mod edge;
mod license;
mod login;
mod site;
mod world;
