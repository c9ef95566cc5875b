//! More than pictures and one sound: several languages, subtitles, thumbnails, chapters.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common::*;
use pack::{AudioRole, Chapter, SubtitleRole};
use packager::{
    AudioDetails, AudioSource, Destination, PackageOptions, Published, SubtitleSource, ThumbnailSource,
    package,
};

const SRT: &str = "1\r\n00:00:01,000 --> 00:00:02,000\r\n<font color=red>Hallo</font>\r\n";

fn poster() -> PathBuf {
    demo(240).with_file_name("poster.jpg")
}

fn whole(dir: &Path) -> PackageOptions {
    let subtitles = dir.join("de.srt");
    fs::write(&subtitles, SRT).unwrap();
    let audio = |language: &str, role, default| AudioSource {
        path: demo(360),
        track: None,
        details: AudioDetails {
            language: Some(language.to_owned()),
            role,
            label: Some(format!("Sound {language}")),
            default,
        },
    };
    PackageOptions {
        audio: vec![audio("ger-at", AudioRole::Dub, true), audio("de-AT", AudioRole::Description, false)],
        subtitles: vec![SubtitleSource {
            path: subtitles,
            language: "de".into(),
            role: SubtitleRole::Caption,
            label: Some("Deutsch".into()),
            default: false,
        }],
        thumbnails: Some(ThumbnailSource {
            interval: Duration::from_secs(20),
            pictures: vec![poster(); 3],
            sheets: vec![poster()],
            columns: 2,
            rows: 2,
        }),
        chapters: vec![
            Chapter { start: 30_000, title: "Second".into() },
            Chapter { start: 0, title: "First".into() },
        ],
        ..options(&[demo(240)], &dir.join("pack"))
    }
}

fn again(options: &PackageOptions, to: &Path) -> Published {
    let options = PackageOptions {
        keys: Some(keys()),
        destination: Destination::Directory(to.to_path_buf()),
        inputs: options.inputs.clone(),
        audio: options.audio.clone(),
        subtitles: options.subtitles.clone(),
        thumbnails: options.thumbnails.clone(),
        chapters: options.chapters.clone(),
        ..options_of_nothing()
    };
    package(&options, &mut ()).unwrap()
}

fn options_of_nothing() -> PackageOptions {
    options(&[], Path::new("nowhere"))
}

#[test]
fn a_film_with_everything() {
    let dir = tempfile::tempdir().unwrap();
    let published = package(&whole(dir.path()), &mut ()).unwrap();
    let pack = packager::read_pack(&published.directory).unwrap();
    assert_eq!(pack, published.pack);
    let sounds: Vec<_> = pack
        .representations
        .iter()
        .filter_map(|r| Some((&r.id[..], &r.group[..], &r.language[..], r.audio.as_ref()?)))
        .map(|(id, group, language, a)| (id, group, language, a.role, a.default))
        .collect();
    assert_eq!(
        sounds,
        [
            ("a-und-1", "a-und-1", "und", AudioRole::Main, false),
            ("a-de-AT-1", "a-de-AT-1", "de-AT", AudioRole::Dub, true),
            ("a-de-AT-2", "a-de-AT-2", "de-AT", AudioRole::Description, false),
        ]
    );
    // In the file's own words, too.
    let german = &pack.representations[2];
    let data = fs::read(published.directory.join(&german.path)).unwrap();
    assert_eq!(isobmff::InitSegment::parse(&data).unwrap().tracks[0].language, *b"deu");

    let subtitles = &pack.subtitles[0];
    assert_eq!((&subtitles.id[..], subtitles.role), ("s-de-1", SubtitleRole::Caption));
    let text = fs::read_to_string(published.directory.join("subtitles/s-de-1.vtt")).unwrap();
    assert_eq!(text, "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHallo\n");
    assert_eq!(subtitles.file.size, text.len() as u64);

    let thumbnails = pack.thumbnails.as_ref().unwrap();
    let bif = fs::read(published.directory.join(&thumbnails.bif.path)).unwrap();
    let picture = fs::read(poster()).unwrap();
    let times: Vec<_> = pack::bif::read(&bif).unwrap().iter().map(|p| (p.time, p.jpeg == picture)).collect();
    assert_eq!(times, [(0, true), (20_000, true), (40_000, true)]);
    assert_eq!(fs::read(published.directory.join("thumbnails/1.jpg")).unwrap(), picture);
    let index = fs::read_to_string(published.directory.join("thumbnails/sheets.vtt")).unwrap();
    assert!(index.contains(&format!("1.jpg#xywh=0,{},", thumbnails.height)), "{index}");
    assert_eq!(pack.chapters[0], Chapter { start: 0, title: "First".into() });
}

