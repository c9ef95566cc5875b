//! Posting to the page.

use drm_api::{DrmError, Event, Reply, RequestId, property};
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

pub(super) fn reply(port: &Port, id: RequestId, reply: &Result<Reply, DrmError>, bytes: Option<&[u8]>) {
    post(port, &[(property::ID, &id.into()), (property::REPLY, &messages::reply(reply))], bytes);
}

pub(super) fn event(port: &Port, event: &Event, bytes: Option<&[u8]>) {
    post(port, &[(property::EVENT, &messages::event(event))], bytes);
}
