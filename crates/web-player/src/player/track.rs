//! One track: its downloads on one side, its source buffer on the other, the DRM worker's stream between.

use std::{
    cell::RefCell,
    collections::HashMap,
    rc::{Rc, Weak},
};

use drm_api::{
    DrmError,
    cdm::{Reply, Request, StreamId},
};
use engine::{Event, FetchId, FetchSpec, model::TrackKind};
use gloo::timers::callback::Timeout;
use js_sys::{ArrayBuffer, Uint8Array};
use nccp::Manifest;
use playback::{Downloads, Part, Step, heads, media_type};

use crate::{
    decryptor_proxy::{DecryptorProxy, Pushed, Segment},
    fetcher::{self, Fetch, FetchEvent, Transfer},
    mse::{Queue, QueueEvent, Source},
    problem::Problem,
    stream::Connection,
};

/// How long the element's own words are waited for after a source buffer's error.
const ERROR_LIMIT_MS: u32 = 500;

/// What the worker holds for lack of keys.
pub(super) struct Missing {
    /// Downloadable id.
    pub(super) representation: String,
    /// In hexadecimal digits.
    pub(super) kids: Vec<String>,
}

/// What a track needs of whoever drives it.
pub(super) trait TrackHost {
    /// The engine is to be told.
    fn feed(&self, event: Event);
    /// The worker holds fragments of a representation for lack of keys.
    fn keys_missing(&self, missing: Missing);
    /// Playback cannot go on.
    fn fail(&self, problem: Problem);
}

/// The representations of one kind in a manifest, and their types.
pub(super) fn types(manifest: &Manifest, kind: TrackKind) -> HashMap<String, String> {
    let heads = heads(manifest, kind);
    let of_kind = manifest.downloadables.iter().filter(|file| heads.contains_key(&file.id));
    of_kind.map(|file| (file.id.clone(), media_type(file))).collect()
}

pub(super) struct TrackRun {
    kind: TrackKind,
    stream: StreamId,
    host: Weak<dyn TrackHost>,
    proxy: Rc<DecryptorProxy>,
    queue: Rc<dyn Queue>,
    downloads: RefCell<Downloads<Box<dyn Transfer>, ArrayBuffer>>,
    /// Ways through the worker that have begun and are not answered yet.
    segments: RefCell<HashMap<FetchId, Rc<Segment>>>,
    /// By representation.
    types: HashMap<String, String>,
    /// Whose init segment the worker's stream, and after it the source buffer, goes by.
    current: RefCell<Option<String>>,
}

impl TrackRun {
    /// A track on a source buffer for `mime`; `None` where the source does not take one.
    pub(super) fn new(
        host: Weak<dyn TrackHost>,
        proxy: Rc<DecryptorProxy>,
        (kind, stream): (TrackKind, StreamId),
        manifest: &Manifest,
        (source, mime): (&dyn Source, &str),
    ) -> Option<Rc<Self>> {
        let told = host.clone();
        let tell = move |event: QueueEvent| {
            let Some(host) = told.upgrade() else { return };
            match event {
                QueueEvent::Buffered(ranges) => host.feed(Event::Buffered { track: kind, ranges }),
                QueueEvent::Appended(fetch) => host.feed(Event::SegmentAppended { fetch }),
                QueueEvent::Full => host.feed(Event::QuotaExceeded { track: kind }),
                QueueEvent::Failed(name) => host.fail(Problem::playback(&name)),
                // The element says what it was, and soon.
                QueueEvent::Unreadable => {
                    let host = told.clone();
                    let late = Timeout::new(ERROR_LIMIT_MS, move || {
                        if let Some(host) = host.upgrade() {
                            host.fail(Problem::playback("SourceBuffer error"));
                        }
                    });
                    late.forget();
                }
            }
        };
        let queue = source.add_queue(stream, mime, Box::new(tell))?;
        // Whether an init segment is one to go by is for the worker to say.
        let downloads = Downloads::new(kind, heads(manifest, kind), |_| true);
        Some(Rc::new(Self {
            kind,
            stream,
            host,
            proxy,
            queue,
            downloads: RefCell::new(downloads),
            segments: RefCell::default(),
            types: types(manifest, kind),
            current: RefCell::default(),
        }))
    }

    pub(super) fn kind(&self) -> TrackKind {
        self.kind
    }

    /// Removes from the source buffer.
    pub(super) fn remove(&self, start: f64, end: f64) {
        self.queue.remove(start, end);
    }

    /// Appends what did not fit.
    pub(super) fn retry_append(&self) {
        self.queue.retry();
    }

    fn with_host(&self, what: impl FnOnce(&dyn TrackHost)) {
        if let Some(host) = self.host.upgrade() {
            what(&*host);
        }
    }

    fn feed(&self, event: Event) {
        self.with_host(|host| host.feed(event));
    }

    fn fail(&self, problem: Problem) {
        self.with_host(|host| host.fail(problem));
    }

    // ---- network ----

    /// Over the connection, where there is one that carries it; else as a range.
    pub(super) fn fetch(self: &Rc<Self>, spec: FetchSpec, connection: Option<&Rc<Connection>>) {
        let id = spec.fetch;
        let weak = Rc::downgrade(self);
        let on_event = move |event| {
            let Some(track) = weak.upgrade() else { return };
            match event {
                FetchEvent::Chunk(chunk, last) => track.arrived(id, &chunk, last),
                FetchEvent::Failed(failure) => {
                    track.abort(id);
                    track.feed(Event::FetchFailed { fetch: id, failure });
                }
            }
        };
        if let Some(connection) = connection {
            let running = Box::new(connection.start(&spec, on_event));
            return self.downloads.borrow_mut().started(spec, running);
        }
        let fetch = Fetch {
            range: spec.range_header.then_some((spec.range.start, spec.range.end)),
            length: spec.range.length(),
            sized: spec.sized,
            resumed: spec.offset > 0 && spec.range.start == spec.offset,
            afresh: spec.afresh,
            url: spec.url.clone(),
        };
        let running = Box::new(fetcher::start(fetch, on_event));
        self.downloads.borrow_mut().started(spec, running);
    }

