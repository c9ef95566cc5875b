//! A film, CDNs, a link, source buffers and a viewer, all on a virtual clock.
#![allow(clippy::unwrap_used)] // helpers of tests, outside of any #[test]

use std::{collections::BTreeMap, time::Duration};

use engine::{
    Command, Config, Engine, Error, Event, Failure, FetchId, FetchSpec,
    buffer::Ranges,
    index::{Segment, SegmentIndex},
    model::{ByteRange, Cdn, Presentation, RangeForm, Representation, Source, StartSegment, TrackKind},
};

pub const STEP: Duration = Duration::from_millis(25);
pub const HEAD: u64 = 2000;
pub const SEGMENT: f64 = 4.0;

pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What a CDN does with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Behaviour {
    Serve,
    Fail(Failure),
    /// Breaks off after so many bytes.
    BreakAfter(u64),
    /// Never answers.
    Silent,
}

struct Flight {
    spec: FetchSpec,
    sent: Duration,
    delivered: u64,
    behaviour: Behaviour,
}

#[derive(Default)]
struct Download {
    first: u64,
    received: u64,
    indexed: bool,
    whole: bool,
}

pub struct World {
    pub engine: Engine,
    pub now: Duration,
    pub duration: f64,
    pub log: Vec<(Duration, Command)>,
    pub position: f64,
    pub playing: bool,
    pub stalled: Duration,
    /// bit/s of the link.
    pub bandwidth: f64,
    pub rtt: Duration,
    pub licensed: bool,
    /// By CDN id.
    pub cdns: BTreeMap<String, Behaviour>,
    /// Seconds that never get into a source buffer although they were appended.
    pub holes: Vec<(TrackKind, f64, f64)>,
    /// Seconds that a source buffer takes.
    pub room: f64,
    /// How long the manifest's URLs are good.
    pub urls_valid: Duration,
    /// URLs older than this generation are refused.
    pub oldest_good_urls: u32,
    pub generation: u32,
    pub manifests_answered: bool,
    /// The media source is in the state "ended": a removal or an append opens it again.
    pub ended: bool,
    flights: Vec<Flight>,
    downloads: BTreeMap<FetchId, Download>,
    appending: Vec<(FetchId, TrackKind, usize)>,
    held: Vec<TrackKind>,
    pub buffers: BTreeMap<TrackKind, Vec<(f64, f64)>>,
}

pub fn bandwidth_of(kind: TrackKind) -> u64 {
    match kind {
        TrackKind::Video => 1_200_000,
        TrackKind::Audio => 96_000,
    }
}

pub fn segment(kind: TrackKind, number: usize, duration: f64) -> Segment {
    let bytes = (bandwidth_of(kind) as f64 * SEGMENT / 8.0) as u64;
    let start = HEAD + number as u64 * bytes;
    Segment {
        range: ByteRange::new(start, start + bytes - 1).unwrap(),
        start: number as f64 * SEGMENT,
        end: (number as f64 * SEGMENT + SEGMENT).min(duration),
    }
}

pub fn count(duration: f64) -> usize {
    (duration / SEGMENT).ceil() as usize
}

pub fn index(kind: TrackKind, duration: f64) -> SegmentIndex {
    SegmentIndex::new((0..count(duration)).map(|n| segment(kind, n, duration)).collect()).unwrap()
}

pub fn presentation(duration: f64, start: f64, generation: u32, valid: Duration) -> Presentation {
    let representation = |kind| {
        let first = segment(kind, (start / SEGMENT) as usize, duration);
        let source =
            |cdn: &str| Source { cdn: cdn.into(), url: format!("https://{cdn}/{kind:?}.mp4?g={generation}") };
        Representation {
            id: format!("{kind:?}"),
            kind,
            bandwidth: bandwidth_of(kind),
            size: (kind == TrackKind::Video).then_some((640, 360)),
            preferred: false,
            file_size: segment(kind, count(duration) - 1, duration).range.end + 1,
            init: ByteRange::new(0, 999).unwrap(),
            index: ByteRange::new(1000, HEAD - 1).unwrap(),
            start: Some(StartSegment { range: first.range, time: first.start }),
            sources: vec![source("one"), source("two")],
        }
    };
    Presentation {
        duration,
        start,
        urls_valid: valid,
        cdns: vec![
            Cdn { id: "one".into(), ranges: RangeForm::Path },
            Cdn { id: "two".into(), ranges: RangeForm::Header },
        ],
        representations: vec![representation(TrackKind::Video), representation(TrackKind::Audio)],
    }
}

