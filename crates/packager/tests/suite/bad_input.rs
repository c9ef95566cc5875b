//! Bad input: one clear line, and nothing published.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::*;
use packager::{Destination, Error, PackageOptions, package, package_sealed};

/// Packages into an empty library; the error's text, after checking that it is one line, that no panic and no
/// trace is left.
fn refused(inputs: &[PathBuf]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let library = dir.path().join("library");
    fs::create_dir(&library).unwrap();
    let options = PackageOptions {
        destination: Destination::Library(library.clone()),
        ..options(inputs, Path::new("unused"))
    };
    let text = package(&options, &mut ()).unwrap_err().to_string();
    assert!(!text.contains('\n') && !text.is_empty(), "{text}");
    assert_eq!(fs::read_dir(&library).unwrap().count(), 0, "nothing is left after: {text}");
    text
}

fn refused_bytes(name: &str, bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    refused(&[path]).split_once(": ").unwrap().1.to_owned()
}

fn refused_clip(name: &str, args: &str) -> Option<String> {
    if !has_ffmpeg() {
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = clip(&dir.path().join(name), args);
    Some(refused(&[path]).split_once(": ").unwrap().1.to_owned())
}

#[test]
fn missing_empty_and_foreign_files() {
    assert!(refused(&["/nowhere/film.mp4".into()]).starts_with("/nowhere/film.mp4: cannot open: "));
    assert_eq!(refused_bytes("empty.mp4", b""), "the file is empty");
    let not_mp4 = "neither MP4 nor Matroska; convert it first, for example with ffmpeg";
    assert_eq!(refused_bytes("text.mp4", b"This is a text, not a film.\n"), not_mp4);
    let cut = "the file is truncated: an element of Matroska reaches past its end";
    assert_eq!(refused_bytes("film.mkv", b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x23matroska"), cut);
    assert_eq!(refused_bytes("short.mp4", b"\0\0\0"), not_mp4);
    assert_eq!(refused(&[]), "no input file given");
    assert_eq!(refused(&[std::env::temp_dir()]).split_once(": ").unwrap().1, not_mp4);
}

#[test]
fn truncated_files() {
    let whole = fs::read(demo(240)).unwrap();
    // Cut anywhere, it is refused.
    for cut in [1, 20, 40, 1000, whole.len() / 2, whole.len() - 5000, whole.len() - 1] {
        let text = refused_bytes("cut.mp4", &whole[..cut]);
        assert!(
            text.starts_with("the file is truncated: ") || text.starts_with("neither MP4"),
            "{cut}: {text}"
        );
    }
    assert!(refused_bytes("cut.mp4", &whole[..whole.len() / 2]).starts_with("the file is truncated: its `"));
    // The media is missing although all boxes are whole.
    let moov = isobmff::Boxes::new(&whole).first(b"moov").unwrap().unwrap();
    let mut tables_only = b"\0\0\0\x10ftypisom\0\0\0\0".to_vec();
    tables_only.extend(&whole[moov.offset..moov.offset + moov.size()]);
    let text = refused_bytes("tables.mp4", &tables_only);
    assert_eq!(text, "the file is truncated: the samples lie beyond the end of the file");
    let mut media_only = b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdat".to_vec();
    media_only.extend(b"film");
    let text = refused_bytes("nomoov.mp4", &media_only);
    assert_eq!(text, "the file is truncated: it has no `moov`; was its recording interrupted?");
}

/// Whatever a few changed bytes in the tables do, it is an error or a film, never a panic.
#[test]
fn mutated_files_never_panic() {
    let whole = fs::read(demo(240)).unwrap();
    let moov = isobmff::Boxes::new(&whole).first(b"moov").unwrap().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mutated.mp4");
    let mut state = 7u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for round in 0..60 {
        let mut data = whole.clone();
        for _ in 0..=round % 4 {
            data[moov.offset + 8 + random(moov.size().min(1500) - 8)] = random(256) as u8;
        }
        fs::write(&path, &data).unwrap();
        let to = dir.path().join(round.to_string());
        match package(&options(std::slice::from_ref(&path), &to), &mut ()) {
            Ok(_) => fs::remove_dir_all(&to).unwrap(),
            Err(error) => assert!(!to.exists() && !error.to_string().contains('\n')),
        }
    }
}

#[test]
fn unsupported_codecs_are_named() {
    let picture = "-f lavfi -i testsrc2=s=160x90:r=25:d=1 -f lavfi -i sine=d=1";
    if let Some(text) = refused_clip("mpeg4.mp4", &format!("{picture} -c:v mpeg4 -c:a aac")) {
        let words = "video codec `mp4v (MPEG-4 Visual)` is not supported; encode it as H.264, HEVC, VP9 or AV1, for example \
                     by `ffmpeg -i ";
        assert!(text.starts_with(words) && text.contains(" -c:v libx264 "), "{text}");
    }
    if let Some(text) = refused_clip("mp3.mp4", &format!("{picture} -c:v libx264 -c:a libmp3lame")) {
        let words = "audio codec `mp4a (MP3)` is not supported; encode it as AAC, Opus, AC-3, E-AC-3 or FLAC, for example by \
                     `ffmpeg -i ";
        assert!(text.starts_with(words) && text.contains(" -c:v copy -c:a aac "), "{text}");
    }
    if let Some(text) = refused_clip("alac.mp4", &format!("{picture} -c:v libx264 -c:a alac")) {
        assert!(text.starts_with("audio codec `alac (ALAC)` is not supported; encode it as "), "{text}");
    }
}

#[test]
fn missing_tracks() {
    if let Some(text) = refused_clip("mute.mp4", "-f lavfi -i testsrc2=s=160x90:r=25:d=1 -c:v libx264") {
        assert_eq!(text, "no audio track; to package a silent film, say so (--no-audio)");
    }
    if let Some(text) = refused_clip("sound.mp4", "-f lavfi -i sine=d=1 -c:a aac") {
        assert_eq!(text, "no video track");
    }
}

#[test]
fn open_gop_and_rare_key_frames() {
    let picture = "-f lavfi -i testsrc2=s=160x90:r=25:d=25 -f lavfi -i sine=d=25 -c:a aac -c:v libx264 -preset veryfast";
    let open = "-x264-params open-gop=1:keyint=50:min-keyint=50:scenecut=0:bframes=3:b-adapt=0";
    if let Some(text) = refused_clip("open.mp4", &format!("{picture} {open}")) {
        assert!(
            text.starts_with("open GOP at ") && text.ends_with("(x264: open-gop=0; x265: open-gop=0:radl=0)"),
            "{text}"
        );
    }
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let rare = clip(
        &dir.path().join("rare.mp4"),
        &format!("{picture} -x264-params keyint=400:min-keyint=400:scenecut=0"),
    );
    let text = refused(&[rare]);
    assert!(text.starts_with("no sync sample common to all inputs between 0.000 s and 16.000 s"), "{text}");
}

#[test]
fn ladders_that_do_not_fit() {
    let text = refused(&[demo(240), demo(240)]);
    assert!(text.starts_with("two inputs give the same representation `v240-"), "{text}");
    let short = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bigbuckbunny.mp4");
    let text = refused(&[demo(240), short]);
    assert!(text.ends_with("but the first input has 60.000 s; are they the same film?"), "{text}");
}

#[test]
fn encrypted_sources_and_taken_places() {
    let dir = tempfile::tempdir().unwrap();
    let published = packaged(&[demo(240)], &dir.path().join("pack"));
    let error = package(&options(&[demo(240)], &dir.path().join("pack")), &mut ()).unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    let encrypted = published.directory.join(&published.pack.representations[0].path);
    assert!(refused(&[encrypted]).ends_with("already encrypted; package the clear source"));
    let clear = packager::decrypt(&demo(240), &[], Some(&dir.path().join("x.mp4")), &mut ()).unwrap_err();
    assert!(clear.to_string().ends_with("the file is not encrypted"), "{clear}");
}

/// The same film twice into a library: one pack, and the second time nothing is written; what the first left
/// when it was killed in the moment of publishing is removed.
#[test]
fn library_takes_a_pack_once() {
    let dir = tempfile::tempdir().unwrap();
    let into_library = || PackageOptions {
        destination: Destination::Library(dir.path().to_path_buf()),
        ..options(&[demo(240)], Path::new("unused"))
    };
    let first = package(&into_library(), &mut ()).unwrap();
    assert_eq!(first.directory, dir.path().join(&first.pack.pack_id));
    fs::create_dir_all(dir.path().join(".packaging-left/541")).unwrap();
    let again =
        package(&PackageOptions { title: Some("New".to_owned()), ..into_library() }, &mut ()).unwrap();
    assert!(!first.already_there && again.already_there);
    assert_eq!((again.pack.title.as_str(), &again.pack.pack_id), ("New", &first.pack.pack_id));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// B26: what seals the keys is asked before there is a pack, and where it refuses there is none.
#[test]
fn b26_sealed_keys_come_before_the_pack() {
    let dir = tempfile::tempdir().unwrap();
    let into_library = || PackageOptions {
        destination: Destination::Library(dir.path().to_path_buf()),
        ..options(&[demo(240)], Path::new("unused"))
    };
    let refused: Result<_, Error> =
        package_sealed(&into_library(), &mut (), |_| Err(Error::Option { what: "no such key" }));
    assert!(matches!(refused, Err(Error::Option { .. })), "{refused:?}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let sealed = package_sealed(&into_library(), &mut (), |pack| {
        assert!(!dir.path().join(&pack.pack_id).exists());
        Ok::<_, Error>(Some(b"sealed".to_vec()))
    });
    let published = sealed.unwrap();
    assert_eq!(fs::read(published.directory.join("keys.sealed")).unwrap(), b"sealed");
    let again: Result<_, Error> =
        package_sealed(&into_library(), &mut (), |_| unreachable!("it is there already"));
    assert!(again.unwrap().already_there);
}

#[test]
fn posters() {
    let dir = tempfile::tempdir().unwrap();
    let with_poster = |poster: PathBuf, to: &str| {
        let to = dir.path().join(to);
        package(&PackageOptions { poster: Some(poster), ..options(&[demo(240)], &to) }, &mut ())
    };
    let jpeg = demo(240).with_file_name("poster.jpg");
    let published = with_poster(jpeg.clone(), "good").unwrap();
    assert_eq!(published.pack.poster.as_deref(), Some("poster.jpg"));
    assert_eq!(fs::read(published.directory.join("poster.jpg")).unwrap(), fs::read(jpeg).unwrap());
    let error = with_poster(demo(240), "bad").unwrap_err();
    assert!(error.to_string().ends_with("240p.mp4: the poster is not a JPEG"), "{error}");
    assert!(!dir.path().join("bad").exists());
}

/// What is published can be read by others than its maker, as far as the umask lets them.
#[cfg(unix)]
#[test]
fn published_directories_have_ordinary_modes() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let published = packaged(&[demo(240)], &dir.path().join("pack"));
    let ordinary = dir.path().join("ordinary");
    fs::create_dir(&ordinary).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&published.directory), mode(&ordinary));
}
