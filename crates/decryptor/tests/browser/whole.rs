//! Segments that are encrypted whole (HLS's `AES-128`) through the worker's messages. WebCrypto encrypts them
//! here.

use cenc::KidAndKey;
use drm_api::cdm::{Display, KeyStatus, Reply, Request};
use drm_api::{DrmError, Event};
use js_sys::{Function, Promise, Uint8Array};
use license::{Check, Output, Policy};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

use super::common::*;
use super::page::{Page, Segment, Site, account, now, policy};
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

/// A segment in one message.
fn pushed<'a>(page: &'a Page, iv: &str, bytes: &[u8]) -> Segment<'a> {
    let segment = page.segment(1).whole(KID, iv);
    segment.push(bytes, true);
    segment
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
    let first = page.segment(1).whole(KID, IV);
    let chunks: Vec<_> = sealed.chunks(30_000).collect();
    (0..3).for_each(|at| first.push(chunks[at], at == 2));
    // The next one is sent already.
    let short = encrypted(&clear[..16], OTHER_IV).await;
    assert_eq!(short.len(), 32);
    let second = pushed(&page, OTHER_IV, &short);
    first.lacks(KID).await;
    assert!(!first.has_more() && !second.has_more());

    licensed(&site, &page, &policy()).await;
    assert_eq!(first.fragments().await, Ok(vec![clear.clone()]));
    assert_eq!(second.fragments().await, Ok(vec![clear[..16].to_vec()]));

    // Another segment says so itself.
    let refused = page.pushed(1, &short).fragments().await;
    assert!(matches!(refused, Err(DrmError::State { .. })), "no init segment");
    assert!(page.prepare(1, CLEARKEY_INIT).await.0.is_ok());
    let (segment, expected) = CLEARKEY_SEGMENTS[0];
    assert_eq!(mdat_sha256(&page.pushed(1, segment).fragments().await.unwrap()), expected);
}

/// Not what was encrypted, in words; what still comes of such a segment is passed over.
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
        let segment = page.segment(1).whole(kid, iv);
        segment.push(b"some", false);
        segment.push(b"more", true);
        assert!(matches!(segment.fragments().await, Err(DrmError::State { .. })), "{kid} {iv}");
        assert!(!segment.has_more());
    }
    let clear = text(1000);
    let sealed = encrypted(&clear, IV).await;
    let mut wrong = sealed.clone();
    wrong[sealed.len() - 17] ^= 0x40;
    for damaged in [&sealed[..sealed.len() - 1], &sealed[..sealed.len() - 16], &wrong, &[]] {
        let segment = pushed(&page, IV, damaged);
        assert!(matches!(segment.fragments().await, Err(DrmError::Media { .. })), "not refused");
        segment.push(b"more", true);
        let next = pushed(&page, IV, &sealed);
        assert_eq!(next.fragments().await, Ok(vec![clear.clone()]));
        assert!(!segment.has_more());
    }
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
    let dropped = pushed(&page, IV, &sealed);
    dropped.lacks(KID).await;
    assert_eq!(page.call(Request::Drop { stream: 1 }).await, Ok(Reply::Done));
    assert_eq!(dropped.fragments().await, Err(DrmError::Aborted));

    licensed(&site, &page, &Policy { output_digital: Output::Required, ..policy() }).await;
    let told = async |display| {
        assert_eq!(page.call(Request::Display { display }).await, Ok(Reply::Done));
        match page.event().await {
            Event::Keys { keys, .. } => keys[0].status,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(told(Display::Extended).await, KeyStatus::OutputRestricted);
    let held = pushed(&page, IV, &sealed);
    held.lacks(KID).await;
    assert_eq!(told(Display::Single).await, KeyStatus::Usable);
    assert_eq!(held.fragments().await, Ok(vec![clear.clone()]));

    // Continuously checked, and about to end.
    let other = Page::start(&site);
    identity(&other, &account()).await;
    let continuous = Policy { check: Check::Continuous, ..policy() };
    let end = offered_briefly(&site, &other, continuous).await;
    loop {
        match pushed(&other, IV, &sealed).fragments().await {
            Ok(fragments) => assert_eq!(fragments, [clear.as_slice()]),
            refused => {
                assert_eq!(refused, Err(DrmError::LicenseExpired));
                assert!(now() >= end);
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
    for _ in 0..20 {
        for (at, octets) in sealed.iter().enumerate() {
            let segment = page.segment(at as u32 % 2).whole(KID, IV);
            octets.chunks(50_000 + 9_973 * at).for_each(|chunk| segment.push(chunk, false));
            segment.push(b"", true);
            let fragments = segment.fragments().await.unwrap();
            assert!(fragments.len() == 1 && fragments[0].len() < octets.len());
        }
        let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
        after.push(memory.buffer().unchecked_into::<js_sys::ArrayBuffer>().byte_length());
    }
    wasm_bindgen_test::console_log!("memory: {after:?}");
    assert!(after[19] <= after[4] + (1 << 20), "{after:?}");
}
