//! The worker: takes messages, hands them on, answers.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;

use cenc::Kid;
use drm_api::cdm::{Reply, Whole};
use drm_api::{DrmError, Event, RequestId, cdm, device, property};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::MessageEvent;

use super::device::Device;
use super::interop::{from_hex, property as property_of, state};
use super::licenses::{Licenses, displays_changed};
use super::messages;
use super::module::Module;
use super::post::{self, Port};
use super::streams::{Job, Streams, bytes_of};
use crate::VERSION;

/// One page's module and the port to the page.
struct Worker {
    port: Port,
    module: Module,
    device: Device,
    licenses: Licenses,
    streams: RefCell<Streams>,
    /// Requests of devices and sessions that wait for their turn.
    queue: RefCell<Vec<(RequestId, Queued)>>,
    is_running: Cell<bool>,
}

/// What waits for its turn.
enum Queued {
    Device(device::Request),
    Session(cdm::Request),
}

pub(super) fn start(config: &JsValue, port: Port) -> Result<(), JsValue> {
    let worker = Rc::new(Worker {
        port: port.clone(),
        module: Module::new(config)?,
        device: Device::default(),
        licenses: Licenses::default(),
        streams: RefCell::default(),
        queue: RefCell::default(),
        is_running: Cell::default(),
    });
    let taking = Rc::clone(&worker);
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        Worker::take(&taking, &event.data());
    });
    port.set_on_message(&on_message.into_js_value());
    post::event(&port, &Event::Ready { version: VERSION.into() });
    worker.licenses.make_first(&worker.module);
    Ok(())
}

impl Worker {
    fn take(worker: &Rc<Self>, message: &JsValue) {
        let Some(id) = property_of(message, property::ID).as_f64() else { return };
        let id = id as RequestId;
        // Whoever plays has something to say each minute.
        worker.module.keep_time();
        let (of_cdm, of_device) =
            (property_of(message, property::CDM), property_of(message, property::DEVICE));
        let queued = match (messages::cdm_request(&of_cdm), messages::device_request(&of_device)) {
            (Some(request), _) => Self::cdm(worker, id, request, message),
            (None, Some(request)) => Some(Queued::Device(request)),
            (None, None) => {
                let error = state("a request that is not understood");
                return post::reply(&worker.port, id, Err(&error));
            }
        };
        if let Some(queued) = queued {
            worker.queue.borrow_mut().push((id, queued));
            if !worker.is_running.replace(true) {
                spawn_local(Rc::clone(worker).run_queue());
            }
        }
    }

    /// Streams and displays are served at once; gives back what waits for its turn.
    fn cdm(worker: &Rc<Self>, id: RequestId, request: cdm::Request, message: &JsValue) -> Option<Queued> {
        use cdm::Request;
        match request {
            Request::PrepareInit { stream } => {
                worker.stream(id, stream, bytes_of(message).map(Job::Init));
            }
            Request::Push { stream, whole, last } => {
                let job = whole.map(named).transpose().and_then(|whole| {
                    let bytes = bytes_of(message)?;
                    Ok(Job::Push { whole, last, bytes })
                });
                worker.stream(id, stream, job);
            }
            Request::Drop { stream } => {
                worker.streams.borrow_mut().abort(&worker.port, stream);
                worker.done(id);
            }
            Request::CloseStream { stream } => {
                worker.streams.borrow_mut().close(&worker.port, stream);
                worker.done(id);
            }
            Request::Display { display } => {
                for (session, keys) in displays_changed(&worker.module, display) {
                    post::event(&worker.port, &Event::Keys { session, keys });
                }
                worker.resume_streams();
                worker.done(id);
            }
            other => return Some(Queued::Session(other)),
        }
        None
    }

    fn done(&self, id: RequestId) {
        post::stream_reply(&self.port, id, &Ok(Reply::Done), None);
    }

    fn stream(&self, id: RequestId, stream: u32, job: Result<Job, DrmError>) {
        let mut cdm = self.module.cdm.borrow_mut();
        let mut keys = cdm.keys(self.module.clocks());
        self.streams.borrow_mut().handle(&self.port, &mut keys, stream, (id, job));
    }

    /// Lets the streams go on after a session's keys came.
    fn resume_streams(&self) {
        let mut cdm = self.module.cdm.borrow_mut();
        self.streams.borrow_mut().resume(&self.port, &mut cdm.keys(self.module.clocks()));
    }

    /// All but media: one after the other, so that no two of them make an identity or use a pair at once.
    async fn run_queue(self: Rc<Self>) {
        loop {
            let queue = self.queue.take();
            if queue.is_empty() {
                break;
            }
            for (id, queued) in queue {
                match queued {
                    Queued::Device(request) => self.of_device(id, request).await,
                    Queued::Session(request) => self.of_session(id, request).await,
                }
            }
        }
        self.is_running.set(false);
    }

    async fn of_device(&self, id: RequestId, request: device::Request) {
        use device::Request;
        let is_identity =
            matches!(request, Request::Open { .. } | Request::Individualize | Request::ResetIdentity);
        // Behind a pointer, so that not all becomes one function, which compresses badly.
        let handling: Pin<Box<dyn Future<Output = _>>> = Box::pin(self.device.handle(&self.module, request));
        let reply = handling.await;
        post::reply(&self.port, id, reply.as_ref().map(messages::device_reply));
        if is_identity {
            self.licenses.make_spare(&self.module, &self.device);
        }
    }

    async fn of_session(&self, id: RequestId, request: cdm::Request) {
        use cdm::Request;
        let brings_keys =
            matches!(request, Request::Update { .. } | Request::Load { .. } | Request::OpenEmbedded { .. });
        let closes = matches!(request, Request::CloseSession { .. });
        let handling: Pin<Box<dyn Future<Output = _>>> =
            Box::pin(self.licenses.handle(&self.module, &self.device, request));
        let reply = handling.await;
        post::reply(&self.port, id, reply.as_ref().map(messages::cdm_reply));
        if brings_keys && reply.is_ok() {
            self.resume_streams();
        }
        // While a film starts there is better to do.
        if closes {
            self.licenses.make_spare(&self.module, &self.device);
        }
    }
}

/// Key and IV of a segment that is encrypted whole.
fn named(whole: Whole) -> Result<(Kid, [u8; 16]), DrmError> {
    let named = from_hex(&whole.kid).zip(from_hex(&whole.iv));
    named.map(|(kid, iv)| (Kid(kid), iv)).ok_or_else(|| state("a malformed KID or IV"))
}
