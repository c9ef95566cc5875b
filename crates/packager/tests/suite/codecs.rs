//! Every codec that is packaged, from each container, under each scheme: with the key every frame is the
//! source's, for ffmpeg, for Shaka Packager (neither shares code with us) and for our own `decrypt`; and
//! nobody finds anything to complain about.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::*;
use pack::{MediaType, Scheme};
use packager::{PackageOptions, Published, decrypt, package};

/// Two seconds, two key frames.
const PICTURE: &str = "-f lavfi -i testsrc2=s=128x96:r=25:d=2 -pix_fmt yuv420p";
const SOUND: &str = "-f lavfi -i sine=f=440:r=48000:d=2,volume=0.5";

pub(crate) fn has_encoder(name: &str) -> bool {
    let there = has_ffmpeg() && ffmpeg(&["-encoders"]).0.split_whitespace().any(|word| word == name);
    if !there {
        eprintln!("SKIPPED: this ffmpeg has no {name}");
    }
    there
}

/// Shaka Packager's program, where `SHAKA_PACKAGER` names it (as `cargo xtask test` does) or the path has it.
fn shaka_packager() -> Option<PathBuf> {
    let program = std::env::var_os("SHAKA_PACKAGER").map_or_else(|| "shaka-packager".into(), PathBuf::from);
    let there = Command::new(&program).arg("--version").output().is_ok_and(|done| done.status.success());
    if !there {
        eprintln!("SKIPPED: Shaka Packager is not there; name its program in SHAKA_PACKAGER");
    }
    there.then_some(program)
}

fn by_shaka(file: &Path, media: MediaType) -> Option<PathBuf> {
    let program = shaka_packager()?;
    let to = file.with_extension("shaka.mp4");
    let keys = format!("label=:key_id={}:key={}", kid_and_key().kid, key_hex());
    let done = Command::new(program)
        .arg(format!("in={},stream={media},output={}", file.display(), to.display()))
        .args(["--enable_raw_key_decryption", "--keys", &keys])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&done.stderr));
    Some(to)
}

/// What `ffprobe` has to complain about.
fn complaints(file: &Path) -> String {
    let done = Command::new("ffprobe")
        .args(["-v", "warning", "-show_streams", "-decryption_key", &key_hex()])
        .arg(file)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", file.display());
    String::from_utf8_lossy(&done.stderr).into()
}

fn hashes(frames: &[Frame]) -> Vec<&str> {
    frames.iter().map(|frame| frame.hash.as_str()).collect()
}

pub(crate) fn package_as(source: &Path, to: &Path, scheme: Scheme) -> Published {
    let sources = [source.to_path_buf()];
    let options = PackageOptions { scheme, allow_no_audio: true, ..options(&sources, to) };
    package(&options, &mut ()).unwrap_or_else(|error| panic!("{error}"))
}

fn is_matroska(source: &Path) -> bool {
    source.extension().is_some_and(|extension| extension == "mkv" || extension == "webm")
}

/// Compares what each reader gets of a track with the source's frames.
fn assert_frames(source: &Path, published: &Published, media: MediaType, scheme: Scheme) {
    let track = if media == MediaType::Video { "0:v:0" } else { "0:a:0" };
    let name = format!("{} {media} {scheme}", source.display());
    let path = file(published, media, 0);
    let (mut expected, said) = frames(source, track, None);
    assert_eq!(said, "", "{name}: the source");
    // Sound may have frames before the beginning, which prime the decoder; of the first frame that is heard
    // ffmpeg trims what primes from an ordinary file, not from a fragmented one.
    if media == MediaType::Audio {
        expected.remove(0);
    }
    let len = expected.len();
    let whole = |mut frames: Vec<Frame>| {
        let before = if media == MediaType::Audio { frames.len().saturating_sub(len) } else { 0 };
        frames.split_off(before)
    };
    assert!(len >= 20, "{name}: {len} frames");
    assert_eq!(complaints(&path), "", "{name}: ffprobe");
    let (got, said) = frames(&path, track, Some(&key_hex()));
    assert_eq!(said, "", "{name}: ffmpeg");
    let got = whole(got);
    assert_eq!(hashes(&got), hashes(&expected), "{name}: by ffmpeg");
    // Times of Matroska are rounded to milliseconds; ours are not.
    let (shift, tolerance) =
        (got[0].time - expected[0].time, if is_matroska(source) { 0.0015 } else { 0.000_5 });
    for (a, b) in expected.iter().zip(&got) {
        assert!((a.time + shift - b.time).abs() < tolerance, "{name}: {a:?} is at {}", b.time);
    }
    let durations = got.windows(2).map(|pair| pair[1].time - pair[0].time);
    assert!(durations.into_iter().all(|d| (d - (got[1].time - got[0].time)).abs() < 0.000_1), "{name}: even");
    let clear = path.with_extension("clear.mp4");
    let done = decrypt(&path, &[kid_and_key()], Some(&clear), &mut ()).unwrap();
    // Very small pictures have nothing that could be protected.
    assert!(done.protected_samples * 2 >= done.samples, "{name}: {done:?}");
    let (got, said) = frames(&clear, track, None);
    assert_eq!((hashes(&whole(got)), said.as_str()), (hashes(&expected), ""), "{name}: by us");
    let (without, _) = frames(&path, track, None);
    assert!(hashes(&without) != hashes(&expected), "{name}: it was not encrypted");
    if let Some(clear) = by_shaka(&path, media) {
        let (got, said) = frames(&clear, track, None);
        assert_eq!((hashes(&whole(got)), said.as_str()), (hashes(&expected), ""), "{name}: by Shaka");
    }
}

