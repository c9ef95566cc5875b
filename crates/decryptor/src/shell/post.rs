//! Posting to the page.

use drm_api::cdm::Reply;
use drm_api::{DrmError, Event, RequestId, property};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;

use super::interop::object;
use super::messages;

#[wasm_bindgen]
extern "C" {
    /// Where messages come from and go to: the scope of a dedicated worker, or a `MessagePort`.
    #[derive(Clone)]
    pub type Port;

    #[wasm_bindgen(method, catch, js_name = postMessage)]
    fn post_message(this: &Port, message: &JsValue, transfer: &Array) -> Result<(), JsValue>;

    #[wasm_bindgen(method, setter, js_name = onmessage)]
    pub(super) fn set_on_message(this: &Port, handler: &JsValue);

    /// Milliseconds of a clock that only goes on (High Resolution Time).
    #[wasm_bindgen(js_namespace = performance)]
    pub(super) fn now() -> f64;
}

/// Posts an object, its bytes by transfer. The copy into the transferred buffer is the only one on the way
/// out.
fn post(port: &Port, head: &[(&str, &JsValue)], bytes: Option<&[u8]>) {
    let message = object(head);
    let transfer = Array::new();
    if let Some(bytes) = bytes {
        let buffer = Uint8Array::from(bytes).buffer();
        let _ = js_sys::Reflect::set(&message, &property::BYTES.into(), &buffer);
        transfer.push(&buffer);
    }
    // Plain data and a fresh buffer can always be posted.
    let _ = port.post_message(&message, &transfer);
}

/// Answers a request: what the device or a session has to say.
pub(super) fn reply(port: &Port, id: RequestId, reply: Result<JsValue, &DrmError>) {
    post(port, &[(property::ID, &id.into()), (property::REPLY, &messages::reply(reply))], None);
}

/// Answers a request of a stream, or a part of one.
pub(super) fn stream_reply(
    port: &Port,
    id: RequestId,
    reply: &Result<Reply, DrmError>,
    bytes: Option<&[u8]>,
) {
    let reply = messages::reply(reply.as_ref().map(messages::cdm_reply));
    post(port, &[(property::ID, &id.into()), (property::REPLY, &reply)], bytes);
}

/// Hands out a clear fragment, with the milliseconds that decrypting it took.
pub(super) fn fragment(port: &Port, id: RequestId, clear: &[u8], took: f64) {
    let reply = messages::reply(Ok(messages::cdm_reply(&Reply::Fragment)));
    post(
        port,
        &[(property::ID, &id.into()), (property::REPLY, &reply), (property::TOOK, &took.into())],
        Some(clear),
    );
}

pub(super) fn event(port: &Port, event: &Event) {
    post(port, &[(property::EVENT, &messages::event(event))], None);
}
