//! What a browser must have to play protected films (A10), asked before anything is registered.

use js_sys::{Function, Reflect, WebAssembly};
use wasm_bindgen::{JsCast, JsValue};

/// Picture and sound that every film of this version has.
pub const CODECS: [&str; 2] = [r#"video/mp4; codecs="avc1.64001F""#, r#"audio/mp4; codecs="mp4a.40.2""#];

/// A module whose only function body is `v128.const 0; drop`: valid where SIMD is.
const SIMD_PROBE: [u8; 43] = [
    0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 23, 1, 21, 0, 253, 12, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 26, 11,
];

/// Something that the browser lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// WebAssembly, or its SIMD instructions.
    WebAssembly,
    /// Dedicated workers.
    Worker,
    /// Neither `MediaSource` nor `ManagedMediaSource`.
    MediaSource,
    /// H.264 or AAC through Media Source Extensions.
    Codecs,
    /// IndexedDB.
    IndexedDb,
    /// `crypto.subtle`: also where the page is neither https nor localhost.
    WebCrypto,
}

impl Missing {
    /// The name that a message shows.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebAssembly => "WebAssembly with SIMD",
            Self::Worker => "Worker",
            Self::MediaSource => "MediaSource (Media Source Extensions)",
            Self::Codecs => "H.264 and AAC decoding",
            Self::IndexedDb => "IndexedDB",
            Self::WebCrypto => "crypto.subtle (Web Cryptography, on an https page)",
        }
    }
}

fn property(of: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(of, &JsValue::from_str(name)).ok().filter(|value| !value.is_undefined() && !value.is_null())
}

/// The constructor of `MediaSource`, else of `ManagedMediaSource`; `true` when it is the latter.
pub fn media_source(global: &JsValue) -> Option<(Function, bool)> {
    let constructor = |name| property(global, name).and_then(|value| value.dyn_into::<Function>().ok());
    constructor("MediaSource")
        .map(|found| (found, false))
        .or_else(|| constructor("ManagedMediaSource").map(|found| (found, true)))
}

/// `MediaSource.isTypeSupported(mime)`.
pub fn is_type_supported(global: &JsValue, mime: &str) -> bool {
    let Some((constructor, _)) = media_source(global) else { return false };
    property(&constructor, "isTypeSupported")
        .and_then(|function| function.dyn_into::<Function>().ok())
        .and_then(|function| function.call1(&constructor, &JsValue::from_str(mime)).ok())
        .is_some_and(|answer| answer.is_truthy())
}

fn simd() -> bool {
    let probe = js_sys::Uint8Array::from(&SIMD_PROBE[..]);
    WebAssembly::validate(&probe.buffer()).unwrap_or(false)
}

/// What `global` (the window, or a stand-in for it) lacks; empty when the film can play.
pub fn missing(global: &JsValue) -> Vec<Missing> {
    let mut missing = Vec::new();
    if property(global, "WebAssembly").is_none() || !simd() {
        missing.push(Missing::WebAssembly);
    }
    if property(global, "Worker").is_none() {
        missing.push(Missing::Worker);
    }
    if media_source(global).is_none() {
        missing.push(Missing::MediaSource);
    } else if !CODECS.iter().all(|mime| is_type_supported(global, mime)) {
        missing.push(Missing::Codecs);
    }
    if property(global, "indexedDB").is_none() {
        missing.push(Missing::IndexedDb);
    }
    if property(global, "crypto").and_then(|crypto| property(&crypto, "subtle")).is_none() {
        missing.push(Missing::WebCrypto);
    }
    missing
}

/// What this browser lacks.
pub fn missing_here() -> Vec<Missing> {
    missing(&js_sys::global())
}
