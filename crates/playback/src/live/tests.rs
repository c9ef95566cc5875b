use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn index() -> Value {
    let segment = |n: u64, complete: bool| json!({"n": n, "start": n * 180_000, "duration": 180_000, "size": 1000 + n, "complete": complete});
    let sound =
        |n: u64| json!({"n": n, "start": n * 96_000, "duration": 96_000, "size": 500, "complete": true});
    json!({
        "app": "school", "event": "lecture", "session": "0a1b2c3d", "state": "live", "version": 9, "now": 1_790_000_010_000u64,
        "target": 2.0, "part": 0.5, "window": 300.0, "first": 3, "last": 6, "parts": 1,
        "runs": [{"time": 0.0, "wall": 1_790_000_000_000u64}, {"time": 8.0, "wall": 1_790_000_060_000u64}],
        "protection": {"scheme": "cenc", "level": "high", "content_id": "live/x", "keys": [
            {"kid": "00", "period": 0, "first": 0}, {"kid": "01", "period": 1, "first": 5}, {"kid": "02", "period": 2, "first": 10}]},
        "representations": [
            {"id": "v240-1", "type": "video", "mime": "video/mp4", "codecs": "avc1.42C01E", "timescale": 90_000, "bandwidth": 300_000,
             "language": "und", "width": 426, "height": 240, "init": {"url": "v240-1/init.mp4", "size": 800},
             "segments": [segment(3, true), segment(4, true), segment(5, true), segment(6, false)]},
            {"id": "a-en-1", "type": "audio", "mime": "audio/mp4", "codecs": "mp4a.40.2", "timescale": 48_000, "bandwidth": 64_000,
             "language": "en", "rate": 48_000, "channels": 2, "init": {"url": "a-en-1/init.mp4", "size": 700},
             "segments": [sound(3), sound(4), sound(6)]},
        ],
    })
}

fn parse(value: &Value) -> Option<LiveIndex> {
    LiveIndex::parse(value.to_string().as_bytes())
}

fn manifest() -> Manifest {
    Manifest {
        movie_id: nccp::MovieId::try_from(1001_u64).unwrap(),
        movie_type: nccp::MovieType::Dynamic,
        duration: None,
        resume_position: 0.0,
        expiration: 1_790_003_600,
        cdns: vec![nccp::Cdn {
            id: 7,
            name: "edge".into(),
            weight: 1,
            ranges: nccp::RangeForm::Path,
            cmcd: None,
        }],
        live: Some(LiveManifest {
            availability_start: 1_790_000_000.0,
            window: 300.0,
            target_latency: 2.5,
            index_url: "https://cdn/s/live/school/lecture/0a1b2c3d/index.json?p=1&h=2".into(),
            other_index_urls: Vec::new(),
        }),
        downloadables: Vec::new(),
        text_tracks: Vec::new(),
        trick_play: None,
        drm_metadata: None,
        drm_metadata_url: None,
        reports: None,
        stream_url: None,
        transport: nccp::Transport::Ranges,
        license_mode: nccp::LicenseMode::Server,
        policy_version: None,
    }
}

#[test]
fn what_is_whole_is_told_by_number_and_gaps_begin_anew() {
    let index = parse(&index()).unwrap();
    assert!(index.has_media() && index.is_settled() && index.state == EventState::Live);
    let update = index.update(true);
    let told: Vec<_> =
        update.added.iter().map(|new| (new.representation.as_str(), new.first, new.segments.len())).collect();
    assert_eq!(told, [("v240-1", 3, 3), ("a-en-1", 3, 2), ("a-en-1", 6, 1)]);
    assert_eq!((update.first, update.finished), (3, false));
    let first = update.added[0].segments[0];
    assert_eq!((first.start, first.end, first.size()), (6.0, 8.0, Some(1003)));
}

