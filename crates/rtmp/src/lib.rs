//! RTMP as publishers speak it ("Adobe's Real Time Messaging Protocol", 1.0, and "Enhanced RTMP" v2): octets in,
//! media messages out. No I/O, no clock.
//!
//! * [`Session`] is the server's side of a connection: handshake, chunks, commands.
//! * [`flv`] reads media messages: H.264, HEVC, AV1, AAC and Opus, by the old and by the enhanced headers.
//!
//! Nobody has shown a key when the first octets come, so everything is bounded: before a stream is accepted, a
//! connection holds some hundred kilobytes at most.

mod amf0;
mod chunk;
pub mod flv;
mod handshake;
mod session;
mod target;

pub use chunk::ChunkError;
pub use session::{Event, Media, MediaKind, Session, SessionError};
pub use target::Target;
