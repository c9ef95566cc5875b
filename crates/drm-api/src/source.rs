//! The media source of the page's player, where the worker holds it: the page gets a handle for its video
//! element, and says what is to be done with the rest, as it would do with a media source of its own.
//!
//! Its source buffers are named by the streams that they belong to. What a stream hands out from
//! [`Request::AddBuffer`] on, init segments and fragments, is appended there, in the order in which it came,
//! and the page gets none of it: [`Reply::Init`](crate::cdm::Reply::Init) comes without bytes, and
//! [`Reply::Fragment`](crate::cdm::Reply::Fragment) does not come: what decrypting took is told with the
//! segment's next reply. Operations of one buffer run one after the other.
//!
//! The worker's side is no part of the DRM module; it is `www/media-source.js`, beside it.

use serde::{Deserialize, Serialize};

use crate::cdm::StreamId;

/// Number of a media source, chosen by the page, and never used twice.
pub type SourceId = u32;

/// What the page asks of a media source. A message without an id is not answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Request {
    /// Makes one. Answer: [`Reply::Attached`] with a `MediaSourceHandle` (`handle`, transferred), which the
    /// page puts into its video element's `srcObject`; an error where the browser has no media source in
    /// workers. [`News::Opened`] says that the element has taken it.
    Attach {
        /// Its number.
        source: SourceId,
    },
    /// Sets its length.
    SetDuration {
        /// Which source.
        source: SourceId,
        /// Seconds; `None`: it has no end that is known.
        seconds: Option<f64>,
    },
    /// What may be sought in something without an end (`setLiveSeekableRange`). Answer: [`Reply::Done`].
    SetLiveRange {
        /// Which source.
        source: SourceId,
        /// Seconds.
        begin: f64,
        /// Seconds.
        edge: f64,
    },
    /// Adds a source buffer for a stream. Answer: [`Reply::Done`]; an error where it cannot be added.
    AddBuffer {
        /// Which source.
        source: SourceId,
        /// The stream.
        stream: StreamId,
        /// Type and codecs.
        mime: String,
    },
    /// The init segments that are [prepared](crate::cdm::Request::PrepareInit) from here on are of this type.
    /// Where that is another codec, the buffer's type is changed before the init segment is appended.
    Announce {
        /// The stream.
        stream: StreamId,
        /// Type and codecs.
        mime: String,
    },
    /// Asks for [`News::Appended`] when all before it is done.
    Mark {
        /// The stream.
        stream: StreamId,
        /// What it is to be told by.
        mark: f64,
    },
    /// Removes, before anything that still waits: room is wanted for that.
    Remove {
        /// The stream.
        stream: StreamId,
        /// Seconds.
        start: f64,
        /// Seconds; may be infinite.
        end: f64,
    },
    /// Drops every append and mark that has not begun, and what still comes of what was pushed before.
    Reset {
        /// The stream.
        stream: StreamId,
        /// How often it was reset, this time included.
        turn: u32,
    },
    /// Tries again what did not fit.
    Retry {
        /// The stream.
        stream: StreamId,
    },
    /// Nothing more comes, once no buffer has anything left to do, or (`wanted` is false) something does
    /// after all.
    End {
        /// Which source.
        source: SourceId,
        /// Whether it is to end.
        wanted: bool,
    },
    /// The page has no use for it any more.
    Detach {
        /// Which source.
        source: SourceId,
    },
}

/// What answers a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reply {
    /// There is one; its handle (`handle`) is transferred along.
    Attached,
    /// Done; nothing to say.
    Done,
}

/// What becomes of a media source, told by [`Event::Source`](crate::Event::Source).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum News {
    /// It may get source buffers.
    Opened,
    /// An operation of a buffer is over.
    Buffered {
        /// The stream.
        stream: StreamId,
        /// What is buffered now: start and end in seconds.
        ranges: Vec<(f64, f64)>,
    },
    /// Everything before this mark is in the buffer.
    Appended {
        /// The stream.
        stream: StreamId,
        /// The mark.
        mark: f64,
    },
    /// The buffer is full (`QuotaExceededError`). What did not fit waits for [`Request::Retry`].
    Full {
        /// The stream.
        stream: StreamId,
        /// How often the stream had been reset when that was so.
        turn: u32,
    },
    /// The buffer did not take an operation; what waited behind it is dropped.
    Refused {
        /// The stream.
        stream: StreamId,
        /// Name of the `DOMException`.
        name: String,
    },
    /// What was appended could not be read (`error` of the source buffer).
    Failed {
        /// The stream.
        stream: StreamId,
    },
    /// Its end was wanted, and has been declared.
    Ended {
        /// Its length now, in seconds; not a number where the element has let go of it.
        duration: f64,
    },
}
