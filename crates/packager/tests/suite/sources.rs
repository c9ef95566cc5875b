//! Sources as they occur: containers, edit lists, delays, codings, each packaged, decrypted by ffmpeg, and
//! compared with the source frame by frame.

use std::path::{Path, PathBuf};

use crate::common::*;
use pack::{Level, MediaType, Scheme};
use packager::{PackageOptions, Published, inspect, package};

/// A test picture with motion and a tone.
const PICTURE: &str = "-f lavfi -i testsrc2=s=320x180:r=25:d=6 -f lavfi -i sine=f=440:r=48000:d=6";
const X264: &str =
    "-c:a aac -b:a 64k -c:v libx264 -preset veryfast -x264-params keyint=50:min-keyint=50:scenecut=0";

/// Frames of the packaged film equal the source's; audio and video keep their distance.
fn assert_packaged_well(source: &Path, published: &Published) {
    let video = file(published, MediaType::Video, 0);
    let (expected, _) = frames(source, "0:v:0", None);
    let (got, complaints) = frames(&video, "0:v:0", Some(&key_hex()));
    assert_eq!(complaints, "");
    assert!(!expected.is_empty());
    // The film begins at 0, whenever the source did.
    let first = |frames: &[Frame]| frames.first().unwrap().time;
    let audio_exists = published.pack.representations.iter().any(|r| r.media_type == MediaType::Audio);
    let (mut audio, mut audio_got) = (vec![], vec![]);
    if audio_exists {
        let path = file(published, MediaType::Audio, 0);
        audio = presented(frames(source, "0:a:0", None).0);
        let (got, complaints) = frames(&path, "0:a:0", Some(&key_hex()));
        assert_eq!(complaints, "");
        // ffmpeg trims a source's priming by its edit list, a fragmented file's it gives early times.
        let start = first(&audio) - first(&expected).min(first(&audio));
        audio_got = got.into_iter().filter(|frame| frame.time > start - 0.001).collect();
    }
    let earliest = audio.first().map_or(f64::INFINITY, |frame| frame.time).min(first(&expected));
    assert_same_frames(&expected, &got, ffmpeg_shift(&video) - earliest);
    assert_same_frames(&audio, &audio_got, -earliest);
    // By the letter of the standard, without ffmpeg: presentation begins at 0 or with its delay.
    let start = samples(&video).iter().map(|sample| sample.0).fold(f64::INFINITY, f64::min);
    assert!((start - (first(&expected) - earliest)).abs() < 0.001, "video begins at {start}");
}

