//! The module in a real browser, in a dedicated worker (C5, C6, C7, C17, C19).
#![allow(missing_docs, clippy::unwrap_used)]
#![cfg(target_arch = "wasm32")]

#[path = "../suite/common.rs"]
mod common;
mod messages;
mod page;
mod rights;
mod whole;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cenc::{AesCipher, Cek, Direction, Iv, KidAndKey, RangeTable, SampleProtection, SegmentCipher};
use common::*;
use decryptor::{PushDecryptor, VERSION};
use drm_api::cdm::{Display, KeyStatus, Reply, Request};
use drm_api::{DrmError, device};
use license::{Challenge, Policy, SoftwareRsaKey, sha256};
use page::{Page, Site, account, now, stored_private_keys};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_dedicated_worker);

fn open(account: &str) -> device::Request {
    device::Request::Open { account: account.into(), release: String::new() }
}

async fn identity(page: &Page, account: &str) -> (Vec<u8>, String) {
    match page.call(open(account)).await {
        Ok(device::Reply::Identity { certificate, component, .. }) => (certificate, component),
        other => panic!("{other:?}"),
    }
}

async fn challenge(page: &Page, display: Display) -> (u32, Vec<u8>) {
    let Ok(Reply::Session { session }) = page.call(Request::CreateSession).await else {
        panic!("no session")
    };
    let request = Request::GenerateRequest {
        session,
        stream_id: 7.0,
        device: "d-1".into(),
        ticket: "ticket".into(),
        init_data: vec![],
        display,
        // As the page learns it from the controller.
        clock_offset: now() as f64 - js_sys::Date::now() / 1000.0,
    };
    match page.call(request).await {
        Ok(Reply::Challenge { challenge, .. }) => (session, challenge),
        other => panic!("{other:?}"),
    }
}

/// Challenges, and gives the module a license by these rules.
async fn offered(site: &Site, page: &Page, policy: &Policy) -> Result<Reply, DrmError> {
    let (session, octets) = challenge(page, Display::Single).await;
    let challenge = Challenge::verify(&octets, &site.trust, now()).unwrap();
    let license = site.license_by(&challenge, policy);
    page.call(Request::Update { session, license }).await
}

/// The same with a license that ends soon; when. A slow machine may see one end before it arrives.
async fn offered_briefly(site: &Site, page: &Page, policy: Policy) -> u64 {
    for seconds in 1.. {
        let end = now() + seconds;
        match offered(site, page, &Policy { not_after: Some(end), ..policy.clone() }).await {
            Ok(_) => return end,
            Err(error) => assert_eq!(error, DrmError::LicenseExpired),
        }
    }
    unreachable!()
}