/// mp4box.js, which shares no code with ffmpeg either, finds all samples, knows every box, and has nothing to
/// complain about.
fn assert_by_mp4box(packs: &[Published]) {
    let has_node = Command::new("node").arg("--version").output().is_ok_and(|done| done.status.success());
    if !has_node || std::env::var_os("MATINEE_PLAYERS").is_none() {
        eprintln!(
            "SKIPPED: MATINEE_PLAYERS is not set, or Node.js is not there: cargo xtask test sets it where npm is"
        );
        return;
    }
    let files = packs.iter().flat_map(|published| {
        let representations = published.pack.representations.iter();
        representations.map(|r| format!("{}:{}", published.directory.join(&r.path).display(), r.samples))
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/mp4box.cjs");
    let done = Command::new("node").arg(script).args(files).output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(done.status.success() && said.is_empty(), "{said}");
}

/// Packages a source in each of the containers and under both schemes; returns the `codecs` string.
fn matrix(name: &str, containers: &[&str], inputs: &str, encoder: &str, more: &str) -> Option<String> {
    if !has_encoder(encoder) {
        return None;
    }
    let media = if inputs == SOUND { MediaType::Audio } else { MediaType::Video };
    // A film has pictures; those of a test of sound are of no interest.
    let picture = if media == MediaType::Audio {
        format!("{PICTURE} -c:v libx264 -preset ultrafast -g 25")
    } else {
        String::new()
    };
    let stream = if media == MediaType::Audio { "a" } else { "v" };
    let dir = tempfile::tempdir().unwrap();
    let mut codecs = None;
    let mut packs = Vec::new();
    let mut first: Option<PathBuf> = None;
    for container in containers {
        let source = dir.path().join(format!("{name}.{container}"));
        // Encoded once; other containers get the same samples.
        match &first {
            None => clip(&source, &format!("{inputs} {picture} -c:{stream} {encoder} {more}")),
            Some(first) => clip(&source, &format!("-i {} -map 0 -c copy", first.display())),
        };
        for scheme in [Scheme::Cenc, Scheme::Cbcs] {
            let published = package_as(&source, &dir.path().join(format!("{container}-{scheme}")), scheme);
            let this = published.pack.representations.iter().find(|r| r.media_type == media).unwrap();
            assert_frames(&source, &published, media, scheme);
            let all = codecs.get_or_insert_with(|| this.codecs.clone());
            assert_eq!(*all, this.codecs, "{container}");
            packs.push(published);
        }
        first.get_or_insert(source);
    }
    assert_by_mp4box(&packs);
    codecs
}

fn check(expected: &str, codecs: Option<String>) {
    if let Some(codecs) = codecs {
        assert_eq!(codecs, expected);
    }
}

#[test]
fn opus() {
    check("opus", matrix("opus", &["mp4", "mkv"], SOUND, "libopus", "-b:a 64k"));
}

#[test]
fn ac3() {
    check("ac-3", matrix("ac3", &["mp4", "mkv"], SOUND, "ac3", "-ac 6 -b:a 384k"));
}

#[test]
fn eac3() {
    check("ec-3", matrix("eac3", &["mp4", "mkv"], SOUND, "eac3", "-b:a 128k"));
}

#[test]
fn flac() {
    check("flac", matrix("flac", &["mp4", "mkv"], SOUND, "flac", "-strict -2"));
}

#[test]
fn aac() {
    check("mp4a.40.2", matrix("aac", &["mp4", "mkv"], SOUND, "aac", "-b:a 64k"));
}

#[test]
fn avc() {
    check("avc1.64000A", matrix("avc", &["mp4", "mkv"], PICTURE, "libx264", "-preset veryfast -g 25 -bf 2"));
}

/// What x265 is told by its own way: two groups of pictures, closed.
const X265: &str =
    "-preset ultrafast -x265-params log-level=none:keyint=25:min-keyint=25:scenecut=0:open-gop=0";

#[test]
fn hevc() {
    let more = format!("{X265}:bframes=3:slices=2:weightb=1:ref=4 -tag:v hvc1");
    check("hvc1.1.6.L30.90", matrix("hevc", &["mp4", "mkv"], PICTURE, "libx265", &more));
}

/// Wavefronts have entry points in their slice headers; 10 bits another profile; parameter sets may lie in
/// the samples as well.
#[test]
fn hevc_of_other_kinds() {
    let more = format!("{X265}:wpp=1:repeat-headers=1:sar=2:amp=1:rect=1:sao=1 -pix_fmt yuv420p10le");
    check("hev1.2.4.L30.90", matrix("hevc10", &["mp4"], PICTURE, "libx265", &more));
}

/// With hidden frames in superframes, and several tiles' columns.
#[test]
fn vp9() {
    let more = "-deadline good -cpu-used 4 -g 25 -auto-alt-ref 1 -lag-in-frames 16 -b:v 200k";
    check(
        "vp09.00.10.08.01.02.02.02.00",
        matrix("vp9", &["mp4", "mkv", "webm"], PICTURE, "libvpx-vp9", more),
    );
}

#[test]
fn av1_of_aom() {
    let more = "-cpu-used 6 -g 25 -b:v 200k";
    check("av01.0.00M.08", matrix("av1", &["mp4", "mkv"], PICTURE, "libaom-av1", more));
}

#[test]
fn av1_of_svt() {
    let more = "-preset 10 -g 25 -svtav1-params film-grain=8";
    check("av01.0.00M.08", matrix("svt", &["mp4", "mkv"], PICTURE, "libsvtav1", more));
}

/// Whatever some changed octets do, it is an error or a film, never a panic, and nothing is left of an error.
#[test]
fn mutated_sources_never_panic() {
    for (encoder, container, more) in [
        ("libx265", "mkv", "-preset ultrafast -x265-params log-level=none:open-gop=0"),
        ("libx265", "mp4", "-preset ultrafast -x265-params log-level=none:open-gop=0"),
        ("libvpx-vp9", "webm", "-deadline realtime -cpu-used 8"),
        ("libvpx-vp9", "mp4", "-deadline realtime -cpu-used 8"),
        ("libaom-av1", "mkv", "-cpu-used 8 -usage realtime"),
        ("libaom-av1", "mp4", "-cpu-used 8 -usage realtime"),
        ("libx264", "mkv", "-preset ultrafast"),
    ] {
        if !has_encoder(encoder) {
            continue;
        }
        let dir = tempfile::tempdir().unwrap();
        let picture = "-f lavfi -i testsrc2=s=64x64:r=10:d=1";
        let sound = "-f lavfi -i sine=r=48000:d=1 -c:a libopus -b:a 24k -strict -2";
        let source = dir.path().join(format!("whole.{container}"));
        let whole = std::fs::read(clip(
            &source,
            &format!("{picture} {sound} -pix_fmt yuv420p -c:v {encoder} {more}"),
        ))
        .unwrap();
        let mut state = 7u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let path = dir.path().join(format!("mutated.{container}"));
        for round in 0..80 {
            let mut data = whole.clone();
            for _ in 0..=round % 5 {
                // Most of what is read lies in front.
                let end = if round % 2 == 0 { data.len().min(900) } else { data.len() };
                data[random(end)] = random(256) as u8;
            }
            if round % 8 == 7 {
                data.truncate(random(data.len()));
            }
            std::fs::write(&path, &data).unwrap();
            let to = dir.path().join(round.to_string());
            let options =
                PackageOptions { allow_no_audio: true, ..options(std::slice::from_ref(&path), &to) };
            match package(&options, &mut ()) {
                Ok(_) => std::fs::remove_dir_all(&to).unwrap(),
                Err(error) => assert!(!to.exists() && !error.to_string().contains('\n'), "{error}"),
            }
        }
    }
}

/// What is not read is refused in a line that says what it is.
#[test]
fn refused_matroska() {
    for (name, encoder, more, said) in [
        ("vp8.webm", "libvpx", "-c:v libvpx", "video codec `V_VP8 (VP8)` is not supported; encode it as "),
        (
            "mp3.mkv",
            "libmp3lame",
            "-c:v libx264 -preset ultrafast -c:a libmp3lame",
            "audio codec `A_MPEG/L3 (MP3)`",
        ),
    ] {
        if !has_encoder(encoder) {
            continue;
        }
        let dir = tempfile::tempdir().unwrap();
        let sound = if more.contains("-c:a") { "-f lavfi -i sine=d=1" } else { "" };
        let args = format!("-f lavfi -i testsrc2=s=64x64:r=10:d=1 {sound} {more}");
        let source = clip(&dir.path().join(name), &args);
        let error = package(&options(&[source], &dir.path().join("pack")), &mut ()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

/// A file that was cut off anywhere is no shorter film.
#[test]
fn truncated_matroska() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let args = "-f lavfi -i testsrc2=s=64x64:r=10:d=2 -c:v libx264 -preset ultrafast";
    let whole = std::fs::read(clip(&dir.path().join("whole.mkv"), args)).unwrap();
    for cut in [5, 60, 300, whole.len() / 2, whole.len() - 1] {
        let path = dir.path().join("cut.mkv");
        std::fs::write(&path, &whole[..cut]).unwrap();
        let options = PackageOptions { allow_no_audio: true, ..options(&[path], &dir.path().join("pack")) };
        let error = package(&options, &mut ()).unwrap_err().to_string();
        assert!(error.contains("the file is truncated: "), "{cut}: {error}");
    }
}
