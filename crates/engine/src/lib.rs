//! What the player fetches next and when: a sans-IO state machine on a virtual clock.
//!
//! [`Engine::handle`] takes one [`Event`] and the time, and answers with [`Command`]s. It knows no socket, no timer,
//! no `SourceBuffer`: whoever runs it brings those, in a browser, in a native box or in a simulation. Times of the
//! clock are [`std::time::Duration`]s since any fixed start; positions in the film are seconds as `f64`.
//!
//! * [`model`]: what the manifest says, reduced to what the engine needs
//! * [`index`]: segments of one representation
//! * [`buffer`]: buffered ranges and the goals that they are measured against
//! * [`abr`]: throughput estimate and the choice of a representation
//! * [`retry`]: back-off, time-outs and the choice of a CDN
//! * [`schedule`]: the state of one track and what it needs next

pub mod abr;
pub mod buffer;
mod engine;
mod error;
mod event;
pub mod index;
pub mod model;
pub mod retry;
pub mod schedule;

pub use engine::{Config, Engine};
pub use error::Error;
pub use event::{Command, Event, Failure, FetchId, FetchSpec};
