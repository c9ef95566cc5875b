//! Media Source Extensions: one media source, one queue of operations per source buffer.
//!
//! Both are a [`Source`] and a [`Queue`] to the player, wherever they are. Where the browser has media
//! sources in workers, they lie beside the DRM module ([`WorkerMediaSource`]), and no clear fragment comes to
//! the page; elsewhere on the page ([`PageMediaSource`]).

mod append_queue;
mod page;
mod page_queue;
mod source;
mod source_buffer;
mod worker;

pub use append_queue::{Append, AppendError, AppendQueue, QueueEvent};
pub use page::PageMediaSource;
pub use source::{Queue, Source, SourceEvent};
pub use source_buffer::{PageSourceBuffer, time_ranges};
pub use worker::WorkerMediaSource;
