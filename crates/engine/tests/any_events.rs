//! Whatever the outside says, in whatever order, the engine keeps its promises.

#[allow(dead_code, unreachable_pub, unused_imports)]
mod world;

use std::time::Duration;

use engine::{Command, Config, Engine, Event, Failure, FetchId, buffer::Ranges, model::TrackKind};
use proptest::prelude::*;
use world::{index, presentation};

const LENGTH: f64 = 60.0;

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

fn event() -> impl Strategy<Value = Event> {
    let fetch = || (0u64..12).prop_map(FetchId);
    let position = || prop_oneof![(-5.0f64..70.0), Just(f64::NAN), Just(f64::INFINITY)];
    prop_oneof![
        (0.0f64..LENGTH).prop_map(|at| Event::Manifest(presentation(LENGTH, at, 1, Duration::from_secs(60)))),
        Just(Event::ManifestFailed),
        Just(Event::UrlsStale),
        kind().prop_map(|track| Event::Index {
            track,
            representation: format!("{track:?}"),
            index: index(track, LENGTH)
        }),
        (fetch(), 0u64..2_000_000).prop_map(|(fetch, bytes)| Event::Progress { fetch, bytes }),
        fetch().prop_map(|fetch| Event::FetchDone { fetch }),
        (fetch(), failure()).prop_map(|(fetch, failure)| Event::FetchFailed { fetch, failure }),
        fetch().prop_map(|fetch| Event::SegmentAppended { fetch }),
        (kind(), proptest::collection::vec((0.0f64..60.0, 0.0f64..60.0), 0..4))
            .prop_map(|(track, ranges)| Event::Buffered { track, ranges: Ranges::new(ranges) }),
        (position(), any::<bool>()).prop_map(|(position, playing)| Event::Playhead { position, playing }),
        position().prop_map(|position| Event::Seek { position }),
        kind().prop_map(|track| Event::QuotaExceeded { track }),
        Just(Event::Tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn promises_hold(events in proptest::collection::vec((event(), 0u64..4000), 0..120), seed: u64) {
        let mut engine = Engine::new(Config { seed, ..Config::default() });
        let mut now = Duration::ZERO;
        let mut running = std::collections::BTreeSet::new();
        let mut failed = false;
        for (event, wait) in events {
            now += Duration::from_millis(wait);
            match &event {
                Event::FetchDone { fetch } | Event::FetchFailed { fetch, .. } => { running.remove(fetch); }
                _ => {}
            }
            for command in engine.handle(now, event) {
                prop_assert!(!failed || matches!(command, Command::Abort { .. }), "only clean-up after an error");
                match command {
                    Command::Fetch(spec) => {
                        let size = presentation(LENGTH, 0.0, 0, now)
                            .representations.into_iter().find(|r| r.kind == spec.track).unwrap().file_size;
                        prop_assert!(spec.range.start <= spec.range.end && spec.range.end < size);
                        prop_assert!(running.insert(spec.fetch), "one request per download at a time");
                    }
                    Command::Abort { fetch } => { running.remove(&fetch); }
                    Command::Remove { start, end, .. } => prop_assert!(start < end),
                    Command::JumpTo { position } => prop_assert!(position.is_finite()),
                    Command::Fail(_) => failed = true,
                    _ => {}
                }
            }
            for track in engine.tracks() {
                prop_assert!(track.jobs.len() <= 2);
                prop_assert!(track.waiting.len() <= 2);
            }
        }
    }
}
