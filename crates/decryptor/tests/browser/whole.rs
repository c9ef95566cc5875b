//! Segments that are encrypted whole (HLS's `AES-128`) through the worker's messages. WebCrypto encrypts them
//! here.

use cenc::KidAndKey;
use drm_api::{Display, DrmError, Event, KeyStatus, Reply, Request};
use js_sys::{Function, Promise, Uint8Array};
use license::{Check, Output, Policy};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

use super::common::*;
use super::page::{Page, Site, account, now, policy};
use super::{identity, offered, offered_briefly};

const KID: &str = CLEARKEY.split_at(32).0;
const IV: &str = "000102030405060708090a0b0c0d0e0f";
const OTHER_IV: &str = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

/// AES-128-CBC with PKCS #7 padding, as the browser does it, under the fixture's key.
async fn encrypted(clear: &[u8], iv: &str) -> Vec<u8> {
    let pair: KidAndKey = CLEARKEY.parse().unwrap();
    let octets = |octets: &[u8]| JsValue::from(Uint8Array::from(octets));
    let encrypt = Function::new_with_args(
        "key, iv, data",
        "return crypto.subtle.importKey('raw', key, 'AES-CBC', false, ['encrypt'])
            .then(key => crypto.subtle.encrypt({ name: 'AES-CBC', iv }, key, data))",
    );
    let (key, iv) = (octets(pair.cek.expose()), octets(&hex::decode(iv).unwrap()));
    let promise: Promise =
        encrypt.call3(&JsValue::UNDEFINED, &key, &iv, &octets(clear)).unwrap().unchecked_into();
    Uint8Array::new(&JsFuture::from(promise).await.unwrap()).to_vec()
}

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 7 % 251) as u8).collect()
}

fn whole(segment: u32, iv: &str) -> Request {
    Request::Whole { stream: 1, segment, kid: KID.into(), iv: iv.into() }
}

fn push(page: &Page, segment: u32, last: bool, bytes: &[u8]) -> u32 {
    page.post(Request::Push { stream: 1, segment, last }, Some(bytes))
}

async fn licensed(site: &Site, page: &Page, policy: &Policy) {
    assert!(offered(site, page, policy).await.is_ok());
}

/// Held until its license comes; then one fragment, under its own IV; segments without the request are as
/// they were.
#[wasm_bindgen_test]
async fn whole_segments_wait_for_their_key_and_come_clear() {
    let site = Site::install();
    let page = Page::start(&site);
    identity(&page, &account()).await;
    let clear = text(70_001);
    let sealed = encrypted(&clear, IV).await;
    assert_eq!(page.call(whole(1, IV)).await, Ok(Reply::Done));
    let chunks: Vec<_> = sealed.chunks(30_000).collect();
    let ids: Vec<_> = (0..3).map(|at| push(&page, 1, at == 2, chunks[at])).collect();
    // The next one is sent already.
    let next = page.post(whole(2, OTHER_IV), None);
    let short = encrypted(&clear[..16], OTHER_IV).await;
    assert_eq!(short.len(), 32);
    let pushed = push(&page, 2, true, &short);
    assert_eq!(page.event().await.0, Event::NeedKey { stream: 1, kids: vec![KID.into()] });
    for id in &ids[..2] {
        assert_eq!(page.reply(*id).await.0, Ok(Reply::Done));
    }
    assert_eq!(page.event_now(), None);

    licensed(&site, &page, &policy()).await;
    assert_eq!(page.event().await, (Event::Fragment { stream: 1, segment: 1 }, Some(clear.clone())));
    assert_eq!(page.reply(ids[2]).await.0, Ok(Reply::Done));
    assert_eq!(page.reply(next).await.0, Ok(Reply::Done));
    assert_eq!(page.event().await, (Event::Fragment { stream: 1, segment: 2 }, Some(clear[..16].to_vec())));
    assert_eq!(page.reply(pushed).await.0, Ok(Reply::Done));

    // No more of the request than its segment: the same number again needs it again.
    let id = push(&page, 2, true, &short);
    assert!(matches!(page.reply(id).await.0, Err(DrmError::State { .. })), "no init segment");
    let init = page.post(Request::PrepareInit { stream: 1 }, Some(CLEARKEY_INIT));
    assert!(page.reply(init).await.0.is_ok());
    let (segment, expected) = CLEARKEY_SEGMENTS[0];
    let id = push(&page, 3, true, segment);
    assert_eq!(page.reply(id).await.0, Ok(Reply::Done));
    let mut fragments = Vec::new();
    while let Some((Event::Fragment { stream: 1, segment: 3 }, Some(bytes))) = page.event_now() {
        fragments.push(bytes);
    }
    assert_eq!(mdat_sha256(&fragments), expected);
}

