//! The page's end of a media source that lies beside the DRM module, in its worker (`www/media-source.js`).

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use drm_api::{
    DrmError,
    cdm::StreamId,
    source::{News, Request, SourceId},
};
use engine::{FetchId, buffer::Ranges};
use js_sys::{ArrayBuffer, Object, Reflect};
use wasm_bindgen::JsValue;
use web_sys::HtmlVideoElement;

use super::{
    append_queue::QueueEvent,
    source::{Queue, Source, SourceEvent},
};
use crate::decryptor_proxy::DecryptorProxy;

thread_local! {
    static NEXT_SOURCE: Cell<SourceId> = const { Cell::new(1) };
}

/// A media source of the DRM worker's, whose handle is in a video element: clear fragments do not come to the
/// page.
pub struct WorkerMediaSource {
    this: Weak<Self>,
    number: SourceId,
    proxy: Rc<DecryptorProxy>,
    video: HtmlVideoElement,
    /// What the element was given.
    handle: RefCell<JsValue>,
    queues: RefCell<Vec<Rc<WorkerQueue>>>,
    is_open: Cell<bool>,
    /// The worker was told to end it.
    is_ending: Cell<bool>,
    /// Live ranges that the worker has not taken yet, and what waits for that.
    untold: Cell<u32>,
    waiting: RefCell<Vec<Box<dyn FnOnce()>>>,
    tell: Box<dyn Fn(SourceEvent)>,
}

impl WorkerMediaSource {
    /// One that is not attached yet.
    pub fn new(
        video: &HtmlVideoElement,
        proxy: &Rc<DecryptorProxy>,
        tell: impl Fn(SourceEvent) + 'static,
    ) -> Rc<Self> {
        let number = NEXT_SOURCE.replace(NEXT_SOURCE.get() + 1);
        Rc::new_cyclic(|this| Self {
            this: this.clone(),
            number,
            proxy: Rc::clone(proxy),
            video: video.clone(),
            handle: RefCell::default(),
            queues: RefCell::default(),
            is_open: Cell::new(false),
            is_ending: Cell::new(false),
            untold: Cell::new(0),
            waiting: RefCell::default(),
            tell: Box::new(tell),
        })
    }

    /// Has the worker make it, and puts its handle into the element; [`SourceEvent::Refused`] where one of
    /// them does not.
    pub fn attach(&self) {
        let weak = self.this.clone();
        self.proxy.listen_source(self.number, move |news| {
            if let Some(source) = weak.upgrade() {
                source.hear(news);
            }
        });
        let weak = self.this.clone();
        self.proxy.attach_source(self.number, move |answer| {
            if let Some(source) = weak.upgrade() {
                source.made(answer);
            }
        });
    }

    fn made(&self, answer: Result<JsValue, DrmError>) {
        let taken =
            answer.ok().filter(|handle| Reflect::set(&self.video, &SRC_OBJECT.into(), handle).is_ok());
        match taken {
            Some(handle) => {
                self.handle.replace(handle);
                (self.tell)(SourceEvent::Attached);
            }
            None => (self.tell)(SourceEvent::Refused),
        }
    }

    fn hear(&self, news: News) {
        match news {
            News::Opened => {
                self.is_open.set(true);
                (self.tell)(SourceEvent::Opened);
            }
            News::Ended { duration } => {
                self.is_ending.set(false);
                (self.tell)(SourceEvent::Ended(duration));
            }
            News::Buffered { stream, ranges } => {
                self.tell_of(stream, |_| Some(QueueEvent::Buffered(Ranges::new(ranges))));
            }
            News::Appended { stream, mark } => self.tell_of(stream, |queue| queue.reached(mark)),
            // One that was told before a reset was heard of is of no use any more.
            News::Full { stream, turn } => {
                self.tell_of(stream, |queue| (queue.turn.get() == turn).then_some(QueueEvent::Full));
            }
            News::Refused { stream, name } => self.tell_of(stream, |_| Some(QueueEvent::Failed(name))),
            News::Failed { stream } => self.tell_of(stream, |_| Some(QueueEvent::Unreadable)),
            _ => {}
        }
    }

    /// Tells a queue's owner.
    fn tell_of(&self, stream: StreamId, event: impl FnOnce(&WorkerQueue) -> Option<QueueEvent>) {
        let queue = self.queues.borrow().iter().find(|queue| queue.stream == stream).cloned();
        if let Some(queue) = queue
            && let Some(event) = event(&queue)
        {
            (queue.tell)(event);
        }
    }

    /// The worker has taken a live range.
    fn told(&self) {
        self.untold.set(self.untold.get().saturating_sub(1));
        if self.untold.get() == 0 {
            self.waiting.take().into_iter().for_each(|then| then());
        }
    }
}