fn package_clip(name: &str, args: &str) -> Option<(tempfile::TempDir, PathBuf, Published)> {
    if !has_ffmpeg() {
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let source = clip(&dir.path().join(name), args);
    let mut options = options(std::slice::from_ref(&source), &dir.path().join("pack"));
    options.allow_no_audio = true;
    let published = package(&options, &mut ()).unwrap();
    Some((dir, source, published))
}

fn check(name: &str, args: &str) {
    if let Some((_dir, source, published)) = package_clip(name, args) {
        assert_packaged_well(&source, &published);
    }
}

#[test]
fn b_frames_and_the_usual_edit_list() {
    check("b.mp4", &format!("{PICTURE} {X264}"));
}

#[test]
fn moov_first() {
    check("fast.mp4", &format!("{PICTURE} {X264} -movflags +faststart"));
}

/// ctts version 1 with negative offsets instead of an edit list.
#[test]
fn negative_composition_offsets() {
    check("negative.mp4", &format!("{PICTURE} {X264} -movflags +negative_cts_offsets"));
}

#[test]
fn no_edit_list_at_all() {
    check("noedit.mp4", &format!("{PICTURE} {X264} -use_editlist 0"));
}

#[test]
fn fragmented_source() {
    check(
        "fragments.mp4",
        &format!("{PICTURE} {X264} -movflags +frag_keyframe+empty_moov+default_base_moof"),
    );
    check("old_fragments.mp4", &format!("{PICTURE} {X264} -movflags +frag_keyframe"));
}

#[test]
fn quicktime_source() {
    check("clip.mov", &format!("{PICTURE} {X264}"));
}

/// A source whose sound begins 0.7 s after the picture, and one the other way round.
#[test]
fn delays_between_audio_and_video_stay() {
    let inputs = |a: f64, v: f64| {
        format!(
            "-itsoffset {v} -f lavfi -i testsrc2=s=320x180:r=25:d=6 -itsoffset {a} -f lavfi -i sine=r=48000:d=6 {X264}"
        )
    };
    check("late_audio.mp4", &inputs(0.7, 0.0));
    check("late_video.mp4", &inputs(0.0, 0.7));
}

#[test]
fn many_slices_and_cavlc() {
    check("slices.mp4", &format!("{PICTURE} {X264}:slices=8:cabac=0:weightp=2:ref=5"));
}

#[test]
fn interlaced() {
    check(
        "interlaced.mp4",
        &format!(
            "{PICTURE} -c:v libx264 -preset veryfast -flags +ilme+ildct -x264-params tff=1:keyint=50:scenecut=0 -c:a aac"
        ),
    );
}

#[test]
fn baseline_and_high_10() {
    check(
        "baseline.mp4",
        &format!("{PICTURE} -pix_fmt yuv420p -profile:v baseline -g 50 -c:v libx264 -c:a aac"),
    );
    check(
        "high10.mp4",
        &format!("{PICTURE} -pix_fmt yuv420p10le -g 50 -c:v libx264 -preset veryfast -c:a aac"),
    );
}

/// avc3: parameter sets in the samples.
#[test]
fn in_band_parameter_sets() {
    check("avc3.mp4", &format!("{PICTURE} {X264} -tag:v avc3 -bsf:v dump_extra"));
}

#[test]
fn variable_frame_rate() {
    check(
        "vfr.mp4",
        &format!("{PICTURE} {X264} -vf select='not(between(mod(n\\,25)\\,5\\,9))' -fps_mode vfr"),
    );
}

/// A clip that was cut out of the middle of a group of pictures by its edit list alone.
#[test]
fn source_that_begins_before_its_edit() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let whole = clip(&dir.path().join("whole.mp4"), &format!("{PICTURE} {X264}"));
    let cut = clip(&dir.path().join("cut.mp4"), &format!("-ss 2.5 -i {} -c copy", whole.display()));
    let published = packaged(&[cut], &dir.path().join("pack"));
    let video = samples(&file(&published, MediaType::Video, 0));
    let audio = samples(&file(&published, MediaType::Audio, 0));
    // The pictures before the cut are there, because they must be decoded; the sound keeps its place.
    let first_picture = video.iter().map(|sample| sample.0).fold(f64::INFINITY, f64::min);
    assert_eq!(first_picture, 0.0);
    assert_eq!(video.len(), 100, "from the sync sample at 2 s");
    let audio_start = audio[0].0;
    assert!((audio_start - 0.5).abs() < 0.1, "sound begins 0.5 s later: {audio_start}");
}

/// A real clip without B-frames, `moov` at the end, two `mdat` boxes, 5.1 sound.
#[test]
fn real_clip() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/bigbuckbunny.mp4");
    let dir = tempfile::tempdir().unwrap();
    let published = packaged(std::slice::from_ref(&source), &dir.path().join("pack"));
    let [video, audio] = &published.pack.representations[..] else { panic!("two representations") };
    assert_eq!((video.codecs.as_str(), audio.codecs.as_str()), ("avc1.4D401F", "mp4a.40.2"));
    assert_eq!((audio.audio.as_ref().unwrap().channels, video.video.as_ref().unwrap().width), (6, 1280));
    assert_eq!(video.video.as_ref().unwrap().frame_rate.to_string(), "25/1");
    if has_ffmpeg() {
        assert_packaged_well(&source, &published);
    }
}

