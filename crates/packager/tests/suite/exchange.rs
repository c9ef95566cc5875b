//! Keys that come with a document: which track has which, what other systems are told, and documents of a
//! film's keys.

use std::fs;
use std::path::Path;

use crate::common::*;
use cenc::{Cek, ContentId, Kid, KidAndKey, Label};
use cpix::{ContentKey, Document, TrackFilter, UsageRule};
use isobmff::{Boxes, Pssh};
use pack::{PackSystem, Scheme, SystemId, SystemPssh};
use packager::{
    Destination, Error, Keys, PackageOptions, Published, Rotation, check, decrypt, document_of, inspect,
    package,
};

fn key(n: u8) -> ContentKey {
    ContentKey { key: KidAndKey { kid: Kid([n; 16]), cek: Cek::new([!n; 16]) }, scheme: None, iv: None }
}

fn rule(n: u8, periods: &[u32], tracks: &[TrackFilter]) -> UsageRule {
    UsageRule { kid: Kid([n; 16]), periods: periods.to_vec(), tracks: tracks.to_vec() }
}

fn video(from: u64, to: u64) -> TrackFilter {
    TrackFilter::Video { pixels: from..=to }
}

fn widevine(n: u8) -> PackSystem {
    let pssh = Pssh { system_id: SystemId::WIDEVINE.0, kids: Vec::new(), data: vec![n; 5] };
    PackSystem {
        system_id: SystemId::WIDEVINE,
        kid: Kid([n; 16]),
        pssh: Some(SystemPssh(pssh)),
        content_protection: Some("<pssh xmlns=\"urn:mpeg:cenc:2013\">AAAA</pssh>".to_owned()),
        hls_media: None,
        hls_master: None,
    }
}

/// Keys for 240 and 360 lines together, for 720 lines, for sound, and one that the film has no use for.
fn document() -> Document {
    Document {
        content_id: Some("film".to_owned()),
        keys: [1, 2, 3, 4].map(key).into(),
        systems: vec![widevine(1), widevine(2), widevine(4)],
        rules: vec![
            rule(1, &[], &[video(0, 640 * 360)]),
            rule(2, &[], &[video(640 * 360 + 1, 1920 * 1080)]),
            rule(3, &[], &[TrackFilter::AUDIO]),
            rule(4, &[], &[video(1920 * 1080 + 1, u64::MAX)]),
        ],
    }
}

fn exchanged(document: Document) -> Keys {
    Keys::exchanged(document, ContentId::of_movie(MOVIE), Label::default()).unwrap()
}

fn packaged_with(document: Document, scheme: Scheme, to: &Path) -> Published {
    let options = PackageOptions { keys: Some(exchanged(document)), scheme, ..options(&demo_ladder(), to) };
    package(&options, &mut ()).unwrap()
}

/// The media of a file without its boxes.
fn media(path: &Path) -> Vec<u8> {
    let data = fs::read(path).unwrap();
    let boxes = Boxes::new(&data).map(Result::unwrap).filter(|found| found.kind == b"mdat");
    boxes.flat_map(|found| found.payload.to_vec()).collect()
}

