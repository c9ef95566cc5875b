//! Objects, bytes, promises and errors between Rust and the browser.

use drm_api::DrmError;
use js_sys::{Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// A plain object of these properties.
pub(super) fn object(properties: &[(&str, &JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in properties {
        // Setting a property of a fresh plain object cannot fail.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object
}

/// A property, `undefined` if there is none.
pub(super) fn property(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// A property of type `T`.
pub(super) fn typed<T: JsCast>(object: &JsValue, name: &str) -> Option<T> {
    property(object, name).dyn_into().ok()
}

/// The octets of an `ArrayBuffer` or a view.
pub(super) fn octets(buffer: &JsValue) -> Vec<u8> {
    Uint8Array::new(buffer).to_vec()
}

/// Waits for a promise; a call that failed is a promise that is rejected. (One level of futures less than an
/// `async fn`.)
pub(super) fn wait(call: Result<Promise, JsValue>) -> JsFuture {
    JsFuture::from(call.unwrap_or_else(|thrown| Promise::reject(&thrown)))
}

/// `name` of a thrown `DOMException` or `Error`.
pub(super) fn name_of(thrown: &JsValue) -> String {
    property(thrown, "name").as_string().unwrap_or_else(|| "Error".into())
}

pub(super) fn storage(thrown: JsValue) -> DrmError {
    DrmError::Storage { what: name_of(&thrown) }
}

#[cfg(not(feature = "compat"))]
pub(super) fn crypto(thrown: JsValue) -> DrmError {
    DrmError::Unsupported { what: format!("working crypto.subtle ({})", name_of(&thrown)) }
}

pub(super) fn state(what: &str) -> DrmError {
    DrmError::State { what: what.into() }
}

/// Octets in hexadecimal digits.
pub(super) fn hex(octets: &[u8]) -> String {
    let digit = |nibble: u8| char::from(if nibble < 10 { b'0' } else { b'a' - 10 } + nibble);
    octets.iter().flat_map(|octet| [digit(octet >> 4), digit(octet & 15)]).collect()
}

/// The octets of that many hexadecimal digits; `None` for anything else.
pub(super) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut octets = [0; N];
    read_hex(text, &mut octets).then_some(octets)
}

fn read_hex(text: &str, octets: &mut [u8]) -> bool {
    if text.len() != 2 * octets.len() {
        return false;
    }
    let digits = text.bytes().map(|digit| char::from(digit).to_digit(16));
    digits.enumerate().all(|(at, digit)| {
        octets[at / 2] = octets[at / 2] << 4 | digit.unwrap_or_default() as u8;
        digit.is_some()
    })
}
