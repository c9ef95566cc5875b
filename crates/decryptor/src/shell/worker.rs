//! The worker: takes messages, hands them on, answers.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use cenc::Kid;
use drm_api::{DrmError, Event, Reply, Request, RequestId, property};
use license::{Trust, Version};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{MessageEvent, WorkerGlobalScope};

use super::config::Config;
use super::control;
use super::database::Database;
use super::identity::Identity;
use super::interop::{from_hex, property as property_of, state};
use super::keys::{Begun, Crypto, RsaPrivate, subtle};
use super::messages;
use super::post::{self, Port};
use super::streams::{Job, Streams, bytes_of};
use crate::{Clocks, SessionId, Sessions, TrustedTime, VERSION};

/// This module's version, as a number triple.
pub(super) fn module_version() -> Version {
    VERSION.parse().unwrap_or(Version::new(0, 0, 0))
}

/// Everything that the module holds.
pub(super) struct Worker {
    pub(super) port: Port,
    pub(super) scope: WorkerGlobalScope,
    pub(super) config: Config,
    pub(super) trust: Trust,
    pub(super) time: RefCell<TrustedTime>,
    pub(super) database: RefCell<Option<Database>>,
    pub(super) identity: RefCell<Option<Rc<Identity>>>,
    pub(super) sessions: RefCell<Sessions>,
    /// Private halves of the RSA pairs of challenges that are out, with their movies.
    pub(super) challenge_keys: RefCell<Vec<(SessionId, u64, RsaPrivate)>>,
    /// The RSA pair for the next challenge, begun ahead.
    pub(super) spare: RefCell<Option<Begun>>,
    /// The cipher has been warmed up.
    pub(super) is_warm: Cell<bool>,
    streams: RefCell<Streams>,
    control: RefCell<Vec<(RequestId, Request)>>,
    control_runs: Cell<bool>,
}

pub(super) fn start(config: JsValue, port: Port) -> Result<(), JsValue> {
    let scope: WorkerGlobalScope = js_sys::global().dyn_into().map_err(|_| JsValue::from("not a worker"))?;
    let config = Config::read(&config).ok_or_else(|| JsValue::from("an incomplete configuration"))?;
    let trust = config.trust().ok_or_else(|| JsValue::from("unusable CA keys"))?;
    let worker = Rc::new(Worker {
        time: RefCell::new(TrustedTime::new(None, clocks(&scope))),
        port: port.clone(),
        scope,
        config,
        trust,
        database: RefCell::default(),
        identity: RefCell::default(),
        sessions: RefCell::default(),
        challenge_keys: RefCell::default(),
        spare: RefCell::default(),
        is_warm: Cell::default(),
        streams: RefCell::default(),
        control: RefCell::default(),
        control_runs: Cell::default(),
    });
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        Worker::take(&worker, &event.data());
    });
    port.set_on_message(&on_message.into_js_value());
    post::event(&port, &Event::Ready { version: VERSION.into() }, None);
    Ok(())
}

fn clocks(scope: &WorkerGlobalScope) -> Clocks {
    let monotonic = scope.performance().map_or(0.0, |performance| performance.now());
    Clocks { wall: js_sys::Date::now() / 1000.0, monotonic: monotonic / 1000.0 }
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
                control::displays_changed(worker, control::seen(display));
                worker.resume_streams();
                post::reply(&worker.port, id, &Ok(Reply::Done), None);
            }
            other => {
                worker.control.borrow_mut().push((id, other));
                if !worker.control_runs.replace(true) {
                    spawn_local(Rc::clone(worker).run_control());
                }
            }
        }
    }

    fn stream(&self, id: RequestId, job: Result<(u32, Job), DrmError>) {
        match job {
            Ok((stream, job)) => {
                let mut sessions = self.sessions.borrow_mut();
                let mut keys = sessions.at(self.now());
                self.streams.borrow_mut().handle(&self.port, &mut keys, (id, stream, job));
            }
            Err(error) => post::reply(&self.port, id, &Err(error), None),
        }
    }

    /// Lets the streams go on after a session's keys came.
    pub(super) fn resume_streams(&self) {
        let mut sessions = self.sessions.borrow_mut();
        let mut keys = sessions.at(self.now());
        self.streams.borrow_mut().resume(&self.port, &mut keys);
    }

    /// All but media: one after the other, so that no two of them make an identity or use a pair at once.
    async fn run_control(self: Rc<Self>) {
        loop {
            if self.control.borrow().is_empty() {
                break;
            }
            let (id, request) = self.control.borrow_mut().remove(0);
            let resumes = matches!(
                request,
                Request::Update { .. } | Request::Load { .. } | Request::OpenEmbedded { .. }
            );
            // While a film starts there is better to do.
            let idle_after = matches!(
                request,
                Request::Open { .. }
                    | Request::Individualize
                    | Request::ResetIdentity
                    | Request::CloseSession { .. }
            );
            let reply = control::handle(&self, request).await;
            let resumes = resumes && reply.is_ok();
            post::reply(&self.port, id, &reply, None);
            if resumes {
                self.resume_streams();
            }
            if idle_after {
                control::make_spare(&self);
            }
        }
        self.control_runs.set(false);
    }

    pub(super) fn subtle(&self) -> Result<Crypto, DrmError> {
        subtle(&self.scope)
    }

    pub(super) fn clocks(&self) -> Clocks {
        clocks(&self.scope)
    }

    /// Trusted time, Unix seconds.
    pub(super) fn now(&self) -> u64 {
        self.time.borrow().now(self.clocks())
    }

    /// Takes a signed time, and keeps it where there is a database. Nobody waits for that: not keeping it costs only the memory of it
    /// after a restart.
    pub(super) fn learn_time(&self, signed: u64) {
        let anchor = self.time.borrow_mut().learn(signed, self.clocks());
        self.keep_anchor(anchor);
    }

    /// As [`learn_time`](Self::learn_time), of a signed time that may be long past.
    pub(super) fn learn_time_at_least(&self, signed: u64) {
        let anchor = self.time.borrow_mut().learn_at_least(signed, self.clocks());
        self.keep_anchor(anchor);
    }

    fn keep_anchor(&self, anchor: Option<crate::Anchor>) {
        let database = self.database.borrow().clone();
        if let (Some(anchor), Some(database)) = (anchor, database) {
            spawn_local(async move { drop(database.set_anchor(anchor).await) });
        }
    }

    /// The database, opened at first use; the clock's anchor is read along.
    pub(super) async fn database(&self) -> Result<Database, DrmError> {
        if let Some(database) = self.database.borrow().as_ref() {
            return Ok(database.clone());
        }
        let database = Database::open(&self.scope).await?;
        let kept = database.anchor().await?;
        *self.time.borrow_mut() = TrustedTime::new(kept, self.clocks());
        *self.database.borrow_mut() = Some(database.clone());
        Ok(database)
    }

    /// The identity in use.
    pub(super) fn identity(&self) -> Result<Rc<Identity>, DrmError> {
        self.identity.borrow().clone().ok_or_else(|| state("no identity is open"))
    }
}
