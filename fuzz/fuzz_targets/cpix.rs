//! Documents of key servers: read or refused; what is read is written and read again. With encrypted keys,
//! too, and certificates.
#![no_main]

use std::sync::LazyLock;

use cpix::{Document, Recipient, RecipientKey};
use libfuzzer_sys::fuzz_target;

static KEY: LazyLock<Option<RecipientKey>> =
    LazyLock::new(|| RecipientKey::from_pem(include_str!("../../crates/cpix/tests/openssl/key.pem")).ok());

fuzz_target!(|data: &[u8]| {
    if let Ok(document) = Document::parse(data) {
        assert!(!document.keys.is_empty());
        assert!(document.systems.iter().all(|system| system.check().is_ok()));
        assert_eq!(Document::parse(document.to_xml().as_bytes()), Ok(document));
    }
    if let Some(key) = &*KEY {
        let _ = Document::open(data, key);
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Recipient::from_pem(text);
    }
});