    pub(super) fn abort(&self, fetch: FetchId) {
        let running = self.downloads.borrow_mut().stopped(fetch);
        drop(running);
    }

    pub(super) fn reset(&self) {
        self.downloads.borrow_mut().reset();
        self.segments.borrow_mut().clear();
        self.queue.reset();
        // The init segment may be among what is dropped; it goes in again before the next fragment.
        self.current.replace(None);
        self.proxy.send(&Request::Drop { stream: self.stream }, None, |_| {});
    }

    fn arrived(self: &Rc<Self>, id: FetchId, chunk: &Uint8Array, last: bool) {
        self.feed(Event::Progress { fetch: id, bytes: u64::from(chunk.byte_length()) });
        let missing = u32::try_from(self.downloads.borrow().missing(id)).unwrap_or(u32::MAX);
        let head = missing.min(chunk.length());
        let media = chunk.subarray(head, chunk.length());
        let media = (media.length() > 0).then(|| fetcher::into_buffer(&media));
        let head = if head > 0 { chunk.subarray(0, head).to_vec() } else { Vec::new() };
        let steps = self.downloads.borrow_mut().arrived(id, &head, media, last);
        for step in steps {
            match step {
                // The first one need not wait for its first fragment.
                Step::Init(representation) if self.current.borrow().is_none() => {
                    self.send_init(&representation);
                }
                Step::Init(_) => {}
                // One damaged file does not end the film while there are others.
                Step::BadHead(representation) if self.types.len() > 1 => {
                    self.feed(Event::Undecodable { representation });
                }
                Step::BadHead(_) => self.fail(Problem::from(&engine::Error::BadIndex)),
                // The head may have shown that it is not.
                Step::Push(part) if self.downloads.borrow().is_wanted(part.fetch) => self.push(part),
                Step::Push(_) => {}
                Step::Tell(event) => self.feed(event),
            }
        }
    }

    // ---- worker ----

    /// Makes the stream, and after it the source buffer, go by another representation's init segment.
    fn send_init(self: &Rc<Self>, representation: &str) {
        let Some(init) = self.downloads.borrow().init(representation).map(Uint8Array::from) else { return };
        self.current.replace(Some(representation.to_owned()));
        let weak = Rc::downgrade(self);
        let mime = self.types.get(representation).cloned().unwrap_or_default();
        self.queue.announce(&mime);
        let prepare = Request::PrepareInit { stream: self.stream };
        self.proxy.send(&prepare, Some(init.buffer()), move |answer| {
            let Some(track) = weak.upgrade() else { return };
            match answer {
                Ok((Reply::Init { .. }, clear)) => track.queue.append_init(clear, &mime),
                // Dropped by a reset, which has forgotten it; what went in since is a newer one's.
                Err(DrmError::Aborted) => {}
                Ok(_) => track.fail(Problem::playback("no init segment")),
                Err(error) => track.fail(Problem::from(&error)),
            }
        });
    }

    fn push(self: &Rc<Self>, part: Part<ArrayBuffer>) {
        if self.current.borrow().as_ref() != Some(&part.representation) {
            self.send_init(&part.representation);
        }
        let Part { fetch, bytes, last, .. } = part;
        self.segment(fetch).push(bytes, last);
    }

    /// A download's way through the worker.
    fn segment(self: &Rc<Self>, fetch: FetchId) -> Rc<Segment> {
        let begin = || {
            let weak = Rc::downgrade(self);
            Rc::new(self.proxy.segment(self.stream, move |pushed| {
                if let Some(track) = weak.upgrade() {
                    track.pushed(fetch, pushed);
                }
            }))
        };
        Rc::clone(self.segments.borrow_mut().entry(fetch).or_insert_with(begin))
    }

    /// What came of a segment.
    fn pushed(&self, fetch: FetchId, pushed: Result<Pushed, DrmError>) {
        if matches!(pushed, Ok(Pushed::Done) | Err(_)) {
            self.segments.borrow_mut().remove(&fetch);
        }
        let is_wanted = self.downloads.borrow().is_wanted(fetch);
        match pushed {
            // What was given up needs no key.
            Ok(Pushed::NeedKey(kids)) => {
                let wanted = self.downloads.borrow().wanted(fetch).map(str::to_owned);
                if let Some(representation) = wanted {
                    self.with_host(|host| host.keys_missing(Missing { representation, kids }));
                }
            }
            // What was under way when the viewer sought elsewhere is of no use any more.
            Ok(Pushed::Fragment(bytes)) if is_wanted => self.queue.append(bytes),
            Ok(Pushed::Done) if self.downloads.borrow_mut().finished(fetch) => self.queue.mark(fetch),
            Ok(Pushed::Fragment(_) | Pushed::Done) => {}
            Err(DrmError::Aborted) if !is_wanted => {}
            // Broken off in the worker by another segment: it has to come again, as a damaged one has.
            Err(DrmError::Media { .. } | DrmError::Aborted) => self.feed(Event::Damaged { fetch }),
            Err(error) => self.fail(Problem::from(&error)),
        }
    }

    pub(super) fn close(&self) {
        self.downloads.borrow_mut().close();
        self.segments.borrow_mut().clear();
        self.proxy.send(&Request::CloseStream { stream: self.stream }, None, |_| {});
    }
}