#[test]
fn pictures_end_together() {
    let mut value = index();
    value["state"] = "ended".into();
    let mut other = value["representations"][0].clone();
    other["id"] = "v480-1".into();
    other["init"]["url"] = "v480-1/init.mp4".into();
    other["segments"].as_array_mut().unwrap().truncate(2);
    value["representations"].as_array_mut().unwrap().push(other);
    let update = parse(&value).unwrap().update(true);
    assert!(update.finished);
    assert_eq!(update.added[0].segments.len(), 2, "the one that the other lacks is left out");
    assert_eq!(update.added[2].first, 6, "sound is not");
}

#[test]
fn a_manifest_is_made_whole() {
    let (manifest, index) = (manifest(), parse(&index()).unwrap());
    let (whole, in_parts) = index.complete(&manifest, true);
    assert!(!in_parts, "none are told");
    assert!(is_same_session(&whole, &manifest) && !index.has_more_than(&whole));
    assert!(index.has_more_than(&manifest));
    let [picture, sound] = &whole.downloadables[..] else { panic!("{whole:?}") };
    assert_eq!(picture.urls[0].url, "https://cdn/s/live/school/lecture/0a1b2c3d/v240-1/?p=1&h=2");
    assert_eq!((picture.urls[0].cdn_id, picture.scheme, picture.default), (7, Scheme::Cenc, false));
    assert_eq!((sound.default, sound.language.as_deref()), (true, Some("en")));
    assert_eq!(
        whole.live.as_ref().unwrap().target_latency,
        3.5,
        "half a segment, and a part, beyond a whole one"
    );
    let film = crate::presentation(&whole, 1_790_000_000.0, |_| true);
    assert_eq!(film.timeline, engine::model::Timeline::Growing { distance: 3.5 });
    assert_eq!((film.start, film.representations.len()), (None, 2));
    assert_eq!(film.cdns[0].ranges, engine::model::RangeForm::Header);
    assert_eq!(crate::heads(&whole, engine::model::TrackKind::Video).len(), 1);
}

/// The index as it is near the live edge: number 6 is being made.
fn in_parts() -> Value {
    let mut value = index();
    let part = |duration: u64| json!({"duration": duration, "size": 400, "independent": false});
    let video = &mut value["representations"][0]["segments"];
    video[2]["parts"] = (0..4).map(|_| part(45_000)).collect();
    (video[3]["duration"], video[3]["parts"]) = (90_000.into(), (0..2).map(|_| part(45_000)).collect());
    let sound = &mut value["representations"][1]["segments"];
    (sound[2]["complete"], sound[2]["parts"]) = (false.into(), json!([part(24_000), part(23_552)]));
    value
}

#[test]
fn parts_are_told_and_bring_the_viewer_nearer_to_what_is_live() {
    let index = parse(&in_parts()).unwrap();
    let update = index.update(true);
    let told: Vec<_> =
        update.added.iter().map(|new| (new.first, new.segments.len(), new.parts.len())).collect();
    assert_eq!(told, [(3, 3, 2), (3, 2, 1)]);
    let open = &update.added[0].parts[1];
    assert_eq!((open.number, open.start, open.end(), open.parts[1].size), (6, 12.0, 13.0, 400));
    assert!(index.update(false).added.iter().all(|new| new.parts.is_empty()));
    let latency = |target: f64, takes_parts: bool| {
        let mut manifest = manifest();
        manifest.live.as_mut().unwrap().target_latency = target;
        let (whole, in_parts) = index.complete(&manifest, takes_parts);
        (whole.live.unwrap().target_latency, in_parts)
    };
    assert_eq!(latency(1.0, true), (1.5, true), "three parts");
    assert_eq!(latency(2.5, true), (2.5, true));
    assert_eq!(latency(6.0, true), (6.0, false), "that far behind segments are whole");
    assert_eq!(latency(1.0, false), (3.5, false));
    // Only the open segment is news.
    let mut value = in_parts();
    for representation in value["representations"].as_array_mut().unwrap() {
        representation["segments"] = json!([representation["segments"].as_array().unwrap().last().unwrap()]);
    }
    let update = parse(&value).unwrap().update(true);
    let told: Vec<_> =
        update.added.iter().map(|new| (new.first, new.segments.len(), new.parts.len())).collect();
    assert_eq!(told, [(6, 0, 1), (6, 0, 1)]);
}

