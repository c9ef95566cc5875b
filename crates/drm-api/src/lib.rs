//! Messages between the page and the DRM worker. No I/O, no keys.
//!
//! Three conversations share one port:
//!
//! * [`cdm`]: what Encrypted Media Extensions need, sessions and streams. A *session* asks for a license
//!   ([`cdm::Request::GenerateRequest`]) and takes it ([`cdm::Request::Update`]); a *stream* (one per
//!   `SourceBuffer`) is a push decryptor that takes ciphertext in any chunking and hands out clear fragments
//!   as they complete. A stream finds its keys by KID in all open sessions, so nothing but sessions keys it.
//! * [`device`]: who this browser is to the controller: its identity, and what that signs.
//! * [`source`]: the media source of the page's player, where the browser has them in workers. A stream that
//!   has a source buffer there hands its clear fragments to that, and none to the page.
//!
//! On the wire each message is one `postMessage` of a plain object:
//!
//! | direction | object | bytes |
//! |---|---|---|
//! | page → worker | `{id, cdm, bytes?}` | [`cdm::Request::PrepareInit`], [`cdm::Request::Push`] |
//! | page → worker | `{id, device}` | |
//! | page → worker | `{id?, source}` | |
//! | worker → page | `{id, reply, bytes?, took?}` | [`cdm::Reply::Init`], [`cdm::Reply::Fragment`] |
//! | worker → page | `{id, reply, took?, octets?}` | none: the stream has a source buffer in the worker |
//! | worker → page | `{id, reply, handle?}` | the `MediaSourceHandle` of [`source::Reply::Attached`] |
//! | worker → page | `{event}` | |
//!
//! `cdm`, `device`, `source`, `reply` (a `Result`) and `event` are the serde forms of the types below, octets
//! in them `Uint8Array`s; `bytes` is an `ArrayBuffer`, always in the transfer list, never cloned; `took` says
//! of a fragment how many milliseconds decrypting it took. Where fragments do not come to the page, the next
//! reply of their segment has their sum, and `octets`, how many there were.
//!
//! A request has its `type` among its properties; what comes back is an object with one property, named for
//! its kind (`{"init": {…}}`), or, where there is nothing to add, the name alone (`"done"`). So the page can
//! read it in one pass: for a `type` among the others serde must hold all of them back, which made the app 50
//! KB larger.
//!
//! A request has one reply, but for a segment on its way through a stream: that is one request whose bytes
//! come in several messages ([`cdm::Request::Push`] of one id), and its answer comes in several replies of
//! the same id: fragments, and then [`cdm::Reply::Done`] or an error. Requests are answered in the order in
//! which they complete; those of one stream are handled in the order sent.
//!
//! # Examples
//! ```
//! use drm_api::{Ask, DrmError, cdm, property};
//!
//! let update = cdm::Request::Update { session: 7, license: vec![0x84, 0x43] };
//! let message = serde_json::json!({ property::ID: 1, <cdm::Request as Ask>::PROPERTY: update });
//! let posted = r#"{"id":1,"cdm":{"type":"update","session":7,"license":[132,67]}}"#;
//! assert_eq!(message, serde_json::from_str::<serde_json::Value>(posted)?);
//!
//! let reply = r#"{"Err":{"policy-refused":{"reason":"output"}}}"#;
//! let reply: Result<cdm::Reply, DrmError> = serde_json::from_str(reply)?;
//! assert!(matches!(reply, Err(DrmError::PolicyRefused { .. })));
//! # Ok::<(), serde_json::Error>(())
//! ```

#![forbid(unsafe_code)]

pub mod cdm;
pub mod device;
mod error;
mod event;
pub mod source;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use error::{DrmError, PolicyReason};
pub use event::Event;

/// Number of a request, chosen by the page, echoed by its replies. Unique while the request is pending.
pub type RequestId = u32;

/// What the page asks: a message of one of the conversations.
pub trait Ask: Serialize {
    /// What answers it.
    type Reply: DeserializeOwned + 'static;
    /// The property of the posted object that it is.
    const PROPERTY: &'static str;
}

impl Ask for cdm::Request {
    type Reply = cdm::Reply;
    const PROPERTY: &'static str = property::CDM;
}

impl Ask for device::Request {
    type Reply = device::Reply;
    const PROPERTY: &'static str = property::DEVICE;
}

impl Ask for source::Request {
    type Reply = source::Reply;
    const PROPERTY: &'static str = property::SOURCE;
}

/// Names of the properties of the posted objects.
pub mod property {
    /// [`RequestId`](super::RequestId) of a request and its replies.
    pub const ID: &str = "id";
    /// [`cdm::Request`](super::cdm::Request).
    pub const CDM: &str = "cdm";
    /// [`device::Request`](super::device::Request).
    pub const DEVICE: &str = "device";
    /// [`source::Request`](super::source::Request).
    pub const SOURCE: &str = "source";
    /// `Result<_, DrmError>` of the request's reply.
    pub const REPLY: &str = "reply";
    /// [`Event`](super::Event).
    pub const EVENT: &str = "event";
    /// `ArrayBuffer`, transferred.
    pub const BYTES: &str = "bytes";
    /// `MediaSourceHandle`, transferred.
    pub const HANDLE: &str = "handle";
    /// Of a fragment: milliseconds that it took the worker to decrypt it; of a reply without `bytes`: the
    /// same of all fragments since the reply before that did not come to the page.
    pub const TOOK: &str = "took";
    /// Of a reply with [`TOOK`] and without [`BYTES`]: octets of those fragments.
    pub const OCTETS: &str = "octets";
}
