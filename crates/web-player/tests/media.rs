//! Bytes on their way: ranged fetches, the DRM worker's messages, appends to real Media Source Extensions.
#![cfg(target_arch = "wasm32")]
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use drm_api::{
    DrmError,
    cdm::{Display, Reply, Request, StreamId},
    device,
};
use engine::{
    Failure, FetchId, FetchSpec,
    buffer::Ranges,
    model::{ByteRange, TrackKind},
};
use futures_channel::{mpsc, oneshot};
use futures_util::StreamExt as _;
use gloo::{events::EventListener, timers::future::TimeoutFuture};
use js_sys::{Array, ArrayBuffer, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_player::{
    capability,
    decryptor_proxy::{Decrypting, DecryptorProxy, Pushed},
    fetcher::{self, Fetch, FetchEvent},
    mse::{
        Append, AppendError, AppendQueue, PageMediaSource, Queue, QueueEvent, Source, SourceEvent,
        WorkerMediaSource,
    },
    stream::{Broken, Connection, Way},
};
use web_sys::{Blob, BlobPropertyBag, HtmlVideoElement, Url, Worker};

wasm_bindgen_test_configure!(run_in_browser);

// ---- fetcher ----

fn blob_url(bytes: &[u8], mime: &str) -> String {
    let options = BlobPropertyBag::new();
    options.set_type(mime);
    let parts = Array::of1(&Uint8Array::from(bytes));
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &options).unwrap();
    Url::create_object_url_with_blob(&blob).unwrap()
}

async fn fetched(fetch: Fetch) -> Result<Vec<u8>, Failure> {
    let (sender, mut receiver) = mpsc::unbounded();
    let running = fetcher::start(fetch, move |event| drop(sender.unbounded_send(event)));
    let mut all = Vec::new();
    while let Some(event) = receiver.next().await {
        match event {
            FetchEvent::Chunk(chunk, last) => {
                let buffer = fetcher::into_buffer(&chunk);
                assert_eq!(buffer.byte_length(), chunk.byte_length(), "the buffer holds nothing else");
                all.extend(chunk.to_vec());
                if last {
                    drop(running);
                    return Ok(all);
                }
            }
            FetchEvent::Failed(failure) => return Err(failure),
        }
    }
    panic!("ended without last chunk or failure")
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 7 + n / 251) as u8).collect()
}

#[wasm_bindgen_test]
async fn c16_a_range_header_brings_exactly_its_bytes() {
    let bytes = pattern(300_000);
    let url = blob_url(&bytes, "video/mp4");
    let fetch = Fetch {
        url,
        range: Some((1000, 200_999)),
        length: 200_000,
        sized: true,
        resumed: false,
        afresh: false,
    };
    assert_eq!(fetched(fetch).await.unwrap(), &bytes[1000..201_000]);
}

#[wasm_bindgen_test]
async fn a_range_in_the_address_is_answered_with_200() {
    let url = "data:application/octet-stream;base64,AAECAwQFBgc=".to_owned();
    assert_eq!(
        fetched(Fetch { url, range: None, length: 8, sized: true, resumed: false, afresh: false })
            .await
            .unwrap(),
        [0, 1, 2, 3, 4, 5, 6, 7]
    );
}

