//! Whatever the outside says, in whatever order, the engine keeps its promises.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use engine::{
    Command, Config, Engine, Event, Failure, FetchId, FetchSpec,
    buffer::Ranges,
    index::IndexUpdate,
    model::{Presentation, TrackKind},
};
use proptest::prelude::*;

use crate::world::{Broadcast, FIRST, Film};

const LENGTH: f64 = 60.0;
const FILES: [&str; 9] = ["v300", "v600", "v1200", "v2400", "v4000", "v6000", "a-en", "a-de", "none"];

/// Something that happens: anything at all, or what a working network would do.
#[derive(Clone, Debug)]
enum Happens {
    Event(Box<Event>),
    /// The running download at this place is delivered and appended.
    Served(usize),
}

fn kind() -> impl Strategy<Value = TrackKind> {
    prop_oneof![Just(TrackKind::Video), Just(TrackKind::Audio)]
}

fn failure() -> impl Strategy<Value = Failure> {
    prop_oneof![
        Just(Failure::Network),
        Just(Failure::Truncated),
        Just(Failure::Unstreamed),
        prop_oneof![Just(400u16), Just(403), Just(404), Just(416), Just(503)].prop_map(Failure::Status),
    ]
}

/// Whether all of the film is there, or it grows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Whole,
    Growing,
}

fn presentation(kind: Kind, at: f64, seconds: u64) -> Presentation {
    let film = Film::ladder(LENGTH, 1);
    match kind {
        Kind::Whole => film.presentation(at, 1, Duration::from_secs(seconds)),
        Kind::Growing => film.broadcast(&Broadcast::new(0, 99), 1, Duration::from_secs(seconds)),
    }
}

/// Any part of the film for some representations, a window that begins anywhere, and now and then nonsense.
fn news() -> impl Strategy<Value = IndexUpdate> {
    let part = (0usize..15, 0usize..6, any::<bool>(), 0usize..5);
    let files = proptest::collection::vec((0usize..8, part.clone()), 0..4);
    let nonsense = prop_oneof![9 => Just(0.0), 1 => -50.0f64..50.0, 1 => Just(f64::NAN)];
    let first = prop_oneof![9 => (0u64..16).prop_map(|place| FIRST + place), 1 => any::<u64>()];
    let finished = prop::bool::weighted(0.05);
    (first, part, files, any::<bool>(), nonsense, finished).prop_map(
        |(first, part, files, all, shift, finished)| {
            let film = Film::ladder(LENGTH, 1);
            let of_all = (0..8).map(|file| (file, part)).filter(|_| all);
            let added = of_all.chain(files).map(|(file, (from, count, sized, parts))| {
                let next = (from + count).min(15);
                let mut new = film.files(FILES[file], from..next, sized);
                if parts > 0 && next < 15 {
                    new.parts = vec![film.parts(FILES[file], next, 1.0, parts)];
                }
                new.segments.iter_mut().take(1).for_each(|segment| segment.start += shift);
                new
            });
            IndexUpdate { first, added: added.collect(), finished }
        },
    )
}

