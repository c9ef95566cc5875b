//! One track: its downloads on one side, its source buffer on the other, the DRM worker's stream between.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    rc::{Rc, Weak},
};

use drm_api::{DrmError, Reply, Request, StreamId};
use engine::{
    Event, FetchId, FetchSpec,
    model::{Representation, TrackKind},
};
use gloo::events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use web_sys::SourceBuffer;

use super::{
    download::{HeadAssembly, parse_index},
    run::Inner,
};
use crate::{
    decryptor_proxy::StreamEvent,
    fetcher::{self, Fetch, FetchEvent, Running},
    mse::{AppendQueue, PageSourceBuffer, QueueEvent},
    problem::Problem,
};

pub(super) struct TrackRun {
    kind: TrackKind,
    stream: StreamId,
    representation: Representation,
    player: Weak<Inner>,
    pub(super) queue: AppendQueue<PageSourceBuffer>,
    heads: RefCell<HashMap<FetchId, HeadAssembly>>,
    running: RefCell<HashMap<FetchId, Running>>,
    /// Downloads whose fragments are still wanted.
    wanted: RefCell<HashSet<FetchId>>,
    /// The init segment went to the worker; segments that came before it wait.
    init_sent: Cell<bool>,
    early: RefCell<Vec<(FetchId, ArrayBuffer, bool)>>,
    listeners: RefCell<Vec<EventListener>>,
}

impl TrackRun {
    pub(super) fn new(
        player: &Rc<Inner>,
        representation: Representation,
        stream: StreamId,
        buffer: SourceBuffer,
    ) -> Rc<Self> {
        let kind = representation.kind;
        let told = Rc::downgrade(player);
        let queue = AppendQueue::new(PageSourceBuffer(buffer.clone()), move |event| {
            let Some(player) = told.upgrade() else { return };
            match event {
                QueueEvent::Buffered(ranges) => player.feed(Event::Buffered { track: kind, ranges }),
                QueueEvent::Appended(fetch) => player.feed(Event::SegmentAppended { fetch }),
                QueueEvent::Full => player.feed(Event::QuotaExceeded { track: kind }),
                QueueEvent::Failed(name) => player.fail(Problem::playback(&name)),
            }
        });
        let track = Rc::new(Self {
            kind,
            stream,
            representation,
            player: Rc::downgrade(player),
            queue,
            heads: RefCell::default(),
            running: RefCell::default(),
            wanted: RefCell::default(),
            init_sent: Cell::new(false),
            early: RefCell::default(),
            listeners: RefCell::default(),
        });
        let weak = Rc::downgrade(&track);
        let ended = EventListener::new(&buffer, "updateend", move |_| {
            if let Some(track) = weak.upgrade() {
                track.queue.operation_ended();
                if let Some(player) = track.player.upgrade() {
                    player.maybe_end();
                }
            }
        });
        let weak = Rc::downgrade(player);
        let failed = EventListener::new(&buffer, "error", move |_| {
            if let Some(player) = weak.upgrade() {
                player.fail(Problem::playback("SourceBuffer error"));
            }
        });
        track.listeners.replace(vec![ended, failed]);
        let weak = Rc::downgrade(&track);
        player.proxy().listen(stream, move |event| {
            if let Some(track) = weak.upgrade() {
                track.worker_says(event);
            }
        });
        track
    }

    pub(super) fn kind(&self) -> TrackKind {
        self.kind
    }

    // ---- network --------------------------------------------------------------------------------------------------

    pub(super) fn fetch(self: &Rc<Self>, spec: FetchSpec) {
        let id = spec.fetch;
        if spec.offset == 0 {
            self.heads.borrow_mut().insert(id, HeadAssembly::new(spec.head));
            if spec.segment {
                self.wanted.borrow_mut().insert(id);
            }
        }
        let fetch = Fetch {
            range: spec.range_header.then_some((spec.range.start, spec.range.end)),
            length: spec.range.length(),
            url: spec.url,
        };
        let weak = Rc::downgrade(self);
        let running = fetcher::start(fetch, move |event| {
            let Some(track) = weak.upgrade() else { return };
            match event {
                FetchEvent::Chunk(chunk, last) => track.arrived(id, &chunk, last),
                FetchEvent::Failed(failure) => {
                    track.running.borrow_mut().remove(&id);
                    track.feed(Event::FetchFailed { fetch: id, failure });
                }
            }
        });
        self.running.borrow_mut().insert(id, running);
    }

    pub(super) fn abort(&self, fetch: FetchId) {
        let running = self.running.borrow_mut().remove(&fetch);
        drop(running);
    }

