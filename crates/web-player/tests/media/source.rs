//! Media sources of the page and of the worker, and their source buffers.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use drm_api::cdm::{Reply, Request, StreamId};
use engine::{FetchId, buffer::Ranges};
use futures_channel::{mpsc, oneshot};
use futures_util::StreamExt as _;
use gloo::{events::EventListener, timers::future::TimeoutFuture};
use js_sys::{ArrayBuffer, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;
use web_player::{
    capability,
    decryptor_proxy::{Decrypting, DecryptorProxy, Pushed},
    mse::{
        Append, AppendError, AppendQueue, PageMediaSource, Queue, QueueEvent, Source, SourceEvent,
        WorkerMediaSource,
    },
};
use web_sys::HtmlVideoElement;

use super::worker::{ECHO, worker};

/// Four seconds of the demo film's picture, clear: `ffmpeg -i media/demo/240p.mp4 -map 0:v -t 4 -c copy
/// -movflags +frag_keyframe+empty_moov+default_base_moof+dash`.
const CLEAR: &[u8] = include_bytes!("../fixtures/clear-video.mp4");
const MIME: &str = r#"video/mp4; codecs="avc1.640015""#;

fn part(from: usize, to: usize) -> ArrayBuffer {
    Uint8Array::from(&CLEAR[from..to]).buffer()
}

/// Init segment and the two fragments of two seconds.
fn parts() -> [ArrayBuffer; 3] {
    [part(0, 767), part(819, 11_616), part(11_668, 22_970)]
}

/// Beside the DRM module in its worker.
const SOURCES: &str = include_str!("../../../../www/media-source.js");
const STREAM: StreamId = 7;

/// The same worker with the site's media sources, after a script of the test's.
fn echo_with_sources(before: &str) -> DecryptorProxy {
    let sources = SOURCES.replace("export function", "function");
    worker(&format!("{before}\n{sources}\nholdSources(self);\n{ECHO}"))
}

/// Where a media source is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Page,
    Worker,
}

/// Those of this browser.
fn places() -> Vec<Place> {
    match capability::has_media_source_in_workers(&js_sys::global()) {
        true => vec![Place::Page, Place::Worker],
        false => vec![Place::Page],
    }
}

fn element() -> HtmlVideoElement {
    let video: HtmlVideoElement = gloo::utils::document().create_element("video").unwrap().unchecked_into();
    video.set_muted(true);
    gloo::utils::body().append_child(&video).unwrap();
    video
}

struct Playing {
    place: Place,
    source: Rc<dyn Source>,
    video: HtmlVideoElement,
    proxy: Rc<DecryptorProxy>,
    queue: Rc<dyn Queue>,
    events: mpsc::UnboundedReceiver<QueueEvent>,
    told: mpsc::UnboundedReceiver<SourceEvent>,
}

async fn playing(place: Place) -> Playing {
    playing_on(place, element(), echo_with_sources("")).await
}

async fn playing_on(place: Place, video: HtmlVideoElement, proxy: DecryptorProxy) -> Playing {
    let proxy = Rc::new(proxy);
    let (sender, mut told) = mpsc::unbounded();
    let tell = move |event| drop(sender.unbounded_send(event));
    let source: Rc<dyn Source> = match place {
        Place::Page => PageMediaSource::attach(&video, tell).unwrap(),
        Place::Worker => {
            let source = WorkerMediaSource::new(&video, &proxy, tell);
            source.attach();
            assert_eq!(told.next().await, Some(SourceEvent::Attached));
            source
        }
    };
    assert_eq!(told.next().await, Some(SourceEvent::Opened));
    source.set_duration(Some(4.0));
    let (sender, events) = mpsc::unbounded();
    let queue = source.add_queue(STREAM, MIME, Box::new(move |event| drop(sender.unbounded_send(event))));
    Playing { place, source, video, proxy, queue: queue.unwrap(), events, told }
}

impl Playing {
    /// Hands in an init segment as the player does with what comes of the worker.
    fn init(&self, bytes: ArrayBuffer) {
        self.init_of(MIME, bytes);
    }