impl World {
    pub fn new(duration: f64, start: f64) -> Self {
        let mut cdns = BTreeMap::new();
        cdns.insert("one".to_owned(), Behaviour::Serve);
        cdns.insert("two".to_owned(), Behaviour::Serve);
        Self {
            engine: Engine::new(Config { seed: 7, ..Config::default() }),
            now: Duration::from_secs(1000),
            duration,
            log: vec![],
            position: start,
            playing: true,
            stalled: Duration::ZERO,
            bandwidth: 8_000_000.0,
            rtt: ms(50),
            licensed: true,
            cdns,
            holes: vec![],
            room: 1e9,
            urls_valid: Duration::from_secs(6 * 3600),
            oldest_good_urls: 0,
            generation: 0,
            manifests_answered: true,
            ended: false,
            flights: vec![],
            downloads: BTreeMap::new(),
            appending: vec![],
            held: vec![],
            buffers: BTreeMap::new(),
        }
    }

    pub fn start(duration: f64, position: f64) -> Self {
        let mut world = Self::new(duration, position);
        world.manifest(position);
        world
    }

    pub fn manifest(&mut self, position: f64) {
        let manifest = presentation(self.duration, position, self.generation, self.urls_valid);
        self.tell(Event::Manifest(manifest));
    }

    pub fn tell(&mut self, event: Event) {
        for command in self.engine.handle(self.now, event) {
            self.log.push((self.now, command.clone()));
            self.obey(command);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Fetch(spec) => {
                let download = self.downloads.entry(spec.fetch).or_default();
                if spec.offset == 0 {
                    download.first = spec.range.start;
                }
                assert_eq!(download.received, spec.offset, "a retry asks for what is missing");
                assert_eq!(download.first + spec.offset, spec.range.start, "and for nothing else");
                let cdn = spec.url.trim_start_matches("https://").split('/').next().unwrap().to_owned();
                let generation: u32 = spec.url.rsplit("g=").next().unwrap().parse().unwrap();
                let behaviour = if generation < self.oldest_good_urls {
                    Behaviour::Fail(Failure::Status(403))
                } else {
                    self.cdns[&cdn]
                };
                self.flights.push(Flight { spec, sent: self.now, delivered: 0, behaviour });
            }
            Command::Abort { fetch } => self.flights.retain(|flight| flight.spec.fetch != fetch),
            Command::Reset { track } => {
                self.appending.retain(|(_, kind, _)| *kind != track);
                self.held.retain(|kind| *kind != track);
            }
            Command::Remove { track, start, end } => {
                self.ended = false;
                let cut = |(a, b): (f64, f64)| [(a, b.min(start)), (a.max(end), b)];
                let ranges = self.buffers.remove(&track).unwrap_or_default();
                let left = ranges.into_iter().flat_map(cut).filter(|(a, b)| a < b).collect();
                self.buffers.insert(track, left);
                self.tell_buffered(track);
            }
            Command::RetryAppend { track } => self.held.retain(|kind| *kind != track),
            Command::JumpTo { position } => {
                self.position = position;
                self.tell(Event::Seek { position });
            }
            Command::RefreshManifest if self.manifests_answered => {
                self.generation += 1;
                self.manifest(self.position);
            }
            Command::RefreshManifest => self.tell(Event::ManifestFailed),
            Command::EndOfStream => self.ended = true,
            Command::Fail(_) => {}
        }
    }

    fn tell_buffered(&mut self, track: TrackKind) {
        let ranges = Ranges::new(self.buffers.get(&track).cloned().unwrap_or_default());
        self.buffers.insert(track, ranges.as_slice().to_vec());
        self.tell(Event::Buffered { track, ranges });
    }

    fn append(&mut self) {
        while let Some(place) = self.appending.iter().position(|(_, kind, _)| !self.held.contains(kind)) {
            let (fetch, kind, number) = self.appending[place];
            let part = segment(kind, number, self.duration);
            let full: f64 = self.buffers.get(&kind).into_iter().flatten().map(|(a, b)| b - a).sum();
            if full + SEGMENT > self.room {
                self.held.push(kind);
                self.tell(Event::QuotaExceeded { track: kind });
                continue;
            }
            self.appending.remove(place);
            self.ended = false;
            let mut pieces = vec![(part.start, part.end)];
            for (_, from, to) in self.holes.iter().filter(|hole| hole.0 == kind) {
                pieces = pieces.into_iter().flat_map(|(a, b)| [(a, b.min(*from)), (a.max(*to), b)]).collect();
            }
            self.buffers.entry(kind).or_default().extend(pieces.into_iter().filter(|(a, b)| a < b));
            self.tell_buffered(kind);
            self.tell(Event::SegmentAppended { fetch });
        }
    }

