//! A clear film and the same film as the packager encrypts it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cenc::{CommonKey, ContentId, Label, Level, Scheme};
use origin::{EncryptedFilm, Encryption, FilmKeys, SourceIndex};
use pack::{Pack, Source};
use packager::{Destination, Keys, PackageOptions, Rotation, package};
use tempfile::TempDir;

pub(crate) const COMMON: &str = "000102030405060708090a0b0c0d0e0f";

pub(crate) fn demo(height: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../media/demo/{height}p.mp4"))
}

pub(crate) fn common() -> CommonKey {
    COMMON.parse().unwrap()
}

pub(crate) fn encryption(scheme: Scheme) -> Encryption {
    Encryption {
        scheme,
        level: Level::High,
        rotate: None,
        clear_lead: Duration::ZERO,
        content_id: "films/a".parse().unwrap(),
        label: Label::default(),
        common_key_id: "k1".to_owned(),
    }
}

/// A clear film in a folder.
pub(crate) struct Clear {
    pub(crate) folder: TempDir,
    pub(crate) source: Source,
    pub(crate) files: Vec<File>,
    pub(crate) indexes: Vec<SourceIndex>,
    inputs: Vec<PathBuf>,
}

pub(crate) fn options(inputs: &[PathBuf], to: &Path) -> PackageOptions {
    let destination = Destination::Directory(to.to_path_buf());
    PackageOptions {
        allow_no_audio: true,
        segment: Duration::from_secs(3),
        ..PackageOptions::new(inputs.to_vec(), 7, None, destination)
    }
}

impl Clear {
    pub(crate) fn new(inputs: &[PathBuf]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let film = folder.path().join("film");
        package(&PackageOptions { scheme: pack::Scheme::None, ..options(inputs, &film) }, &mut ()).unwrap();
        let source = Source::from_json(&std::fs::read(film.join("source.json")).unwrap()).unwrap();
        let open = |r: &pack::Representation| File::open(film.join(&r.path)).unwrap();
        let files: Vec<_> = source.pack.representations.iter().map(open).collect();
        let build = |(r, file)| SourceIndex::build(file, r).unwrap();
        let indexes = source.pack.representations.iter().zip(&files).map(build).collect();
        Self { folder, source, files, indexes, inputs: inputs.to_vec() }
    }

    /// The same film as the packager writes it under these settings: `pack.json`, and the media files.
    pub(crate) fn packaged(&self, encryption: &Encryption) -> (Pack, Vec<Vec<u8>>) {
        let to = tempfile::tempdir_in(self.folder.path()).unwrap();
        let Encryption { scheme, level, rotate, clear_lead, content_id, label, common_key_id } =
            encryption.clone();
        let keys = Keys::derived(common(), common_key_id, content_id, label);
        let scheme = match scheme {
            Scheme::Cenc => pack::Scheme::Cenc,
            Scheme::Cbcs => pack::Scheme::Cbcs,
        };
        let options = PackageOptions {
            scheme,
            level,
            rotate,
            clear_lead,
            keys: Some(keys),
            ..options(&self.inputs, &to.path().join("film"))
        };
        let published = package(&options, &mut ()).unwrap();
        let read = |r: &pack::Representation| std::fs::read(published.directory.join(&r.path)).unwrap();
        let files = published.pack.representations.iter().map(read).collect();
        (published.pack, files)
    }

    pub(crate) fn encrypted(&self, encryption: &Encryption) -> EncryptedFilm {
        let keys = FilmKeys::derive(&self.source, encryption, &common()).unwrap();
        EncryptedFilm::plan(&self.source, &keys, &self.indexes).unwrap()
    }

    pub(crate) fn range(&self, film: &EncryptedFilm, track: usize, range: std::ops::Range<u64>) -> Vec<u8> {
        let encrypted = &film.tracks[track];
        let read = |piece| encrypted.read(&self.indexes[track], &self.files[track], &piece).unwrap();
        encrypted.pieces(range).flat_map(read).collect()
    }
}

/// What the packager makes and the origin lays out differ in the digests alone.
pub(crate) fn without_digests(mut pack: Pack) -> Pack {
    pack.representations.iter_mut().for_each(|r| r.sha256.clear());
    pack
}

/// Settings that differ in all that changes a byte.
pub(crate) fn settings() -> Vec<Encryption> {
    let lead = Duration::from_secs(5);
    let content_id: ContentId = "films/b%20c".parse().unwrap();
    vec![
        encryption(Scheme::Cenc),
        Encryption { level: Level::Medium, clear_lead: lead, ..encryption(Scheme::Cbcs) },
        Encryption {
            level: Level::Low,
            rotate: Some(Rotation::Segments(2)),
            clear_lead: lead,
            content_id,
            ..encryption(Scheme::Cenc)
        },
        Encryption {
            rotate: Some(Rotation::Time(Duration::from_secs(7))),
            common_key_id: "k2".to_owned(),
            ..encryption(Scheme::Cbcs)
        },
    ]
}

/// Whether ffmpeg is there. Tests that need it return early without it, and say so.
pub(crate) fn has_ffmpeg() -> bool {
    let there = Command::new("ffmpeg").arg("-version").output().is_ok_and(|out| out.status.success());
    if !there {
        eprintln!("SKIPPED: ffmpeg is not installed");
    }
    there
}
