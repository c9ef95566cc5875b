//! A film, CDNs, a link, source buffers and a viewer, all on a virtual clock.
#![allow(clippy::unwrap_used, unreachable_pub)] // helpers of tests, outside of any #[test]

pub mod broadcast;
pub mod film;
pub mod link;
mod network;
mod source_buffer;
mod viewer;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use engine::{Command, Config, Engine, Error, Event, FetchId, FetchSpec, model::TrackKind};

pub use broadcast::{Broadcast, FIRST};
pub use film::{Film, HEAD, Part, SEGMENT, count};
pub use link::{Behaviour, Trace};
pub use viewer::{Hang, Seen};
use {link::Flight, source_buffer::Append};

pub const STEP: Duration = Duration::from_millis(25);
/// When every world begins.
pub const BEGINS: Duration = Duration::from_secs(1000);

pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// One range in `buffered` of each track, from not far behind the playhead.
pub fn assert_one_range(world: &World) {
    for (kind, ranges) in &world.buffers {
        assert_eq!(ranges.len(), 1, "{kind:?}: {:?} at {}", world.buffers, world.position);
    }
    assert_eq!(world.buffers.len(), 2, "picture and sound");
}

#[derive(Default)]
struct Download {
    first: u64,
    received: u64,
    // Which segment it is of, and which part of that.
    place: Option<usize>,
    part: Option<usize>,
    // Parts of its segment that went to the source buffer.
    parts: usize,
}

pub struct World {
    pub engine: Engine,
    pub now: Duration,
    pub step: Duration,
    pub duration: f64,
    pub film: Film,
    /// Publishes the film; without it all of it is there.
    pub broadcast: Option<Broadcast>,
    pub log: Vec<(Duration, Command)>,
    pub keep_log: bool,
    pub position: f64,
    pub playing: bool,
    /// The speed that the viewer has chosen.
    pub speed: Option<f64>,
    /// Whether it is played as fast as the engine says.
    pub keeps_pace: bool,
    pub stalled: Duration,
    pub seen: Seen,
    /// bit/s of the link, unless there is a trace.
    pub bandwidth: f64,
    pub trace: Option<Trace>,
    /// Nothing passes; requests stay unanswered.
    pub gone: bool,
    pub rtt: Duration,
    /// Seconds from when a part was made to when all of it had come; in the order of coming.
    pub parts_late: Vec<f64>,
    /// Share of packets that are lost, and come again.
    pub loss: f64,
    /// By how much the answer of the index comes later for it.
    question_late: Duration,
    rng: fastrand::Rng,
    pub licensed: bool,
    /// By CDN id.
    pub cdns: BTreeMap<String, Behaviour>,
    /// Files that no CDN has.
    pub missing: BTreeSet<String>,
    /// Representations whose key is not there: their fragments wait.
    pub keyless: BTreeSet<String>,
    /// Seconds that never get into a source buffer although they were appended.
    pub holes: Vec<(TrackKind, f64, f64)>,
    /// Places where the playhead gets stuck.
    pub hangs: Vec<Hang>,
    /// Seconds that a source buffer takes.
    pub room: f64,
    /// Fragments in a segment, each of which is appended when it is there.
    pub fragments: usize,
    /// How long the manifest's URLs are good.
    pub urls_valid: Duration,
    /// URLs are refused when their manifest is older than they are good.
    pub urls_expire: bool,
    /// URLs older than this generation are refused.
    pub oldest_good_urls: u32,
    pub generation: u32,
    pub manifests_answered: bool,
    /// The media source is in the state "ended": a removal or an append opens it again.
    pub ended: bool,
    manifests: Vec<Duration>,
    flights: Vec<Flight>,
    downloads: BTreeMap<FetchId, Download>,
    /// Representations whose head has come.
    heads: BTreeSet<String>,
    appending: Vec<Append>,
    held: Vec<TrackKind>,
    pub buffers: BTreeMap<TrackKind, Vec<(f64, f64)>>,
    /// Which file each appended segment is of.
    pub content: BTreeMap<(TrackKind, usize), String>,
}

/// A segment of the plain film.
pub fn segment(kind: TrackKind, number: usize, duration: f64) -> Part {
    Film::plain(duration).segment(&format!("{kind:?}"), number)
}

