//! A TV device ("box"): a program that plays an account's films without a browser. `matinee box run` runs it
//! in the terminal.
//!
//! It speaks the control protocol of `docs/protocol.md` with the crates that the browser uses: [`nccp`] for
//! envelopes, messages and the error table, [`control_client`] for what is sent when, [`license`] and
//! [`decryptor`] for licenses and decryption, [`engine`] for what to fetch next and when, [`playback`]
//! between them. What is its own is the outside:
//!
//! * [`BoxFile`], [`Identity`]: what the factory made (`matinee box provision`).
//! * `state`: what it keeps over restarts: ticket, sequence number, trusted time.
//! * `control`: drives the control client: messages sealed and signed by the box's key, HTTP, waits.
//! * `activation`: the code on the screen.
//! * `player`: the engine's commands carried out: `fetcher` → `track` (head, decryptor, buffer) → sink.
//! * [`mux`]: clear fragments of several files as one stream of fragmented MP4, for a player's standard
//!   input.
//! * `sink`: who takes the film: nobody ([`Sink::Null`], which counts), or a program.
//! * [`Notice`]: what there is to be shown; [`Screen`]: who shows it.
//!
//! [`run`] is all of it.

mod activation;
mod control;
mod drm;
mod error;
mod fetcher;
mod identity;
mod life;
pub mod mux;
mod notice;
mod player;
mod sink;
mod state;
mod wish;

pub use error::Error;
pub use identity::{BoxFile, Identity};
pub use life::{Ended, Options, run};
pub use notice::{Delivered, Listed, Notice, Reason, Screen, Trouble};
pub use sink::{Program, Reports, Sink};
pub use wish::Wish;
