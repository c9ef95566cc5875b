//! Matinee's server roles: site, control, individualization, edge.
//!
//! Data flows one way: `http` reads requests, `use_case` decides, `store` remembers. [`Server`] runs it all in one process; the
//! `matinee` command uses [`accounts`], [`catalogue`], [`keys`] and [`policy`] beside it.

pub mod catalogue;
mod clock;
mod config;
mod error;
mod http;
pub mod keys;
pub mod media_url;
mod password;
pub mod policy;
mod secret;
mod serve;
mod service;
mod site;
pub mod store;
mod throttle;
mod ticket;
mod use_case;

pub use clock::Clock;
pub use config::{CdnConfig, Config, Devices, Drm, Edge, Limits, Overrides, Role};
pub use error::Error;
pub use http::router;
pub use serve::Server;
pub use service::Service;
pub use site::HOW_TO_BUILD;
pub use use_case::{accounts, movies};
