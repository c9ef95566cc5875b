//! The core without a browser: push decryptor, sessions, initialization data, the clock.
#![allow(missing_docs, clippy::unwrap_used)]
#![cfg(not(target_arch = "wasm32"))]

mod auxiliary_information;
mod common;
mod embedded;
mod foreign_forms;
mod init_data;
mod peers;
mod push;
mod schemes;
mod sessions;
#[path = "../../../license/tests/suite/site.rs"]
mod site;
mod time;
