//! Clear files that are not what `source.json` says.

use std::io::ErrorKind;

use cenc::Scheme;
use origin::{Encryption, Error, FilmKeys, SourceIndex};
use packager::Rotation;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::film::{Clear, common, demo, encryption};

/// Cut, changed or exchanged files are errors, never another film's bytes.
#[test]
fn damaged_files_are_refused() {
    let clear = Clear::new(&[demo(240)]);
    let film = clear.encrypted(&encryption(Scheme::Cenc));
    let representations = &clear.source.pack.representations;
    let read =
        |n: usize| std::fs::read(clear.folder.path().join("film").join(&representations[n].path)).unwrap();
    let (video, audio) = (read(0), read(1));

    let cut = video[..video.len() - 1].to_vec();
    let error = SourceIndex::build(&cut, &representations[0]).unwrap_err();
    assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::UnexpectedEof), "{error}");
    for other in [&audio, &b"ftyp".repeat(10_000)] {
        assert!(SourceIndex::build(other, &representations[0]).is_err());
    }
    // A fragment of sound has no more bytes than one of pictures may have.
    let mut large = audio.clone();
    let at = large.windows(4).position(|name| name == b"mdat").unwrap();
    large[at - 4..at].copy_from_slice(&(300u32 << 20).to_be_bytes());
    let error = SourceIndex::build(&large, &representations[1]).unwrap_err();
    assert!(error.to_string().contains("256 MiB"), "{error}");
    // A whole file, and an index of another one.
    let last = film.tracks[0].pieces(0..u64::MAX).last().unwrap();
    let error = film.tracks[0].read(&clear.indexes[0], &cut, &last).unwrap_err();
    assert!(matches!(error, Error::Io(_)), "{error}");
    let second = film.tracks[0].pieces(0..u64::MAX).nth(3).unwrap();
    let error = film.tracks[0].read(&clear.indexes[1], &audio, &second).unwrap_err();
    assert!(matches!(error, Error::Source(_)), "{error}");

    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(100) });
    let changes = (any::<prop::sample::Index>(), any::<u8>());
    let built = |(at, value): (prop::sample::Index, u8)| {
        let mut changed = video.clone();
        let at = at.index(changed.len().min(200_000));
        changed[at] = value;
        if let Ok(index) = SourceIndex::build(&changed, &representations[0]) {
            let keys = FilmKeys::derive(&clear.source, &encryption(Scheme::Cbcs), &common()).unwrap();
            let _ = origin::EncryptedFilm::plan(&clear.source, &keys, &[&index, &clear.indexes[1]]);
        }
        Ok(())
    };
    runner.run(&changes, built).unwrap();
}

/// What the packager refuses, the origin refuses.
#[test]
fn impossible_settings_are_refused() {
    let clear = Clear::new(&[demo(240)]);
    let lead = std::time::Duration::from_secs(3600);
    for (wrong, said) in [
        (Encryption { clear_lead: lead, ..encryption(Scheme::Cenc) }, "nothing would be protected"),
        (
            Encryption { rotate: Some(Rotation::Segments(0)), ..encryption(Scheme::Cenc) },
            "at least one segment",
        ),
    ] {
        let error = FilmKeys::derive(&clear.source, &wrong, &common()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
