//! Whole files: looked into, decrypted, and packaged as a source (tables, codecs, slice headers).
#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use cenc::{Cek, ContentId, Kid, KidAndKey, Label};
use libfuzzer_sys::fuzz_target;
use pack::PsshData;
use packager::{Destination, Keys, PackageOptions, decrypt, inspect, package};

/// In memory, where there is such a place.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    let folder = base.join(format!("matinee-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for files");
    folder
});

fn key() -> KidAndKey {
    KidAndKey { kid: Kid([7; 16]), cek: Cek::new([7; 16]) }
}

fuzz_target!(|data: &[u8]| {
    let (input, pack) = (FOLDER.join("input.mp4"), FOLDER.join("pack"));
    fs::write(&input, data).expect("to write into memory");
    if let Ok(report) = inspect(&input) {
        let _ = report.to_string();
        let kids = report.tracks.iter().flat_map(|track| track.keys.iter().map(|key| key.kid));
        let keys: Vec<_> = kids.take(4).map(|kid| KidAndKey { kid, cek: Cek::new([1; 16]) }).collect();
        if let Ok(done) = decrypt(&input, &keys, Some(&FOLDER.join("clear.mp4")), &mut ()) {
            let clear = fs::metadata(&done.output).map(|file| file.len()).unwrap_or_default();
            assert_eq!(clear, data.len() as u64);
        }
        let _ = fs::remove_dir_all(&pack);
        let keys = Keys::given(key(), Vec::new(), ContentId::of_movie(1), Label::default());
        let options = PackageOptions {
            allow_no_audio: true,
            ..PackageOptions::new(vec![input], 1, Some(keys), Destination::Directory(pack))
        };
        let _ = package(&options, &mut ());
    }
    let _ = PsshData::from_cbor(data);
});
