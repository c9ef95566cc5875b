//! The browser's player, for any page: no framework, no page of the site.
//!
//! Data flows one way: page → [`control`] → manifest → [`fetcher`] → DRM worker ([`decryptor_proxy`]) →
//! append queue ([`mse`]) → `<video>`. What to fetch and when is the `engine` crate's business; [`player`]
//! runs its commands. Content keys never reach this side of the worker.

pub mod api;
pub mod capability;
pub mod clock;
pub mod control;
pub mod decryptor_proxy;
pub mod device_store;
pub mod displays;
pub mod fetcher;
pub mod mse;
pub mod player;
pub mod problem;
