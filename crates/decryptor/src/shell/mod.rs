//! The thin shell around the core: messages, WebCrypto, IndexedDB and `fetch` of a dedicated worker.
//!
//! `keys` is the one seam between the two builds of the module: WebCrypto's keys, or (feature `compat`) keys
//! in Rust, behind the same names.

mod config;
mod database;
mod device;
mod identity;
mod individualize;
mod interop;
mod kept;
#[cfg(not(feature = "compat"))]
mod keys;
#[cfg(feature = "compat")]
#[path = "software_keys.rs"]
mod keys;
mod licenses;
pub mod messages;
mod module;
mod post;
mod streams;
mod worker;

use wasm_bindgen::prelude::*;

/// Starts the module: takes the object of `/decryptor-config.json`, answers [`drm_api::Event::Ready`] and
/// from then on the messages of [`drm_api`], through `self.onmessage`, which it sets. Messages that came
/// earlier are for the loader to dispatch again.
///
/// # Errors
/// Throws a text if the configuration is not understood or this is not a dedicated worker.
#[wasm_bindgen]
pub fn start(config: JsValue) -> Result<(), JsValue> {
    worker::start(&config, js_sys::global().unchecked_into())
}

/// [`start`], but on a `MessagePort` instead of the worker's own: for a worker that serves more than one
/// page.
///
/// # Errors
/// As [`start`].
pub fn start_on(config: JsValue, port: &JsValue) -> Result<(), JsValue> {
    worker::start(&config, port.clone().unchecked_into())
}