/// The element's property that takes a handle.
const SRC_OBJECT: &str = "srcObject";

impl Source for WorkerMediaSource {
    fn is_open(&self) -> bool {
        self.is_open.get()
    }

    fn set_duration(&self, seconds: Option<f64>) {
        if seconds.is_none_or(|seconds| seconds.is_finite() && seconds > 0.0) {
            self.proxy.tell(&Request::SetDuration { source: self.number, seconds });
        }
    }

    fn set_live_range(&self, begin: f64, edge: f64) {
        if begin.is_finite() && begin >= 0.0 && edge > begin {
            self.untold.set(self.untold.get() + 1);
            let weak = self.this.clone();
            let request = Request::SetLiveRange { source: self.number, begin, edge };
            self.proxy.send(&request, None, move |_| {
                if let Some(source) = weak.upgrade() {
                    source.told();
                }
            });
        }
    }

    fn when_told(&self, then: Box<dyn FnOnce()>) {
        match self.untold.get() {
            0 => then(),
            _ => self.waiting.borrow_mut().push(then),
        }
    }

    fn add_queue(
        &self,
        stream: StreamId,
        mime: &str,
        tell: Box<dyn Fn(QueueEvent)>,
    ) -> Option<Rc<dyn Queue>> {
        let queue = Rc::new(WorkerQueue {
            stream,
            proxy: Rc::clone(&self.proxy),
            turn: Cell::new(0),
            marks: RefCell::default(),
            tell,
        });
        let weak = Rc::downgrade(&queue);
        let request = Request::AddBuffer { source: self.number, stream, mime: mime.to_owned() };
        self.proxy.send(&request, None, move |answer| {
            if let Some(queue) = weak.upgrade().filter(|_| answer.is_err()) {
                (queue.tell)(QueueEvent::Failed("no SourceBuffer".into()));
            }
        });
        self.queues.borrow_mut().push(Rc::clone(&queue));
        Some(queue)
    }

    fn end(&self) {
        self.is_ending.set(true);
        self.proxy.tell(&Request::End { source: self.number, wanted: true });
    }

    fn go_on(&self) {
        if self.is_ending.replace(false) {
            self.proxy.tell(&Request::End { source: self.number, wanted: false });
        }
    }
}

impl Drop for WorkerMediaSource {
    fn drop(&mut self) {
        self.proxy.unlisten_source(self.number);
        self.proxy.tell(&Request::Detach { source: self.number });
        let handle = self.handle.take();
        let has_it = Reflect::get(&self.video, &SRC_OBJECT.into()).is_ok_and(|of| Object::is(&of, &handle));
        // Another film may have been put in meanwhile, or this one never was.
        if has_it && handle.is_object() {
            let _ = Reflect::set(&self.video, &SRC_OBJECT.into(), &JsValue::NULL);
        }
    }
}

/// A source buffer in the worker: what is wanted of it is said in messages, in their order.
struct WorkerQueue {
    stream: StreamId,
    proxy: Rc<DecryptorProxy>,
    /// How often it was reset.
    turn: Cell<u32>,
    /// What was marked and not reached yet.
    marks: RefCell<Vec<FetchId>>,
    tell: Box<dyn Fn(QueueEvent)>,
}

impl WorkerQueue {
    /// The worker has come to a mark; `None` where a reset has dropped it meanwhile.
    fn reached(&self, mark: f64) -> Option<QueueEvent> {
        let mut marks = self.marks.borrow_mut();
        let place = marks.iter().position(|fetch| fetch.0 as f64 == mark)?;
        Some(QueueEvent::Appended(marks.remove(place)))
    }
}

impl Queue for WorkerQueue {
    fn announce(&self, mime: &str) {
        self.proxy.tell(&Request::Announce { stream: self.stream, mime: mime.to_owned() });
    }

    // What comes clear is appended where it comes.
    fn append_init(&self, _clear: Option<ArrayBuffer>, _mime: &str) {}

    fn append(&self, _clear: ArrayBuffer) {}

    fn mark(&self, fetch: FetchId) {
        self.marks.borrow_mut().push(fetch);
        self.proxy.tell(&Request::Mark { stream: self.stream, mark: fetch.0 as f64 });
    }

    fn remove(&self, start: f64, end: f64) {
        self.proxy.tell(&Request::Remove { stream: self.stream, start, end });
    }

    fn reset(&self) {
        self.turn.set(self.turn.get().wrapping_add(1));
        self.marks.take();
        self.proxy.tell(&Request::Reset { stream: self.stream, turn: self.turn.get() });
    }

    fn retry(&self) {
        self.proxy.tell(&Request::Retry { stream: self.stream });
    }
}
