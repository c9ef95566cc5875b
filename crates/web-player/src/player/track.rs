//! One track: its downloads on one side, its source buffer on the other, the DRM worker's stream between.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    rc::{Rc, Weak},
};

use drm_api::{DrmError, Reply, Request, StreamId};
use engine::{
    Event, FetchId, FetchSpec,
    model::{ByteRange, TrackKind},
};
use gloo::{events::EventListener, timers::callback::Timeout};
use js_sys::{ArrayBuffer, Uint8Array};
use playback::{HeadAssembly, parse_index};
use web_sys::SourceBuffer;

use super::run::Inner;
use crate::{
    decryptor_proxy::StreamEvent,
    fetcher::{self, Fetch, FetchEvent, Running},
    mse::{Append, AppendQueue, PageSourceBuffer, QueueEvent},
    problem::Problem,
};

/// Downloads whose state is kept. The engine has far fewer under way; what is older was given up.
const MOST_DOWNLOADS: usize = 16;
/// So long after a source buffer's error the element's own words are waited for.
const ERROR_LIMIT_MS: u32 = 500;

/// What a track has to know of each of its representations.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// `ftyp moov`.
    pub(super) init: ByteRange,
    /// `sidx`.
    pub(super) index: ByteRange,
    /// For `changeType`.
    pub(super) mime: String,
}

/// One logical download, over all its attempts.
struct Download {
    representation: String,
    head: HeadAssembly,
    running: Option<Running>,
    /// Its fragments are wanted, and not all appended yet.
    wanted: bool,
}

/// A part of a segment that came before its init segment.
struct Early {
    representation: String,
    id: FetchId,
    bytes: ArrayBuffer,
    last: bool,
}

pub(super) struct TrackRun {
    kind: TrackKind,
    stream: StreamId,
    player: Weak<Inner>,
    pub(super) queue: AppendQueue<PageSourceBuffer>,
    sources: HashMap<String, Source>,
    downloads: RefCell<BTreeMap<FetchId, Download>>,
    /// Init segments as they came, by representation.
    inits: RefCell<HashMap<String, Uint8Array>>,
    /// Whose init segment the worker's stream, and after it the source buffer, goes by.
    current: RefCell<Option<String>>,
    /// The source buffer's type.
    mime: RefCell<String>,
    early: RefCell<Vec<Early>>,
    listeners: RefCell<Vec<EventListener>>,
}