    pub(super) fn reset(&self) {
        self.wanted.borrow_mut().clear();
        self.early.borrow_mut().clear();
        self.queue.reset();
        if let Some(player) = self.player.upgrade() {
            player.proxy().send(&Request::Drop { stream: self.stream }, None, |_| {});
        }
    }

    fn feed(&self, event: Event) {
        if let Some(player) = self.player.upgrade() {
            player.feed(event);
        }
    }

    fn arrived(self: &Rc<Self>, id: FetchId, chunk: &Uint8Array, last: bool) {
        self.feed(Event::Progress { fetch: id, bytes: u64::from(chunk.byte_length()) });
        let missing = self.heads.borrow().get(&id).map_or(0, HeadAssembly::missing);
        let mut rest = chunk.clone();
        if missing > 0 {
            let head = (missing as u32).min(chunk.length());
            let bytes = chunk.subarray(0, head).to_vec();
            rest = chunk.subarray(head, chunk.length());
            let complete = {
                let mut heads = self.heads.borrow_mut();
                let assembly = heads.entry(id).or_default();
                assembly.take(&bytes);
                assembly.missing() == 0
            };
            if complete {
                self.head_complete(id);
            }
        }
        if rest.length() > 0 && self.wanted.borrow().contains(&id) {
            self.push(id, fetcher::into_buffer(&rest), last);
        }
        if last {
            self.running.borrow_mut().remove(&id);
            self.heads.borrow_mut().remove(&id);
            self.feed(Event::FetchDone { fetch: id });
        }
    }

    fn head_complete(self: &Rc<Self>, id: FetchId) {
        let (index, init) = {
            let heads = self.heads.borrow();
            let head = heads.get(&id);
            let part = |range| head.and_then(|head| head.part(range));
            let range = self.representation.index;
            (
                part(range).and_then(|bytes| parse_index(bytes, range)),
                part(self.representation.init).map(Uint8Array::from),
            )
        };
        let (Some(index), Some(init)) = (index, init) else {
            return self.fail(Problem::from(&engine::Error::BadIndex));
        };
        let Some(player) = self.player.upgrade() else { return };
        let weak = Rc::downgrade(self);
        player.proxy().send(
            &Request::PrepareInit { stream: self.stream },
            Some(init.buffer()),
            move |answer| {
                let Some(track) = weak.upgrade() else { return };
                match answer {
                    Ok((Reply::Init { .. }, Some(clear))) => track.queue.append(clear),
                    Ok(_) => track.fail(Problem::playback("no init segment")),
                    Err(error) => track.fail(Problem::from(&error)),
                }
            },
        );
        self.init_sent.set(true);
        let early = self.early.take();
        for (id, bytes, last) in early {
            self.push(id, bytes, last);
        }
        player.feed(Event::Index { track: self.kind, index });
    }

    // ---- worker ---------------------------------------------------------------------------------------------------

    fn push(self: &Rc<Self>, id: FetchId, bytes: ArrayBuffer, last: bool) {
        if !self.init_sent.get() {
            return self.early.borrow_mut().push((id, bytes, last));
        }
        let Some(player) = self.player.upgrade() else { return };
        let push = Request::Push { stream: self.stream, segment: id.0 as u32, last };
        let weak = Rc::downgrade(self);
        player.proxy().send(&push, Some(bytes), move |answer| {
            let Some(track) = weak.upgrade() else { return };
            match answer {
                Ok(_) if last && track.wanted.borrow_mut().remove(&id) => track.queue.mark(id),
                Ok(_) | Err(DrmError::Aborted) => {}
                Err(error) => track.fail(Problem::from(&error)),
            }
        });
    }

    fn worker_says(&self, event: StreamEvent) {
        match event {
            StreamEvent::Fragment { segment, bytes } => {
                // What was under way when the viewer sought elsewhere is of no use any more.
                if self.wanted.borrow().iter().any(|id| id.0 as u32 == segment) {
                    self.queue.append(bytes);
                }
            }
            StreamEvent::NeedKey(_) => {
                if let Some(player) = self.player.upgrade() {
                    player.key_missing();
                }
            }
        }
    }

    fn fail(&self, problem: Problem) {
        if let Some(player) = self.player.upgrade() {
            player.fail(problem);
        }
    }

    pub(super) fn close(&self, proxy: &crate::decryptor_proxy::DecryptorProxy) {
        let running = self.running.take();
        drop(running);
        self.listeners.take();
        proxy.unlisten(self.stream);
        proxy.send(&Request::CloseStream { stream: self.stream }, None, |_| {});
    }
}
