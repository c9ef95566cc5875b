//! The kernel and its portable twin, natively and in a browser.
#![allow(missing_docs, clippy::unwrap_used)]

mod agreement;
mod vectors;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);
