//! What becomes of HDR beside the SDR that all players show.

use prepare::ladder::Rung;
use prepare::plan::{Coding, HdrCoding, KeyFrames, Pictures, Plan, Source, Wishes, plan};
use prepare::probe::{Kind, Video};

use crate::{says, source};

/// The probed film in 2160 lines of HEVC and PQ, long enough to pass.
fn film(change: impl Fn(&mut Source), video: impl Fn(&mut Video)) -> Source {
    let mut film = source("hdr");
    for stream in &mut film.media.streams {
        if let Kind::Video(found) = &mut stream.kind {
            video(found);
        }
    }
    change(&mut film);
    film
}

fn with(film: Source, wishes: Wishes) -> Plan {
    plan(&[film], &wishes).unwrap()
}

fn both() -> Wishes {
    Wishes { hdr: HdrCoding::ALL.to_vec(), ..Wishes::default() }
}

/// Of each entry: its coding, `None` for what passes, its key frames, and its largest step.
/// Coding, key frames and size of a picture that is made.
type Made = (Option<Coding>, Option<KeyFrames>, (u32, u32));

fn made(plan: &Plan) -> Vec<Made> {
    let entry = |pictures: &Pictures| match pictures {
        Pictures::Pass { codec, direct, .. } => {
            assert!(codec == "hevc" && !direct, "it is written as hvc1");
            (None, None, (0, 0))
        }
        Pictures::Encode { coding, keys, steps, filters, colours, .. } => {
            let is_sdr = *coding == Coding::H264;
            assert_eq!(filters.iter().any(|filter| filter.contains("tonemap")), is_sdr, "{filters:?}");
            assert_eq!(
                colours.as_ref().map(|colours| &colours.transfer[..]),
                (!is_sdr).then_some("smpte2084")
            );
            (Some(*coding), Some(*keys), (steps[0].height, steps[0].max_kbps))
        }
    };
    plan.pictures.iter().map(entry).collect()
}

const H264: Option<Coding> = Some(Coding::H264);
const HEVC: Option<Coding> = Some(Coding::Hevc);

#[test]
fn what_is_fit_passes_with_smaller_steps_of_it() {
    let plan = with(film(|_| {}, |_| {}), both());
    let source = Some(KeyFrames::Source);
    assert_eq!(
        made(&plan),
        [(H264, source, (2160, 21_000)), (None, None, (0, 0)), (HEVC, source, (1440, 10_125))]
    );
    says(&plan, "hevc at 3840x2160 passes as it is for HDR (PQ)");
    says(&plan, "HDR becomes SDR");
}

#[test]
fn what_is_not_fit_is_made() {
    let usual = Some(KeyFrames::Usual);
    let expected = [(H264, usual, (2160, 21_000)), (HEVC, usual, (2160, 15_750))];
    for unfit in [
        film(|film| film.key_frames = Some(12.0), |_| {}),
        film(|film| film.key_frames = None, |_| {}),
        film(|film| film.media.streams[0].codec = "prores".into(), |_| {}),
        film(|film| film.media.streams[0].codec = "av1".into(), |_| {}),
        film(|film| film.media.streams[0].bit_rate = Some(900_000_000), |_| {}),
        film(|_| {}, |video| video.pixels = "yuv422p10le".into()),
        film(|_| {}, |video| video.interlaced = true),
        film(|_| {}, |video| video.rotation = 180),
        film(|_| {}, |video| video.variable = true),
    ] {
        let plan = with(unfit, both());
        assert_eq!(made(&plan), expected, "{:?}", plan.notes);
        says(&plan, "HDR (PQ) is kept in HEVC");
    }
    let plan = with(film(|_| {}, |_| {}), Wishes { transcode: true, ..both() });
    assert_eq!(made(&plan), expected);
    let ladder = Some(vec![Rung { height: 720, max_kbps: 2000 }]);
    let plan = with(film(|_| {}, |_| {}), Wishes { ladder, ..both() });
    assert_eq!(made(&plan), [(H264, usual, (720, 3000)), (HEVC, usual, (720, 2250))]);
}

/// AV1's encoder counts pictures between key frames, and so do then all steps.
#[test]
fn key_frames_are_the_same_in_av1() {
    let plan = with(film(|_| {}, |_| {}), Wishes { hdr: vec![HdrCoding::Av1], ..Wishes::default() });
    let counted = Some(KeyFrames::Counted { pictures: 100 });
    assert_eq!(made(&plan), [(H264, counted, (2160, 21_000)), (Some(Coding::Av1), counted, (2160, 15_750))]);
    says(&plan, "HDR (PQ) is kept in AV1");
}

/// Without a wish or an encoder, and for what is no HDR, all is as without HDR.
#[test]
fn sdr_alone() {
    let plan = with(film(|_| {}, |_| {}), Wishes::default());
    assert_eq!(made(&plan), [(H264, Some(KeyFrames::Usual), (2160, 21_000))]);
    for name in ["dvd", "phone", "languages"] {
        let plain = plan_of(name, Wishes::default());
        assert_eq!(plan_of(name, both()), plain);
        assert_eq!(plain.pictures.len(), 1);
    }
    let hlg = with(film(|_| {}, |video| video.transfer = "arib-std-b67".into()), both());
    says(&hlg, "as it is for HDR (HLG)");
}

fn plan_of(name: &str, wishes: Wishes) -> Plan {
    with(source(name), wishes)
}
