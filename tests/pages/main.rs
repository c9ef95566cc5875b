//! Pages as people and other programs find their way about them: by role and name; and their addresses.
#![cfg(target_arch = "wasm32")]
#![allow(missing_docs, clippy::unwrap_used)]

mod after;
mod around;
mod brand;
mod captions;
mod cards;
mod controls;
mod focus;
mod forms;
mod language;
mod library;
mod player;
mod problems;
mod state;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
