//! NCCP, Matinee's control protocol (named after the Netflix Content Control Protocol of the service that it
//! rebuilds): envelope, messages, manifest, error table. No I/O.
//!
//! Both sides use it: a server parses a [`Request`] and writes a [`Response`]; a client writes
//! [`RequestMessage`]s, seals them with [`seal_envelope`], has [`signing_input`] signed and parses the
//! [`Response`]. The wire format is the project's `docs/protocol.md`, sections 1 to 5; the module [`json`]
//! holds the bodies of the JSON routes.
//!
//! # Examples
//!
//! A client asks for a manifest, and the server reads what it asks for:
//!
//! ```
//! use nccp::{MovieId, Request, RequestMessage, Sequence, seal_envelope};
//!
//! let movie = MovieId::try_from(60027274)?;
//! let xml = RequestMessage::Authorization { movie_id: movie }.to_xml();
//! let body = seal_envelope(None, Sequence::try_from(17)?, 1_790_000_000, "doc/1", &xml);
//! let request = Request::parse(body.as_bytes()).map_err(|refused| refused.error)?;
//! assert_eq!(request.messages, [RequestMessage::Authorization { movie_id: movie }]);
//! # Ok::<(), nccp::Error>(())
//! ```
//!
//! The server answers each message; the client acts on an error's [`Action`], never on its text:
//!
//! ```
//! use nccp::{Action, Answer, ErrorCode, MessageName, Outcome, Response};
//!
//! let failed = Answer::Failed { message: MessageName::Authorization, error: ErrorCode::TryLater.into() };
//! let outcome = Outcome::Answers(vec![failed]);
//! let xml = Response { sequence: 17, time: 1_790_000_000, outcome }.to_xml();
//! match Response::parse(xml.as_bytes())?.outcome {
//!     Outcome::Answers(answers) => match &answers[..] {
//!         [Answer::Failed { error, .. }] => assert_eq!(error.action, Action::Backoff),
//!         other => panic!("{other:?}"),
//!     },
//!     Outcome::Refused(error) => panic!("{error:?}"),
//! }
//! # Ok::<(), nccp::Error>(())
//! ```

mod answer;
mod box_code;
mod code;
mod envelope;
mod event_state;
mod ids;
pub mod json;
mod machine;
mod manifest;
mod manifest_xml;
mod messages;
mod metadata;
mod named;
mod range;
mod request;
mod sign;
pub mod stream;
mod value;
mod wire_error;
pub mod xml;

pub use answer::{
    AccountInfo, Activation, DomainKey, NewRules, QueueMovie, Registration, ResponseMessage,
    UserMovieMetadata, View,
};
pub use box_code::{BoxCode, BoxCodeError};
pub use code::{Action, ErrorCode};
pub use envelope::{Answer, Outcome, Refused, Request, Response};
pub use event_state::EventState;
pub use ids::{DeviceId, MAX_INTEGER, MovieId, Sequence};
pub use machine::{machine_name, machine_parts};
pub use manifest::{
    Cdn, ContentProfile, DownloadUrl, Downloadable, KeyPeriod, Level, LicenseMode, LiveManifest, Manifest,
    MediaType, MovieType, ProfileCodec, RangeForm, Reports, Resolution, Scheme, TextTrack, Transport,
    TrickPlay,
};
pub use messages::Messages;
pub use metadata::{Art, Chapter, MovieMetadata, Track};
pub use range::{ByteRange, RangeHeader, with_range};
pub use request::{LogBlob, LogEvent, MessageName, Register, RequestMessage, ShownGrant};
pub use sign::{
    CONTENT_TYPE, CONTROLLER_PATH, POLICY_VERSION_HEADER, SIGNATURE_HEADER, TICKET_HEADER, seal_envelope,
    signing_input,
};
pub use value::{Fraction, single_line};
pub use wire_error::{Playing, WireError};

/// Why octets were not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More octets than the limit (413).
    #[error("the document is too large")]
    TooLarge,
    /// Not XML as the protocol allows it.
    #[error("the document is not acceptable XML: {0}")]
    Malformed(&'static str),
    /// The root is another element than expected.
    #[error("the root element is not one of this protocol")]
    WrongRoot,
    /// A required attribute or element is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// An attribute or element has a value that it cannot have.
    #[error("{0} has a bad value")]
    Value(&'static str),
    /// A message that this version does not know.
    #[error("unknown message")]
    UnknownMessage,
    /// No message, or more than 16.
    #[error("an envelope holds 1 to 16 messages")]
    MessageCount,
}
