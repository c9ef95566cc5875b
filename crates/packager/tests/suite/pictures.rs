//! What samples say of themselves: leading pictures, many slices, frames that prime others.

use std::fs;

use crate::codecs::has_encoder;
use crate::common::*;
use isobmff::Boxes;
use packager::{PackageOptions, package};

const PICTURE: &str = "-f lavfi -i testsrc2=s=128x96:r=25:d=2";

/// Segments begin with a picture that nothing behind it is shown before: whether such pictures could be
/// decoded (RADL) or not (RASL, the leading pictures of an open group of H.264), they are refused, with the
/// way on. `inspect` says that groups are open.
#[test]
fn leading_pictures_are_refused_with_the_reason() {
    for (name, encoder, more) in [
        (
            "rasl.mp4",
            "libx265",
            "-x265-params log-level=none:keyint=10:min-keyint=10:bframes=3:b-adapt=0:open-gop=1",
        ),
        (
            "radl.mp4",
            "libx265",
            "-x265-params log-level=none:keyint=10:min-keyint=10:bframes=3:b-adapt=0:open-gop=0:radl=2",
        ),
        ("recovery.mp4", "libx264", "-x264-params keyint=10:min-keyint=10:bframes=3:b-adapt=0:open-gop=1"),
    ] {
        if !has_encoder(encoder) {
            continue;
        }
        let dir = tempfile::tempdir().unwrap();
        let source = clip(
            &dir.path().join(name),
            &format!("{PICTURE} -pix_fmt yuv420p -c:v {encoder} -preset ultrafast {more}"),
        );
        let groups = packager::inspect(&source).unwrap().tracks[0].groups.unwrap();
        assert!(groups.open > 0 && groups.count > 2, "{name}: {groups}");
        let options = PackageOptions { allow_no_audio: true, ..options(&[source], &dir.path().join("pack")) };
        let error = package(&options, &mut ()).unwrap_err().to_string();
        let said = error.contains(name) && error.contains("open GOP at ") && error.contains("radl=0");
        assert!(said && !dir.path().join("pack").exists(), "{error}");
    }
}

/// `saiz` counts what `senc` says of a sample in an octet: 40 subsamples.
#[test]
fn more_slices_than_can_be_said_are_refused() {
    if !has_encoder("libx264") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for slices in [40, 41] {
        let source = clip(
            &dir.path().join(format!("{slices}.mp4")),
            &format!(
                "-f lavfi -i testsrc2=s=128x1024:r=25:d=1 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -x264-params \
                 slices={slices}"
            ),
        );
        let place = dir.path().join(slices.to_string());
        let options = PackageOptions { allow_no_audio: true, ..options(&[source], &place) };
        let done = package(&options, &mut ());
        if slices == 40 {
            let published = done.unwrap();
            let file = published.directory.join(&published.pack.representations[0].path);
            let track = &packager::inspect(&file).unwrap().tracks[0];
            assert_eq!(track.protection.unwrap().subsamples.unwrap().1, 40);
        } else {
            let error = done.unwrap_err().to_string();
            assert!(error.contains("41 slices or tiles") && error.contains("40 are the most"), "{error}");
            assert!(!place.exists());
        }
    }
}

/// Opus needs 80 ms before a frame to sound as it should: a `roll` sample group says how many frames that
/// are.
#[test]
fn opus_says_how_far_it_must_be_rolled_back() {
    if !has_encoder("libopus") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (milliseconds, roll) in [(20, -4i16), (60, -2), (10, -8)] {
        let source = clip(
            &dir.path().join(format!("{milliseconds}.mp4")),
            &format!(
                "{PICTURE} -f lavfi -i sine=d=2 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -c:a libopus -strict -2 -frame_duration \
                 {milliseconds}"
            ),
        );
        let published = packaged(&[source], &dir.path().join(milliseconds.to_string()));
        let sound = published.pack.representations.iter().find(|r| r.audio.is_some()).unwrap();
        let data = fs::read(published.directory.join(&sound.path)).unwrap();
        for segment in &sound.segments {
            let moof = Boxes::new(&data[segment.offset as usize..]).next().unwrap().unwrap();
            let traf = moof.required(b"traf").unwrap();
            let (description, group) = (traf.required(b"sgpd").unwrap(), traf.required(b"sbgp").unwrap());
            let entry = [&[1, 0, 0, 0][..], b"roll", &[0, 0, 0, 2, 0, 0, 0, 1], &roll.to_be_bytes()].concat();
            assert_eq!(description.payload, entry);
            let samples = &traf.required(b"trun").unwrap().payload[4..8];
            let all = [&[0; 4][..], b"roll", &[0, 0, 0, 1], samples, &[0, 1, 0, 1]].concat();
            assert_eq!(group.payload, all);
        }
        let pictures = &published.pack.representations[0];
        let data = fs::read(published.directory.join(&pictures.path)).unwrap();
        let moof = Boxes::new(&data[pictures.segments[0].offset as usize..]).next().unwrap().unwrap();
        assert!(moof.required(b"traf").unwrap().child(b"sgpd").unwrap().is_none(), "pictures need none");
    }
}
