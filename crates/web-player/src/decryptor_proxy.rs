//! The page's end of the DRM worker: numbers requests, transfers bytes, waits for replies.
//!
//! Bytes go by transfer in both directions, never by clone; those of a stream that has a source buffer in the
//! worker do not come back. A worker that fails takes every waiting request with it.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use drm_api::{
    Ask, DrmError, Event, RequestId,
    cdm::{self, KeyState, SessionId, StreamId},
    property,
    source::{self, News, SourceId},
};
use futures_channel::oneshot;
use futures_util::future::{Either, select};
use gloo::{events::EventListener, timers::future::TimeoutFuture, utils::window};
use js_sys::{Array, ArrayBuffer, Object, Reflect};
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, PageTransitionEvent, Worker, WorkerOptions, WorkerType};

use crate::displays::Displays;

/// Individualization asks a server and may make keys; everything else is quicker.
const REPLY_LIMIT_MS: u32 = 45_000;

/// Reply and bytes that came with it.
pub type Answer<R> = Result<(R, Option<ArrayBuffer>), DrmError>;

/// A reply as it came.
struct Came {
    reply: JsValue,
    bytes: Option<ArrayBuffer>,
    /// Of a media source.
    handle: JsValue,
}

type Raw = Result<Came, DrmError>;

/// What comes of a segment that goes through the worker, in this order.
#[derive(Debug)]
pub enum Pushed {
    /// The next clear fragment: `moof` and `mdat`.
    Fragment(ArrayBuffer),
    /// Fragments are held because no session has these keys.
    NeedKey(Vec<String>),
    /// All fragments have come. Nothing follows, nor after an error.
    Done,
}

/// What decrypting has taken in the worker.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Decrypting {
    /// Segments that came clear.
    pub segments: u32,
    /// Octets in them.
    pub octets: u64,
    /// Milliseconds.
    pub ms: f64,
}

impl Decrypting {
    /// What was added since it was another.
    pub fn since(self, before: Self) -> Self {
        Self {
            segments: self.segments - before.segments,
            octets: self.octets - before.octets,
            ms: self.ms - before.ms,
        }
    }

    /// Milliseconds for a segment, and megabytes a second; `None` before there is anything to divide by, as
    /// where the browser's clock is a coarse one.
    pub fn speed(self) -> Option<(f64, f64)> {
        let is_measured = self.segments > 0 && self.ms > 0.0;
        is_measured.then(|| (self.ms / f64::from(self.segments), self.octets as f64 / 1000.0 / self.ms))
    }
}

type SegmentListener = Rc<dyn Fn(Result<Pushed, DrmError>)>;

/// Who waits for an answer.
enum Waiting {
    /// One that comes in one reply.
    Reply(Box<dyn FnOnce(Raw)>),
    /// One that comes in several.
    Segment(SegmentListener),
}

type KeyListener = Rc<dyn Fn(Vec<KeyState>)>;
type SourceListener = Rc<dyn Fn(News)>;

/// The DRM worker.
pub struct DecryptorProxy {
    worker: Worker,
    shared: Rc<Shared>,
    displays: Displays,
    _listeners: [EventListener; 5],
}

#[derive(Default)]
struct Shared {
    next_id: Cell<RequestId>,
    waiting: RefCell<HashMap<RequestId, Waiting>>,
    sessions: RefCell<HashMap<SessionId, KeyListener>>,
    sources: RefCell<HashMap<SourceId, SourceListener>>,
    failed: RefCell<Option<DrmError>>,
    decrypting: Cell<Decrypting>,
}

