//! Index files, folders' settings and paths of contents: refused, or what they say is within bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use origin::ContentPath;
use origin::SourceIndex;
use origin::scope::SettingsFile;
use pack::Source;

fuzz_target!(|input: (&[u8], &[u8], &str)| {
    let (json, index, text) = input;
    if let Ok(source) = Source::from_json(json) {
        let written = source.to_json().expect("what was read can be written");
        assert_eq!(Source::from_json(&written).expect("what was written can be read"), source);
        for r in &source.pack.representations {
            let _ = SourceIndex::from_bytes(index, r);
            let _ = SourceIndex::build(index, r);
        }
    }
    let _ = SettingsFile::of_folder("matinee.toml", text);
    if let Some(path) = ContentPath::from_url(text) {
        assert_eq!(path.to_url(), text);
        assert!(path.as_str().split('/').all(|name| !name.is_empty() && !name.starts_with('.')));
    }
});