    fn arrived(&mut self, spec: &FetchSpec, bytes: u64) {
        let download = self.downloads.get_mut(&spec.fetch).unwrap();
        download.received += bytes;
        let head_complete = spec.head > 0 && download.received >= spec.head && !download.indexed;
        download.indexed |= head_complete;
        self.tell(Event::Progress { fetch: spec.fetch, bytes });
        if head_complete {
            self.tell(Event::Index {
                track: spec.track,
                representation: spec.representation.clone(),
                index: index(spec.track, self.duration),
            });
        }
    }

    fn network(&mut self) {
        let flowing = |flight: &Flight, now| now >= flight.sent + self.rtt;
        let share = self.flights.iter().filter(|flight| flowing(flight, self.now)).count().max(1);
        let bytes = (self.bandwidth / 8.0 * STEP.as_secs_f64() / share as f64) as u64;
        let ids: Vec<FetchId> = self.flights.iter().map(|flight| flight.spec.fetch).collect();
        for id in ids {
            let Some(place) = self.flights.iter().position(|flight| flight.spec.fetch == id) else {
                continue;
            };
            let flight = &mut self.flights[place];
            if self.now < flight.sent + self.rtt {
                continue;
            }
            let spec = flight.spec.clone();
            match flight.behaviour {
                Behaviour::Silent => {}
                Behaviour::Fail(failure) => {
                    self.flights.remove(place);
                    self.tell(Event::FetchFailed { fetch: id, failure });
                }
                Behaviour::Serve | Behaviour::BreakAfter(_) => {
                    let limit = match flight.behaviour {
                        Behaviour::BreakAfter(limit) => limit,
                        _ => u64::MAX,
                    };
                    let part = bytes.min(spec.range.length() - flight.delivered).min(limit);
                    flight.delivered += part;
                    let done = flight.delivered == spec.range.length();
                    let broken = flight.delivered >= limit && !done;
                    if done || broken {
                        self.flights.remove(place);
                    }
                    if part > 0 {
                        self.arrived(&spec, part);
                    }
                    if broken {
                        self.tell(Event::FetchFailed { fetch: id, failure: Failure::Network });
                    } else if done {
                        self.downloads.get_mut(&id).unwrap().whole = true;
                        self.tell(Event::FetchDone { fetch: id });
                        if spec.segment {
                            let index = index(spec.track, self.duration);
                            let number = (0..index.len())
                                .find(|n| index.get(*n).unwrap().range.end == spec.range.end)
                                .expect("a segment ends where the download ends");
                            self.appending.push((id, spec.track, number));
                        }
                    }
                }
            }
        }
    }

    pub fn step(&mut self) {
        self.now += STEP;
        self.network();
        if self.licensed {
            self.append();
        }
        if self.playing && self.position < self.duration - 0.01 {
            let ahead = self.engine.buffered().ahead(self.position);
            if ahead > 0.0 {
                self.position += STEP.as_secs_f64().min(ahead);
            } else {
                self.stalled += STEP;
            }
        }
        self.tell(Event::Playhead { position: self.position, playing: self.playing });
    }

    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.step();
        }
    }

    pub fn run_until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let limit = self.now + Duration::from_secs(3600);
        while !condition(self) {
            assert!(self.now < limit, "never came: {what}");
            self.step();
        }
    }

    pub fn seek(&mut self, position: f64) {
        self.position = position;
        self.tell(Event::Seek { position });
    }

    pub fn fetches(&self) -> Vec<FetchSpec> {
        let fetch = |(_, command): &(Duration, Command)| match command {
            Command::Fetch(spec) => Some(spec.clone()),
            _ => None,
        };
        self.log.iter().filter_map(fetch).collect()
    }

    pub fn failure(&self) -> Option<Error> {
        self.log.iter().find_map(|(_, command)| match command {
            Command::Fail(error) => Some(error.clone()),
            _ => None,
        })
    }

    pub fn count(&self, wanted: impl Fn(&Command) -> bool) -> usize {
        self.log.iter().filter(|(_, command)| wanted(command)).count()
    }

    pub fn ends(&self) -> usize {
        self.count(|command| *command == Command::EndOfStream)
    }
}