impl World {
    /// The plain film, seconds long, from a second on; nothing happens before [`World::manifest`].
    pub fn new(duration: f64, start: f64) -> Self {
        Self::with(Film::plain(duration), start, Config { seed: 7, ..Config::default() })
    }

    pub fn with(film: Film, start: f64, config: Config) -> Self {
        let cdns = ["one", "two"].map(|cdn| (cdn.to_owned(), Behaviour::Serve));
        Self {
            engine: Engine::new(config),
            now: BEGINS,
            step: STEP,
            duration: film.duration,
            film,
            broadcast: None,
            log: vec![],
            keep_log: true,
            position: start,
            playing: true,
            speed: None,
            keeps_pace: true,
            stalled: Duration::ZERO,
            seen: Seen::default(),
            bandwidth: 8_000_000.0,
            trace: None,
            gone: false,
            rtt: ms(50),
            parts_late: vec![],
            loss: 0.0,
            question_late: Duration::ZERO,
            rng: fastrand::Rng::with_seed(11),
            licensed: true,
            cdns: cdns.into(),
            missing: BTreeSet::new(),
            keyless: BTreeSet::new(),
            holes: vec![],
            hangs: vec![],
            room: 1e9,
            fragments: 1,
            urls_valid: Duration::from_secs(6 * 3600),
            urls_expire: false,
            oldest_good_urls: 0,
            generation: 0,
            manifests_answered: true,
            ended: false,
            manifests: vec![],
            flights: vec![],
            downloads: BTreeMap::new(),
            heads: BTreeSet::new(),
            appending: vec![],
            held: vec![],
            buffers: BTreeMap::new(),
            content: BTreeMap::new(),
        }
    }

    pub fn start(duration: f64, position: f64) -> Self {
        let mut world = Self::new(duration, position);
        world.manifest(position);
        world
    }

    /// The film of six rungs, fragments appended as they come.
    pub fn ladder(duration: f64, bandwidth: f64) -> Self {
        let mut world = Self::with(Film::ladder(duration, 3), 0.0, Config { seed: 7, ..Config::default() });
        (world.bandwidth, world.fragments) = (bandwidth, 4);
        world.manifest(0.0);
        world
    }

    pub fn manifest(&mut self, position: f64) {
        let manifest = match &self.broadcast {
            Some(broadcast) => self.film.broadcast(broadcast, self.generation, self.urls_valid),
            None => self.film.presentation(position, self.generation, self.urls_valid),
        };
        self.manifests.push(self.now);
        self.tell(Event::Manifest(manifest));
    }

    pub fn tell(&mut self, event: Event) {
        for command in self.engine.handle(self.now, event) {
            if self.keep_log {
                self.log.push((self.now, command.clone()));
            }
            self.obey(command);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Fetch(spec) => self.request(spec),
            Command::Abort { fetch } => {
                self.flights.retain(|flight| flight.spec.fetch != fetch);
            }
            Command::Reset { track } => {
                self.appending.retain(|append| append.kind != track);
                self.held.retain(|kind| *kind != track);
            }
            Command::Remove { track, start, end } => self.remove(track, start, end),
            Command::RetryAppend { track } => self.held.retain(|kind| *kind != track),
            Command::JumpTo { position } => {
                self.position = position;
                self.seen.jumps += 1;
                self.tell(Event::Seek { position });
            }
            Command::RefreshManifest if self.manifests_answered && !self.gone => {
                self.generation += 1;
                self.manifest(self.position);
            }
            Command::RefreshManifest => self.tell(Event::ManifestFailed),
            Command::RefreshIndex(question) => self.ask(question),
            Command::EndOfStream => self.ended = true,
            Command::Fail(error) => self.seen.failure = Some(error),
        }
    }

    pub fn step(&mut self) {
        self.now += self.step;
        self.publish();
        self.network();
        if self.licensed {
            self.append();
        }
        self.watch();
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
            assert!(self.now < limit && self.seen.failure.is_none(), "never came: {what} {:?}", self.seen);
            self.step();
        }
    }

    pub fn seek(&mut self, position: f64) {
        self.position = position;
        self.seen.sought();
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
        self.seen.failure.clone()
    }

    pub fn count(&self, wanted: impl Fn(&Command) -> bool) -> usize {
        self.log.iter().filter(|(_, command)| wanted(command)).count()
    }

    pub fn ends(&self) -> usize {
        self.count(|command| *command == Command::EndOfStream)
    }
}