    /// The same with one of another type.
    fn init_of(&self, mime: &'static str, bytes: ArrayBuffer) {
        self.queue.announce(mime);
        if self.place == Place::Page {
            return self.queue.append_init(Some(bytes), mime);
        }
        let queue = Rc::clone(&self.queue);
        self.proxy.send(&Request::PrepareInit { stream: STREAM }, Some(bytes), move |answer| {
            let (reply, clear) = answer.unwrap();
            assert!(matches!(reply, Reply::Init { .. }) && clear.is_none(), "nothing of it comes back");
            queue.append_init(clear, mime);
        });
    }

    /// The same with a fragment.
    fn fragment(&self, bytes: ArrayBuffer) {
        if self.place == Place::Page {
            return self.queue.append(bytes);
        }
        let only_the_end = |pushed: Result<_, _>| assert!(matches!(pushed, Ok(Pushed::Done)), "{pushed:?}");
        self.proxy.segment(STREAM, only_the_end).push(bytes, true);
    }

    async fn appended(&mut self, fetch: FetchId) -> Ranges {
        let mut ranges = Ranges::default();
        loop {
            match self.events.next().await.unwrap() {
                QueueEvent::Buffered(now) => ranges = now,
                QueueEvent::Appended(id) if id == fetch => return ranges,
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next event that is not of ranges.
    async fn event(&mut self) -> QueueEvent {
        loop {
            match self.events.next().await.unwrap() {
                QueueEvent::Buffered(_) => {}
                event => return event,
            }
        }
    }
}

#[wasm_bindgen_test]
async fn c18_what_is_appended_plays_to_its_end() {
    for place in places() {
        let mut it = playing(place).await;
        // All at once: the queue sees to it that one operation follows the other.
        let [init, first, second] = parts();
        it.init(init);
        it.fragment(first);
        it.fragment(second);
        it.queue.mark(FetchId(1));
        let ranges = it.appended(FetchId(1)).await;
        assert!(ranges.covers(0.0, 4.0), "{place:?} {ranges:?}");
        assert_eq!(ranges.as_slice().len(), 1, "one range, no gap");
        it.source.end();
        let Some(SourceEvent::Ended(length)) = it.told.next().await else { panic!("{place:?}: no end") };
        assert!((4.0..4.2).contains(&length), "{length}");
        let (finished, end) = oneshot::channel();
        let _ended = EventListener::once(&it.video, "ended", move |_| finished.send(()).unwrap());
        it.video.set_playback_rate(4.0);
        let _ = it.video.play().unwrap();
        end.await.unwrap();
        assert!(it.video.current_time() > 3.9);
        assert!(it.video.get_video_playback_quality().total_video_frames() > 10);
    }
}

/// The page hears what decrypting took, though it gets nothing of what came of it.
#[wasm_bindgen_test]
async fn decrypting_is_counted_where_fragments_stay_in_the_worker() {
    if !places().contains(&Place::Worker) {
        return;
    }
    let mut it = playing(Place::Worker).await;
    let [init, first, second] = parts();
    it.init(init);
    it.fragment(first);
    it.queue.mark(FetchId(1));
    it.appended(FetchId(1)).await;
    assert_eq!(it.proxy.decrypting(), Decrypting { segments: 1, octets: 10_797, ms: 2.5 });
    // One that waits for a key on its way: each fragment counts once.
    let (sender, mut pushed) = mpsc::unbounded();
    let segment = it.proxy.segment(STREAM, move |pushed| sender.unbounded_send(pushed).unwrap());
    segment.push(second, false);
    assert!(matches!(pushed.next().await, Some(Ok(Pushed::NeedKey(_)))));
    assert_eq!(it.proxy.decrypting(), Decrypting { segments: 1, octets: 22_099, ms: 5.0 });
    segment.push(part(819, 11_616), true);
    assert!(matches!(pushed.next().await, Some(Ok(Pushed::Done))));
    assert_eq!(it.proxy.decrypting(), Decrypting { segments: 2, octets: 32_896, ms: 7.5 });
}

#[wasm_bindgen_test]
async fn removal_and_second_append_leave_one_range() {
    for place in places() {
        let mut it = playing(place).await;
        let [init, first, second] = parts();
        it.init(init);
        it.fragment(second);
        it.queue.mark(FetchId(2));
        let ranges = it.appended(FetchId(2)).await;
        assert!(!ranges.contains(1.0) && ranges.covers(2.1, 4.0), "{place:?} {ranges:?}");
        it.fragment(first);
        it.queue.mark(FetchId(1));
        assert!(it.appended(FetchId(1)).await.covers(0.0, 4.0));
        it.queue.remove(0.0, 2.0);
        it.queue.mark(FetchId(3));
        let ranges = it.appended(FetchId(3)).await;
        assert!(!ranges.contains(1.0) && ranges.covers(2.1, 4.0), "{place:?} {ranges:?}");
    }
}

#[wasm_bindgen_test]
async fn a_reset_drops_what_has_not_begun() {
    for place in places() {
        let mut it = playing(place).await;
        let [init, first, second] = parts();
        it.init(init);
        it.fragment(first);
        it.queue.mark(FetchId(1));
        it.queue.reset(); // on the page the init segment is under way already
        if place == Place::Worker {
            // There it is not said what has begun by now: the player hands it in again.
            it.init(part(0, 767));
        }
        it.fragment(second);
        it.queue.mark(FetchId(2));
        // What was marked before is not told.
        let ranges = it.appended(FetchId(2)).await;
        assert!(ranges.covers(2.1, 4.0), "{place:?} {ranges:?}");
        assert!(place == Place::Worker || !ranges.contains(1.0), "{ranges:?}");
    }
}

#[wasm_bindgen_test]
async fn rubbish_fails_and_says_so() {
    for place in places() {
        let mut it = playing(place).await;
        let (failed, failure) = oneshot::channel();
        let _failed = EventListener::once(&it.video, "error", move |_| failed.send(()).unwrap());
        it.fragment(Uint8Array::from(&[0u8, 0, 0, 8, b'm', b'o', b'o', b'f'][..]).buffer());
        // Until the element knows of the error, a source buffer may still take an append, and never end it.
        failure.await.unwrap();
        it.init(part(0, 767));
        assert_eq!(it.event().await, QueueEvent::Unreadable, "{place:?}");
        assert_eq!(it.event().await, QueueEvent::Failed("InvalidStateError".into()), "{place:?}");
    }
}

/// A script that makes source buffers of its realm hold a second and no more.
const SMALL: &str = r#"
    const appendBuffer = SourceBuffer.prototype.appendBuffer;
    SourceBuffer.prototype.appendBuffer = function (bytes) {
        if (this.buffered.length > 0 && this.buffered.end(0) - this.buffered.start(0) > 1 && bytes.byteLength > 2000) {
            throw new DOMException("full", "QuotaExceededError");
        }
        return appendBuffer.call(this, bytes);
    };"#;

/// What does not fit into a buffer in the worker waits there for room, and is not lost.
#[wasm_bindgen_test]
async fn a_full_buffer_in_the_worker_is_made_room_in() {
    if !places().contains(&Place::Worker) {
        return;
    }
    let mut it = playing_on(Place::Worker, element(), echo_with_sources(SMALL)).await;
    let [init, first, second] = parts();
    it.init(init);
    it.fragment(first);
    it.fragment(second);
    it.queue.mark(FetchId(1));
    assert_eq!(it.event().await, QueueEvent::Full);
    it.queue.retry();
    assert_eq!(it.event().await, QueueEvent::Full, "it is as full as it was");
    it.queue.remove(0.0, 2.0);
    it.queue.retry();
    let ranges = it.appended(FetchId(1)).await;
    assert!(!ranges.contains(1.0) && ranges.covers(2.1, 4.0), "{ranges:?}");
    // What was held is dropped by a reset like all that waits.
    it.fragment(part(819, 11_616));
    it.queue.mark(FetchId(2));
    assert_eq!(it.event().await, QueueEvent::Full);
    it.queue.reset();
    it.queue.mark(FetchId(3));
    assert_eq!(it.event().await, QueueEvent::Appended(FetchId(3)));
}

/// One film after the other in one element, in any order of coming and going; what is dropped lets go of the
/// element, and only of what it had put there.
#[wasm_bindgen_test]
async fn films_follow_each_other_in_one_element() {
    let video = element();
    let of = |name: &str| Reflect::get(&video, &name.into()).unwrap();
    for place in places() {
        let first = playing_on(place, video.clone(), echo_with_sources("")).await;
        let second = playing_on(place, video.clone(), echo_with_sources("")).await;
        drop(first);
        assert!(of("srcObject").is_object() == (place == Place::Worker), "{place:?}: still the second one's");
        let mut it = second;
        let [init, first, _] = parts();
        it.init(init);
        it.fragment(first);
        it.queue.mark(FetchId(1));
        assert!(it.appended(FetchId(1)).await.covers(0.1, 2.0), "{place:?}");
        drop(it);
        assert!(of("srcObject").is_null() && !video.has_attribute("src"), "{place:?}");
    }
}

/// A live range is there once it is said to be told, which the element's own jumps wait for.
#[wasm_bindgen_test]
async fn a_live_range_can_be_sought_in_once_it_is_told() {
    for place in places() {
        let it = playing(place).await;
        it.source.set_duration(None);
        it.source.set_live_range(1.0, 3.0);
        let (told, heard) = oneshot::channel();
        it.source.when_told(Box::new(move || told.send(()).unwrap()));
        heard.await.unwrap();
        let ranges = it.video.seekable();
        assert_eq!((ranges.length(), ranges.start(0), ranges.end(0)), (1, Ok(1.0), Ok(3.0)), "{place:?}");
    }
}

/// Profile and level do not make another codec; where it is one, the buffer's type is changed in its turn.
#[wasm_bindgen_test]
async fn another_codec_changes_the_type_in_the_worker() {
    const UNCHANGING: &str =
        "SourceBuffer.prototype.changeType = () => { throw new DOMException('no', 'NotSupportedError') };";
    if !places().contains(&Place::Worker) {
        return;
    }
    let mut it = playing_on(Place::Worker, element(), echo_with_sources(UNCHANGING)).await;
    let [init, first, _] = parts();
    it.init(init);
    it.init_of(r#"video/mp4; codecs="avc1.64001F""#, part(0, 767));
    it.fragment(first);
    it.queue.mark(FetchId(1));
    assert!(it.appended(FetchId(1)).await.covers(0.1, 2.0));
    it.init_of(r#"video/mp4; codecs="hvc1.1.6.L93.B0""#, part(0, 767));
    assert_eq!(it.event().await, QueueEvent::Failed("NotSupportedError".into()));
}

/// What comes of a stream whose source buffer was refused is for nobody: it does not go to the page instead.
#[wasm_bindgen_test]
async fn a_stream_without_its_buffer_hands_the_page_nothing() {
    const REFUSING: &str = "MediaSource.prototype.addSourceBuffer = () => { throw new DOMException('no', 'NotSupportedError') };";
    if !places().contains(&Place::Worker) {
        return;
    }
    let mut it = playing_on(Place::Worker, element(), echo_with_sources(REFUSING)).await;
    assert!(matches!(it.event().await, QueueEvent::Failed(_)));
    let (sender, mut pushed) = mpsc::unbounded();
    let segment = it.proxy.segment(STREAM, move |pushed| sender.unbounded_send(pushed).unwrap());
    segment.push(part(819, 11_616), true);
    let came = pushed.next().await.unwrap();
    assert!(matches!(came, Ok(Pushed::Done)), "{came:?}");
}

/// Without media sources in the worker, or with a worker that knows nothing of them, the player is told to go
/// elsewhere.
#[wasm_bindgen_test]
async fn a_worker_without_media_sources_refuses() {
    const ANOTHER: &str = "self.onmessage = ({ data: { id } }) => self.postMessage({ id, reply: { Err: { state: { what: '' } } } });";
    for proxy in [echo_with_sources("self.MediaSource = undefined;"), worker(ANOTHER)] {
        let (video, proxy) = (element(), Rc::new(proxy));
        let (sender, mut told) = mpsc::unbounded();
        let source = WorkerMediaSource::new(&video, &proxy, move |event| drop(sender.unbounded_send(event)));
        source.attach();
        assert_eq!(told.next().await, Some(SourceEvent::Refused));
        assert!(!source.is_open());
    }
}

#[wasm_bindgen_test]
fn media_sources_in_workers_are_asked_for() {
    let global = |text: &str| js_sys::JSON::parse(text).unwrap();
    let asked = |text: &str| capability::has_media_source_in_workers(&global(text));
    assert!(asked(r#"{"MediaSource":{"canConstructInDedicatedWorker":true},"MediaSourceHandle":{}}"#));
    assert!(!asked(r#"{"MediaSource":{"canConstructInDedicatedWorker":true}}"#));
    assert!(!asked(r#"{"MediaSource":{},"MediaSourceHandle":{}}"#));
    assert!(!asked(
        r#"{"ManagedMediaSource":{"canConstructInDedicatedWorker":true},"MediaSourceHandle":{}}"#
    ));
    assert!(!capability::has_media_source_in_workers(&JsValue::from(js_sys::Object::new())));
}

/// A source buffer with little room, to see what the queue does about it.
#[derive(Default)]
struct Small {
    full: Rc<Cell<bool>>,
    log: Rc<RefCell<Vec<String>>>,
}

impl Append for Small {
    fn append(&self, bytes: &ArrayBuffer) -> Result<(), AppendError> {
        if self.full.get() {
            return Err(AppendError::Full);
        }
        self.log.borrow_mut().push(format!("append {}", bytes.byte_length()));
        Ok(())
    }

    fn remove(&self, start: f64, end: f64) -> Result<(), AppendError> {
        self.log.borrow_mut().push(format!("remove {start}-{end}"));
        Ok(())
    }

    fn change_type(&self, mime: &str) -> Result<(), AppendError> {
        self.log.borrow_mut().push(mime.to_owned());
        Ok(())
    }

    fn buffered(&self) -> Ranges {
        Ranges::default()
    }
}

#[wasm_bindgen_test]
async fn a_full_buffer_holds_the_fragment_until_told_to_try_again() {
    let (full, log) = (Rc::new(Cell::new(true)), Rc::new(RefCell::default()));
    let events = Rc::new(RefCell::new(VecDeque::new()));
    let told = Rc::clone(&events);
    let small = Small { full: Rc::clone(&full), log: Rc::clone(&log) };
    let queue = AppendQueue::new(small, move |event| told.borrow_mut().push_back(event));
    queue.append(ArrayBuffer::new(11));
    queue.append(ArrayBuffer::new(22));
    queue.mark(FetchId(4));
    assert_eq!(events.take(), [QueueEvent::Full]);
    // Room is made first, though it was asked for last; the fragments wait.
    queue.remove(0.0, 5.0);
    full.set(false);
    queue.operation_ended();
    assert_eq!(*log.borrow(), ["remove 0-5"]);
    queue.retry();
    assert_eq!(*log.borrow(), ["remove 0-5", "append 11"]);
    queue.operation_ended();
    assert!(!events.borrow().contains(&QueueEvent::Appended(FetchId(4))));
    queue.operation_ended();
    assert_eq!(*log.borrow(), ["remove 0-5", "append 11", "append 22"]);
    assert_eq!(events.borrow().back(), Some(&QueueEvent::Appended(FetchId(4))));
    assert!(queue.is_idle());
    TimeoutFuture::new(0).await;
}

#[wasm_bindgen_test]
async fn another_codec_comes_in_its_turn() {
    let log = Rc::new(RefCell::default());
    let small = Small { full: Rc::default(), log: Rc::clone(&log) };
    let queue = AppendQueue::new(small, |_| {});
    queue.append(ArrayBuffer::new(11));
    queue.change_type("video/mp4; codecs=\"hvc1\"".to_owned());
    queue.append(ArrayBuffer::new(22));
    assert_eq!(*log.borrow(), ["append 11"]);
    queue.operation_ended();
    assert_eq!(*log.borrow(), ["append 11", "video/mp4; codecs=\"hvc1\"", "append 22"]);
}
