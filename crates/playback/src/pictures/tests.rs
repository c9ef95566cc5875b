use std::collections::BTreeSet;
use std::time::Duration;

use engine::{Command, Config, Engine, Event, model::TrackKind};
use nccp::{
    ByteRange, Cdn, ContentProfile, DownloadUrl, Level, LicenseMode, MovieId, RangeForm, Resolution, Scheme,
};
use proptest::prelude::*;

use super::*;
use crate::presentation;

const H264: &str = "avc1.64001F";
const HEVC: &str = "hvc1.2.4.L120.B0";
const AV1: &str = "av01.0.08M.10";
const VP9: &str = "vp09.00.10.08";

fn file(id: usize, codecs: &str, range: Option<&str>, height: u32) -> Downloadable {
    let is_sound = height == 0;
    Downloadable {
        id: format!("{id:010}"),
        size: 10_000,
        bitrate: height,
        content_profile: ContentProfile::of(codecs, Scheme::None),
        urls: vec![DownloadUrl { expiration: 9, cdn_id: 1, url: "https://a.example/1.mp4".into() }],
        resolution: (!is_sound).then_some(Resolution { width: height * 16 / 9, height }),
        media_type: if is_sound { MediaType::Audio } else { MediaType::Video },
        mime_type: if is_sound { "audio/mp4".into() } else { "video/mp4".into() },
        codecs: codecs.into(),
        group: if is_sound { "a".into() } else { "video".into() },
        peak_bandwidth: u64::from(height) * 1000 + 64_000,
        timescale: 1000,
        frame_rate: None,
        sar: None,
        video_range: range.map(str::to_owned),
        sample_rate: None,
        channels: None,
        language: None,
        role: None,
        label: None,
        default: is_sound,
        scheme: Scheme::None,
        level: Level::High,
        pack_id: "a".into(),
        init_range: ByteRange::new(0, 99).ok(),
        index_range: ByteRange::new(100, 179).ok(),
        start_range: None,
        start_time: None,
        max_segment: None,
        keys: Vec::new(),
    }
}

fn manifest(downloadables: Vec<Downloadable>) -> Manifest {
    Manifest {
        movie_id: MovieId::try_from(1_u64).unwrap(),
        movie_type: nccp::MovieType::Static,
        duration: None,
        resume_position: 0.0,
        expiration: 9,
        cdns: vec![Cdn { id: 1, name: "edge".into(), weight: 1, ranges: RangeForm::Header, cmcd: None }],
        live: None,
        transport: nccp::Transport::default(),
        downloadables,
        text_tracks: Vec::new(),
        trick_play: None,
        drm_metadata: None,
        drm_metadata_url: None,
        reports: None,
        stream_url: None,
        license_mode: LicenseMode::Server,
        policy_version: None,
    }
}

/// A film in SDR and H.264, and in PQ and HEVC beside it.
fn both() -> Manifest {
    manifest(vec![
        file(1, H264, Some("SDR"), 240),
        file(2, HEVC, Some("PQ"), 240),
        file(3, H264, Some("SDR"), 1080),
        file(4, HEVC, Some("PQ"), 1080),
        file(5, "mp4a.40.2", None, 0),
    ])
}

fn ids(manifest: &Manifest) -> Vec<&str> {
    manifest.downloadables.iter().map(|file| file.id.trim_start_matches('0')).collect()
}

fn narrowed(mut manifest: Manifest, fit: impl Fn(&Downloadable) -> Fit) -> Manifest {
    PictureChoice::default().narrow(&mut manifest, fit);
    manifest
}