impl DecryptorProxy {
    /// Starts the worker from its script.
    ///
    /// # Errors
    /// When the browser refuses to start a module worker.
    pub fn start(script: &str) -> Result<Self, DrmError> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        options.set_name("matinee-decryptor");
        let worker = Worker::new_with_options(script, &options)
            .map_err(|_| DrmError::Unsupported { what: "module workers".into() })?;
        Ok(Self::on(worker))
    }

    /// Speaks to a worker that is already there.
    pub fn on(worker: Worker) -> Self {
        let shared = Rc::new(Shared::default());
        let on_message = {
            let shared = Rc::clone(&shared);
            EventListener::new(&worker, "message", move |event| {
                if let Some(event) = event.dyn_ref::<MessageEvent>() {
                    shared.message(&event.data());
                }
            })
        };
        let on_failure = |kind: &'static str| {
            let shared = Rc::clone(&shared);
            EventListener::new(&worker, kind, move |_| {
                shared.fail(&DrmError::Unsupported { what: "working DRM module".into() });
            })
        };
        // A page that is left may be kept, frozen, for the way back. A worker frozen while it opens its
        // database would keep every other page of the profile from opening it, so it ends here, and a page
        // that comes back loads anew.
        let ending = worker.clone();
        let on_leaving = EventListener::new(&window(), "pagehide", move |_| ending.terminate());
        let on_return = EventListener::new(&window(), "pageshow", |event| {
            if event.dyn_ref::<PageTransitionEvent>().is_some_and(PageTransitionEvent::persisted) {
                let _ = window().location().reload();
            }
        });
        let listeners = [on_message, on_failure("error"), on_failure("messageerror"), on_leaving, on_return];
        Self { worker, shared, displays: Displays::default(), _listeners: listeners }
    }

    /// The displays, and what this worker has been told of them.
    pub fn displays(&self) -> &Displays {
        &self.displays
    }

    /// Whether the worker gave up: then only a new one helps.
    pub fn has_failed(&self) -> bool {
        self.shared.failed.borrow().is_some()
    }

    /// What decrypting has taken since the worker began.
    pub fn decrypting(&self) -> Decrypting {
        self.shared.decrypting.get()
    }

    /// Sends a request; `then` gets the reply, in the order in which the worker answered.
    pub fn send<A: Ask>(
        &self,
        request: &A,
        bytes: Option<ArrayBuffer>,
        then: impl FnOnce(Answer<A::Reply>) + 'static,
    ) {
        let then = move |raw: Raw| then(raw.and_then(|came| Ok((read(came.reply)?, came.bytes))));
        let id = self.shared.wait(Waiting::Reply(Box::new(then)));
        self.shared.post(&self.worker, id, request, bytes);
    }

    /// Says something about a media source of the worker's that needs no answer. A worker that gave up has
    /// none.
    pub fn tell(&self, request: &source::Request) {
        if let Ok(message) = message(None, request, None)
            && !self.has_failed()
        {
            let _ = self.worker.post_message(&message);
        }
    }

    /// Has the worker make a media source; `then` gets its handle, or hears that there are none in workers.
    pub fn attach_source(&self, source: SourceId, then: impl FnOnce(Result<JsValue, DrmError>) + 'static) {
        let handle = |came: Came| match read(came.reply)? {
            source::Reply::Attached if came.handle.is_object() => Ok(came.handle),
            _ => Err(DrmError::Unsupported { what: "MediaSource in workers".into() }),
        };
        let then = move |raw: Raw| then(raw.and_then(handle));
        let id = self.shared.wait(Waiting::Reply(Box::new(then)));
        self.shared.post(&self.worker, id, &source::Request::Attach { source }, None);
    }

    /// Who hears what becomes of a media source.
    pub fn listen_source(&self, source: SourceId, listener: impl Fn(News) + 'static) {
        self.shared.sources.borrow_mut().insert(source, Rc::new(listener));
    }

    /// The caller is gone: removes its listener of the media source.
    pub fn unlisten_source(&self, source: SourceId) {
        self.shared.sources.borrow_mut().remove(&source);
    }

    /// Begins a segment of a stream; the listener gets all that comes of it.
    pub fn segment(
        &self,
        stream: StreamId,
        listener: impl Fn(Result<Pushed, DrmError>) + 'static,
    ) -> Segment {
        let id = self.shared.wait(Waiting::Segment(Rc::new(listener)));
        Segment { id, stream, worker: self.worker.clone(), shared: Rc::clone(&self.shared) }
    }

    /// Sends a request and waits for the reply, but not for ever.
    ///
    /// # Errors
    /// The worker's, or [`DrmError::State`] when it does not answer.
    pub async fn ask<A: Ask>(&self, request: A) -> Result<A::Reply, DrmError> {
        let (sender, receiver) = oneshot::channel();
        self.send(&request, None, move |answer| drop(sender.send(answer)));
        let silent = || DrmError::State { what: "the DRM worker did not answer".into() };
        match select(receiver, TimeoutFuture::new(REPLY_LIMIT_MS)).await {
            Either::Left((answer, _)) => answer.map_err(|_| silent())?.map(|(reply, _)| reply),
            Either::Right(_) => Err(silent()),
        }
    }

    /// Who hears what a session's keys are good for, when that changes.
    pub fn listen_keys(&self, session: SessionId, listener: impl Fn(Vec<KeyState>) + 'static) {
        self.shared.sessions.borrow_mut().insert(session, Rc::new(listener));
    }

    /// The caller is gone: removes its listener of the session's keys.
    pub fn unlisten_keys(&self, session: SessionId) {
        self.shared.sessions.borrow_mut().remove(&session);
    }
}

