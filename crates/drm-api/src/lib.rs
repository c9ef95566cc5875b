//! Messages between the page and the DRM worker. No I/O, no keys.
//!
//! The API is session-shaped, as Encrypted Media Extensions are: a *session* asks for a license
//! ([`Request::GenerateRequest`]) and takes it ([`Request::Update`]); a *stream* (one per `SourceBuffer`) is
//! a push decryptor that takes ciphertext in any chunking and hands out clear fragments as they complete. A
//! stream finds its keys by KID in all open sessions, so nothing but sessions keys it.
//!
//! On the wire each message is one `postMessage` of a plain object:
//!
//! | direction | object | bytes |
//! |---|---|---|
//! | page → worker | `{id, request, bytes?}` | [`Request::PrepareInit`], [`Request::Push`] |
//! | worker → page | `{id, reply, bytes?}`, one per request | [`Reply::Init`] |
//! | worker → page | `{event, bytes?}` | [`Event::Fragment`] |
//!
//! `request`, `reply` and `event` are the serde forms of the types below; `bytes` is an `ArrayBuffer`, always
//! in the transfer list, never cloned. Requests are answered in the order in which they complete; those of
//! one stream are handled in the order sent.

#![forbid(unsafe_code)]

mod error;
mod event;
mod reply;
mod request;

pub use error::{DrmError, PolicyReason};
pub use event::Event;
pub use reply::{KeyState, KeyStatus, Reply};
pub use request::{Display, Request};

/// Number of a request, chosen by the page, echoed by the reply. Unique while the request is pending.
pub type RequestId = u32;

/// Number of a license session, given out by the worker.
pub type SessionId = u32;

/// Number of a decryption stream, chosen by the page: one per `SourceBuffer`.
pub type StreamId = u32;

/// Number of a segment, chosen by the page, echoed with the fragments that come of it.
pub type SegmentId = u32;

/// Names of the properties of the posted objects.
pub mod property {
    /// [`RequestId`](super::RequestId) of a request and its reply.
    pub const ID: &str = "id";
    /// [`Request`](super::Request).
    pub const REQUEST: &str = "request";
    /// `Result<Reply, DrmError>`.
    pub const REPLY: &str = "reply";
    /// [`Event`](super::Event).
    pub const EVENT: &str = "event";
    /// `ArrayBuffer`, transferred.
    pub const BYTES: &str = "bytes";
}