/// A ladder of different timescales, one of them with other key frames in between.
#[test]
fn ladder_cut_at_common_key_frames() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let video = |name: &str, size: &str, keyint: u32, timescale: u32| {
        let args = format!(
            "-f lavfi -i testsrc2=s={size}:r=24000/1001:d=12 -f lavfi -i sine=r=44100:d=12 -c:v libx264 -preset veryfast \
             -x264-params keyint={keyint}:min-keyint={keyint}:scenecut=0 -c:a aac -video_track_timescale {timescale}"
        );
        clip(&dir.path().join(name), &args)
    };
    let inputs = [
        video("a.mp4", "160x90", 24, 24_000),
        video("b.mp4", "320x180", 48, 90_000),
        video("c.mp4", "480x270", 96, 1000),
    ];
    let published = packaged(&inputs, &dir.path().join("pack"));
    let representations = &published.pack.representations;
    assert_eq!(representations.iter().filter(|r| r.media_type == MediaType::Audio).count(), 1);
    for representation in representations {
        let starts: Vec<_> = representation
            .segments
            .iter()
            .map(|s| s.start as f64 / f64::from(representation.timescale))
            .collect();
        assert_eq!(starts.len(), 3, "{}", representation.id);
        for (n, start) in starts.iter().enumerate() {
            assert!((start - n as f64 * 4.004).abs() < 0.02, "{}: {starts:?}", representation.id);
        }
    }
    for (n, source) in inputs.iter().enumerate() {
        let path = file(&published, MediaType::Video, n);
        let (expected, _) = frames(source, "0:v:0", None);
        let (got, _) = frames(&path, "0:v:0", Some(&key_hex()));
        assert_eq!(
            expected.iter().map(|f| &f.hash).collect::<Vec<_>>(),
            got.iter().map(|f| &f.hash).collect::<Vec<_>>()
        );
    }
}

/// B62: level high protects all samples, medium sync samples and those that others refer to, low sync
/// samples; audio is always protected; and all three decrypt to the source.
#[test]
fn encryption_levels() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let source = clip(
        &dir.path().join("levels.mp4"),
        &format!("{PICTURE} {X264}:bframes=3:b-adapt=0:b-pyramid=none -an"),
    );
    let (expected, _) = frames(&source, "0:v:0", None);
    let mut protected = vec![];
    for level in [Level::High, Level::Medium, Level::Low] {
        let to = dir.path().join(level.to_string());
        let all =
            PackageOptions { level, allow_no_audio: true, ..options(std::slice::from_ref(&source), &to) };
        let published = package(&all, &mut ()).unwrap();
        let path = file(&published, MediaType::Video, 0);
        let report = inspect(&path).unwrap();
        assert_eq!(report.tracks[0].samples, 150);
        assert_eq!(report.tracks[0].keys[0].samples, 150, "IVs of clear samples are counted");
        protected.push(report.tracks[0].protected_samples);
        let (got, complaints) = frames(&path, "0:v:0", Some(&key_hex()));
        assert_eq!(complaints, "");
        assert_same_frames(&expected, &got, ffmpeg_shift(&path) - expected[0].time);
    }
    // 3 groups of 50 pictures; in each, I and every fourth of the rest (P) are referred to.
    assert_eq!(protected[0], 150);
    assert_eq!(protected[2], 3);
    assert!((36..=42).contains(&protected[1]), "{protected:?}");
}

/// Scheme cbcs: constant IV, pattern 1:9 for video, whole blocks for audio; scheme none: clear.
#[test]
fn other_schemes() {
    if !has_ffmpeg() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let source = clip(&dir.path().join("s.mp4"), &format!("{PICTURE} {X264}"));
    let (expected, _) = frames(&source, "0:v:0", None);
    for scheme in [Scheme::Cbcs, Scheme::None] {
        let to = dir.path().join(scheme.to_string());
        let published =
            package(&PackageOptions { scheme, ..options(std::slice::from_ref(&source), &to) }, &mut ())
                .unwrap();
        for (media, track) in [(MediaType::Video, "0:v:0"), (MediaType::Audio, "0:a:0")] {
            let path = file(&published, media, 0);
            let mut clear = path.clone();
            if scheme == Scheme::Cbcs {
                clear = dir.path().join(format!("{media}.mp4"));
                packager::decrypt(&path, &[kid_and_key()], Some(&clear), &mut ()).unwrap();
                // ffmpeg's own implementation of cbcs agrees with ours.
                let (by_ffmpeg, complaints) = frames(&path, track, Some(&key_hex()));
                assert_eq!((&by_ffmpeg, complaints.as_str()), (&frames(&clear, track, None).0, ""));
                assert_eq!(inspect(&path).unwrap().tracks[0].scheme.as_deref(), Some("cbcs"));
            } else {
                assert!(published.pack.protection.is_none());
                assert_eq!(inspect(&path).unwrap().tracks[0].scheme, None);
            }
            if media == MediaType::Video {
                assert_same_frames(
                    &expected,
                    &frames(&clear, track, None).0,
                    ffmpeg_shift(&clear) - expected[0].time,
                );
            }
        }
    }
}
