//! RTMP as publishers speak it ("Adobe's Real Time Messaging Protocol", 1.0, and "Enhanced RTMP" v2): octets
//! in, media messages out. No I/O, no clock.
//!
//! * [`Session`] is the server's side of a connection: handshake, chunks, commands.
//! * [`flv`] reads media messages: H.264, HEVC, AV1, AAC and Opus, by the old and by the enhanced headers.
//!
//! Nobody has shown a key when the first octets come, so everything is bounded: before a stream is accepted,
//! a connection holds some hundred kilobytes at most.
//!
//! # Examples
//! A publisher's first octets, and what they are answered with:
//!
//! ```
//! let mut session = rtmp::Session::new([7; 32]);
//! // C0 is the version; C1 a time and zeros, and 1,528 octets of anything.
//! let hello = [vec![3], vec![0; 1536]].concat();
//! session.push(&hello)?;
//! // S0, S1 and S2.
//! assert_eq!(session.output().len(), 1 + 2 * 1536);
//! assert_eq!(session.event()?, None);
//! # Ok::<(), rtmp::SessionError>(())
//! ```

mod amf0;
mod chunk;
pub mod flv;
mod handshake;
mod session;
mod target;

pub use chunk::ChunkError;
pub use session::{Event, Media, MediaKind, Session, SessionError};
pub use target::Target;