/// Each track has the key that the rules say, and in its header the boxes of its own key; decrypted it is the
/// source. What is not used is left out.
#[test]
fn tracks_have_the_keys_that_the_document_says() {
    let dir = tempfile::tempdir().unwrap();
    let clear = package(
        &PackageOptions {
            keys: None,
            scheme: Scheme::None,
            ..options(&demo_ladder(), &dir.path().join("clear"))
        },
        &mut (),
    )
    .unwrap();
    for scheme in [Scheme::Cenc, Scheme::Cbcs] {
        let published = packaged_with(document(), scheme, &dir.path().join(scheme.to_string()));
        let protection = published.pack.protection.as_ref().unwrap();
        assert_eq!(protection.common_key_id, None);
        let names: Vec<_> = protection
            .keys
            .iter()
            .map(|name| (name.kid, name.label.as_ref().map(Label::to_string)))
            .collect();
        let label = |height: &str| Some(format!("main/{height}"));
        let expected = [(Kid([3; 16]), None), (Kid([1; 16]), label("360")), (Kid([2; 16]), label("720"))];
        assert_eq!(names, expected);
        assert_eq!(protection.systems, [widevine(1), widevine(2)]);
        for (file, source) in published.pack.representations.iter().zip(&clear.pack.representations) {
            let own = match file.video.as_ref().map(|video| video.height) {
                Some(240 | 360) => 1,
                Some(_) => 2,
                None => 3,
            };
            let path = published.directory.join(&file.path);
            let report = inspect(&path).unwrap();
            assert_eq!(report.reused_counters, 0);
            let systems: Vec<String> = report.pssh.iter().map(|pssh| pssh.system_id.clone()).collect();
            let told = if own == 3 { vec![] } else { vec![SystemId::WIDEVINE] };
            let expected: Vec<_> = [SystemId::MATINEE]
                .into_iter()
                .chain(told)
                .map(|id| id.to_string().replace('-', ""))
                .collect();
            assert_eq!(systems, expected, "{}", file.id);
            let out = dir.path().join(format!("{scheme}-{}.mp4", file.id));
            let others: Vec<_> = [1, 2, 3].into_iter().filter(|n| *n != own).map(|n| key(n).key).collect();
            assert!(decrypt(&path, &others, Some(&out), &mut ()).is_err());
            decrypt(&path, &[key(own).key], Some(&out), &mut ()).unwrap();
            assert!(media(&out) == media(&clear.directory.join(&source.path)), "{}", file.id);
        }
        let checked = check(&published.directory, &[1, 2, 3].map(|n| key(n).key), &mut ()).unwrap();
        for name in ["files", "boxes", "keys", "IVs", "key periods", "decoding"] {
            assert!(checked.found(name).is_empty(), "{name}: {checked}");
        }
        // The document of the film makes the same film again.
        let of_film = document_of(&published.pack, &exchanged(document())).unwrap();
        assert_eq!((of_film.keys.len(), of_film.systems.len()), (3, 2));
        let text = of_film.to_xml();
        let read = Document::parse(text.as_bytes()).unwrap();
        assert_eq!(read, of_film);
        let again = packaged_with(read, scheme, &dir.path().join(format!("again-{scheme}")));
        assert_eq!(again.pack, published.pack);
    }
}

/// The systems' boxes are in the pack's name: they change its files.
#[test]
fn one_key_for_all_and_what_systems_are_told_is_in_the_packs_name() {
    let dir = tempfile::tempdir().unwrap();
    let one = |systems| Document { keys: vec![key(1)], systems, ..Document::default() };
    let plain = packaged_with(one(vec![]), Scheme::Cenc, &dir.path().join("a"));
    let told = packaged_with(one(vec![widevine(1)]), Scheme::Cenc, &dir.path().join("b"));
    assert_ne!(plain.pack.pack_id, told.pack.pack_id);
    assert!(plain.pack.representations.iter().all(|file| file.label.is_none()));
    let given = Keys::given(key(1).key, Vec::new(), ContentId::of_movie(MOVIE), Label::default());
    let options = PackageOptions { keys: Some(given), ..options(&demo_ladder(), &dir.path().join("c")) };
    assert_eq!(package(&options, &mut ()).unwrap().pack, plain.pack, "as with a key on the command line");
    let document = document_of(&plain.pack, &exchanged(one(vec![]))).unwrap();
    assert_eq!(document.rules, [rule(1, &[], &[TrackFilter::VIDEO, TrackFilter::AUDIO])]);
    // And of keys that follow from the common key.
    let derived = packaged(&[demo(240)], &dir.path().join("d"));
    let document = document_of(&derived.pack, &keys()).unwrap();
    assert_eq!(document.keys[0].key, kid_and_key());
    assert!(document_of(&derived.pack, &exchanged(one(vec![]))).is_err());
}

/// Rotation periods have the keys that the rules say, by their index.
#[test]
fn rules_name_rotation_periods() {
    let dir = tempfile::tempdir().unwrap();
    let document = || Document {
        keys: (1..=6).map(key).collect(),
        rules: (0..3)
            .flat_map(|n| {
                let period = [u32::from(n)];
                [rule(n + 1, &period, &[TrackFilter::VIDEO]), rule(n + 4, &period, &[TrackFilter::AUDIO])]
            })
            .collect(),
        ..Document::default()
    };
    let rotated = |document, to: &str| {
        let options = PackageOptions {
            keys: Some(exchanged(document)),
            rotate: Some(Rotation::Segments(5)),
            ..options(&[demo(240)], &dir.path().join(to))
        };
        package(&options, &mut ())
    };
    let published = rotated(document(), "a").unwrap();
    for file in &published.pack.representations {
        let report = inspect(&published.directory.join(&file.path)).unwrap();
        let used: Vec<u8> = report.tracks[0].keys.iter().map(|key| key.kid.0[0]).collect();
        assert_eq!(used, if file.video.is_some() { [1, 2, 3] } else { [4, 5, 6] });
    }
    let of_film = document_of(&published.pack, &exchanged(document())).unwrap();
    assert_eq!(rotated(of_film, "b").unwrap().pack, published.pack);
    let short = Document { rules: document().rules[..4].to_vec(), ..document() };
    let error = rotated(short, "c").unwrap_err().to_string();
    assert!(error.contains("no key for v240") && error.contains("period 2"), "{error}");
    let shared = Document { rules: vec![rule(1, &[], &[])], keys: vec![key(1)], ..Document::default() };
    let error = rotated(shared, "d").unwrap_err().to_string();
    assert!(error.contains("key 01010101"), "{error}");
}

