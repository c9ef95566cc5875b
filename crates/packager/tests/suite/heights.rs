//! Keys by height: each file has only those of its height.

use std::fs;

use crate::common::*;
use cenc::{ContentId, KidAndKey, Label, derive_cek, derive_kid};
use isobmff::InitSegment;
use pack::{MediaType, Scheme};
use packager::{Keys, PackageOptions, Published, Rotation, decrypt, inspect, package, read_pack};

/// What a license server derives for a label.
fn key(label: &str, period: u32) -> KidAndKey {
    let (content, label) = (ContentId::of_movie(MOVIE), label.parse::<Label>().unwrap());
    KidAndKey {
        kid: derive_kid(&common_key(), &content, &label, period),
        cek: derive_cek(&common_key(), &content, &label, period),
    }
}

fn by_height(rotate: Option<Rotation>, to: &std::path::Path) -> Published {
    let options = PackageOptions { label_by_height: true, rotate, ..options(&demo_ladder(), to) };
    package(&options, &mut ()).unwrap()
}

/// A key for each height and one for the sound, each in the files of its height alone: the header's KID,
/// `pssh`, every sample. With its own key a file is the source's, with all the others it is not decrypted.
/// Packaging again gives the same bytes, and no counter is used twice.
#[test]
fn each_height_has_keys_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let published = by_height(None, &dir.path().join("a"));
    assert_eq!(read_pack(&published.directory).unwrap(), published.pack);
    let again = by_height(None, &dir.path().join("b"));
    assert_eq!(again.pack, published.pack);
    let usual = packaged(&demo_ladder(), &dir.path().join("usual"));
    assert_ne!(usual.pack.pack_id, published.pack.pack_id);
    let plain = fs::read_to_string(usual.directory.join("pack.json")).unwrap();
    assert_eq!(plain.matches("\"label\"").count(), 1, "of the film alone");

    let labels = ["main", "main/240", "main/360", "main/720"];
    let protection = published.pack.protection.as_ref().unwrap();
    let kids: Vec<_> = protection.keys.iter().map(|key| key.kid).collect();
    assert_eq!(kids, labels.map(|label| key(label, 0).kid));
    for file in &published.pack.representations {
        let label = match &file.video {
            Some(video) => format!("main/{}", video.height),
            None => "main".to_owned(),
        };
        assert_eq!(file.label.as_ref().map(Label::to_string), (label != "main").then(|| label.clone()));
        let path = published.directory.join(&file.path);
        assert!(fs::read(&path).unwrap() == fs::read(again.directory.join(&file.path)).unwrap());
        let own = key(&label, 0);
        let report = inspect(&path).unwrap();
        assert_eq!((report.reused_counters, report.pssh.len()), (0, 1));
        let said = report.pssh[0].matinee.as_ref().unwrap();
        assert_eq!((&said.kids, &said.label), (&vec![own.kid.to_string()], &label));
        assert_eq!(report.tracks[0].keys.iter().map(|key| key.kid).collect::<Vec<_>>(), [own.kid]);
        let init = InitSegment::parse(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(init.tracks[0].entries[0].protection.unwrap().encryption.kid, own.kid.0);

        let others: Vec<_> =
            labels.into_iter().filter(|other| *other != label).map(|label| key(label, 0)).collect();
        let clear = dir.path().join(format!("{}.mp4", file.id));
        let error = decrypt(&path, &others, Some(&clear), &mut ()).unwrap_err();
        assert_eq!(error.to_string(), format!("no key given for KID {}", own.kid));
        let done = decrypt(&path, &[own], Some(&clear), &mut ()).unwrap();
        assert_eq!((done.samples, done.protected_samples), (file.samples, file.protected_samples));
        if let (true, MediaType::Video, Some(video)) = (has_ffmpeg(), file.media_type, &file.video) {
            let (expected, _) = frames(&demo(video.height), "0:v:0", None);
            let (got, complaints) = frames(&clear, "0:v:0", None);
            assert_eq!(complaints, "");
            assert_same_frames(&expected, &presented(got), ffmpeg_shift(&clear));
        }
    }
}

/// Heights and periods together: every label has its keys for every period.
#[test]
fn keys_by_height_rotate() {
    let dir = tempfile::tempdir().unwrap();
    let published = by_height(Some(Rotation::Segments(5)), dir.path());
    let protection = published.pack.protection.as_ref().unwrap();
    assert_eq!(protection.keys.len(), 4 * 3);
    for file in &published.pack.representations {
        let label = file.label.as_ref().map_or("main", Label::as_str);
        let kids: Vec<_> = (0..3).map(|period| key(label, period).kid).collect();
        let named: Vec<_> = protection.keys_of(file.label.as_ref()).map(|key| key.kid).collect();
        let report = inspect(&published.directory.join(&file.path)).unwrap();
        let used: Vec<_> = report.tracks[0].keys.iter().map(|key| key.kid).collect();
        assert_eq!((&named, &used), (&kids, &kids), "{}", file.id);
        assert_eq!(report.reused_counters, 0);
    }
}

/// Keys of one's own are given by period; and what is clear has no keys.
#[test]
fn keys_by_height_follow_from_the_common_key() {
    let dir = tempfile::tempdir().unwrap();
    let given = Keys::given(kid_and_key(), Vec::new(), ContentId::of_movie(MOVIE), Label::default());
    for (scheme, keys, words) in
        [(Scheme::Cenc, Some(given), "follow from the common key"), (Scheme::None, None, "no keys by height")]
    {
        let to = dir.path().join(scheme.to_string());
        let options = PackageOptions { label_by_height: true, scheme, keys, ..options(&[demo(240)], &to) };
        let error = package(&options, &mut ()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(!to.exists());
    }
}
