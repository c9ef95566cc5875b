//! What a license allows: by key level, by displays, and how long it is kept.

use drm_api::cdm::{Display, KeyState, KeyStatus, Reply, Request};
use drm_api::{DrmError, Event, PolicyReason, device};
use license::{Challenge, KeyLevel, Output, Policy};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;

use super::common::*;
use super::page::{self, Page, Site, account, now, policy};
use super::{challenge, identity, offered, offered_briefly};

/// A license for better kept keys than this build's opens nothing; the module itself refuses it.
#[wasm_bindgen_test]
async fn a_license_for_another_key_level_is_refused() {
    let site = Site::install();
    let page = Page::start(&site);
    identity(&page, &account()).await;
    let (_, octets) = challenge(&page, Display::Single).await;
    let asked = Challenge::verify(&octets, &site.trust, now()).unwrap();
    assert_eq!(asked.device.certificate.level, page::LEVEL);
    let refused = offered(&site, &page, &Policy { key_level: KeyLevel::Box, ..policy() }).await;
    assert_eq!(refused, Err(DrmError::PolicyRefused { reason: PolicyReason::KeyLevel }));
}

/// B60: the page tells of the displays, and is told what keys are good for; what must not be shown is held
/// until it may.
#[wasm_bindgen_test]
async fn b60_displays_hold_and_release() {
    let site = Site::install();
    let page = Page::start(&site);
    identity(&page, &account()).await;
    assert!(page.prepare(1, CLEARKEY_INIT).await.0.is_ok());
    let strict = Policy { output_digital: Output::Required, ..policy() };
    assert!(offered(&site, &page, &strict).await.is_ok());

    let told = async |display, status| {
        assert_eq!(page.call(Request::Display { display }).await, Ok(Reply::Done));
        let expected = vec![KeyState { kid: CLEARKEY[..32].into(), status }];
        assert!(matches!(page.event().await, Event::Keys { keys, .. } if keys == expected));
    };
    told(Display::Extended, KeyStatus::OutputRestricted).await;
    let (segment, expected) = CLEARKEY_SEGMENTS[0];
    let pushed = page.pushed(1, segment);
    pushed.lacks(&CLEARKEY[..32]).await;
    told(Display::Single, KeyStatus::Usable).await;
    assert_eq!(mdat_sha256(&pushed.fragments().await.unwrap()), expected);
}