/// Rules that leave a track without a key, or give it two; keys for another scheme; nothing is made.
#[test]
fn what_the_document_does_not_say_is_not_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let all = rule(1, &[], &[]);
    let for_cbcs = ContentKey { scheme: Some(cenc::Scheme::Cbcs), ..key(1) };
    let with_iv = ContentKey { iv: Some([9; 16]), ..key(1) };
    for (keys, rules, words) in [
        (vec![key(1)], vec![rule(1, &[], &[TrackFilter::VIDEO])], "no key for a-"),
        (vec![key(1), key(2)], vec![all.clone(), rule(2, &[], &[TrackFilter::AUDIO])], "two keys for a-"),
        (vec![for_cbcs], vec![all.clone()], "package with --scheme cbcs"),
        (vec![with_iv], vec![all], "has an explicitIV for key"),
    ] {
        let document = Document { keys, rules, ..Document::default() };
        let to = dir.path().join("film");
        let options = PackageOptions { keys: Some(exchanged(document)), ..options(&[demo(240)], &to) };
        let error = package(&options, &mut ()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(!to.exists());
    }
    let several = Document { keys: vec![key(1), key(2)], ..Document::default() };
    let error = Keys::exchanged(several, ContentId::of_movie(MOVIE), Label::default()).unwrap_err();
    assert!(error.to_string().contains("no usage rules"), "{error}");
}

/// A key's name may stand for one key only: a film in the library is not taken for the same one under another
/// key, whose license would not open it.
#[test]
fn another_key_of_the_same_name_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let with = |cek: u8| {
        let key = KidAndKey { kid: Kid([1; 16]), cek: Cek::new([cek; 16]) };
        let keys = Keys::given(key, Vec::new(), ContentId::of_movie(MOVIE), Label::default());
        let library = Destination::Library(dir.path().to_path_buf());
        package(&PackageOptions::new(vec![demo(240)], MOVIE, Some(keys), library), &mut ())
    };
    assert!(!with(1).unwrap().already_there);
    assert!(with(1).unwrap().already_there);
    assert!(matches!(with(2), Err(Error::OtherKey { .. })));
}

/// An IV that comes with a key is that of all samples under it, with cbcs; `check` and ffmpeg agree, and the
/// film's document has it again. Keys of rotation periods have one between them.
#[test]
fn an_explicit_iv_is_honoured() {
    let dir = tempfile::tempdir().unwrap();
    let first = || ContentKey { iv: Some([7; 16]), ..key(1) };
    let of_tracks = || Document {
        keys: vec![first(), key(2)],
        rules: vec![rule(1, &[], &[TrackFilter::VIDEO]), rule(2, &[], &[TrackFilter::AUDIO])],
        ..Document::default()
    };
    let of_periods = Document {
        keys: [first()].into_iter().chain((2..=20).map(key)).collect(),
        rules: (0..20).map(|n| rule(1 + n as u8, &[n], &[])).collect(),
        ..Document::default()
    };
    let make = |document, name: &str, rotate: bool| {
        let options = PackageOptions {
            keys: Some(exchanged(document)),
            scheme: Scheme::Cbcs,
            rotate: rotate.then_some(Rotation::Segments(2)),
            ..options(&[demo(240), demo(360)], &dir.path().join(name))
        };
        package(&options, &mut ())
    };
    let published = make(of_tracks(), "film", false).unwrap();
    for file in &published.pack.representations {
        let (report, ivs) =
            (inspect(&published.directory.join(&file.path)).unwrap(), file.ivs.as_ref().unwrap());
        let own = &report.tracks[0].keys[0];
        assert_eq!((&own.first_iv, own.first_iv == "07".repeat(16)), (&ivs.first, file.video.is_some()));
        assert_eq!(ivs.explicit, file.video.is_some());
    }
    let checked = check(&published.directory, &[1, 2].map(|n| key(n).key), &mut ()).unwrap();
    for name in ["IVs", "samples", "keys", "decoding"] {
        assert!(checked.found(name).is_empty(), "{name}: {checked}");
    }
    let of_film = document_of(&published.pack, &exchanged(of_tracks())).unwrap();
    assert_eq!(of_film.keys.iter().map(|key| key.iv).collect::<Vec<_>>(), [None, Some([7; 16])]);
    let error = make(of_periods, "rotated", true).unwrap_err().to_string();
    assert!(error.contains("other explicitIVs for v240") && !dir.path().join("rotated").exists(), "{error}");
}