impl Drop for DecryptorProxy {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

/// A segment on its way through a stream of the worker: one request, whose bytes come in parts.
pub struct Segment {
    id: RequestId,
    stream: StreamId,
    worker: Worker,
    shared: Rc<Shared>,
}

impl Segment {
    /// Hands over the next bytes; nothing may follow the last.
    pub fn push(&self, bytes: ArrayBuffer, last: bool) {
        let push = cdm::Request::Push { stream: self.stream, whole: None, last };
        self.shared.post(&self.worker, self.id, &push, Some(bytes));
    }
}

fn read<T: DeserializeOwned>(reply: JsValue) -> Result<T, DrmError> {
    serde_wasm_bindgen::from_value::<Result<T, DrmError>>(reply)
        .map_err(|error| DrmError::State { what: format!("reply not understood: {error}") })?
}

/// What is to be posted.
fn message<A: Ask>(
    id: Option<RequestId>,
    request: &A,
    bytes: Option<&ArrayBuffer>,
) -> Result<Object, JsValue> {
    let message = Object::new();
    if let Some(id) = id {
        Reflect::set(&message, &property::ID.into(), &JsValue::from(id))?;
    }
    Reflect::set(&message, &A::PROPERTY.into(), &serde_wasm_bindgen::to_value(request)?)?;
    if let Some(bytes) = bytes {
        Reflect::set(&message, &property::BYTES.into(), bytes)?;
    }
    Ok(message)
}

impl Shared {
    fn wait(&self, waiting: Waiting) -> RequestId {
        let id = self.next_id.get();
        self.next_id.set(id.wrapping_add(1));
        self.waiting.borrow_mut().insert(id, waiting);
        id
    }

    fn post<A: Ask>(&self, worker: &Worker, id: RequestId, request: &A, bytes: Option<ArrayBuffer>) {
        let failed = self.failed.borrow().clone();
        if let Some(error) = failed {
            return self.answer(id, Err(error));
        }
        let posted = message(Some(id), request, bytes.as_ref()).and_then(|message| match bytes {
            Some(bytes) => worker.post_message_with_transfer(&message, &Array::of1(&bytes)),
            None => worker.post_message(&message),
        });
        if posted.is_err() {
            let what = "the DRM worker did not take the message".into();
            self.answer(id, Err(DrmError::State { what }));
        }
    }

    fn message(&self, data: &JsValue) {
        let part = |name: &str| Reflect::get(data, &name.into()).unwrap_or(JsValue::UNDEFINED);
        let bytes = part(property::BYTES).dyn_into::<ArrayBuffer>().ok();
        let event = part(property::EVENT);
        if !event.is_undefined() {
            if let Ok(event) = serde_wasm_bindgen::from_value::<Event>(event) {
                self.event(event);
            }
            return;
        }
        let octets = match &bytes {
            Some(bytes) => Some(u64::from(bytes.byte_length())),
            // Fragments that stayed in the worker.
            None => part(property::OCTETS).as_f64().map(|octets| octets as u64),
        };
        if let (Some(took), Some(octets)) = (part(property::TOOK).as_f64(), octets) {
            let mut decrypting = self.decrypting.get();
            decrypting.octets += octets;
            decrypting.ms += took.max(0.0);
            self.decrypting.set(decrypting);
        }
        if let Some(id) = part(property::ID).as_f64() {
            let came = Came { reply: part(property::REPLY), bytes, handle: part(property::HANDLE) };
            self.answer(id as RequestId, Ok(came));
        }
    }

    /// Hands a reply to who waits for it; one that is only a part of the answer leaves them waiting.
    fn answer(&self, id: RequestId, raw: Raw) {
        let waiting = self.waiting.borrow_mut().remove(&id);
        match waiting {
            Some(Waiting::Reply(then)) => then(raw),
            Some(Waiting::Segment(listener)) => {
                let pushed = raw.and_then(|came| pushed(read(came.reply)?, came.bytes));
                if matches!(pushed, Ok(Pushed::Fragment(_) | Pushed::NeedKey(_))) {
                    self.waiting.borrow_mut().insert(id, Waiting::Segment(Rc::clone(&listener)));
                } else if matches!(pushed, Ok(Pushed::Done)) {
                    let mut decrypting = self.decrypting.get();
                    decrypting.segments += 1;
                    self.decrypting.set(decrypting);
                }
                listener(pushed);
            }
            None => {}
        }
    }

    fn event(&self, event: Event) {
        match event {
            Event::Keys { session, keys } => {
                let listener = self.sessions.borrow().get(&session).cloned();
                if let Some(listener) = listener {
                    listener(keys);
                }
            }
            Event::Source { source, news } => {
                let listener = self.sources.borrow().get(&source).cloned();
                if let Some(listener) = listener {
                    listener(news);
                }
            }
            Event::Failed { error } => self.fail(&error),
            _ => {}
        }
    }

    fn fail(&self, error: &DrmError) {
        self.failed.replace(Some(error.clone()));
        let waiting: Vec<RequestId> = self.waiting.borrow().keys().copied().collect();
        for id in waiting {
            self.answer(id, Err(error.clone()));
        }
    }
}

fn pushed(reply: cdm::Reply, bytes: Option<ArrayBuffer>) -> Result<Pushed, DrmError> {
    match (reply, bytes) {
        (cdm::Reply::Fragment, Some(bytes)) => Ok(Pushed::Fragment(bytes)),
        (cdm::Reply::NeedKey { kids }, _) => Ok(Pushed::NeedKey(kids)),
        (cdm::Reply::Done, _) => Ok(Pushed::Done),
        _ => Err(DrmError::State { what: "the DRM worker answered something else".into() }),
    }
}
