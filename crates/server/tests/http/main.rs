//! The service as HTTP clients see it.
#![allow(clippy::unwrap_used)]

mod attacks;
mod boxes;
mod client;
mod controller;
mod devices;
mod drm;
mod edge;
mod identity;
mod license;
mod login;
mod policies;
mod regions;
mod rotation;
mod site;
mod webhook;
mod world;
