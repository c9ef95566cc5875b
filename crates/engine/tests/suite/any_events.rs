//! Whatever the outside says, in whatever order, the engine keeps its promises.

use std::{collections::BTreeMap, time::Duration};

use engine::{Command, Config, Engine, Event, Failure, FetchId, FetchSpec, buffer::Ranges, model::TrackKind};
use proptest::prelude::*;

use crate::world::Film;

const LENGTH: f64 = 60.0;
const FILES: [&str; 9] = ["v300", "v600", "v1200", "v2400", "v4000", "v6000", "a-en", "a-de", "none"];

/// Something that happens: anything at all, or what a working network would do.
#[derive(Clone, Debug)]
enum Happens {
    Event(Box<Event>),
    /// The so manieth running download is delivered and appended.
    Served(usize),
}

fn kind() -> impl Strategy<Value = TrackKind> {
    prop_oneof![Just(TrackKind::Video), Just(TrackKind::Audio)]
}

fn failure() -> impl Strategy<Value = Failure> {
    prop_oneof![
        Just(Failure::Network),
        Just(Failure::Truncated),
        prop_oneof![Just(400u16), Just(403), Just(404), Just(416), Just(503)].prop_map(Failure::Status),
    ]
}

fn happens() -> impl Strategy<Value = Happens> {
    let film = Film::ladder(LENGTH, 1);
    let again = film.clone();
    let fetch = || (0u64..30).prop_map(FetchId);
    let file = || prop::sample::select(&FILES[..]).prop_map(str::to_owned);
    let position = || prop_oneof![(-5.0f64..70.0), Just(f64::NAN), Just(f64::INFINITY)];
    let playback = prop_oneof![
        3 => (position(), any::<bool>()).prop_map(|(position, playing)| Event::Playhead { position, playing }),
        1 => position().prop_map(|position| Event::Seek { position }),
        1 => (kind(), proptest::collection::vec((0.0f64..60.0, 0.0f64..60.0), 0..4))
            .prop_map(|(track, ranges)| Event::Buffered { track, ranges: Ranges::new(ranges) }),
        1 => kind().prop_map(|track| Event::QuotaExceeded { track }),
        1 => Just(Event::Tick),
    ];
    let network = prop_oneof![
        (0.0f64..LENGTH).prop_map(move |at| Event::Manifest(film.presentation(
            at,
            1,
            Duration::from_secs(60)
        ))),
        Just(Event::ManifestFailed),
        Just(Event::UrlsStale),
        Just(Event::Online),
        (prop::sample::select(&FILES[..8])).prop_map(move |id| Event::Index {
            track: if id.starts_with('v') { TrackKind::Video } else { TrackKind::Audio },
            representation: id.to_owned(),
            index: again.index(id),
        }),
        (fetch(), 0u64..2_000_000).prop_map(|(fetch, bytes)| Event::Progress { fetch, bytes }),
        fetch().prop_map(|fetch| Event::FetchDone { fetch }),
        (fetch(), failure()).prop_map(|(fetch, failure)| Event::FetchFailed { fetch, failure }),
        fetch().prop_map(|fetch| Event::SegmentAppended { fetch }),
        fetch().prop_map(|fetch| Event::Damaged { fetch }),
    ];
    let wishes = prop_oneof![
        (0u32..4000, 0u32..2200).prop_map(|(width, height)| Event::Viewport { width, height }),
        proptest::option::of(file()).prop_map(|representation| Event::Quality { representation }),
        file().prop_map(|representation| Event::Audio { representation }),
        proptest::option::of(200u32..1200).prop_map(|height| Event::MaxHeight { height }),
        (0u64..5000, 0u64..2000).prop_map(|(decoded, dropped)| Event::Frames { decoded, dropped }),
        any::<bool>().prop_map(|wanted| Event::Streaming { wanted }),
        file().prop_map(|representation| Event::Undecodable { representation }),
    ];
    let event = prop_oneof![3 => playback, 2 => network, 1 => wishes];
    prop_oneof![
        event.prop_map(|event| Happens::Event(Box::new(event))),
        (0usize..4).prop_map(Happens::Served),
    ]
}

/// What a download that arrives and is appended is told as.
fn served(film: &Film, spec: &FetchSpec) -> Vec<Event> {
    let fetch = spec.fetch;
    let mut events = vec![Event::Progress { fetch, bytes: spec.range.length() }];
    if spec.head > 0 {
        let index = film.index(&spec.representation);
        events.push(Event::Index { track: spec.track, representation: spec.representation.clone(), index });
    }
    events.push(Event::FetchDone { fetch });
    if let Some(number) = film.file(&spec.representation).at_end(spec.range.end) {
        let part = film.segment(&spec.representation, number);
        let ranges = Ranges::new(vec![(0.0, part.end)]);
        events.extend([Event::Buffered { track: spec.track, ranges }, Event::SegmentAppended { fetch }]);
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn promises_hold(happens in proptest::collection::vec((happens(), 0u64..2000), 0..150), seed: u64) {
        let film = Film::ladder(LENGTH, 1);
        let mut engine = Engine::new(Config { seed, ..Config::default() });
        let mut now = Duration::ZERO;
        let mut running: BTreeMap<FetchId, FetchSpec> = BTreeMap::new();
        let mut failed = false;
        let manifest = Event::Manifest(film.presentation(0.0, 1, Duration::from_secs(600)));
        let first = (Happens::Event(Box::new(manifest)), 0);
        for (what, wait) in std::iter::once(first).chain(happens) {
            now += Duration::from_millis(wait);
            let events = match what {
                Happens::Event(event) => vec![*event],
                Happens::Served(place) => {
                    running.values().nth(place).map_or_else(Vec::new, |spec| served(&film, spec))
                }
            };
            for event in events {
                if let Event::FetchDone { fetch } | Event::FetchFailed { fetch, .. } = &event {
                    running.remove(fetch);
                }
                for command in engine.handle(now, event) {
                    prop_assert!(!failed || matches!(command, Command::Abort { .. }), "only clean-up after an error");
                    match command {
                        Command::Fetch(spec) => {
                            let file = film.file(&spec.representation);
                            prop_assert!(spec.range.start <= spec.range.end);
                            prop_assert_eq!(spec.segment, file.at_end(spec.range.end).is_some(), "whole segments");
                            let twice = running.values().any(|other| {
                                other.track == spec.track && other.segment && spec.segment
                            });
                            prop_assert!(!twice, "one segment of a track at a time");
                            prop_assert!(running.insert(spec.fetch, spec).is_none(), "one request per download");
                        }
                        Command::Abort { fetch } => { running.remove(&fetch); }
                        Command::Remove { start, end, .. } => prop_assert!(start < end),
                        Command::JumpTo { position } => prop_assert!(position.is_finite()),
                        Command::Fail(_) => failed = true,
                        _ => {}
                    }
                }
                for track in engine.tracks() {
                    prop_assert!(track.jobs.len() <= 2, "{:?}", track.jobs);
                    prop_assert!(track.waiting.len() <= 2);
                    prop_assert!(track.held.len() <= 15);
                }
                let _ = (engine.playing(TrackKind::Video), engine.chosen(), engine.stalled(), engine.trouble());
            }
        }
    }
}
