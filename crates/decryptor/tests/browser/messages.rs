//! Messages across the worker's border.

use decryptor::messages;
use drm_api::{Display, DrmError, Event, KeyState, KeyStatus, PolicyReason, Reply, Request};
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
        DrmError::LicenseExpired,
        DrmError::Media { what: what() },
        DrmError::Storage { what: what() },
        DrmError::State { what: what() },
        DrmError::Aborted,
    ];
    for error in errors {
        let read: DrmError = serde_wasm_bindgen::from_value(messages::error(&error)).unwrap();
        assert_eq!(read, error);
        let reply = Err(error);
        let read: Result<Reply, DrmError> = serde_wasm_bindgen::from_value(messages::reply(&reply)).unwrap();
        assert_eq!(read, reply);
    }
    let states = [KeyStatus::Usable, KeyStatus::Expired, KeyStatus::OutputRestricted];
    let keys = states.map(|status| KeyState { kid: "00".into(), status }).to_vec();
    let replies = [
        Reply::Identity { certificate: what(), component: what(), expires: 1.79e9 },
        Reply::Sealed { sequence: 9e15, body: what(), signature: what() },
        Reply::Session { session: 7 },
        Reply::Challenge { challenge: what(), license_url: None },
        Reply::Challenge { challenge: what(), license_url: Some(what()) },
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
        Reply::Done,
    ];
    for reply in replies.map(Ok) {
        let read: Result<Reply, DrmError> = serde_wasm_bindgen::from_value(messages::reply(&reply)).unwrap();
        assert_eq!(read, reply);
    }
    let events = [
        Event::Keys { session: 7, keys },
        Event::Ready { version: what() },
        Event::Fragment { stream: 1, segment: 2 },
        Event::NeedKey { stream: 1, kids: vec![what()] },
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
        Request::Whole { stream: 1, segment: 2, kid: what(), iv: what() },
        Request::Push { stream: 1, segment: 2, last: true },
    ] {
        let written = serde_wasm_bindgen::to_value(&request).unwrap();
        assert_eq!(messages::request(&written), Some(request));
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
        assert_eq!(messages::request(&written), Some(request));
    }
}