/// B84: the part that comes next is told, so that it can be asked for before it is there.
#[test]
fn b84_the_part_that_comes_next_is_told_to_who_takes_parts() {
    let mut value = in_parts();
    value["representations"][0]["hint"] = json!({"n": 6, "part": 2});
    let index = parse(&value).unwrap();
    let hints = |in_parts| index.update(in_parts).added.iter().map(|new| new.hint).collect::<Vec<_>>();
    assert_eq!(hints(true), [Some((6, 2)), None], "sound has none");
    assert_eq!(hints(false), [None, None], "whole segments are waited for");
    for (hint, read) in [(json!({"n": u64::MAX, "part": 0}), Some((u64::MAX, 0))), (json!(null), None)] {
        value["representations"][0]["hint"] = hint;
        assert_eq!(parse(&value).unwrap().update(true).added[0].hint, read);
    }
}

#[test]
fn every_network_that_has_the_index_has_the_files() {
    let mut manifest = manifest();
    let cdn = manifest.cdns[0].clone();
    manifest.cdns.extend([8, 9].map(|id| nccp::Cdn { id, ..cdn.clone() }));
    let live = manifest.live.as_mut().unwrap();
    live.other_index_urls = vec![(9, "https://b/live/s/index.json?q=3".into())];
    let live = live.clone();
    let (whole, _) = parse(&index()).unwrap().complete(&manifest, true);
    let urls: Vec<_> = whole.downloadables[1].urls.iter().map(|url| (url.cdn_id, url.url.as_str())).collect();
    let first = "https://cdn/s/live/school/lecture/0a1b2c3d/a-en-1/?p=1&h=2";
    assert_eq!(urls, [(7, first), (9, "https://b/live/s/a-en-1/?q=3")]);
    assert_eq!(whole.cdns.iter().map(|cdn| cdn.id).collect::<Vec<_>>(), [7, 9]);
    let ask = |cdn: Option<&str>, part| {
        let cdn = cdn.map(str::to_owned);
        engine_question(&live, &engine::IndexQuestion { since: Some(6), part, cdn })
    };
    assert_eq!(ask(Some("9"), Some((6, 2))), "https://b/live/s/index.json?q=3&since=6&wait=6.2");
    assert_eq!(ask(Some("7"), None), format!("{}&since=6&wait=6", live.index_url));
    assert_eq!(ask(None, None), format!("{}&since=6&wait=6", live.index_url));
}

#[test]
fn an_event_is_begun_with_enough_of_it() {
    let mut value = index();
    assert!(parse(&value).unwrap().is_enough());
    value["representations"][1]["segments"].as_array_mut().unwrap().truncate(1);
    assert!(!parse(&value).unwrap().is_enough(), "two seconds are not three and a half");
    value["state"] = "interrupted".into();
    assert!(parse(&value).unwrap().is_enough(), "no more will come");
    value["representations"] = json!([]);
    assert!(!parse(&value).unwrap().is_enough());
}

#[test]
fn questions_carry_the_token() {
    let live = manifest().live.unwrap();
    let url = "https://cdn/s/live/school/lecture/0a1b2c3d/index.json?p=1&h=2";
    assert_eq!(index_question(&live, 0, None), url);
    assert_eq!(index_question(&live, 3, Some(0)), format!("{url}&wait=0"));
    let others = LiveManifest { other_index_urls: vec![(2, "https://b/i".into())], ..live };
    assert_eq!(index_question(&others, 1, Some(7)), "https://b/i?wait=7");
    assert_eq!(index_question(&others, 2, None), url);
    assert_eq!(beside("https://cdn/a/index.json", "v/"), "https://cdn/a/v/");
}