/// A device that knows these codecs, on a screen that is HDR or not.
fn device<'a>(codecs: &'a [&'a str], hdr: bool) -> impl Fn(&Downloadable) -> Fit + 'a {
    move |file| match codecs.contains(&file.codecs.as_str()) {
        false => Fit::Not,
        true if DynamicRange::of(file) == DynamicRange::Sdr || hdr => Fit::Well,
        true => Fit::Poorly,
    }
}

#[test]
fn a_device_gets_the_best_that_it_plays() {
    assert_eq!(ids(&narrowed(both(), device(&[H264, HEVC], true))), ["2", "4", "5"]);
    assert_eq!(ids(&narrowed(both(), device(&[H264], true))), ["1", "3", "5"], "no HEVC");
    assert_eq!(ids(&narrowed(both(), device(&[H264, HEVC], false))), ["1", "3", "5"], "an SDR screen");
    assert_eq!(ids(&narrowed(both(), device(&[], true))), ["1", "2", "3", "4", "5"], "nothing at all");
    // What is there in HDR alone is better shown darkly than not at all; HLG before PQ, for it is made for
    // that.
    let hdr = manifest(vec![file(1, HEVC, Some("PQ"), 720), file(2, HEVC, Some("HLG"), 720)]);
    assert_eq!(ids(&narrowed(hdr, device(&[HEVC], false))), ["2"]);
    let codecs = manifest(vec![
        file(1, H264, None, 720),
        file(2, VP9, None, 720),
        file(3, AV1, None, 720),
        file(4, "avc3.1", None, 480),
    ]);
    assert_eq!(ids(&narrowed(codecs.clone(), device(&[H264, VP9, AV1], false))), ["3"]);
    assert_eq!(
        ids(&narrowed(codecs, device(&[H264, "avc3.1"], false))),
        ["1", "4"],
        "one codec, two entries"
    );
}

/// What a device without HEVC is shown is letter by letter what it was shown of the film without HDR.
#[test]
fn a_device_without_hevc_gets_what_it_got_before() {
    let before = manifest(vec![
        file(1, H264, Some("SDR"), 240),
        file(3, H264, Some("SDR"), 1080),
        file(5, "mp4a.40.2", None, 0),
    ]);
    let fit = device(&[H264], false);
    assert_eq!(narrowed(both(), &fit), before);
    assert_eq!(narrowed(before.clone(), &fit), before);
}

#[test]
fn a_refreshed_manifest_keeps_the_choice() {
    let (mut choice, mut first, mut second) = (PictureChoice::default(), both(), both());
    choice.narrow(&mut first, device(&[H264, HEVC], true));
    // The window was moved to an SDR screen.
    choice.narrow(&mut second, device(&[H264, HEVC], false));
    assert_eq!(
        (ids(&first), choice.group().map(|group| group.range)),
        (ids(&second), Some(DynamicRange::Pq))
    );
}

#[test]
fn a_device_is_asked_about_one_picture_of_each_group() {
    let mut film = both();
    film.downloadables.extend([
        file(6, HEVC, Some("PQ"), 2160),
        file(7, AV1, None, 2160),
        file(8, AV1, None, 1440),
    ]);
    let asked = pictures_to_ask_about(&film.downloadables);
    let asked: Vec<_> = asked.iter().map(|(_, file)| file.id.trim_start_matches('0')).collect();
    assert_eq!(asked, ["3", "4", "8"]);
    let one = [file(1, H264, None, 240), file(2, H264, None, 480), file(5, "mp4a.40.2", None, 0)];
    assert!(pictures_to_ask_about(&one).is_empty());
}

/// Where all is too much for the device, it gets what the weakest do.
#[test]
fn the_last_resort_is_h264() {
    assert_eq!(ids(&narrowed(both(), |_| Fit::Poorly)), ["1", "3", "5"]);
    let codecs = manifest(vec![file(1, AV1, None, 720), file(2, H264, None, 720)]);
    assert_eq!(ids(&narrowed(codecs, |_| Fit::Poorly)), ["2"]);
}

proptest! {
    /// Whatever a film has and a device says, the engine is given pictures of one group, which the device can
    /// decode, and so asks for no others.
    #[test]
    fn the_engine_never_sees_two_groups(
        kinds in proptest::collection::vec((0usize..4, 0usize..3, 1u32..40), 1..12),
        fits in proptest::collection::vec(0usize..3, 12),
    ) {
        let codecs = [H264, HEVC, AV1, VP9];
        let ranges = ["SDR", "PQ", "HLG"];
        let place = |file: &Downloadable| {
            let codec = codecs.iter().position(|codec| *codec == file.codecs).unwrap_or(0);
            codec * 3 + ranges.iter().position(|range| file.video_range.as_deref() == Some(*range)).unwrap_or(0)
        };
        let fit = |file: &Downloadable| [Fit::Not, Fit::Poorly, Fit::Well][fits[place(file)]];
        let files = kinds.iter().enumerate();
        let files = files.map(|(n, (codec, range, lines))| file(n + 1, codecs[*codec], Some(ranges[*range]), lines * 54));
        let whole = manifest(files.collect());
        let can = whole.downloadables.iter().any(|file| fit(file) != Fit::Not);
        let film = narrowed(whole.clone(), fit);
        let groups: Vec<_> = film.downloadables.iter().filter_map(PictureGroup::of).collect();
        prop_assert!(!can || groups.windows(2).all(|pair| pair[0] == pair[1]));
        if can {
            prop_assert!(film.downloadables.iter().all(|file| fit(file) != Fit::Not));
            // Nobody who plays some group well is given one that is worth less, or that they play poorly.
            let worth = |file: &&Downloadable| PictureGroup::of(file).map(PictureGroup::worth);
            let well = whole.downloadables.iter().filter(|file| fit(file) == Fit::Well);
            if let Some(most) = well.max_by_key(worth) {
                prop_assert_eq!(PictureGroup::of(most), groups.first().copied());
            }
            let mut engine = Engine::new(Config::default());
            let commands = engine.handle(Duration::ZERO, Event::Manifest(presentation(&film, 0.0, |_| true)));
            let asked = commands.into_iter().filter_map(|command| match command {
                Command::Fetch(spec) => Some(spec.representation),
                _ => None,
            });
            let asked: BTreeSet<String> = asked.collect();
            let offered: BTreeSet<String> = engine
                .tracks()
                .iter()
                .filter(|track| track.kind == TrackKind::Video)
                .flat_map(|track| track.ladder.iter().map(|(_, step)| step.representation.id.clone()))
                .collect();
            prop_assert!(asked.is_subset(&offered) && !offered.is_empty());
            let of_film: BTreeSet<String> = film.downloadables.iter().map(|file| file.id.clone()).collect();
            prop_assert!(offered.is_subset(&of_film));
        }
    }
}
