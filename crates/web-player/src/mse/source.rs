//! What a player needs of a media source, wherever that is.

use std::rc::Rc;

use drm_api::cdm::StreamId;
use engine::FetchId;
use js_sys::ArrayBuffer;

use super::append_queue::QueueEvent;

/// What a media source tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SourceEvent {
    /// It cannot be where it was to be. Nothing follows.
    Refused,
    /// The video element has it now, which may be after the caller's next words to the element.
    Attached,
    /// It may get source buffers.
    Opened,
    /// A managed one says whether it wants more media now; any other always does.
    Streaming(bool),
    /// The end that was [wanted](Source::end) has been declared; this is its length in seconds, where it has
    /// one.
    Ended(f64),
}

/// A media source behind a video element, until it is dropped.
pub trait Source {
    /// Whether source buffers may be added.
    fn is_open(&self) -> bool;
    /// Sets the film's length in seconds; `None`: it has no end that is known. No operation may be under way.
    fn set_duration(&self, seconds: Option<f64>);
    /// What may be sought in something without an end.
    fn set_live_range(&self, begin: f64, edge: f64);
    /// Does something once the element goes by the last [`Source::set_live_range`].
    fn when_told(&self, then: Box<dyn FnOnce()>);
    /// Adds a source buffer for what comes clear of a stream; `None` where it cannot be added.
    fn add_queue(&self, stream: StreamId, mime: &str, tell: Box<dyn Fn(QueueEvent)>)
    -> Option<Rc<dyn Queue>>;
    /// Nothing more comes, once no source buffer has anything left to do.
    fn end(&self);
    /// Something comes after all.
    fn go_on(&self);
}

/// The operations of one source buffer, one after the other.
///
/// What comes clear of its stream is to be handed in as the worker's answers say: bytes that did not come
/// with an answer have been appended in the worker, in their turn.
pub trait Queue {
    /// The worker is about to be asked for an init segment of this type.
    fn announce(&self, mime: &str);
    /// An init segment of this type has come clear. Where it is of another codec than the one before, the
    /// buffer's type is changed first.
    fn append_init(&self, clear: Option<ArrayBuffer>, mime: &str);
    /// A fragment has come clear.
    fn append(&self, clear: ArrayBuffer);
    /// Tells [`QueueEvent::Appended`] when all before it is done.
    fn mark(&self, fetch: FetchId);
    /// Removes from second `start` to second `end`, before anything that still waits.
    fn remove(&self, start: f64, end: f64);
    /// Drops every append and mark that has not begun.
    fn reset(&self);
    /// Tries a held append again.
    fn retry(&self);
}
