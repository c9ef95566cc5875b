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
    cdm::{Display, Reply, Request},
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
use js_sys::{Array, ArrayBuffer, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_player::{
    decryptor_proxy::{DecryptorProxy, Pushed},
    fetcher::{self, Fetch, FetchEvent},
    mse::{Append, AppendError, AppendQueue, MediaSourceHandle, PageSourceBuffer, QueueEvent},
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

/// A segment of an event, whose size nobody has told, ends where its file ends; one that broke off is gone on with
/// also where ranges are not known of.
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
    DecryptorProxy::on(Worker::new(&blob_url(ECHO.as_bytes(), "text/javascript")).unwrap())
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

struct Playing {
    source: MediaSourceHandle,
    video: HtmlVideoElement,
    queue: Rc<AppendQueue<PageSourceBuffer>>,
    events: mpsc::UnboundedReceiver<QueueEvent>,
    _ended: EventListener,
}

async fn playing() -> Playing {
    let document = gloo::utils::document();
    let video: HtmlVideoElement = document.create_element("video").unwrap().unchecked_into();
    video.set_muted(true);
    gloo::utils::body().append_child(&video).unwrap();
    let (opened, open) = oneshot::channel();
    let source = MediaSourceHandle::attach(&video, move || opened.send(()).unwrap(), |_| {}).unwrap();
    open.await.unwrap();
    source.set_duration(4.0);
    let buffer = source.add_source_buffer(MIME).unwrap();
    let (sender, events) = mpsc::unbounded();
    let queue = Rc::new(AppendQueue::new(PageSourceBuffer(buffer.clone()), move |event| {
        drop(sender.unbounded_send(event))
    }));
    let ended = {
        let queue = Rc::clone(&queue);
        EventListener::new(&buffer, "updateend", move |_| queue.operation_ended())
    };
    Playing { source, video, queue, events, _ended: ended }
}

impl Playing {
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
}

#[wasm_bindgen_test]
async fn c18_what_is_appended_plays_to_its_end() {
    let mut it = playing().await;
    // All at once: the queue sees to it that one operation follows the other.
    for part in parts() {
        it.queue.append(part);
    }
    it.queue.mark(FetchId(1));
    let ranges = it.appended(FetchId(1)).await;
    assert!(ranges.covers(0.0, 4.0), "{ranges:?}");
    assert_eq!(ranges.as_slice().len(), 1, "one range, no gap");
    assert!(it.queue.is_idle());
    it.source.end_of_stream();
    let (finished, end) = oneshot::channel();
    let _ended = EventListener::once(&it.video, "ended", move |_| finished.send(()).unwrap());
    it.video.set_playback_rate(4.0);
    let _ = it.video.play().unwrap();
    end.await.unwrap();
    assert!(it.video.current_time() > 3.9);
    assert!(it.video.get_video_playback_quality().total_video_frames() > 10);
}

#[wasm_bindgen_test]
async fn removal_and_second_append_leave_one_range() {
    let mut it = playing().await;
    let [init, first, second] = parts();
    it.queue.append(init);
    it.queue.append(second);
    it.queue.mark(FetchId(2));
    let ranges = it.appended(FetchId(2)).await;
    assert!(!ranges.contains(1.0) && ranges.covers(2.1, 4.0), "{ranges:?}");
    it.queue.append(first.clone());
    it.queue.mark(FetchId(1));
    assert!(it.appended(FetchId(1)).await.covers(0.0, 4.0));
    it.queue.remove(0.0, 2.0);
    it.queue.mark(FetchId(3));
    let ranges = it.appended(FetchId(3)).await;
    assert!(!ranges.contains(1.0) && ranges.covers(2.1, 4.0), "{ranges:?}");
}

#[wasm_bindgen_test]
async fn a_reset_drops_what_has_not_begun() {
    let mut it = playing().await;
    let [init, first, second] = parts();
    it.queue.append(init);
    it.queue.append(first);
    it.queue.mark(FetchId(1));
    it.queue.reset(); // the init segment is under way already
    it.queue.append(second);
    it.queue.mark(FetchId(2));
    let ranges = it.appended(FetchId(2)).await;
    assert!(!ranges.contains(1.0) && ranges.covers(2.1, 4.0), "{ranges:?}");
}

#[wasm_bindgen_test]
async fn rubbish_fails_and_says_so() {
    let mut it = playing().await;
    let errors = Rc::new(Cell::new(0));
    let counted = Rc::clone(&errors);
    let _listener =
        EventListener::new(&it.queue.buffer().0, "error", move |_| counted.set(counted.get() + 1));
    let (failed, failure) = oneshot::channel();
    let _failed = EventListener::once(&it.video, "error", move |_| failed.send(()).unwrap());
    it.queue.append(Uint8Array::from(&[0u8, 0, 0, 8, b'm', b'o', b'o', b'f'][..]).buffer());
    // Until the element knows of the error, a source buffer may still take an append, and never end it.
    failure.await.unwrap();
    it.queue.append(part(0, 767));
    loop {
        match it.events.next().await.unwrap() {
            QueueEvent::Failed(name) => break assert_eq!(name, "InvalidStateError"),
            QueueEvent::Buffered(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(errors.get(), 1);
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
