//! Documents of key servers: read or refused; what is read is written and read again.
#![no_main]

use cpix::Document;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(document) = Document::parse(data) {
        assert!(!document.keys.is_empty());
        assert!(document.systems.iter().all(|system| system.check().is_ok()));
        assert_eq!(Document::parse(document.to_xml().as_bytes()), Ok(document));
    }
});