/// C17: NIST SP 800-38A F.5.1 (CTR) and F.2.1 (CBC), in wasm.
#[wasm_bindgen_test]
fn c17_nist_vectors() {
    let key: Cek = "2b7e151628aed2a6abf7158809cf4f3c".parse().unwrap();
    let clear = hex::decode(concat!(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    ))
    .unwrap();
    let ctr = concat!(
        "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff",
        "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"
    );
    let cbc = concat!(
        "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
        "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"
    );
    let cases = [
        (SampleProtection::Ctr, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", ctr),
        (SampleProtection::Cbc(cenc::Pattern::WHOLE), "000102030405060708090a0b0c0d0e0f", cbc),
    ];
    for (protection, iv, ciphertext) in cases {
        let mut data = hex::decode(ciphertext).unwrap();
        let mut table = RangeTable::new(protection);
        let iv = Iv::from_slice(&hex::decode(iv).unwrap()).unwrap();
        table.push_sample(0, data.len(), iv, &[]).unwrap();
        AesCipher::new(&key).apply(Direction::Decrypt, &table, &mut data).unwrap();
        assert_eq!(data, clear);
    }
}

/// C17: fragments of others' files, in wasm.
#[wasm_bindgen_test]
fn c17_fixture_fragments() {
    let mut stream = PushDecryptor::new();
    stream.set_init(CLEARKEY_INIT.to_vec()).unwrap();
    for (segment, expected) in CLEARKEY_SEGMENTS {
        let out = decrypt(&mut stream, &mut Given::new(CLEARKEY), segment.chunks(1000)).unwrap();
        assert_eq!(mdat_sha256(&out), expected);
    }
}

/// C7: getrandom has its browser backend.
#[wasm_bindgen_test]
fn c7_two_nonces_differ() {
    assert_ne!(license::nonce().unwrap(), license::nonce().unwrap());
}

/// C6: `rsa` unwraps a license in wasm.
#[wasm_bindgen_test]
async fn c6_license_opens_with_rsa() {
    let site = Site::install();
    let page = Page::start(&site);
    let (certificate, _) = identity(&page, &account()).await;
    let rsa = SoftwareRsaKey::generate().unwrap();
    let (_, octets) = challenge(&page, Display::Single).await;
    let mut verified = Challenge::verify(&octets, &site.trust, now()).unwrap();
    assert_eq!(verified.challenge.certificate, certificate);
    verified.challenge.rsa_modulus = rsa.modulus().unwrap();
    let license = site.license_for(&verified);
    let expected = license::Expected {
        device_id: "d-1",
        challenge_sha256: sha256(&octets),
        anchor: 0,
        module_version: VERSION.parse().unwrap(),
    };
    let license = license::VerifiedLicense::verify(&license, &site.trust, &expected).unwrap();
    let pair: KidAndKey = CLEARKEY.parse().unwrap();
    assert_eq!(license.open_with_rsa(&rsa).unwrap(), [(pair.kid, pair.cek)]);
}

/// A86, A90: individualized once, found again, keys that do not leave.
#[wasm_bindgen_test]
async fn a90_identity_is_kept_and_cannot_be_exported() {
    let site = Site::install();
    let account = account();
    let first = identity(&Page::start(&site), &account).await;
    assert_eq!(site.individualizations(), 1);
    let again = Page::start(&site);
    assert_eq!(identity(&again, &account).await, first);
    assert_eq!(site.individualizations(), 1);
    // Another account is another device.
    assert_ne!(identity(&again, &page::account()).await.1, first.1);

    keys_are_kept_as_the_level_says(&account).await;

    // Refused by the server: the same keys get a new certificate. Reset: other keys.
    let page = Page::start(&site);
    identity(&page, &account).await;
    let Ok(device::Reply::Identity { component, certificate, .. }) =
        page.call(device::Request::Individualize).await
    else {
        panic!("no identity")
    };
    assert_eq!(component, first.1);
    assert_ne!(certificate, first.0);
    let Ok(device::Reply::Identity { component, .. }) = page.call(device::Request::ResetIdentity).await
    else {
        panic!("no identity")
    };
    assert_ne!(component, first.1);
}

/// WebCrypto's keys do not leave it.
#[cfg(not(feature = "compat"))]
async fn keys_are_kept_as_the_level_says(account: &str) {
    let subtle = page::subtle();
    let keys = stored_private_keys(account).await;
    assert_eq!(keys.len(), 2);
    for key in keys {
        let key: web_sys::CryptoKey = key.unchecked_into();
        assert!(!key.extractable());
        for format in ["pkcs8", "jwk"] {
            let exported = wasm_bindgen_futures::JsFuture::from(subtle.export_key(format, &key).unwrap());
            assert!(exported.await.is_err());
        }
    }
}

/// Keys in Rust are kept as octets: the scalar and the two primes. The level `software` says so.
#[cfg(feature = "compat")]
async fn keys_are_kept_as_the_level_says(account: &str) {
    let octets = |key: &wasm_bindgen::JsValue| js_sys::Uint8Array::new(key).to_vec();
    let keys: Vec<_> = stored_private_keys(account).await.iter().map(octets).collect();
    assert_eq!([keys[0].len(), keys[1].len()], [32, 256]);
    assert!(keys.iter().all(|key| key.iter().any(|octet| *octet != 0)), "not the wiped copy");
    assert!(SoftwareRsaKey::from_primes(keys[1].as_slice().try_into().unwrap()).is_ok());
}

/// A89: an answer that names another module than this one is not taken: the page is out of date, or this is
/// not the site's module.
#[wasm_bindgen_test]
async fn a89_the_answer_pins_the_module() {
    let site = Site::install();
    site.name_another_module();
    let page = Page::start(&site);
    assert_eq!(page.call(open(&account())).await, Err(DrmError::ModuleMismatch));
}

/// The RSA pair for a challenge: made ahead of time, else when it is wanted. Prints how long both took.
#[wasm_bindgen_test]
async fn a104_pairs_are_made_ahead_or_when_wanted() {
    let site = Site::install();
    let page = Page::start(&site);
    let clock = js_sys::Date::now;
    let started = clock();
    identity(&page, &account()).await;
    let opened = clock();
    let (_, first) = challenge(&page, Display::Single).await;
    let asked = clock();
    let (_, second) = challenge(&page, Display::Single).await;
    let again = clock();
    let [first, second] = [first, second].map(|o| Challenge::verify(&o, &site.trust, now()).unwrap());
    assert_ne!(first.challenge.rsa_modulus, second.challenge.rsa_modulus);
    wasm_bindgen_test::console_log!(
        "{:?}: identity {} ms, challenges {} and {} ms",
        page::LEVEL,
        opened - started,
        asked - opened,
        again - asked
    );
}

fn message(name: &str) -> device::Element {
    device::Element { name: name.into(), ..device::Element::default() }
}

/// Two tabs that start at once are one device, with one sequence of numbers (A36).
#[wasm_bindgen_test]
async fn a36_two_tabs_are_one_device() {
    let site = Site::install();
    let account = account();
    let (a, b) = (Page::start(&site), Page::start(&site));
    let replies = [a.post(&open(&account), None), b.post(&open(&account), None)];
    let component = |reply| match reply {
        (Ok(device::Reply::Identity { component, .. }), _) => component,
        other => panic!("{other:?}"),
    };
    let first = component(a.reply(replies[0]).await);
    assert_eq!(component(b.reply(replies[1]).await), first);

    let seal = || device::Request::Seal {
        device: Some("d-1".into()),
        ticket: Some("ticket".into()),
        messages: vec![message("ping")],
        clock_offset: 0.0,
    };
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push((&a, a.post(&seal(), None)));
        ids.push((&b, b.post(&seal(), None)));
    }
    let mut numbers = Vec::new();
    for (page, id) in ids {
        let (Ok(device::Reply::Sealed { sequence, .. }), _) = page.reply(id).await else {
            panic!("not sealed")
        };
        numbers.push(sequence as u64);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
}

/// C14: envelopes are signed by the device's key over body and ticket.
#[wasm_bindgen_test]
async fn c14_sealed_envelopes_verify() {
    let site = Site::install();
    let page = Page::start(&site);
    assert!(matches!(
        page.call(device::Request::Seal {
            device: None,
            ticket: None,
            messages: vec![message("ping")],
            clock_offset: 0.0
        })
        .await,
        Err(DrmError::State { .. })
    ));
    let (certificate, _) = identity(&page, &account()).await;
    let certificate = license::DeviceCertificate::verify(&certificate, &site.trust, now()).unwrap();
    let request = device::Request::Seal {
        device: Some("d-1".into()),
        ticket: Some("ticket".into()),
        messages: vec![device::Element {
            attributes: vec![("movie_id".into(), "7".into())],
            ..message("moviemetadata")
        }],
        clock_offset: 1000.0,
    };
    let Ok(device::Reply::Sealed { sequence, body, signature }) = page.call(request).await else {
        panic!("not sealed")
    };
    assert!(body.contains(&format!(r#"device="d-1" sequence="{sequence}""#)), "{body}");
    assert!(body.contains(r#"<nccp:moviemetadata movie_id="7"/>"#), "{body}");
    let time = body.split("time=\"").nth(1).unwrap().split('"').next().unwrap().parse::<u64>().unwrap();
    assert!(time.abs_diff(now() + 1000) < 10);
    let lines = format!(
        "matinee-nccp-1\nPOST\n{}\n{}\n{}",
        page::CONTROLLER,
        URL_SAFE_NO_PAD.encode(sha256(body.as_bytes())),
        URL_SAFE_NO_PAD.encode(sha256(b"ticket")),
    );
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap().try_into().unwrap();
    certificate.signing_key.verify(lines.as_bytes(), &signature).unwrap();
}

/// The page composes messages that the protocol knows; nothing else is signed for it.
#[wasm_bindgen_test]
async fn what_is_no_message_is_not_signed() {
    let site = Site::install();
    let page = Page::start(&site);
    identity(&page, &account()).await;
    let seal = |messages| device::Request::Seal { device: None, ticket: None, messages, clock_offset: 0.0 };
    let nested = device::Element { children: vec![message("a/><nccp:queue")], ..message("ping") };
    for messages in [vec![], vec![message("ping"); 17], vec![message("later")], vec![nested]] {
        assert!(matches!(page.call(seal(messages)).await, Err(DrmError::State { .. })));
    }
    let text = "</nccp:ping><nccp:queue/>".to_owned();
    let within = device::Element { text, ..message("ping") };
    let Ok(device::Reply::Sealed { body, .. }) = page.call(seal(vec![within])).await else {
        panic!("not sealed")
    };
    assert!(body.contains("<nccp:ping>&lt;/nccp:ping") && !body.contains("<nccp:queue"), "{body}");
}

/// A88: how the client describes itself does not depend on who is signed in.
#[wasm_bindgen_test]
async fn a88_the_client_is_described_alike_for_every_account() {
    let site = Site::install();
    let page = Page::start(&site);
    let mut descriptions = Vec::new();
    for _ in 0..2 {
        identity(&page, &account()).await;
        let request = device::Request::Seal {
            device: None,
            ticket: None,
            messages: vec![message("ping")],
            clock_offset: 0.0,
        };
        let Ok(device::Reply::Sealed { body, .. }) = page.call(request).await else { panic!("not sealed") };
        let client = body.split(" client=\"").nth(1).unwrap().split('"').next().unwrap();
        descriptions.push(client.to_owned());
    }
    assert!(descriptions[0].starts_with("matinee-web/"), "{descriptions:?}");
    assert_eq!(descriptions[0], descriptions[1]);
}

/// A95, A97, A103, A24: the whole way through the messages, the license coming after the media.
#[wasm_bindgen_test]
async fn a103_media_through_the_worker() {
    let site = Site::install();
    let page = Page::start(&site);
    identity(&page, &account()).await;
    let prepared = page.prepare(1, CLEARKEY_INIT).await;
    let (Ok(Reply::Init { kids, .. }), Some(clear)) = prepared else { panic!("no init") };
    assert_eq!(kids, [&CLEARKEY[..32]]);
    assert_eq!(clear.len(), CLEARKEY_INIT.len());

    let (octets_of_segment, expected) = CLEARKEY_SEGMENTS[1];
    let segment = page.segment(1);
    let chunks: Vec<_> = octets_of_segment.chunks(5000).collect();
    for (i, chunk) in chunks.iter().enumerate() {
        segment.push(chunk, i + 1 == chunks.len());
    }
    segment.lacks(&CLEARKEY[..32]).await;

    let (session, octets) = challenge(&page, Display::Single).await;
    let (_, second) = challenge(&page, Display::Single).await;
    let [first, second] = [&octets, &second].map(|o| Challenge::verify(o, &site.trust, now()).unwrap());
    assert_ne!(first.challenge.rsa_modulus, second.challenge.rsa_modulus);
    assert_ne!(first.challenge.nonce, second.challenge.nonce);
    assert_eq!(first.challenge.ticket_sha256, sha256(b"ticket"));
    assert_eq!(first.challenge.stream_id, 7);
    let update = |license: &[u8]| Request::Update { session, license: license.to_vec() };
    let foreign = site.license_for(&second);
    assert_eq!(page.call(update(&foreign)).await, Err(DrmError::LicenseInvalid));
    let Ok(Reply::Keys { keys, expiration, .. }) = page.call(update(&site.license_for(&first))).await else {
        panic!("no keys")
    };
    assert_eq!((keys.len(), keys[0].kid.as_str(), keys[0].status), (1, &CLEARKEY[..32], KeyStatus::Usable));
    assert!(expiration.is_some());

    assert_eq!(mdat_sha256(&segment.fragments().await.unwrap()), expected);

    // Closed: the key is gone.
    assert_eq!(page.call(Request::CloseSession { session }).await, Ok(Reply::Done));
    let held = page.pushed(1, octets_of_segment);
    held.lacks(&CLEARKEY[..32]).await;
    let behind = page.pushed(1, octets_of_segment);
    assert_eq!(page.call(Request::Drop { stream: 1 }).await, Ok(Reply::Done));
    assert_eq!(held.fragments().await, Err(DrmError::Aborted));
    assert_eq!(behind.fragments().await, Err(DrmError::Aborted));
    // One that is not finished gives way to the next.
    let unfinished = page.segment(1);
    unfinished.push(&octets_of_segment[..100], false);
    let bad = page.pushed(1, b"\0\0\0\x09mdatx");
    assert_eq!(unfinished.fragments().await, Err(DrmError::Aborted));
    assert!(matches!(bad.fragments().await, Err(DrmError::Media { .. })));
    assert!(!held.has_more() && !behind.has_more() && !unfinished.has_more(), "each is answered once");
    assert_eq!(page.call(Request::CloseStream { stream: 1 }).await, Ok(Reply::Done));
}

/// A24: a license that comes while a segment is still coming releases what is held, without waiting for more
/// bytes; after an error the rest of a segment is passed over, not read from its middle.
#[wasm_bindgen_test]
async fn a24_license_releases_what_is_held() {
    let site = Site::install();
    let page = Page::start(&site);
    identity(&page, &account()).await;
    assert!(page.prepare(1, CLEARKEY_INIT).await.0.is_ok());
    let (octets_of_segment, expected) = CLEARKEY_SEGMENTS[1];
    let segment = page.segment(1);
    segment.push(octets_of_segment, false);
    segment.lacks(&CLEARKEY[..32]).await;

    let (session, octets) = challenge(&page, Display::Single).await;
    let asked = Challenge::verify(&octets, &site.trust, now()).unwrap();
    let license = site.license_for(&asked);
    assert!(page.call(Request::Update { session, license }).await.is_ok());
    let (Ok(Reply::Fragment), Some(clear)) = segment.next().await else { panic!("still held") };
    assert_eq!(mdat_sha256(&[clear]), expected);
    segment.push(b"", true);
    assert_eq!(segment.fragments().await, Ok(vec![]));

    let bad = page.segment(1);
    bad.push(b"\0\0\0\x04moof", false);
    assert!(matches!(bad.fragments().await, Err(DrmError::Media { .. })));
    bad.push(octets_of_segment, true);
    // Nor of one that gave way to that one.
    let (older, newer) = (page.segment(1), page.segment(1));
    older.push(&octets_of_segment[..100], false);
    newer.push(b"\0\0\0\x04moof", false);
    older.push(&octets_of_segment[100..], true);
    newer.push(octets_of_segment, true);
    assert_eq!(older.fragments().await, Err(DrmError::Aborted));
    assert!(matches!(newer.fragments().await, Err(DrmError::Media { .. })));
    let next = page.pushed(1, octets_of_segment);
    assert_eq!(mdat_sha256(&next.fragments().await.unwrap()), expected);
    for over in [bad, older, newer] {
        assert!(!over.has_more(), "passed over");
    }
}

/// A93, B38: without an answer, or with another CA's.
#[wasm_bindgen_test]
async fn a93_individualization_fails_in_words() {
    let site = Site::install();
    site.answer_with(503);
    let page = Page::start(&site);
    let account = account();
    let failed = page.call(open(&account)).await;
    assert_eq!(failed, Err(DrmError::Network { what: "/individualize".into(), status: 503 }));
    let other = Site::install();
    // The page trusts the first site; the second one answers.
    assert_eq!(page.call(open(&account)).await, Err(DrmError::IndividualizationInvalid));
    drop(other);
}

/// Messages that are not understood are answered.
#[wasm_bindgen_test]
async fn unknown_requests_are_refused() {
    let site = Site::install();
    let page = Page::start(&site);
    let request = js_sys::JSON::parse(r#"{"type":"export-keys"}"#).unwrap();
    let refused = |reply: Result<Reply, _>| matches!(reply, Err(DrmError::State { .. }));
    for property in ["cdm", "device", "request"] {
        let id = page.post_raw(property, &request, None);
        assert!(refused(page.reply(id).await.0));
    }
    let push = Request::Push { stream: 9, whole: None, last: true };
    let id = page.post(&push, None);
    assert!(refused(page.reply(id).await.0));
    let id = page.post(&push, Some(b"xx"));
    assert!(refused(page.reply(id).await.0));
}
