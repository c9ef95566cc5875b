//! The page's end of the DRM worker: numbers requests, transfers bytes, waits for replies.
//!
//! Bytes go by transfer in both directions, never by clone. A worker that fails takes every waiting request
//! with it.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use drm_api::{
    DrmError, Event, KeyState, Reply, Request, RequestId, SegmentId, SessionId, StreamId, property,
};
use futures_channel::oneshot;
use futures_util::future::{Either, select};
use gloo::{events::EventListener, timers::future::TimeoutFuture, utils::window};
use js_sys::{Array, ArrayBuffer, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, PageTransitionEvent, Worker, WorkerOptions, WorkerType};

use crate::displays::Displays;

/// Individualization asks a server and may make keys; everything else is quicker.
const REPLY_LIMIT_MS: u32 = 45_000;

/// Reply and bytes that came with it.
pub type Answer = Result<(Reply, Option<ArrayBuffer>), DrmError>;
type Waiting = Box<dyn FnOnce(Answer)>;

/// What the worker tells about one stream.
pub enum StreamEvent {
    /// A clear fragment.
    Fragment {
        /// The segment it belongs to.
        segment: SegmentId,
        /// `moof` and `mdat`.
        bytes: ArrayBuffer,
    },
    /// Fragments are held because no session has these keys.
    NeedKey(Vec<String>),
}

type StreamListener = Rc<dyn Fn(StreamEvent)>;
type KeyListener = Rc<dyn Fn(Vec<KeyState>)>;

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
    streams: RefCell<HashMap<StreamId, StreamListener>>,
    sessions: RefCell<HashMap<SessionId, KeyListener>>,
    failed: RefCell<Option<DrmError>>,
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

    /// Sends a request; `then` gets the reply, in the order in which the worker answered.
    pub fn send(&self, request: &Request, bytes: Option<ArrayBuffer>, then: impl FnOnce(Answer) + 'static) {
        if let Some(error) = self.shared.failed.borrow().clone() {
            return then(Err(error));
        }
        let id = self.shared.next_id.get();
        self.shared.next_id.set(id.wrapping_add(1));
        self.shared.waiting.borrow_mut().insert(id, Box::new(then));
        if self.post(id, request, bytes).is_err() {
            let waiting = self.shared.waiting.borrow_mut().remove(&id);
            if let Some(then) = waiting {
                then(Err(DrmError::State { what: "the DRM worker did not take the message".into() }));
            }
        }
    }

    fn post(&self, id: RequestId, request: &Request, bytes: Option<ArrayBuffer>) -> Result<(), JsValue> {
        let message = Object::new();
        Reflect::set(&message, &property::ID.into(), &JsValue::from(id))?;
        Reflect::set(&message, &property::REQUEST.into(), &serde_wasm_bindgen::to_value(request)?)?;
        match bytes {
            Some(bytes) => {
                Reflect::set(&message, &property::BYTES.into(), &bytes)?;
                self.worker.post_message_with_transfer(&message, &Array::of1(&bytes))
            }
            None => self.worker.post_message(&message),
        }
    }

    /// Sends a request and waits for the reply, but not for ever.
    ///
    /// # Errors
    /// The worker's, or [`DrmError::State`] when it does not answer.
    pub async fn ask(&self, request: Request) -> Result<Reply, DrmError> {
        let (sender, receiver) = oneshot::channel();
        self.send(&request, None, move |answer| drop(sender.send(answer)));
        let silent = || DrmError::State { what: "the DRM worker did not answer".into() };
        match select(receiver, TimeoutFuture::new(REPLY_LIMIT_MS)).await {
            Either::Left((answer, _)) => answer.map_err(|_| silent())?.map(|(reply, _)| reply),
            Either::Right(_) => Err(silent()),
        }
    }

    /// Who hears of a stream's fragments.
    pub fn listen(&self, stream: StreamId, listener: impl Fn(StreamEvent) + 'static) {
        self.shared.streams.borrow_mut().insert(stream, Rc::new(listener));
    }

    /// Who hears what a session's keys are good for, when that changes.
    pub fn listen_keys(&self, session: SessionId, listener: impl Fn(Vec<KeyState>) + 'static) {
        self.shared.sessions.borrow_mut().insert(session, Rc::new(listener));
    }

    /// The caller is gone: removes its listener of the session's keys.
    pub fn unlisten_keys(&self, session: SessionId) {
        self.shared.sessions.borrow_mut().remove(&session);
    }

    /// The caller is gone: removes its listener of the stream.
    pub fn unlisten(&self, stream: StreamId) {
        self.shared.streams.borrow_mut().remove(&stream);
    }
}

impl Drop for DecryptorProxy {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

impl Shared {
    fn message(&self, data: &JsValue) {
        let part = |name: &str| Reflect::get(data, &name.into()).unwrap_or(JsValue::UNDEFINED);
        let bytes = part(property::BYTES).dyn_into::<ArrayBuffer>().ok();
        let event = part(property::EVENT);
        if !event.is_undefined() {
            if let Ok(event) = serde_wasm_bindgen::from_value::<Event>(event) {
                self.event(event, bytes);
            }
            return;
        }
        let Some(id) = part(property::ID).as_f64() else { return };
        let waiting = self.waiting.borrow_mut().remove(&(id as RequestId));
        let Some(then) = waiting else { return };
        let reply = serde_wasm_bindgen::from_value::<Result<Reply, DrmError>>(part(property::REPLY));
        then(match reply {
            Ok(reply) => reply.map(|reply| (reply, bytes)),
            Err(error) => Err(DrmError::State { what: format!("reply not understood: {error}") }),
        });
    }

    fn event(&self, event: Event, bytes: Option<ArrayBuffer>) {
        let listener = |stream| self.streams.borrow().get(&stream).cloned();
        match event {
            Event::Fragment { stream, segment } => {
                if let (Some(listener), Some(bytes)) = (listener(stream), bytes) {
                    listener(StreamEvent::Fragment { segment, bytes });
                }
            }
            Event::NeedKey { stream, kids } => {
                if let Some(listener) = listener(stream) {
                    listener(StreamEvent::NeedKey(kids));
                }
            }
            Event::Keys { session, keys } => {
                let listener = self.sessions.borrow().get(&session).cloned();
                if let Some(listener) = listener {
                    listener(keys);
                }
            }
            Event::Failed { error } => self.fail(&error),
            _ => {}
        }
    }

    fn fail(&self, error: &DrmError) {
        self.failed.replace(Some(error.clone()));
        let waiting: Vec<Waiting> = self.waiting.borrow_mut().drain().map(|(_, then)| then).collect();
        for then in waiting {
            then(Err(error.clone()));
        }
    }
}
