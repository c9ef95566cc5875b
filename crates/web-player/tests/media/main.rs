//! Bytes on their way: ranged fetches, the DRM worker's messages, appends to real Media Source Extensions.
#![cfg(target_arch = "wasm32")]
#![allow(missing_docs, clippy::unwrap_used)]

mod fetching;
mod source;
mod worker;

use js_sys::{Array, Uint8Array};
use wasm_bindgen_test::wasm_bindgen_test_configure;
use web_sys::{Blob, BlobPropertyBag, Url};

wasm_bindgen_test_configure!(run_in_browser);

fn blob_url(bytes: &[u8], mime: &str) -> String {
    let options = BlobPropertyBag::new();
    options.set_type(mime);
    let parts = Array::of1(&Uint8Array::from(bytes));
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &options).unwrap();
    Url::create_object_url_with_blob(&blob).unwrap()
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 7 + n / 251) as u8).collect()
}
