//! Matroska and WebM: whole files, packaged as a source.
#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pack::Scheme;
use packager::{Destination, PackageOptions, package};

/// In memory, where there is such a place.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    let folder = base.join(format!("matinee-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for files");
    folder
});

fuzz_target!(|data: &[u8]| {
    let (input, pack) = (FOLDER.join("input.mkv"), FOLDER.join("pack"));
    // Nothing else is read as Matroska.
    fs::write(&input, [&[0x1a, 0x45, 0xdf, 0xa3], data].concat()).expect("to write into memory");
    let _ = fs::remove_dir_all(&pack);
    let options = PackageOptions {
        allow_no_audio: true,
        scheme: Scheme::None,
        ..PackageOptions::new(vec![input], 1, None, Destination::Directory(pack.clone()))
    };
    if package(&options, &mut ()).is_err() {
        assert!(!pack.exists(), "a film that is none leaves nothing");
    }
});
