//! The clear form of films, which origins take: a folder with `source.json`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::*;
use pack::{Scheme, Source};
use packager::{ClearSource, PackageOptions, check, package, read_pack};
use sha2::{Digest, Sha256};

fn clear(to: &Path) -> PackageOptions {
    PackageOptions { scheme: Scheme::None, keys: None, ..options(&[demo(240)], to) }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A clear film in a folder of its own is a source, and still a pack; an encrypted one is no source.
#[test]
fn a_clear_film_in_a_folder_is_a_source() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("clear");
    let published = package(&clear(&folder), &mut ()).unwrap();
    let source = fs::read(folder.join("source.json")).unwrap();
    let source = Source::from_json(&source).unwrap();
    assert_eq!(source.pack.to_json().unwrap(), fs::read(folder.join("pack.json")).unwrap());
    assert_eq!(source.pack, published.pack);
    let made_from = source.made_from.unwrap();
    let film = hex::encode(Sha256::digest(fs::read(demo(240)).unwrap()));
    assert!(made_from.segment == 4000 && made_from.tracks.iter().all(|track| track.sha256 == film));
    let checked = check(&folder, &[], &mut ()).unwrap();
    assert!(checked.good, "{checked:?}");
    let encrypted = packaged(&[demo(240)], &dir.path().join("encrypted"));
    assert!(!encrypted.directory.join("source.json").exists());
}

/// The clear form that is kept beside an encrypted film: for its owner alone, whole, replaced whole, and gone
/// where it is not kept.
#[test]
fn a_clear_form_is_kept_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let sources = dir.path().join("sources");
    fs::create_dir(&sources).unwrap();
    let options = |inputs: &[PathBuf]| PackageOptions {
        label_by_height: true,
        clear_lead: std::time::Duration::from_secs(8),
        title: Some("Seven".to_owned()),
        ..options(inputs, &dir.path().join("unused"))
    };
    let made = ClearSource::make(&options(&[demo(240)]), &sources, &mut ()).unwrap();
    assert!(!sources.join("7").exists());
    let place = made.keep("7").unwrap();
    assert_eq!((place, names(&sources)), (sources.join("7"), vec!["7".to_owned()]));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(sources.join("7")).unwrap().permissions().mode() & 0o777, 0o700);
    }
    let first = read_pack(&sources.join("7")).unwrap();
    assert_eq!((first.scheme, &first.title[..], first.representations.len()), (Scheme::None, "Seven", 2));
    let same = package(
        &PackageOptions { title: Some("Seven".to_owned()), ..clear(&dir.path().join("same")) },
        &mut (),
    );
    assert_eq!(same.unwrap().pack, first);

    let made = ClearSource::make(&options(&[demo(240), demo(360)]), &sources, &mut ()).unwrap();
    assert_eq!(read_pack(&sources.join("7")).unwrap(), first);
    made.keep("7").unwrap();
    assert_eq!(read_pack(&sources.join("7")).unwrap().representations.len(), 3);
    assert_eq!(names(&sources), ["7"]);
    drop(ClearSource::make(&options(&[demo(240)]), &sources, &mut ()).unwrap());
    assert!(ClearSource::make(&options(&["missing.mp4".into()]), &sources, &mut ()).is_err());
    assert_eq!(names(&sources), ["7"]);
}
