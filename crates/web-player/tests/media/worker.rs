//! Messages of the DRM worker.

use std::{cell::RefCell, rc::Rc};

use drm_api::{
    DrmError,
    cdm::{Display, Reply, Request},
    device,
};
use futures_channel::{mpsc, oneshot};
use futures_util::StreamExt as _;
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen_test::wasm_bindgen_test;
use web_player::decryptor_proxy::{DecryptorProxy, Pushed};
use web_sys::Worker;

use super::{blob_url, pattern};

/// A worker that answers as a DRM module would, without one.
pub(super) const ECHO: &str = r#"
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

pub(super) fn echo() -> DecryptorProxy {
    worker(ECHO)
}

pub(super) fn worker(script: &str) -> DecryptorProxy {
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
