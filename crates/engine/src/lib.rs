//! What the player fetches next and when: a sans-IO state machine on a virtual clock.
//!
//! [`Engine::handle`] takes one [`Event`] and the time, and answers with [`Command`]s. It knows no socket, no
//! timer, no `SourceBuffer`: whoever runs it brings those, in a browser, in a native box or in a simulation.
//! Times of the clock are [`std::time::Duration`]s since any fixed start; positions in the film are seconds
//! as `f64`.
//!
//! What arrives is told by [`Event`], what is to be done is said by [`Command`]; what the page may show is
//! asked for: [`Engine::playing`], [`Engine::chosen`], [`Engine::selectable`], [`Engine::stalled`],
//! [`Engine::trouble`], [`Engine::stats`].
//!
//! The caller keeps the init segment of each representation, and puts it in front of the first fragment
//! whenever the representation changes. No segment is asked for before the head of its representation has
//! come whole, but for the start segment, which is fetched beside or behind the head.
//!
//! * [`model`]: what the manifest says, reduced to what the engine needs
//! * [`index`]: segments of one representation
//! * [`ladder`]: the representations of a track
//! * [`buffer`]: buffered ranges and the goals that they are measured against
//! * [`held`]: which representations lie in a buffer
//! * [`abr`]: throughput estimate and the choice of a representation
//! * [`retry`]: back-off, time-outs and the choice of a CDN
//! * [`job`]: one download
//! * [`track`]: the state of one track and what it needs next

pub mod abr;
pub mod address;
pub mod buffer;
mod engine;
mod error;
mod event;
pub mod held;
pub mod index;
pub mod job;
pub mod ladder;
pub mod model;
pub mod retry;
pub mod track;

pub use engine::{Config, Engine, Stall, Stats, Trouble, Window};
pub use error::Error;
pub use event::{Command, Event, Failure, FetchId, FetchSpec};
