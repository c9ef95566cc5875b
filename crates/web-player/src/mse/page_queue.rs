//! The queue of a source buffer on the page, and what that says of itself.

use std::{cell::RefCell, rc::Rc};

use engine::FetchId;
use gloo::events::EventListener;
use js_sys::ArrayBuffer;
use web_sys::SourceBuffer;

use super::{
    append_queue::{Append, AppendQueue, QueueEvent},
    source::Queue,
    source_buffer::PageSourceBuffer,
};

/// A source buffer on the page.
pub(super) struct PageQueue {
    operations: Rc<AppendQueue<PageSourceBuffer>>,
    /// The type of what was appended last.
    mime: RefCell<String>,
    tell: Rc<dyn Fn(QueueEvent)>,
    _listeners: [EventListener; 3],
}

impl PageQueue {
    /// Of a buffer that was added for `mime`. `over` is called when an operation is.
    pub(super) fn new(
        buffer: &SourceBuffer,
        mime: &str,
        tell: Box<dyn Fn(QueueEvent)>,
        over: impl Fn() + 'static,
    ) -> Rc<Self> {
        let tell: Rc<dyn Fn(QueueEvent)> = Rc::from(tell);
        let told = Rc::clone(&tell);
        let operations =
            Rc::new(AppendQueue::new(PageSourceBuffer(buffer.clone()), move |event| told(event)));
        let weak = Rc::downgrade(&operations);
        let ended = EventListener::new(buffer, "updateend", move |_| {
            if let Some(operations) = weak.upgrade() {
                operations.operation_ended();
                over();
            }
        });
        let told = Rc::clone(&tell);
        let failed = EventListener::new(buffer, "error", move |_| told(QueueEvent::Unreadable));
        // A managed media source takes from what it has when memory is short, and says so.
        let (weak, told) = (Rc::downgrade(&operations), Rc::clone(&tell));
        let taken = EventListener::new(buffer, "bufferedchange", move |_| {
            if let Some(operations) = weak.upgrade() {
                told(QueueEvent::Buffered(operations.buffer().buffered()));
            }
        });
        let (mime, listeners) = (RefCell::new(mime.to_owned()), [ended, failed, taken]);
        Rc::new(Self { operations, mime, tell, _listeners: listeners })
    }

    /// Nothing is under way and nothing waits.
    pub(super) fn is_idle(&self) -> bool {
        self.operations.is_idle()
    }
}

impl Queue for PageQueue {
    fn announce(&self, _mime: &str) {}

    fn append_init(&self, clear: Option<ArrayBuffer>, mime: &str) {
        let Some(clear) = clear else {
            return (self.tell)(QueueEvent::Failed("no init segment".into()));
        };
        if codec_family(&self.mime.borrow()) != codec_family(mime) {
            self.mime.replace(mime.to_owned());
            self.operations.change_type(mime.to_owned());
        }
        self.operations.append(clear);
    }

    fn append(&self, clear: ArrayBuffer) {
        self.operations.append(clear);
    }

    fn mark(&self, fetch: FetchId) {
        self.operations.mark(fetch);
    }

    fn remove(&self, start: f64, end: f64) {
        self.operations.remove(start, end);
    }

    fn reset(&self) {
        self.operations.reset();
    }

    fn retry(&self) {
        self.operations.retry();
    }
}

/// Container and codec without profile and level: while these stay, a new init segment is all that a source
/// buffer needs.
fn codec_family(mime: &str) -> (&str, &str) {
    let (container, parameters) = mime.split_once(';').unwrap_or((mime, ""));
    let codec = parameters.split_once('"').map_or("", |(_, codecs)| codecs);
    (container, codec.split(['.', '"']).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::codec_family;

    #[test]
    fn profile_and_level_do_not_make_another_codec() {
        let main = codec_family("video/mp4; codecs=\"avc1.4D401E\"");
        assert_eq!(main, ("video/mp4", "avc1"));
        assert_eq!(main, codec_family("video/mp4; codecs=\"avc1.64001F\""));
        assert_ne!(main, codec_family("video/mp4; codecs=\"hvc1.1.6.L93.B0\""));
        assert_ne!(main, codec_family("audio/mp4; codecs=\"mp4a.40.2\""));
    }
}