/// Not what was encrypted, in words; the same segment may be begun afresh.
#[wasm_bindgen_test]
async fn damaged_whole_segments_are_refused() {
    let site = Site::install();
    let page = Page::start(&site);
    identity(&page, &account()).await;
    licensed(&site, &page, &policy()).await;
    for (kid, iv) in [
        ("", IV),
        (KID, ""),
        (&KID[1..], IV),
        (KID, &IV[2..]),
        (KID, "0x0102030405060708090a0b0c0d0e0f"),
        (IV, "é"),
    ] {
        let request = Request::Whole { stream: 1, segment: 1, kid: kid.into(), iv: iv.into() };
        assert!(matches!(page.call(request).await, Err(DrmError::State { .. })), "{kid} {iv}");
    }
    let clear = text(1000);
    let sealed = encrypted(&clear, IV).await;
    let mut wrong = sealed.clone();
    wrong[sealed.len() - 17] ^= 0x40;
    for damaged in [&sealed[..sealed.len() - 1], &sealed[..sealed.len() - 16], &wrong, &[]] {
        page.post(whole(1, IV), None);
        let id = push(&page, 1, true, damaged);
        let Err(error @ DrmError::Media { .. }) = page.reply(id).await.0 else { panic!("not refused") };
        let rest = push(&page, 1, true, b"more");
        assert_eq!(page.reply(rest).await.0, Err(error));
    }
    assert_eq!(page.event_now(), None);
    page.post(whole(1, IV), None);
    push(&page, 1, false, b"what is left of another try");
    page.post(whole(1, IV), None);
    let id = push(&page, 1, true, &sealed);
    assert_eq!(page.reply(id).await.0, Ok(Reply::Done));
    assert_eq!(page.event().await, (Event::Fragment { stream: 1, segment: 1 }, Some(clear)));
}

/// The license's rules hold as for any other segment: displays (B60), its end (B16), and a seek drops what is
/// held.
#[wasm_bindgen_test]
async fn whole_segments_obey_the_policy() {
    let site = Site::install();
    let page = Page::start(&site);
    identity(&page, &account()).await;
    let clear = text(500);
    let sealed = encrypted(&clear, IV).await;
    page.post(whole(1, IV), None);
    let dropped = push(&page, 1, true, &sealed);
    assert!(matches!(page.event().await.0, Event::NeedKey { .. }));
    assert_eq!(page.call(Request::Drop { stream: 1 }).await, Ok(Reply::Done));
    assert_eq!(page.reply(dropped).await.0, Err(DrmError::Aborted));

    licensed(&site, &page, &Policy { output_digital: Output::Required, ..policy() }).await;
    let told = async |display| {
        assert_eq!(page.call(Request::Display { display }).await, Ok(Reply::Done));
        match page.event().await.0 {
            Event::Keys { keys, .. } => keys[0].status,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(told(Display::Extended).await, KeyStatus::OutputRestricted);
    page.post(whole(2, IV), None);
    let held = push(&page, 2, true, &sealed);
    assert_eq!(page.event().await.0, Event::NeedKey { stream: 1, kids: vec![KID.into()] });
    assert_eq!(told(Display::Single).await, KeyStatus::Usable);
    assert_eq!(page.event().await, (Event::Fragment { stream: 1, segment: 2 }, Some(clear)));
    assert_eq!(page.reply(held).await.0, Ok(Reply::Done));

    // Continuously checked, and about to end.
    let other = Page::start(&site);
    identity(&other, &account()).await;
    let continuous = Policy { check: Check::Continuous, ..policy() };
    let end = offered_briefly(&site, &other, continuous).await;
    for segment in 1.. {
        other.post(whole(segment, IV), None);
        let id = push(&other, segment, true, &sealed);
        match other.reply(id).await.0 {
            Ok(Reply::Done) => assert!(other.event_now().is_some_and(|(_, bytes)| bytes.is_some())),
            refused => {
                assert_eq!(refused, Err(DrmError::LicenseExpired));
                assert!(now() >= end);
                assert_eq!(other.event_now(), None);
                break;
            }
        }
    }
}

/// Buffers of all sizes, from two streams in turns: what one segment has freed serves the next ones.
#[wasm_bindgen_test]
async fn memory_does_not_creep() {
    let site = Site::install();
    let page = Page::start(&site);
    identity(&page, &account()).await;
    licensed(&site, &page, &policy()).await;
    let (mut sealed, mut after) = (Vec::new(), Vec::new());
    for length in [2_000_000, 40_007, 700_001, 90_000, 3_000_005, 16, 1_300_000] {
        sealed.push(encrypted(&text(length), IV).await);
    }
    for round in 0..20 {
        for (at, octets) in sealed.iter().enumerate() {
            let (stream, segment) = (at as u32 % 2, round);
            let (kid, iv) = (KID.into(), IV.into());
            page.post(Request::Whole { stream, segment, kid, iv }, None);
            let mut pushed = 0;
            for chunk in octets.chunks(50_000 + 9_973 * at) {
                pushed = page.post(Request::Push { stream, segment, last: false }, Some(chunk));
            }
            assert_eq!(page.reply(pushed).await.0, Ok(Reply::Done));
            let last = page.post(Request::Push { stream, segment, last: true }, Some(b""));
            assert_eq!(page.reply(last).await.0, Ok(Reply::Done));
            assert!(page.event().await.1.is_some_and(|clear| clear.len() < octets.len()));
        }
        let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
        after.push(memory.buffer().unchecked_into::<js_sys::ArrayBuffer>().byte_length());
    }
    wasm_bindgen_test::console_log!("memory: {after:?}");
    assert!(after[19] <= after[4] + (1 << 20), "{after:?}");
}