/// A segment of an event, whose size nobody has told, ends where its file ends; one that broke off is gone on
/// with also where ranges are not known of.
#[wasm_bindgen_test]
async fn a_file_of_unknown_size_ends_where_it_ends() {
    let url = || "data:application/octet-stream;base64,AAECAwQFBgc=".to_owned();
    let whole =
        Fetch { url: url(), range: None, length: 1 << 28, sized: false, resumed: false, afresh: false };
    assert_eq!(fetched(whole.clone()).await.unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
    let rest = Fetch { range: Some((3, 7)), length: 5, sized: true, resumed: true, ..whole };
    assert_eq!(fetched(rest.clone()).await.unwrap(), [3, 4, 5, 6, 7]);
    let range = Fetch { resumed: false, ..rest };
    assert_eq!(fetched(range).await, Err(Failure::Status(200)), "a range is a range");
}

#[wasm_bindgen_test]
async fn fewer_or_more_bytes_than_promised_are_a_failure() {
    let url = || "data:application/octet-stream;base64,AAECAwQFBgc=".to_owned();
    let (longer, shorter) = (
        Fetch { url: url(), range: None, length: 9, sized: true, resumed: false, afresh: false },
        Fetch { url: url(), range: None, length: 7, sized: true, resumed: false, afresh: false },
    );
    assert_eq!(fetched(longer).await, Err(Failure::Truncated));
    assert_eq!(fetched(shorter).await, Err(Failure::Truncated));
}

#[wasm_bindgen_test]
async fn a_status_that_the_range_form_does_not_promise_is_a_failure() {
    let missing = Fetch {
        url: "/no-such-file".into(),
        range: None,
        length: 8,
        sized: true,
        resumed: false,
        afresh: false,
    };
    assert!(matches!(fetched(missing).await, Err(Failure::Status(404))));
    let nobody = Fetch {
        url: "http://localhost:1/".into(),
        range: None,
        length: 8,
        sized: true,
        resumed: false,
        afresh: false,
    };
    assert_eq!(fetched(nobody).await, Err(Failure::Network));
}

/// B87: where nobody answers, whoever waits for the connection is told to take another way.
#[wasm_bindgen_test]
async fn b87_what_cannot_be_streamed_comes_another_way() {
    let connection = Connection::open("ws://localhost:2/stream/vod/1").unwrap();
    let spec = FetchSpec {
        fetch: FetchId(1),
        track: TrackKind::Video,
        representation: "1811192541".into(),
        url: String::new(),
        range_header: true,
        range: ByteRange::new(0, 99).unwrap(),
        sized: true,
        head: 100,
        offset: 0,
        segment: false,
        start: None,
        afresh: false,
        client_data: None,
    };
    assert!(connection.carries(&spec));
    let (sender, mut receiver) = mpsc::unbounded();
    let _running = connection.start(&spec, move |event| drop(sender.unbounded_send(event)));
    assert!(matches!(receiver.next().await, Some(FetchEvent::Failed(Failure::Unstreamed))));
    assert_eq!(connection.way(), Way::Ranges(Broken::Closed));
    assert!(!connection.carries(&spec));
}

#[wasm_bindgen_test]
async fn an_aborted_fetch_says_nothing_more() {
    let events = Rc::new(Cell::new(0));
    let counted = Rc::clone(&events);
    let fetch = Fetch {
        url: blob_url(&pattern(100_000), "video/mp4"),
        range: None,
        length: 100_000,
        sized: true,
        resumed: false,
        afresh: false,
    };
    let again = fetch.clone();
    let running = fetcher::start(fetch, move |_| counted.set(counted.get() + 1));
    drop(running);
    // The same from the same place, to its end: by then the first would have spoken.
    fetched(again).await.unwrap();
    assert_eq!(events.get(), 0);
}

// ---- worker ----

/// A worker that answers as a DRM module would, without one.
const ECHO: &str = r#"
    self.onmessage = ({ data: { id, cdm, device, bytes } }) => {
        const reply = (reply, bytes, took) => self.postMessage({ id, reply, bytes, took }, bytes ? [bytes] : []);
        if (device) {
            reply({ Ok: { identity: { certificate: new Uint8Array([1, 255]), component: "c", expires: 7 } } });
        } else if (cdm.type === "push") {
            reply({ Ok: "fragment" }, bytes, 2.5);
            reply({ Ok: cdm.last ? "done" : { "need-key": { kids: ["00ff"] } } });
        } else if (cdm.type === "prepare-init") {
            reply({ Ok: { init: { kids: ["00ff"], initData: new Uint8Array([1, 2]) } } }, bytes);
        } else if (cdm.type === "update") {
            reply({ Err: { "policy-refused": { reason: "output" } } });
        } else if (cdm.type === "close-session") {
            self.postMessage({ event: { failed: { error: "module-mismatch" } } });
        } else if (cdm.type === "generate-request") {
            const seen = JSON.stringify({ ...cdm, initData: [...cdm.initData] });
            reply({ Ok: { challenge: { challenge: new TextEncoder().encode(seen) } } });
        }
    };"#;

fn echo() -> DecryptorProxy {
    worker(ECHO)
}

fn worker(script: &str) -> DecryptorProxy {
    DecryptorProxy::on(Worker::new(&blob_url(script.as_bytes(), "text/javascript")).unwrap())
}

#[wasm_bindgen_test]
async fn bytes_go_to_the_worker_and_back_by_transfer() {
    let proxy = echo();
    let (sender, mut pushed) = mpsc::unbounded();
    let segment = proxy.segment(5, move |pushed| sender.unbounded_send(pushed).unwrap());
    let mut next = async || pushed.next().await.unwrap();
    for last in [false, true] {
        let bytes = Uint8Array::from(&pattern(50_000)[..]).buffer();
        segment.push(bytes.clone(), last);
        assert_eq!(bytes.byte_length(), 0, "given away, not copied");
        let Ok(Pushed::Fragment(back)) = next().await else { panic!("not a fragment") };
        assert_eq!(Uint8Array::new(&back).to_vec(), pattern(50_000));
        match next().await {
            Ok(Pushed::NeedKey(kids)) => assert_eq!((last, kids), (false, vec!["00ff".to_owned()])),
            Ok(Pushed::Done) => assert!(last),
            other => panic!("{other:?}"),
        }
    }
    let decrypting = proxy.decrypting();
    assert_eq!((decrypting.segments, decrypting.octets, decrypting.ms), (1, 100_000, 5.0));
    assert_eq!(decrypting.speed(), Some((5.0, 20.0)));
    assert_eq!(decrypting.since(decrypting).speed(), None);
    // It is over: what an answer of that id would say is heard by nobody.
    segment.push(Uint8Array::from(&pattern(10)[..]).buffer(), true);
    let (sender, init) = oneshot::channel();
    let bytes = Uint8Array::from(&pattern(10)[..]).buffer();
    proxy.send(&Request::PrepareInit { stream: 5 }, Some(bytes), |answer| sender.send(answer).unwrap());
    let Ok((Reply::Init { kids, init_data }, Some(back))) = init.await.unwrap() else { panic!("no init") };
    assert_eq!((kids, init_data, back.byte_length()), (vec!["00ff".to_owned()], vec![1, 2], 10));
    drop(segment);
    drop(proxy);
    assert!(pushed.next().await.is_none());
}

#[wasm_bindgen_test]
async fn replies_find_their_requests_and_errors_keep_their_meaning() {
    let proxy = echo();
    let update = proxy.ask(Request::Update { session: 1, license: vec![] });
    let request = Request::GenerateRequest {
        session: 3,
        stream_id: 60_027_274.0,
        device: "d-1".into(),
        ticket: "t".into(),
        init_data: vec![1, 2, 3],
        display: Display::Single,
        clock_offset: -1.5,
    };
    let Reply::Challenge { challenge, .. } = proxy.ask(request.clone()).await.unwrap() else {
        panic!("no challenge")
    };
    assert_eq!(serde_json::from_slice::<Request>(&challenge).unwrap(), request, "as the worker sees it");
    let refused = DrmError::PolicyRefused { reason: drm_api::PolicyReason::Output };
    assert_eq!(update.await, Err(refused));
    let device::Reply::Identity { certificate, .. } =
        proxy.ask(device::Request::Individualize).await.unwrap()
    else {
        panic!("no identity")
    };
    assert_eq!(certificate, [1, 255]);
}

#[wasm_bindgen_test]
async fn a_worker_that_gives_up_fails_what_waits_and_what_comes() {
    let proxy = echo();
    assert!(!proxy.has_failed());
    let told = Rc::new(RefCell::new(Vec::new()));
    let listener = |told: &Rc<RefCell<Vec<_>>>| {
        let told = Rc::clone(told);
        move |pushed: Result<Pushed, _>| told.borrow_mut().push(pushed.map(|_| ()))
    };
    let _waiting = proxy.segment(1, listener(&told));
    assert_eq!(proxy.ask(Request::CloseSession { session: 1 }).await, Err(DrmError::ModuleMismatch));
    assert!(proxy.has_failed());
    proxy.segment(1, listener(&told)).push(ArrayBuffer::new(1), true);
    assert_eq!(*told.borrow(), [Err(DrmError::ModuleMismatch), Err(DrmError::ModuleMismatch)]);
    assert_eq!(proxy.ask(Request::CreateSession).await, Err(DrmError::ModuleMismatch));
}

// ---- append queue ----

/// Four seconds of the demo film's picture, clear: `ffmpeg -i media/demo/240p.mp4 -map 0:v -t 4 -c copy
/// -movflags +frag_keyframe+empty_moov+default_base_moof+dash`.
const CLEAR: &[u8] = include_bytes!("fixtures/clear-video.mp4");
const MIME: &str = r#"video/mp4; codecs="avc1.640015""#;

fn part(from: usize, to: usize) -> ArrayBuffer {
    Uint8Array::from(&CLEAR[from..to]).buffer()
}

/// Init segment and the two fragments of two seconds.
fn parts() -> [ArrayBuffer; 3] {
    [part(0, 767), part(819, 11_616), part(11_668, 22_970)]
}

/// Beside the DRM module in its worker.
const SOURCES: &str = include_str!("../../../www/media-source.js");
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