/// B85: keys are known of before the first segment under them.
#[test]
fn b85_keys_that_a_license_lacks_are_found() {
    let index = parse(&index()).unwrap();
    assert_eq!(index.first_unlicensed(|kid| kid != "02" && kid != "01"), Some(5));
    let first = index.first_unlicensed(|kid| kid != "02").unwrap();
    assert_eq!((first, index.seconds_to(first)), (10, 8.0));
    assert_eq!(index.first_unlicensed(|_| true), None);
    assert_eq!(index.seconds_to(2), 0.0);
}

#[test]
fn times_of_day_follow_the_run_that_they_are_in() {
    let runs = parse(&index()).unwrap().runs;
    let day = 1_790_000_000.0;
    assert_eq!((wall_of(&runs, 3.0), wall_of(&runs, 9.0)), (Some(day + 3.0), Some(day + 61.0)));
    assert_eq!((wall_of(&runs, -1.0), wall_of(&[], 9.0)), (Some(day - 1.0), None));
}

#[test]
fn another_session_is_another() {
    let mut other = manifest();
    other.live.as_mut().unwrap().index_url = "https://b/s/live/school/lecture/0a1b2c3d/index.json?p=2".into();
    assert!(is_same_session(&manifest(), &other), "another network");
    other.live.as_mut().unwrap().index_url =
        "https://cdn/s/live/school/lecture/ffffffff/index.json?p=1".into();
    assert!(!is_same_session(&manifest(), &other));
    other.live = None;
    assert!(!is_same_session(&manifest(), &other), "a film");
}

#[test]
fn what_cannot_be_used_is_left_out_and_nonsense_is_refused() {
    for (name, value) in [
        ("id", json!("../x")),
        ("id", json!("")),
        ("init", json!({"url": "https://elsewhere/init.mp4"})),
        ("timescale", json!(0)),
        ("codecs", json!("a\"; x=\"b")),
        ("type", json!("text")),
    ] {
        let mut index = index();
        index["representations"][0][name] = value;
        assert_eq!(parse(&index).unwrap().representations.len(), 1, "{name}");
    }
    for (name, value) in [
        ("state", json!("over")),
        ("protection", json!({"scheme": "rot13", "level": "high", "keys": []})),
        ("first", json!(-1)),
        ("target", json!(null)),
    ] {
        let mut index = index();
        index[name] = value;
        assert_eq!(parse(&index), None, "{name}");
    }
    assert_eq!(LiveIndex::parse(b""), None);
}

proptest! {
    /// Whatever the numbers, nothing panics, and the engine gets what it can take or refuse.
    #[test]
    fn any_numbers(
        segments in proptest::collection::vec((any::<u64>(), any::<u64>(), any::<u64>(), any::<u64>(), any::<bool>()), 0..20),
        first in any::<u64>(), last in any::<u64>(), timescale in any::<u32>(), target in any::<f64>(),
    ) {
        let mut value = index();
        let list = segments.iter().map(|(n, start, duration, size, complete)| {
            json!({"n": n, "start": start, "duration": duration, "size": size, "complete": complete})
        });
        value["representations"][0]["segments"] = list.collect();
        value["representations"][0]["timescale"] = timescale.into();
        (value["first"], value["last"], value["target"]) = (first.into(), last.into(), target.into());
        if let Some(index) = parse(&value) {
            let (whole, in_parts) = index.complete(&manifest(), true);
            let film = crate::presentation(&whole, 0.0, |_| true);
            let mut engine = engine::Engine::new(engine::Config::default());
            engine.handle(std::time::Duration::ZERO, engine::Event::Manifest(film));
            engine.handle(std::time::Duration::ZERO, engine::Event::IndexUpdate(index.update(in_parts)));
            let _ = (index.seconds_to(last), index.first_unlicensed(|_| false));
        }
    }

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = LiveIndex::parse(&bytes);
    }
}
