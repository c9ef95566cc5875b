//! Files that other packagers encrypted, decrypted by us. The expected digests were computed with other
//! tools.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::*;
use isobmff::Boxes;
use packager::{decrypt, inspect};
use sha2::{Digest, Sha256};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../isobmff/tests/fixtures").join(name)
}

/// SHA-256 of the payloads of all `mdat` boxes.
fn media_digest(data: &[u8]) -> String {
    let mut hash = Sha256::new();
    for mdat in Boxes::new(data).map(Result::unwrap).filter(|found| found.kind == b"mdat") {
        hash.update(mdat.payload);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// shaka-packager's segments, each behind its init segment.
#[test]
fn shaka_clear_key_segments() {
    let expected = [
        "2f3d67cd968a7fad3cfd58d6f6b5cdaf248ed2318f4902b3125d218f8643f999",
        "83201cbc1c9c58490fae6e6c392d935f6d65e3f6fc1d8a0a6d1e0ffb552f2ce5",
        "d171f646cd293a9b37535e33457c59cb0b782d36b8b1311b834bdea5e4445873",
        "6eae4d77ef8d1502e49c3241fd9220c72e53b7277af5880be08a63aa86662449",
        "036dae8ee63de728233708ccb35858db4f47bfacf309af90c83ff32b2c7e9328",
    ];
    let key = || ["4060a865887842679cbf91ae5bae1e72:fc35340837310cc0fb53de97e22a69e0".parse().unwrap()];
    let dir = tempfile::tempdir().unwrap();
    let init = fs::read(fixture("dash-clearkey/video-H264-288-400k_init.mp4")).unwrap();
    for (n, expected) in expected.iter().enumerate() {
        let segment = fs::read(fixture(&format!("dash-clearkey/video-H264-288-400k_{}.m4s", n + 1))).unwrap();
        let path = dir.path().join(format!("{n}.mp4"));
        fs::write(&path, [&init[..], &segment].concat()).unwrap();
        let report = inspect(&path).unwrap();
        assert_eq!((report.tracks[0].samples, report.tracks[0].keys[0].samples), (96, 96));
        assert_eq!((report.pssh.len(), report.reused_counters), (2, 0));
        let clear = dir.path().join(format!("{n}-clear.mp4"));
        decrypt(&path, &key(), Some(&clear), &mut ()).unwrap();
        assert_eq!(media_digest(&fs::read(&clear).unwrap()), *expected, "segment {}", n + 1);
        if has_ffmpeg() {
            let (frames, complaints) = frames(&clear, "0:v:0", None);
            assert_eq!((frames.len(), complaints.as_str()), (96, ""));
        }
    }
}

/// A file with two movie headers says two things of its tracks; it is refused, and nothing is written.
#[test]
fn two_movie_headers_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let init = fs::read(fixture("dash-clearkey/video-H264-288-400k_init.mp4")).unwrap();
    let segment = fs::read(fixture("dash-clearkey/video-H264-288-400k_1.m4s")).unwrap();
    let (path, clear) = (dir.path().join("two.mp4"), dir.path().join("clear.mp4"));
    fs::write(&path, [&init[..], &init, &segment].concat()).unwrap();
    let key = "4060a865887842679cbf91ae5bae1e72:fc35340837310cc0fb53de97e22a69e0".parse().unwrap();
    let error = decrypt(&path, &[key], Some(&clear), &mut ()).unwrap_err().to_string();
    assert!(error.contains("two `moov`"), "{error}");
    assert!(!clear.exists());
}

/// mp4ff's file with audio and video in one fragment: byte for byte what mp4ff decrypted it to.
#[test]
fn mp4ff_multiplexed_file() {
    let dir = tempfile::tempdir().unwrap();
    let clear = dir.path().join("clear.mp4");
    let key = "cd7eb9ff88f34caeb06185b00024e4c2:63cb5f7184dd4b689a5c5ff11ee6a328".parse().unwrap();
    let done = decrypt(&fixture("mp4ff/prog_8s_enc_dashinit.mp4"), &[key], Some(&clear), &mut ()).unwrap();
    assert_eq!(done.samples, 615);
    let digest = "1cae37f231e346c019c0b4cdeea0c05b0d9aa16da1be970cf6c8b0379ccd579e";
    assert_eq!(media_digest(&fs::read(&clear).unwrap()), digest);
    assert_eq!(media_digest(&fs::read(fixture("mp4ff/prog_8s_dec_dashinit.mp4")).unwrap()), digest);
    // It reuses IVs between audio and video, and `inspect` says so.
    let report = inspect(&fixture("mp4ff/prog_8s_enc_dashinit.mp4")).unwrap();
    assert!(report.reused_counters > 0);
    assert!(report.to_string().contains("DANGER"));
}
