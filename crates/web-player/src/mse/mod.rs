//! Media Source Extensions: one media source, one queue of operations per source buffer.

mod append_queue;
mod media_source;
mod source_buffer;

pub use append_queue::{Append, AppendError, AppendQueue, QueueEvent};
pub use media_source::MediaSourceHandle;
pub use source_buffer::{PageSourceBuffer, time_ranges};
