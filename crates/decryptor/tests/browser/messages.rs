//! Messages across the worker's border.

use decryptor::messages;
use drm_api::cdm::{Display, KeyState, KeyStatus, Reply, Request, Whole};
use drm_api::{DrmError, Event, PolicyReason, device};
use wasm_bindgen_test::wasm_bindgen_test;

/// The messages written by hand have serde's form.
#[wasm_bindgen_test]
fn messages_have_serdes_form() {
    let what = || "what".to_owned();
    let errors = [
        DrmError::Unsupported { what: what() },
        DrmError::Network { what: what(), status: 503 },
        DrmError::ModuleMismatch,
        DrmError::IndividualizationInvalid,
        DrmError::LicenseInvalid,
        DrmError::PolicyRefused { reason: PolicyReason::KeyLevel },
        DrmError::PolicyRefused { reason: PolicyReason::Output },
        DrmError::PolicyRefused { reason: PolicyReason::Player },
        DrmError::PolicyRefused { reason: PolicyReason::Module },
        DrmError::PolicyRefused { reason: PolicyReason::Clock },
        DrmError::LicenseExpired,
        DrmError::Media { what: what() },
        DrmError::Storage { what: what() },
        DrmError::State { what: what() },
        DrmError::Aborted,
    ];
    for error in errors {
        let read: DrmError = serde_wasm_bindgen::from_value(messages::error(&error)).unwrap();
        assert_eq!(read, error);
        let read: Result<Reply, DrmError> =
            serde_wasm_bindgen::from_value(messages::reply(Err(&error))).unwrap();
        assert_eq!(read, Err(error));
    }
    let states = [KeyStatus::Usable, KeyStatus::Expired, KeyStatus::OutputRestricted];
    let keys = states.map(|status| KeyState { kid: "00".into(), status }).to_vec();
    let replies = [
        device::Reply::Identity { certificate: vec![0, 255], component: what(), expires: 1.79e9 },
        device::Reply::Sealed { sequence: 9e15, body: what(), signature: what() },
        device::Reply::Done,
    ];
    for reply in replies {
        let written = messages::reply(Ok(messages::device_reply(&reply)));
        let read: Result<device::Reply, DrmError> = serde_wasm_bindgen::from_value(written).unwrap();
        assert_eq!(read, Ok(reply));
    }
    let replies = [
        Reply::Session { session: 7 },
        Reply::Challenge { challenge: vec![0x84, 255], license_url: None },
        Reply::Challenge { challenge: vec![0x84, 255], license_url: Some(what()) },
        Reply::Keys {
            keys: keys.clone(),
            expiration: None,
            max_height: None,
            renew_after: None,
            continuous: false,
            persistent: true,
        },
        Reply::Keys {
            keys: keys.clone(),
            expiration: Some(1.5e9),
            max_height: Some(720),
            renew_after: Some(1.4e9),
            continuous: true,
            persistent: false,
        },
        Reply::Init { kids: vec![what()], init_data: vec![0, 255] },
        Reply::Fragment,
        Reply::NeedKey { kids: vec![what()] },
        Reply::Done,
    ];
    for reply in replies {
        let written = messages::reply(Ok(messages::cdm_reply(&reply)));
        let read: Result<Reply, DrmError> = serde_wasm_bindgen::from_value(written).unwrap();
        assert_eq!(read, Ok(reply));
    }
    let events = [
        Event::Keys { session: 7, keys },
        Event::Ready { version: what() },
        Event::Failed { error: DrmError::ModuleMismatch },
    ];
    for event in events {
        let read: Event = serde_wasm_bindgen::from_value(messages::event(&event)).unwrap();
        assert_eq!(read, event);
    }
    let device = what();
    for request in [
        Request::Load { session: 1, stream_id: 7.0, device, display: Display::Single },
        Request::Forget { stream_id: Some(7.0) },
        Request::Forget { stream_id: None },
        Request::Display { display: Display::Extended },
        Request::Update { session: 1, license: vec![0x84, 255] },
        Request::OpenEmbedded { session: 1, metadata: vec![0x84, 255], display: Display::Unknown },
        Request::Push { stream: 1, whole: Some(Whole { kid: what(), iv: what() }), last: false },
        Request::Push { stream: 1, whole: None, last: true },
    ] {
        let written = serde_wasm_bindgen::to_value(&request).unwrap();
        assert_eq!(messages::cdm_request(&written), Some(request));
    }
    for display in [Display::Unknown, Display::Single, Display::Extended] {
        let request = Request::GenerateRequest {
            session: 1,
            stream_id: 60_027_274.0,
            device: "d-1".into(),
            ticket: what(),
            init_data: vec![1, 2, 3],
            display,
            clock_offset: -0.5,
        };
        let written = serde_wasm_bindgen::to_value(&request).unwrap();
        assert_eq!(messages::cdm_request(&written), Some(request));
    }
    let seal = |name: Option<String>| device::Request::Seal {
        device: name.clone(),
        ticket: name,
        messages: vec![device::Element {
            name: what(),
            attributes: vec![(what(), what())],
            text: what(),
            children: vec![device::Element { name: what(), ..device::Element::default() }],
        }],
        clock_offset: -0.5,
    };
    let (device, domain, key) = (what(), what(), vec![0, 255]);
    for request in [
        device::Request::Open { account: what(), release: what() },
        device::Request::Individualize,
        device::Request::ResetIdentity,
        seal(None),
        seal(Some(what())),
        device::Request::KeepDomainKey { device, domain, epoch: 600.0, key },
    ] {
        let written = serde_wasm_bindgen::to_value(&request).unwrap();
        assert_eq!(messages::device_request(&written), Some(request));
    }
    // Nobody seals text.
    let written = serde_wasm_bindgen::to_value(&seal(None)).unwrap();
    js_sys::Reflect::set(&written, &"messages".into(), &"<nccp:ping/>".into()).unwrap();
    assert_eq!(messages::device_request(&written), None);
}
