//! CPIX (DASH-IF Content Protection Information Exchange Format, versions 2.0 to 2.4): documents that content
//! keys, what they are for, and what protection systems are told of them are exchanged in. No I/O.
//!
//! * [`Document::parse`] reads one: bounded in size, depth and number of elements; without DTD, entities and
//!   processing instructions. Keys must be plain; [`Document::open`] opens those that are encrypted for a
//!   recipient whose private key is at hand. What would change which key is for what and is not understood is
//!   refused by name; what is for others (Smooth Streaming, HDS, signatures) is read over.
//! * [`Document::to_xml`] writes one, [`Document::to_xml_for`] one whose keys only recipients can open; what
//!   they write is read as the same document.
//! * [`Request`] is what SPEKE v2 asks a key server with; the answer is a document.
//!
//! # Examples
//! ```
//! use cpix::Document;
//!
//! let document = Document::parse(br#"<cpix:CPIX version="2.3" contentId="film-7"
//!     xmlns:cpix="urn:dashif:org:cpix" xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc">
//!   <cpix:ContentKeyList>
//!     <cpix:ContentKey kid="01020304-0506-0708-090a-0b0c0d0e0f10"><cpix:Data><pskc:Secret>
//!       <pskc:PlainValue>AAECAwQFBgcICQoLDA0ODw==</pskc:PlainValue>
//!     </pskc:Secret></cpix:Data></cpix:ContentKey>
//!   </cpix:ContentKeyList>
//! </cpix:CPIX>"#)?;
//! assert_eq!(document.keys.len(), 1);
//! assert_eq!(Document::parse(document.to_xml().as_bytes())?, document);
//! # Ok::<(), cpix::Error>(())
//! ```

mod error;
mod model;
mod read;
mod recipient;
mod request;
mod sealed;
mod write;
mod xml;

pub use error::Error;
pub use model::{ContentKey, Document, TrackFilter, UsageRule};
pub use recipient::{Recipient, RecipientKey};
pub use request::Request;

/// The version that is written.
pub const VERSION: &str = "2.3";

/// Octets of a document at most.
pub const MAX_DOCUMENT: usize = 4 << 20;

/// Keys of a document at most: as many as a film may have.
pub const MAX_KEYS: usize = 1000;

/// Recipients of a document at most.
pub const MAX_RECIPIENTS: usize = 100;
