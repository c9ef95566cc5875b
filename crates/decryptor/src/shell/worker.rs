//! The worker: takes messages, hands them on, answers.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;

use cenc::Kid;
use drm_api::{DrmError, Event, Reply, Request, RequestId, property};
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
    queue: RefCell<Vec<(RequestId, Request)>>,
    is_running: Cell<bool>,
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
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        Worker::take(&worker, &event.data());
    });
    port.set_on_message(&on_message.into_js_value());
    post::event(&port, &Event::Ready { version: VERSION.into() }, None);
    Ok(())
}

impl Worker {
    fn take(worker: &Rc<Self>, message: &JsValue) {
        let Some(id) = property_of(message, property::ID).as_f64() else { return };
        let id = id as RequestId;
        let Some(request) = messages::request(&property_of(message, property::REQUEST)) else {
            let error = state("a request that is not understood");
            return post::reply(&worker.port, id, &Err(error), None);
        };
        match request {
            Request::PrepareInit { stream } => {
                worker.stream(id, bytes_of(message).map(|bytes| (stream, Job::Init(bytes))));
            }
            Request::Push { stream, segment, last } => {
                let job = bytes_of(message).map(|bytes| (stream, Job::Push { segment, last, bytes }));
                worker.stream(id, job);
            }
            Request::Whole { stream, segment, kid, iv } => {
                let named = from_hex(&kid).zip(from_hex(&iv)).ok_or_else(|| state("a malformed KID or IV"));
                worker.stream(id, named.map(|(kid, iv)| (stream, Job::Whole(segment, Kid(kid), iv))));
            }
            Request::Drop { stream } => {
                worker.streams.borrow_mut().abort(&worker.port, stream);
                post::reply(&worker.port, id, &Ok(Reply::Done), None);
            }
            Request::CloseStream { stream } => {
                worker.streams.borrow_mut().close(&worker.port, stream);
                post::reply(&worker.port, id, &Ok(Reply::Done), None);
            }
            Request::Display { display } => {
                for (session, keys) in displays_changed(&worker.module, display) {
                    post::event(&worker.port, &Event::Keys { session, keys }, None);
                }
                worker.resume_streams();
                post::reply(&worker.port, id, &Ok(Reply::Done), None);
            }
            other => {
                worker.queue.borrow_mut().push((id, other));
                if !worker.is_running.replace(true) {
                    spawn_local(Rc::clone(worker).run_queue());
                }
            }
        }
    }

    fn stream(&self, id: RequestId, job: Result<(u32, Job), DrmError>) {
        match job {
            Ok((stream, job)) => {
                let mut cdm = self.module.cdm.borrow_mut();
                let mut keys = cdm.keys(self.module.clocks());
                self.streams.borrow_mut().handle(&self.port, &mut keys, (id, stream, job));
            }
            Err(error) => post::reply(&self.port, id, &Err(error), None),
        }
    }

    /// Lets the streams go on after a session's keys came.
    fn resume_streams(&self) {
        let mut cdm = self.module.cdm.borrow_mut();
        self.streams.borrow_mut().resume(&self.port, &mut cdm.keys(self.module.clocks()));
    }

    /// All but media: one after the other, so that no two of them make an identity or use a pair at once.
    async fn run_queue(self: Rc<Self>) {
        loop {
            if self.queue.borrow().is_empty() {
                break;
            }
            let (id, request) = self.queue.borrow_mut().remove(0);
            let resumes = matches!(
                request,
                Request::Update { .. } | Request::Load { .. } | Request::OpenEmbedded { .. }
            );
            let is_devices = matches!(
                request,
                Request::Open { .. }
                    | Request::Individualize
                    | Request::ResetIdentity
                    | Request::Seal { .. }
                    | Request::KeepDomainKey { .. }
            );
            // While a film starts there is better to do.
            let idle_after = matches!(
                request,
                Request::Open { .. }
                    | Request::Individualize
                    | Request::ResetIdentity
                    | Request::CloseSession { .. }
            );
            // Behind a pointer, so that not all becomes one function, which compresses badly.
            let handling: Pin<Box<dyn Future<Output = Result<Reply, DrmError>> + '_>> = match is_devices {
                true => Box::pin(self.device.handle(&self.module, request)),
                false => Box::pin(self.licenses.handle(&self.module, &self.device, request)),
            };
            let reply = handling.await;
            let resumes = resumes && reply.is_ok();
            post::reply(&self.port, id, &reply, None);
            if resumes {
                self.resume_streams();
            }
            if idle_after {
                self.licenses.make_spare(&self.module, &self.device);
            }
        }
        self.is_running.set(false);
    }
}
