//! Plans of films, from what ffprobe said of them (5.1; the JSON as it was printed).
#![allow(clippy::unwrap_used)]

mod hdr;
mod texts;

use pack::{AudioRole, SubtitleRole};
use prepare::ladder::Rung;
use prepare::plan::{Pictures, Plan, Refusal, Source, Wishes, plan};
use prepare::probe::{Kind, Media};

fn source(name: &str) -> Source {
    let path = format!("{}/tests/suite/probes/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let media = Media::from_json(&std::fs::read(path).unwrap()).unwrap();
    Source { path: format!("{name}.mkv").into(), media, key_frames: Some(1.0), holes: Vec::new() }
}

fn planned(name: &str) -> Plan {
    plan(&[source(name)], &Wishes::default()).unwrap()
}

fn steps(plan: &Plan) -> Vec<(u32, u32)> {
    let Pictures::Encode { steps, .. } = &plan.pictures[0] else { panic!("{:?}", plan.pictures) };
    steps.iter().map(|step| (step.width, step.height)).collect()
}

fn says(plan: &Plan, what: &str) {
    assert!(plan.notes.iter().any(|note| note.contains(what)), "{what}: {:?}", plan.notes);
}

#[test]
fn a_dvd_loses_its_fields_and_its_narrow_samples() {
    let plan = planned("dvd");
    assert_eq!(steps(&plan), [(768, 576), (640, 480), (480, 360), (320, 240)]);
    says(&plan, "not every player takes mpeg2video");
    says(&plan, "fields are made whole");
    says(&plan, "samples of 16:15 become square");
    says(&plan, "ac3 becomes AAC");
}

#[test]
fn a_phone_film_is_turned() {
    let plan = planned("phone");
    assert_eq!(steps(&plan)[..2], [(1080, 1920), (720, 1280)]);
    says(&plan, "turned by 90 degrees");
    let sound = &plan.sounds[0];
    assert!(sound.pass && sound.direct && sound.default && sound.number == 1);
}

#[test]
fn hdr_becomes_sdr_and_many_pictures_get_more_bits() {
    let plan = planned("hdr");
    let Pictures::Encode { steps, filters, .. } = &plan.pictures[0] else { panic!() };
    assert_eq!((steps[0].width, steps[0].height, steps[0].max_kbps), (3840, 2160, 21_000));
    assert!(plan.hdr && filters[0].contains("tonemap"), "{filters:?}");
    says(&plan, "there is no sound");
}

#[test]
fn what_is_fit_passes_with_all_its_languages() {
    let plan = planned("languages");
    assert!(matches!(plan.pictures[0], Pictures::Pass { direct: false, .. }));
    let sounds: Vec<_> =
        plan.sounds.iter().map(|s| (s.language.as_deref().unwrap(), s.role, s.pass)).collect();
    // The second is shorter than the film.
    assert_eq!(sounds, [("eng", AudioRole::Main, true), ("ger", AudioRole::Description, false)]);
    assert_eq!(plan.sounds[1].label.as_deref(), Some("Audiodeskription"));
    says(&plan, "silence is added");
    assert_eq!((plan.texts[0].role, plan.texts[0].alone), (SubtitleRole::Forced, false));
    let chapters: Vec<_> = plan.chapters.iter().map(|c| (c.start, &c.title[..])).collect();
    // The second has no name in the file.
    assert_eq!(chapters, [(0, "One"), (500, "Chapter 2")]);
}

#[test]
fn what_an_operator_wishes_counts() {
    let wishes = Wishes { ladder: Some(vec![Rung { height: 240, max_kbps: 300 }]), ..Wishes::default() };
    assert_eq!(steps(&plan(&[source("languages")], &wishes).unwrap()), [(426, 240)]);
    let far = Source { key_frames: Some(25.0), ..source("languages") };
    says(&plan(&[far], &Wishes::default()).unwrap(), "25.0 s lie between two of its key frames");
    // Two files with pictures are a ladder, if both are fit.
    let both = plan(&[source("languages"), source("dvd")], &Wishes::default());
    assert!(matches!(both, Err(Refusal { what, .. }) if what.contains("give one input")));
    let twice = [source("languages"), Source { path: "low.mkv".into(), ..source("languages") }];
    let twice = plan(&twice, &Wishes::default()).unwrap();
    assert_eq!((twice.pictures.len(), twice.sounds.len()), (2, 2));
    says(&twice, "its sound is that of another input");
    assert!(plan(&[], &Wishes::default()).is_err());
}

/// The film of `languages` in other codecs.
fn recoded(pictures: (&str, &str), sound: &str) -> Source {
    let mut source = source("languages");
    for stream in &mut source.media.streams {
        match &mut stream.kind {
            Kind::Video(video) => (stream.codec, video.pixels) = (pictures.0.into(), pictures.1.into()),
            Kind::Audio { .. } => stream.codec = sound.into(),
            _ => {}
        }
    }
    source
}

/// Sound that leaves out some time is filled with silence; pictures may.
#[test]
fn gaps_are_filled() {
    let holes = vec![0, 1];
    let plan = plan(&[Source { holes, ..source("languages") }], &Wishes::default()).unwrap();
    let passes = |index: usize| plan.sounds.iter().any(|sound| sound.place.stream == index && sound.pass);
    assert!(matches!(plan.pictures[0], Pictures::Pass { .. }) && !passes(1));
    says(&plan, "stream 1: aac becomes AAC, with silence where it has gaps");
}

/// What browsers play passes; what only some play is transcoded, and the plan says why.
#[test]
fn codecs_that_browsers_play_pass() {
    for (pictures, sound) in
        [(("vp9", "yuv420p"), "opus"), (("av1", "yuv420p"), "flac"), (("av1", "yuv420p10le"), "aac")]
    {
        let plan = plan(&[recoded(pictures, sound)], &Wishes::default()).unwrap();
        assert!(matches!(plan.pictures[0], Pictures::Pass { .. }), "{:?}", plan.notes);
        assert!(plan.sounds[0].pass, "{:?}", plan.notes);
    }
    for (pictures, sound, why) in [
        (("hevc", "yuv420p"), "aac", "not every player takes hevc, and a ladder has one codec"),
        (("vp9", "yuv420p10le"), "aac", "players do not take vp9 in yuv420p10le"),
        (("h264", "yuv420p"), "eac3", "eac3 becomes AAC, for only Safari, Edge and TV devices"),
        (("h264", "yuv420p"), "ac3", "ac3 becomes AAC, for only"),
        (("h264", "yuv420p"), "vorbis", "vorbis becomes AAC"),
    ] {
        let plan = plan(&[recoded(pictures, sound)], &Wishes::default()).unwrap();
        says(&plan, why);
        let passes = matches!(plan.pictures[0], Pictures::Pass { .. }) && plan.sounds[0].pass;
        assert!(!passes, "{:?}", plan.notes);
    }
    let mut hdr = recoded(("av1", "yuv420p10le"), "aac");
    for stream in &mut hdr.media.streams {
        if let Kind::Video(video) = &mut stream.kind {
            video.transfer = "smpte2084".into();
        }
    }
    says(&plan(&[hdr], &Wishes::default()).unwrap(), "not every player shows HDR");
    let mut many = recoded(("vp9", "yuv420p"), "opus");
    for stream in &mut many.media.streams {
        if let Kind::Audio { channels, .. } = &mut stream.kind {
            *channels = 6;
        }
    }
    says(&plan(&[many], &Wishes::default()).unwrap(), "more than two channels of Opus");
    // A ladder is of one codec, for players switch between its steps.
    let mixed = [source("languages"), recoded(("av1", "yuv420p"), "aac")];
    let mixed = plan(&mixed, &Wishes::default());
    assert!(matches!(mixed, Err(Refusal { what, .. }) if what.contains("have one codec")));
}