/// Equal inputs give an equal pack id, and each of them is in it.
#[test]
fn everything_is_in_the_pack_id() {
    let dir = tempfile::tempdir().unwrap();
    let mut number = 0;
    let mut id = |change: &dyn Fn(&mut PackageOptions)| {
        let mut options = self::whole(dir.path());
        change(&mut options);
        number += 1;
        again(&options, &dir.path().join(number.to_string())).pack.pack_id
    };
    let first = id(&|_| {});
    assert_eq!(first, id(&|_| {}));
    assert_eq!(first, id(&|o| o.chapters.reverse()));
    let text = dir.path().join("other.srt");
    fs::write(&text, SRT.replace("Hallo", "Holla")).unwrap();
    let changes: [&dyn Fn(&mut PackageOptions); 8] = [
        &|o| o.audio[0].details.label = None,
        &|o| o.audio[0].details.role = AudioRole::Main,
        &|o| o.audio[0].details.default = false,
        &|o| o.subtitles[0].path = text.clone(),
        &|o| o.subtitles[0].role = SubtitleRole::Forced,
        &|o| o.thumbnails = None,
        &|o| o.thumbnails.as_mut().unwrap().interval = Duration::from_secs(19),
        &|o| o.chapters[0].title = "Third".into(),
    ];
    for (n, change) in changes.into_iter().enumerate() {
        assert_ne!(id(change), first, "change {n}");
    }
}

/// One line that names the file, and nothing is written.
#[test]
fn what_does_not_fit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let bad = dir.path().join("bad.srt");
    fs::write(&bad, "1\n00:00:01,000 --> soon\nx\n\n").unwrap();
    type Change<'a> = &'a dyn Fn(&mut PackageOptions);
    let changes: [(Change<'_>, &str); 6] = [
        (&|o| o.subtitles[0].path = bad.clone(), "bad.srt: neither WebVTT nor SubRip"),
        (&|o| o.subtitles[0].language = "Klingon!".into(), "is no language"),
        (&|o| o.audio[0].track = Some(2), "360p.mp4: it has 1 tracks of sound"),
        (&|o| o.audio[0].path = bad.clone(), "bad.srt: neither MP4 nor Matroska"),
        (
            &|o| o.thumbnails.as_mut().unwrap().pictures[1] = bad.clone(),
            "bad.srt: a thumbnail that is no JPEG",
        ),
        (&|o| o.chapters[0].title.clear(), "has no name"),
    ];
    for (change, what) in changes {
        let mut options = whole(dir.path());
        change(&mut options);
        let error = package(&options, &mut ()).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
        assert!(!dir.path().join("pack").exists());
    }
}

/// An input that is named by `--audio` gives that sound and no other.
#[test]
fn a_named_sound_is_taken_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(&[demo(240)], &dir.path().join("pack"));
    let details = AudioDetails { language: Some("en".into()), ..AudioDetails::default() };
    options.audio = vec![AudioSource { path: demo(240), track: Some(1), details }];
    let pack = package(&options, &mut ()).unwrap().pack;
    let ids: Vec<_> =
        pack.representations.iter().map(|r| &r.id[..]).filter(|id| id.starts_with('a')).collect();
    assert_eq!(ids, ["a-en-1"]);
}
