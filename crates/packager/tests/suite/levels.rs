//! Encryption levels: exactly the documented sets of samples, found out here from the NAL units alone.

use std::fs;

use crate::common::*;
use isobmff::{Boxes, Fragment, InitSegment};
use pack::{Level, MediaType, Scheme};
use packager::{PackageOptions, decrypt, inspect, package};

/// Of each picture in decoding order: whether it is a sync sample, and whether another may refer to it (H.264
/// §7.4.1: `nal_ref_idc`).
fn pictures(clear: &std::path::Path) -> Vec<(bool, bool)> {
    let data = fs::read(clear).unwrap();
    let init = InitSegment::parse(&data).unwrap();
    let mut pictures = Vec::new();
    for moof in Boxes::new(&data).map(Result::unwrap).filter(|found| found.kind == b"moof") {
        let fragment = Fragment::parse(&data[moof.offset..], moof.offset as u64, &init).unwrap();
        for sample in fragment.tracks()[0].samples().map(Result::unwrap) {
            let at = moof.offset + sample.offset as usize;
            let mut rest = &data[at..at + sample.size as usize];
            let (mut idr, mut referred) = (false, false);
            while let Some((length, after)) = rest.split_first_chunk() {
                let (nal, after) = after.split_at(u32::from_be_bytes(*length) as usize);
                if matches!(nal[0] & 31, 1 | 5) {
                    idr |= nal[0] & 31 == 5;
                    referred |= nal[0] >> 5 & 3 != 0;
                }
                rest = after;
            }
            assert_eq!(sample.is_sync(), idr);
            pictures.push((idr, referred));
        }
    }
    pictures
}

/// B62: high protects every picture, medium the sync samples and those that others refer to, low the sync
/// samples; sound is protected whole at each level; `inspect` counts just these; and with the key each is the
/// source again. B63: each level has fewer pictures to decrypt than the one above it.
#[test]
fn b62_levels_protect_the_documented_sets() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    // Pictures that nobody refers to, and B pictures that somebody does.
    let source = clip(
        &dir.path().join("source.mp4"),
        "-f lavfi -i testsrc2=s=320x180:r=25:d=8 -f lavfi -i sine=r=48000:d=8 -c:a aac -c:v libx264 -preset veryfast \
         -x264-params keyint=50:min-keyint=50:scenecut=0:bframes=4:b-adapt=0:b-pyramid=normal",
    );
    for scheme in [Scheme::Cenc, Scheme::Cbcs] {
        let mut counts = Vec::new();
        for level in [Level::High, Level::Medium, Level::Low] {
            let to = dir.path().join(format!("{scheme}-{level}"));
            let all = PackageOptions { level, scheme, ..options(std::slice::from_ref(&source), &to) };
            let published = package(&all, &mut ()).unwrap();
            let path = file(&published, MediaType::Video, 0);
            let clear = to.join("clear.mp4");
            let done = decrypt(&path, &[kid_and_key()], Some(&clear), &mut ()).unwrap();
            let pictures = pictures(&clear);
            let wanted = |&(sync, referred): &(bool, bool)| match level {
                Level::High => true,
                Level::Medium => sync || referred,
                Level::Low => sync,
            };
            let expected: Vec<bool> = pictures.iter().map(wanted).collect();
            let got: Vec<bool> = samples(&path).iter().map(|sample| sample.3).collect();
            assert_eq!(got, expected, "{scheme} {level}");
            let count = expected.iter().filter(|protected| **protected).count() as u64;
            let report = inspect(&path).unwrap();
            assert_eq!((report.tracks[0].samples, report.tracks[0].protected_samples), (200, count));
            assert_eq!(done.protected_samples, count);
            counts.push(count);
            let described = published.pack.representations.iter().find(|r| r.media_type == MediaType::Video);
            assert_eq!(described.unwrap().protected_samples, count);
            // Four groups of 50 pictures; between the P pictures B pictures of both kinds.
            let referred = pictures.iter().filter(|picture| picture.1).count();
            assert!(
                pictures.iter().filter(|picture| picture.0).count() == 4 && (60..140).contains(&referred)
            );
            let audio = inspect(&file(&published, MediaType::Audio, 0)).unwrap();
            assert_eq!(audio.tracks[0].samples, audio.tracks[0].protected_samples);
            let (expected, _) = frames(&source, "0:v:0", None);
            let (got, complaints) = frames(&clear, "0:v:0", None);
            assert_eq!(complaints, "");
            assert_same_frames(&expected, &got, ffmpeg_shift(&clear) - expected[0].time);
        }
        assert!(counts.is_sorted_by(|higher, lower| higher > lower), "B63: {counts:?}");
    }
}
