//! The queue of operations of one source buffer.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use engine::{FetchId, buffer::Ranges};
use js_sys::ArrayBuffer;

/// Why an append was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// `QuotaExceededError`.
    Full,
    /// Everything else, by its `DOMException` name.
    Refused(String),
}

/// A source buffer: the seam for one in a test.
///
/// `append` and `remove` start an operation; the owner of the queue tells it by
/// [`AppendQueue::operation_ended`] when the operation is over. Only one is under way at a time.
pub trait Append {
    /// Appends an init segment or fragments.
    ///
    /// # Errors
    /// See [`AppendError`]; then nothing is under way.
    fn append(&self, bytes: &ArrayBuffer) -> Result<(), AppendError>;
    /// Removes from second `start` to second `end`.
    ///
    /// # Errors
    /// See [`AppendError`]; then nothing is under way.
    fn remove(&self, start: f64, end: f64) -> Result<(), AppendError>;
    /// Makes it take another codec, from the next init segment on; done when it returns.
    ///
    /// # Errors
    /// See [`AppendError`].
    fn change_type(&self, mime: &str) -> Result<(), AppendError>;
    /// What is buffered.
    fn buffered(&self) -> Ranges;
}

/// What a queue tells.
#[derive(Clone, Debug, PartialEq)]
pub enum QueueEvent {
    /// The buffered ranges after an operation.
    Buffered(Ranges),
    /// Everything of this download has been appended.
    Appended(FetchId),
    /// The buffer is full: the append waits for [`AppendQueue::retry`].
    Full,
    /// An operation failed: the film cannot continue.
    Failed(String),
    /// What was appended cannot be read. The video element says what it was, and soon.
    Unreadable,
}

enum Operation {
    Append(ArrayBuffer),
    ChangeType(String),
    Remove(f64, f64),
    Marker(FetchId),
}

/// Runs operations one after the other. `www/media-source.js` has the like for source buffers in the worker.
pub struct AppendQueue<B> {
    buffer: B,
    operations: RefCell<VecDeque<Operation>>,
    busy: Cell<bool>,
    held: Cell<bool>,
    tell: Rc<dyn Fn(QueueEvent)>,
}

impl<B: Append> AppendQueue<B> {
    /// An empty queue.
    pub fn new(buffer: B, tell: impl Fn(QueueEvent) + 'static) -> Self {
        Self {
            buffer,
            operations: RefCell::new(VecDeque::new()),
            busy: Cell::new(false),
            held: Cell::new(false),
            tell: Rc::new(tell),
        }
    }

    /// The source buffer.
    pub fn buffer(&self) -> &B {
        &self.buffer
    }

    /// Appends when all before it is done.
    pub fn append(&self, bytes: ArrayBuffer) {
        self.operations.borrow_mut().push_back(Operation::Append(bytes));
        self.run();
    }

    /// Takes another codec when all before it is done.
    pub fn change_type(&self, mime: String) {
        self.operations.borrow_mut().push_back(Operation::ChangeType(mime));
        self.run();
    }

    /// Tells [`QueueEvent::Appended`] when all before it is done.
    pub fn mark(&self, fetch: FetchId) {
        self.operations.borrow_mut().push_back(Operation::Marker(fetch));
        self.run();
    }

    /// Removes, before anything that still waits: room is wanted for that.
    pub fn remove(&self, start: f64, end: f64) {
        self.operations.borrow_mut().push_front(Operation::Remove(start, end));
        self.run();
    }

    /// Drops every append and marker that has not begun. Changes of type stay: the owner goes by them
    /// already.
    pub fn reset(&self) {
        self.operations
            .borrow_mut()
            .retain(|operation| matches!(operation, Operation::Remove(..) | Operation::ChangeType(_)));
        self.held.set(false);
        self.run();
    }

    /// Tries a held append again.
    pub fn retry(&self) {
        self.held.set(false);
        self.run();
    }

    /// Nothing is under way and nothing waits.
    pub fn is_idle(&self) -> bool {
        !self.busy.get() && self.operations.borrow().is_empty()
    }

    /// The operation under way is over.
    pub fn operation_ended(&self) {
        self.busy.set(false);
        (self.tell)(QueueEvent::Buffered(self.buffer.buffered()));
        self.run();
    }

    fn run(&self) {
        while !self.busy.get() {
            let next = {
                let mut operations = self.operations.borrow_mut();
                match operations.front() {
                    Some(Operation::Remove(..)) => operations.pop_front(),
                    _ if self.held.get() => None,
                    _ => operations.pop_front(),
                }
            };
            let Some(operation) = next else { return };
            self.busy.set(true);
            let result = match &operation {
                Operation::Append(bytes) => self.buffer.append(bytes),
                Operation::Remove(start, end) => self.buffer.remove(*start, *end),
                Operation::ChangeType(mime) => match self.buffer.change_type(mime) {
                    Ok(()) => {
                        self.busy.set(false);
                        continue;
                    }
                    refusal => refusal,
                },
                Operation::Marker(fetch) => {
                    self.busy.set(false);
                    (self.tell)(QueueEvent::Appended(*fetch));
                    continue;
                }
            };
            match result {
                Ok(()) => return,
                Err(AppendError::Full) => {
                    self.busy.set(false);
                    self.operations.borrow_mut().push_front(operation);
                    self.held.set(true);
                    (self.tell)(QueueEvent::Full);
                }
                Err(AppendError::Refused(name)) => {
                    self.busy.set(false);
                    self.operations.borrow_mut().clear();
                    (self.tell)(QueueEvent::Failed(name));
                }
            }
        }
    }
}