fn happens(of: Kind) -> impl Strategy<Value = Happens> {
    let again = Film::ladder(LENGTH, 1);
    let fetch = || (0u64..30).prop_map(FetchId);
    let file = || prop::sample::select(&FILES[..]).prop_map(str::to_owned);
    let position = || prop_oneof![(-5.0f64..70.0), Just(f64::NAN), Just(f64::INFINITY)];
    let playback = prop_oneof![
        3 => (position(), any::<bool>()).prop_map(|(position, playing)| Event::Playhead { position, playing }),
        1 => position().prop_map(|position| Event::Seek { position }),
        1 => position().prop_map(|speed| Event::Speed { speed }),
        1 => (kind(), proptest::collection::vec((0.0f64..60.0, 0.0f64..60.0), 0..4))
            .prop_map(|(track, ranges)| Event::Buffered { track, ranges: Ranges::new(ranges) }),
        1 => kind().prop_map(|track| Event::QuotaExceeded { track }),
        1 => Just(Event::Tick),
    ];
    let network = prop_oneof![
        (0.0f64..LENGTH).prop_map(move |at| Event::Manifest(presentation(of, at, 60))),
        news().prop_map(Event::IndexUpdate),
        Just(Event::IndexFailed),
        Just(Event::ManifestFailed),
        Just(Event::UrlsStale),
        Just(Event::Offline),
        Just(Event::Online),
        prop_oneof![Just(None), Just(Some(480)), Just(Some(0))]
            .prop_map(|height| Event::DataSaver { height }),
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

/// Which segment of the film a download is of.
fn place(film: &Film, spec: &FetchSpec) -> Option<usize> {
    let path = spec.url.split('?').next()?.split("/range/").next()?;
    match path.strip_suffix(".m4s") {
        Some(path) => {
            let number = path.rsplit('/').next()?.split('.').next()?;
            Some((number.parse::<u64>().ok()? - FIRST) as usize)
        }
        None => film.file(&spec.representation).at_end(spec.range.end),
    }
}

/// Which part of it, where it is a part.
fn part(spec: &FetchSpec) -> Option<usize> {
    let path = spec.url.split('?').next()?.split("/range/").next()?;
    path.strip_suffix(".m4s")?.rsplit('/').next()?.split_once('.')?.1.parse().ok()
}

/// What a download that arrives and is appended is told as.
fn served(film: &Film, spec: &FetchSpec) -> Vec<Event> {
    let fetch = spec.fetch;
    let bytes = if spec.sized { spec.range.length() } else { 20_000 };
    let mut events = vec![Event::Progress { fetch, bytes }];
    if spec.head > 0 {
        let index = film.index(&spec.representation);
        events.push(Event::Index { track: spec.track, representation: spec.representation.clone(), index });
    }
    events.push(Event::FetchDone { fetch });
    if let Some(number) = place(film, spec) {
        let part = film.segment(&spec.representation, number);
        let ranges = Ranges::new(vec![(0.0, part.end)]);
        events.extend([Event::Buffered { track: spec.track, ranges }, Event::SegmentAppended { fetch }]);
    }
    events
}

/// What the engine was told of a film that grows.
#[derive(Default)]
struct Told {
    /// A question is not answered yet.
    asked: bool,
    finished: bool,
    first: u64,
    /// Numbers that were published, by representation.
    numbers: BTreeMap<String, BTreeSet<u64>>,
    /// The most parts that were told of a segment, by representation and number.
    parts: BTreeMap<(String, u64), usize>,
}

impl Told {
    fn take(&mut self, event: &Event) {
        match event {
            Event::IndexFailed => self.asked = false,
            Event::IndexUpdate(update) if !self.finished => {
                self.asked = false;
                self.finished = update.finished;
                self.first = self.first.max(update.first);
                for new in &update.added {
                    let numbers = new.first..new.first + new.segments.len() as u64;
                    self.numbers.entry(new.representation.clone()).or_default().extend(numbers);
                    for of in &new.parts {
                        let most = self.parts.entry((new.representation.clone(), of.number)).or_default();
                        *most = (*most).max(of.parts.len());
                    }
                }
            }
            _ => {}
        }
    }

    fn has_part(&self, representation: &str, number: u64, part: usize) -> bool {
        let most = self.parts.get(&(representation.to_owned(), number));
        number >= self.first && most.is_some_and(|most| part < *most)
    }

    fn has(&self, representation: &str, number: u64) -> bool {
        number >= self.first && self.numbers.get(representation).is_some_and(|all| all.contains(&number))
    }
}

fn keeps_its_promises(kind: Kind, happens: Vec<(Happens, u64)>, seed: u64) -> Result<(), TestCaseError> {
    let film = Film::ladder(LENGTH, 1);
    let mut engine = Engine::new(Config { seed, ..Config::default() });
    let mut now = Duration::ZERO;
    let mut running: BTreeMap<FetchId, FetchSpec> = BTreeMap::new();
    let mut told = Told::default();
    let mut failed = false;
    let manifest = Event::Manifest(presentation(kind, 0.0, 600));
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
            told.take(&event);
            for command in engine.handle(now, event) {
                prop_assert!(
                    !failed || matches!(command, Command::Abort { .. }),
                    "only clean-up after an error"
                );
                match command {
                    Command::Fetch(spec) => {
                        prop_assert!(spec.range.start <= spec.range.end);
                        let place = place(&film, &spec);
                        prop_assert_eq!(spec.segment, place.is_some(), "whole segments");
                        if let (Some(place), Kind::Growing) = (place, kind) {
                            let number = FIRST + place as u64;
                            let there = match part(&spec) {
                                Some(part) => told.has_part(&spec.representation, number, part),
                                None => told.has(&spec.representation, number),
                            };
                            prop_assert!(there, "{} is outside", spec.url);
                        }
                        let twice = running
                            .values()
                            .any(|other| other.track == spec.track && other.segment && spec.segment);
                        prop_assert!(!twice, "one segment of a track at a time");
                        prop_assert!(running.insert(spec.fetch, spec).is_none(), "one request per download");
                    }
                    Command::Abort { fetch } => {
                        running.remove(&fetch);
                    }
                    Command::Remove { start, end, .. } => prop_assert!(start < end),
                    Command::JumpTo { position } => prop_assert!(position.is_finite()),
                    Command::RefreshIndex { .. } => {
                        prop_assert!(kind == Kind::Growing && !told.asked && !told.finished);
                        told.asked = true;
                    }
                    Command::EndOfStream => prop_assert!(kind == Kind::Whole || told.finished),
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
            let _ = (engine.window(), engine.stats(), engine.limit());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn promises_hold(
        happens in proptest::collection::vec((happens(Kind::Whole), 0u64..2000), 0..150),
        seed: u64,
    ) {
        keeps_its_promises(Kind::Whole, happens, seed)?;
    }

    #[test]
    fn promises_hold_of_a_film_that_grows(
        happens in proptest::collection::vec((happens(Kind::Growing), 0u64..2000), 0..150),
        seed: u64,
    ) {
        keeps_its_promises(Kind::Growing, happens, seed)?;
    }
}
