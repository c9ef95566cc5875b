//! What the packager's tests share: sources, ffmpeg as an independent reader, keys.

use std::path::{Path, PathBuf};
use std::process::Command;

use cenc::{Cek, CommonKey, ContentId, KidAndKey, Label};
use isobmff::{Boxes, Fragment, InitSegment};
use pack::MediaType;
use packager::{Destination, Keys, PackageOptions, Published, package};

pub(crate) const MOVIE: u64 = 60_027_274;

pub(crate) fn demo(height: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../media/demo/{height}p.mp4"))
}

pub(crate) fn demo_ladder() -> Vec<PathBuf> {
    [240, 360, 720].map(demo).to_vec()
}

pub(crate) fn common_key() -> CommonKey {
    "000102030405060708090a0b0c0d0e0f".parse().unwrap()
}

pub(crate) fn keys() -> Keys {
    Keys::derived(common_key(), "k1".to_owned(), ContentId::of_movie(MOVIE), Label::default())
}

pub(crate) fn kid_and_key() -> KidAndKey {
    KidAndKey { kid: keys().kid(), cek: Cek::new(*keys().cek().expose()) }
}

pub(crate) fn options(inputs: &[PathBuf], to: &Path) -> PackageOptions {
    PackageOptions::new(inputs.to_vec(), MOVIE, Some(keys()), Destination::Directory(to.to_path_buf()))
}

pub(crate) fn packaged(inputs: &[PathBuf], to: &Path) -> Published {
    package(&options(inputs, to), &mut ()).unwrap()
}

pub(crate) fn file(published: &Published, media: MediaType, n: usize) -> PathBuf {
    let found = published.pack.representations.iter().filter(|r| r.media_type == media).nth(n).unwrap();
    published.directory.join(&found.path)
}

/// Whether ffmpeg is there. Tests that need it return early without it, and say so.
pub(crate) fn has_ffmpeg() -> bool {
    let there = Command::new("ffmpeg").arg("-version").output().is_ok_and(|out| out.status.success());
    if !there {
        eprintln!("SKIPPED: ffmpeg is not installed");
    }
    there
}

/// Makes a clip; `args` are everything but the output.
pub(crate) fn clip(to: &Path, args: &str) -> PathBuf {
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(args.split_whitespace())
        .arg(to)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    to.to_path_buf()
}

/// What ffmpeg says on standard output; its complaints are returned, too.
pub(crate) fn ffmpeg(args: &[&str]) -> (String, String) {
    let done = Command::new("ffmpeg").args(["-v", "warning", "-nostdin"]).args(args).output().unwrap();
    (String::from_utf8_lossy(&done.stdout).into(), String::from_utf8_lossy(&done.stderr).into())
}

pub(crate) fn key_hex() -> String {
    keys().cek().expose().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A decoded frame: presentation time in seconds and hash.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    pub(crate) time: f64,
    pub(crate) hash: String,
}

/// Every sample of the first track of a fragmented file: presentation time in seconds by the letter of the
/// standard (edit list applied), offset of presentation to decoding in seconds, size, and whether any byte is
/// protected.
pub(crate) fn samples(path: &Path) -> Vec<(f64, f64, u32, bool)> {
    let data = std::fs::read(path).unwrap();
    let init = InitSegment::parse(&data).unwrap();
    let track = &init.tracks[0];
    let (timescale, edit) =
        (f64::from(track.timescale), track.edit_list.first().map_or(0, |edit| edit.media_time));
    let mut samples = Vec::new();
    for moof in Boxes::new(&data).map(Result::unwrap).filter(|found| found.kind == b"moof") {
        let fragment = Fragment::parse(&data[moof.offset..], moof.offset as u64, &init).unwrap();
        for sample in fragment.tracks()[0].samples().map(Result::unwrap) {
            let time = sample.decode_time as i64 + sample.composition_offset - edit;
            let protected = sample
                .crypto
                .is_some_and(|mut c| c.subsamples.is_empty() || c.subsamples.any(|(_, len)| len > 0));
            let offset = sample.composition_offset as f64 / timescale;
            samples.push((time as f64 / timescale, offset, sample.size, protected));
        }
    }
    samples
}

/// What ffmpeg adds to the times of a file with negative composition offsets: it takes the largest for a
/// delay of the whole track. (The standard does not; players do not.)
pub(crate) fn ffmpeg_shift(path: &Path) -> f64 {
    -samples(path).iter().map(|sample| sample.1).fold(0.0, f64::min)
}

/// Decodes a track and hashes its frames in presentation order. Also returns ffmpeg's complaints.
pub(crate) fn frames(path: &Path, track: &str, key: Option<&str>) -> (Vec<Frame>, String) {
    let path = path.to_str().unwrap();
    let mut args = vec![];
    if let Some(key) = key {
        args.extend(["-decryption_key", key]);
    }
    args.extend(["-copyts", "-i", path, "-map", track, "-fps_mode", "passthrough", "-enc_time_base", "-1"]);
    args.extend(["-f", "framehash", "-hash", "sha256", "-"]);
    let (out, complaints) = ffmpeg(&args);
    let time_base = out.lines().find_map(|line| line.strip_prefix("#tb 0: ")).map_or(1.0, |tb| {
        tb.split_once('/').map(|(n, d)| n.parse::<f64>().unwrap() / d.parse::<f64>().unwrap()).unwrap()
    });
    let parse = |line: &str| {
        let fields: Vec<_> = line.split(',').map(str::trim).collect();
        Frame { time: fields[2].parse::<f64>().unwrap() * time_base, hash: fields[5].to_owned() }
    };
    (out.lines().filter(|line| !line.starts_with('#')).map(parse).collect(), complaints)
}

/// Without the frames that prime a decoder: they lie before the film's beginning.
pub(crate) fn presented(frames: Vec<Frame>) -> Vec<Frame> {
    frames.into_iter().filter(|frame| frame.time > -0.000_1).collect()
}

/// The clear source's and the packaged film's frames are equal in order, number and time.
pub(crate) fn assert_same_frames(source: &[Frame], packaged: &[Frame], shift: f64) {
    assert_eq!(source.len(), packaged.len(), "number of frames");
    for (n, (a, b)) in source.iter().zip(packaged).enumerate() {
        assert_eq!(a.hash, b.hash, "frame {n} at {} s", a.time);
        assert!(
            (a.time + shift - b.time).abs() < 0.000_5,
            "frame {n}: {} + {shift} s is {} s",
            a.time,
            b.time
        );
    }
}