/// A persistent license opens later sessions of the same device, until it ends, another takes its place or
/// the page says so.
#[wasm_bindgen_test]
async fn persistent_licenses_are_kept() {
    let site = Site::install();
    let page = Page::start(&site);
    let account = account();
    let (_, component) = identity(&page, &account).await;
    let persistent = || Policy { persistent: true, ..policy() };
    let keep = async || {
        let taken = offered(&site, &page, &persistent()).await;
        assert!(matches!(taken, Ok(Reply::Keys { persistent: true, .. })), "not kept: {taken:?}");
    };
    keep().await;
    let keys = page::kept_keys(&component).await;
    assert_eq!(keys.len(), 1);
    assert!(
        keys[0].dyn_ref::<web_sys::CryptoKey>().map_or(cfg!(feature = "compat"), |key| !key.extractable())
    );

    // As after a restart.
    let later = Page::start(&site);
    identity(&later, &account).await;
    let load = async |device: &str| {
        let Ok(Reply::Session { session }) = later.call(Request::CreateSession).await else { panic!() };
        let (device, display) = (device.to_owned(), Display::Single);
        later.call(Request::Load { session, stream_id: 7.0, device, display }).await
    };
    let none = |answer| matches!(answer, Err(DrmError::State { .. }));
    let Ok(Reply::Keys { keys, .. }) = load("d-1").await else { panic!("not found") };
    assert_eq!((keys.len(), keys[0].status), (1, KeyStatus::Usable));
    assert!(later.prepare(1, CLEARKEY_INIT).await.0.is_ok());
    assert_eq!(later.pushed(1, CLEARKEY_SEGMENTS[0].0).fragments().await.unwrap().len(), 1);

    assert_eq!(load("d-99").await, Err(DrmError::LicenseInvalid), "another device's");
    assert!(none(load("d-1").await), "gone");
    keep().await;
    assert!(load("d-1").await.is_ok());
    for stream_id in [Some(7.0), None] {
        assert_eq!(page.call(Request::Forget { stream_id }).await, Ok(Reply::Done));
        assert!(none(load("d-1").await), "forgotten");
        keep().await;
    }
    // Until it ends it is taken.
    offered_briefly(&site, &page, persistent()).await;
    let ended = loop {
        match load("d-1").await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(ended, DrmError::LicenseExpired);
    assert!(none(load("d-1").await), "gone");
    keep().await;
    assert!(page.call(device::Request::ResetIdentity).await.is_ok());
    assert!(page::kept_keys(&component).await.is_empty());
}

/// B18: with the clock set back before a start, a license that was kept is not taken, and not forgotten; it
/// is again when the clock is right or a signed time has come, as with a new license.
#[wasm_bindgen_test]
async fn b18_kept_licenses_want_a_clock_that_was_not_set_back() {
    let site = Site::install();
    let page = Page::start(&site);
    let account = account();
    identity(&page, &account).await;
    let persistent = Policy { persistent: true, ..policy() };
    let load = async |page: &Page| {
        let Ok(Reply::Session { session }) = page.call(Request::CreateSession).await else { panic!() };
        let (device, display) = ("d-1".into(), Display::Single);
        page.call(Request::Load { session, stream_id: 7.0, device, display }).await
    };
    // A license, and a second in which none was issued before.
    let license = async |page: &Page| {
        let before = now();
        while now() == before {
            assert!(page.call(Request::CreateSession).await.is_ok());
        }
        let taken = offered(&site, page, &persistent).await;
        assert!(taken.is_ok(), "{taken:?}");
    };
    // As after restarts.
    let start = async |set_back: f64| {
        page::set_clock_back(set_back);
        let page = Page::start(&site);
        identity(&page, &account).await;
        page
    };
    let refused = Err(DrmError::PolicyRefused { reason: PolicyReason::Clock });
    license(&page).await;
    assert!(load(&start(0.0).await).await.is_ok());
    let early = start(3600.0).await;
    assert_eq!(load(&early).await, refused);
    assert_eq!(load(&early).await, refused, "it is kept nevertheless");
    assert!(load(&start(200.0).await).await.is_ok(), "clocks are corrected by a little");
    // The license brings a signed time, and starts after that know it, too.
    let early = start(3600.0).await;
    assert_eq!(load(&early).await, refused);
    license(&early).await;
    assert!(load(&early).await.is_ok());
    assert!(load(&start(3600.0).await).await.is_ok());
    let earlier = start(7200.0).await;
    assert_eq!(load(&earlier).await, refused);
    page::set_clock_back(0.0);
    assert!(load(&earlier).await.is_ok());
    license(&earlier).await;
}

/// A94: signed DRM metadata says where its license is to be asked for; metadata that has been changed says
/// nothing.
#[wasm_bindgen_test]
async fn a94_metadata_names_the_license_server() {
    let site = Site::install();
    let page = Page::start(&site);
    identity(&page, &account()).await;
    let url = "https://l.example/license";
    let mut changed = site.metadata(Some(url));
    let at = changed.windows(url.len()).position(|octets| octets == url.as_bytes()).unwrap();
    changed[at + 8] ^= 1;
    for (metadata, expected) in [
        (site.metadata(Some(url)), Ok(Some(url.to_owned()))),
        (site.metadata(None), Ok(None)),
        (vec![], Ok(None)),
        (changed, Err(())),
    ] {
        let Ok(Reply::Session { session }) = page.call(Request::CreateSession).await else { panic!() };
        let request = Request::GenerateRequest {
            session,
            stream_id: 7.0,
            device: "d-1".into(),
            ticket: "ticket".into(),
            init_data: metadata,
            display: Display::Single,
            clock_offset: 0.0,
        };
        let named = match page.call(request).await {
            Ok(Reply::Challenge { license_url, .. }) => Ok(license_url),
            Err(DrmError::Media { .. }) => Err(()),
            other => panic!("{other:?}"),
        };
        assert_eq!(named, expected);
    }
}