impl TrackRun {
    /// `mime` is what the source buffer was made for.
    pub(super) fn new(
        player: &Rc<Inner>,
        kind: TrackKind,
        sources: HashMap<String, Source>,
        stream: StreamId,
        (buffer, mime): (SourceBuffer, String),
    ) -> Rc<Self> {
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
            player: Rc::downgrade(player),
            queue,
            sources,
            downloads: RefCell::default(),
            inits: RefCell::default(),
            current: RefCell::default(),
            mime: RefCell::new(mime),
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
            // The element says what it was, and soon.
            let weak = weak.clone();
            let late = Timeout::new(ERROR_LIMIT_MS, move || {
                if let Some(player) = weak.upgrade() {
                    player.fail(Problem::playback("SourceBuffer error"));
                }
            });
            late.forget();
        });
        // A managed media source takes from what it has when memory is short, and says so.
        let weak = Rc::downgrade(&track);
        let taken = EventListener::new(&buffer, "bufferedchange", move |_| {
            if let Some(track) = weak.upgrade() {
                let ranges = track.queue.buffer().buffered();
                track.feed(Event::Buffered { track: track.kind, ranges });
            }
        });
        track.listeners.replace(vec![ended, failed, taken]);
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

    // ----
    // network --------------------------------------------------------------------------------------------------

    pub(super) fn fetch(self: &Rc<Self>, spec: FetchSpec) {
        let id = spec.fetch;
        let fetch = Fetch {
            range: spec.range_header.then_some((spec.range.start, spec.range.end)),
            length: spec.range.length(),
            afresh: spec.afresh,
            url: spec.url,
        };
        let weak = Rc::downgrade(self);
        let running = fetcher::start(fetch, move |event| {
            let Some(track) = weak.upgrade() else { return };
            match event {
                FetchEvent::Chunk(chunk, last) => track.arrived(id, &chunk, last),
                FetchEvent::Failed(failure) => {
                    drop(track.stop(id));
                    track.feed(Event::FetchFailed { fetch: id, failure });
                }
            }
        });
        let mut downloads = self.downloads.borrow_mut();
        match downloads.get_mut(&id).filter(|_| spec.offset > 0) {
            Some(download) => download.running = Some(running),
            None => {
                let (representation, head) = (spec.representation, HeadAssembly::new(spec.head));
                let wanted = spec.segment;
                downloads.insert(id, Download { representation, head, running: Some(running), wanted });
                if downloads.len() > MOST_DOWNLOADS
                    && let Some(oldest) =
                        downloads.iter().find(|(_, d)| d.running.is_none()).map(|(id, _)| *id)
                {
                    downloads.remove(&oldest);
                }
            }
        }
    }

    pub(super) fn abort(&self, fetch: FetchId) {
        drop(self.stop(fetch));
    }

    /// Takes the running request out; dropped, it is aborted.
    fn stop(&self, fetch: FetchId) -> Option<Running> {
        self.downloads.borrow_mut().get_mut(&fetch).and_then(|download| download.running.take())
    }

    pub(super) fn reset(&self) {
        self.downloads.borrow_mut().retain(|_, download| {
            download.wanted = false;
            // A head may still come, or be asked for again.
            download.running.is_some() || download.head.missing() > 0
        });
        self.early.borrow_mut().clear();
        self.queue.reset();
        // The init segment may be among what is dropped; it goes in again before the next fragment.
        self.current.replace(None);
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
        let mut rest = chunk.clone();
        let (complete, pushed) = {
            let mut downloads = self.downloads.borrow_mut();
            let Some(download) = downloads.get_mut(&id) else { return };
            let missing = download.head.missing();
            if missing > 0 {
                let head = (missing as u32).min(chunk.length());
                download.head.take(&chunk.subarray(0, head).to_vec());
                rest = chunk.subarray(head, chunk.length());
            }
            if last {
                // It is over; there is nothing left to abort.
                download.running.take();
            }
            let complete = missing > 0 && download.head.missing() == 0;
            let wanted = download.wanted && rest.length() > 0;
            (
                complete.then(|| std::mem::take(&mut download.head)),
                wanted.then(|| download.representation.clone()),
            )
        };
        if let Some(head) = complete {
            self.head_complete(id, &head);
        }
        // The head may have shown that the rest is not wanted.
        let wanted = || self.downloads.borrow().get(&id).is_some_and(|download| download.wanted);
        if let Some(representation) = pushed.filter(|_| wanted()) {
            self.push(Early { representation, id, bytes: fetcher::into_buffer(&rest), last });
        }
        if last {
            self.downloads.borrow_mut().retain(|of, download| *of != id || download.wanted);
            self.feed(Event::FetchDone { fetch: id });
        }
    }

    fn head_complete(self: &Rc<Self>, id: FetchId, head: &HeadAssembly) {
        let representation = match self.downloads.borrow().get(&id) {
            Some(download) => download.representation.clone(),
            None => return,
        };
        let Some(source) = self.sources.get(&representation) else { return };
        let index = head.part(source.index).and_then(|bytes| parse_index(bytes, source.index));
        let (Some(index), Some(init)) = (index, head.part(source.init).map(Uint8Array::from)) else {
            // One damaged file does not end the film while there are others.
            if self.sources.len() > 1 {
                return self.feed(Event::Undecodable { representation });
            }
            return self.fail(Problem::from(&engine::Error::BadIndex));
        };
        self.inits.borrow_mut().insert(representation.clone(), init);
        if self.current.borrow().is_none() {
            // The first one need not wait for its first fragment.
            self.send_init(&representation);
        }
        let (now, later): (Vec<Early>, Vec<Early>) =
            self.early.take().into_iter().partition(|early| early.representation == representation);
        self.early.replace(later);
        for early in now {
            self.push(early);
        }
        self.feed(Event::Index { track: self.kind, representation, index });
    }

    // ----
    // worker ---------------------------------------------------------------------------------------------------

    /// Makes the stream, and after it the source buffer, go by another representation's init segment.
    fn send_init(self: &Rc<Self>, representation: &str) {
        let (Some(player), Some(source)) = (self.player.upgrade(), self.sources.get(representation)) else {
            return;
        };
        let Some(init) = self.inits.borrow().get(representation).map(|init| init.slice(0, init.length()))
        else {
            return;
        };
        self.current.replace(Some(representation.to_owned()));
        let weak = Rc::downgrade(self);
        let mime = source.mime.clone();
        let prepare = Request::PrepareInit { stream: self.stream };
        player.proxy().send(&prepare, Some(init.buffer()), move |answer| {
            let Some(track) = weak.upgrade() else { return };
            match answer {
                Ok((Reply::Init { .. }, Some(clear))) => track.append_init(clear, mime),
                // Dropped by a reset, which has forgotten it; what went in since is a newer one's.
                Err(DrmError::Aborted) => {}
                Ok(_) => track.fail(Problem::playback("no init segment")),
                Err(error) => track.fail(Problem::from(&error)),
            }
        });
    }

    fn append_init(&self, clear: ArrayBuffer, mime: String) {
        if codec_family(&self.mime.borrow()) != codec_family(&mime) {
            self.queue.change_type(mime.clone());
            self.mime.replace(mime);
        }
        self.queue.append(clear);
    }

    fn push(self: &Rc<Self>, part: Early) {
        if !self.inits.borrow().contains_key(&part.representation) {
            return self.early.borrow_mut().push(part);
        }
        if self.current.borrow().as_ref() != Some(&part.representation) {
            self.send_init(&part.representation);
        }
        let Some(player) = self.player.upgrade() else { return };
        let Early { id, bytes, last, .. } = part;
        let push = Request::Push { stream: self.stream, segment: id.0 as u32, last };
        let weak = Rc::downgrade(self);
        player.proxy().send(&push, Some(bytes), move |answer| {
            let Some(track) = weak.upgrade() else { return };
            match answer {
                Ok(_) if last && track.finished(id) => track.queue.mark(id),
                Ok(_) | Err(DrmError::Aborted) => {}
                Err(DrmError::Media { .. }) => track.feed(Event::Damaged { fetch: id }),
                Err(error) => track.fail(Problem::from(&error)),
            }
        });
    }

    /// Whether all fragments of the download, which was wanted to its end, are in the queue.
    fn finished(&self, id: FetchId) -> bool {
        self.downloads.borrow_mut().remove(&id).is_some_and(|download| download.wanted)
    }

    fn worker_says(&self, event: StreamEvent) {
        match event {
            StreamEvent::Fragment { segment, bytes } => {
                // What was under way when the viewer sought elsewhere is of no use any more.
                if self
                    .downloads
                    .borrow()
                    .iter()
                    .any(|(id, download)| download.wanted && id.0 as u32 == segment)
                {
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
        drop(self.downloads.take());
        self.listeners.take();
        proxy.unlisten(self.stream);
        proxy.send(&Request::CloseStream { stream: self.stream }, None, |_| {});
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
