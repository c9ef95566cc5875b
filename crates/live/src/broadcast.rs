//! A session of an event: the tracks of encoders on one timeline, cut into segments of the same numbers.
//!
//! The timeline begins at 0 with the first picture that decoding can begin with. An encoder that comes back
//! with other times goes on where the session ended (a new *run*), so the timeline has no hole and no number
//! is used twice; what several encoders send of the same moment is taken once.

mod cutting;
mod making;
mod placing;
mod representation;
mod resuming;

pub use representation::Representation;
pub use resuming::{Left, ResumeError};

use bytes::Bytes;
use cmaf::timeline::rescale;
use std::collections::VecDeque;

use crate::ingest::InputSample;
use crate::keys::Keys;
use crate::lives::Lives;
use crate::names::SessionId;
use crate::output::{Output, Progress};
use crate::settings::Settings;
use crate::source::{Kind, Source};
use crate::window::{SegmentEntry, Window};
use representation::{is_level, language};

/// Times of different tracks are compared in microseconds.
const MICROS: u32 = 1_000_000;
const SECOND: i64 = 1_000_000;

/// Most representations of a session, and most requests under way for them.
const MAX_TRACKS: usize = 32;
const MAX_FEEDS: usize = 128;
/// Runs that others are told of.
const MAX_RUNS: usize = 1000;

/// Why a track cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is sent under the name of another: only a new session can have it.
    #[error("the track's configuration has changed")]
    Changed,
    /// There are enough.
    #[error("more than {MAX_TRACKS} tracks, or more than {MAX_FEEDS} requests for them")]
    TooMany,
    /// It cannot be encrypted.
    #[error("{0}")]
    Cmaf(String),
}

/// A request that sends a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Handle(usize);

/// What is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A representation's header, before anything else of it.
    Header {
        /// The representation's id.
        representation: String,
        /// `ftyp` and `moov`.
        bytes: Bytes,
    },
    /// A segment that is whole.
    Segment {
        /// The representation's id.
        representation: String,
        /// What is to be written down of it.
        entry: SegmentEntry,
        /// Its fragments.
        bytes: Bytes,
    },
    /// Samples that could not be read, and were left out.
    Lost {
        /// The representation's id.
        representation: String,
        /// How many.
        samples: usize,
        /// Why.
        reason: String,
    },
}

/// From where on an encoder's times hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The session's time at which it begins, in microseconds.
    pub start: i64,
    /// When that was, Unix milliseconds; `None` until its first part is published.
    pub wall: Option<u64>,
    /// What is added to the encoder's times: ticks, and how many of them a second has.
    offset: (i64, u32),
}

/// A track: what came of it, and what waits.
#[derive(Debug)]
struct Track {
    name: String,
    output: Output,
    /// The run of its latest sample.
    run: Option<usize>,
    /// Decoding end of its latest sample, ticks of the session.
    end: Option<i64>,
    /// Requests that send it.
    feeds: usize,
    /// Of one that is made here: whether it is made no more.
    retired: bool,
    /// And the middle of its latest picture, ticks of the session.
    shown: Option<i64>,
    /// And whether somebody begins to make it who has made nothing of it yet.
    joins: bool,
    /// Sound that came before it is known where on the timeline it is.
    held: VecDeque<InputSample>,
    /// Sound that waits until it is known where the pictures are cut.
    queue: VecDeque<InputSample>,
}

impl Track {
    fn micros(&self, ticks: i64) -> i64 {
        rescale(ticks, self.output.source.timescale, MICROS)
    }

    fn end_micros(&self) -> Option<i64> {
        self.end.map(|end| self.micros(end))
    }

    fn is_video(&self) -> bool {
        self.output.source.is_video()
    }
}

/// A request's state.
#[derive(Debug, Default)]
struct Feed {
    track: usize,
    closed: bool,
    run: Option<usize>,
    /// Decoding end of its latest sample in its own ticks.
    expected: Option<i64>,
    /// What decoding times are behind presentation times at a sync sample: the output's begin together.
    delay: i64,
}

/// A session under way.
#[derive(Debug)]
pub struct Broadcast {
    session: SessionId,
    keys: Option<Keys>,
    /// Wanted lengths and window in microseconds.
    segment: i64,
    part: i64,
    window: i64,
    tracks: Vec<Track>,
    feeds: Vec<Feed>,
    runs: Vec<Run>,
    /// How many of the runs are of processes before this one.
    earlier: usize,
    /// Where segments begin, by number, in microseconds.
    cuts: Vec<i64>,
    /// How far the pictures have come: no cut will be before it.
    front: Option<i64>,
    /// When the latest sample came, Unix milliseconds.
    heard: Option<u64>,
    /// Counts what is published.
    version: u64,
    lives: Lives,
    /// No segment of this number, or of one above, may begin yet.
    allowed: u64,
    ended: bool,
    suspended: bool,
    /// The track of which pictures are kept for others, and those that came.
    watched: Option<(usize, Vec<InputSample>)>,
    /// When the last picture of its latest segments is shown, in microseconds, by number.
    watched_to: VecDeque<(u64, i64)>,
}

impl Broadcast {
    /// A session without any track; without keys it is clear.
    pub fn new(session: SessionId, keys: Option<Keys>, settings: &Settings) -> Self {
        let micros = |time: std::time::Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX >> 2);
        Self {
            session,
            keys,
            segment: micros(settings.segment),
            part: micros(settings.part),
            window: micros(settings.window),
            tracks: Vec::new(),
            feeds: Vec::new(),
            runs: Vec::new(),
            earlier: 0,
            cuts: Vec::new(),
            front: None,
            heard: None,
            version: 0,
            lives: Lives::default(),
            allowed: u64::MAX,
            ended: false,
            suspended: false,
            watched: None,
            watched_to: VecDeque::new(),
        }
    }

    /// Its id.
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// Its keys.
    pub const fn keys(&self) -> Option<&Keys> {
        self.keys.as_ref()
    }

    /// Grows with everything that is published.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// Whether [`finish`](Self::finish) was called.
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether nothing more is taken: it has ended, or [`suspend`](Self::suspend) was called.
    pub const fn is_closed(&self) -> bool {
        self.ended || self.suspended
    }

    /// The number of the segment that begins next.
    pub fn next_number(&self) -> u64 {
        self.cuts.len() as u64
    }

    /// Segments of numbers below this one may begin; until then the one under way goes on. Without it all
    /// may.
    pub fn allow(&mut self, below: u64) {
        self.allowed = below;
    }

    /// The processes that took it in.
    pub const fn lives(&self) -> &Lives {
        &self.lives
    }

    /// When the latest sample came, Unix milliseconds; 0: before this process.
    pub const fn heard(&self) -> Option<u64> {
        self.heard
    }

    /// Wanted lengths of segments and parts, and the window, in microseconds.
    pub const fn lengths(&self) -> (i64, i64, i64) {
        (self.segment, self.part, self.window)
    }

    /// The encoders' runs, at least one once anything was published.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The first of them and the latest, as far as their time of day is known: where each begins, in
    /// microseconds of the session, and when that was, in Unix milliseconds. Times that jump at each picture
    /// make no endless list.
    pub fn latest_runs(&self) -> impl Iterator<Item = (i64, u64)> {
        let dated = || self.runs.iter().filter_map(|run| Some((run.start, run.wall?)));
        let count = dated().count();
        let told = dated().enumerate().filter(move |(n, _)| *n == 0 || n + MAX_RUNS > count);
        told.map(|(_, run)| run)
    }

    /// The representations: pictures and sound in the order in which they came.
    pub fn representations(&self) -> impl Iterator<Item = Representation<'_>> {
        self.tracks.iter().map(|track| Representation {
            output: &track.output,
            name: &track.name,
            retired: track.retired,
        })
    }

    /// The representation of an id.
    pub fn representation(&self, id: &str) -> Option<Representation<'_>> {
        self.representations().find(|representation| representation.id() == id)
    }

    /// The representation that others go by: the first of the pictures, else of the sounds.
    pub fn leader(&self) -> Option<Representation<'_>> {
        let mut all = self.representations();
        let first = all.next()?;
        match first.source().is_video() {
            true => Some(first),
            false => Some(all.find(|other| other.source().is_video()).unwrap_or(first)),
        }
    }

    /// Whether what is published of all representations goes about as far as of the leader. Sound comes a
    /// little later than pictures: it is known where its parts end when the pictures behind them are there.
    pub fn is_level(&self) -> bool {
        let end = |r: Representation<'_>| {
            let last = r.window().last()?;
            Some(last.start.saturating_add(last.duration) as f64 / f64::from(r.source().timescale.max(1)))
        };
        let Some(front) = self.leader().and_then(end) else { return true };
        is_level(front, self.representations().filter_map(end), self.part as f64 / SECOND as f64)
    }

    /// The oldest and the latest segment that any representation has.
    pub fn span(&self) -> Option<(u64, u64)> {
        // Nobody moves the window of what is made no more.
        let tracks = || self.tracks.iter().filter(|track| !track.retired);
        let windows = || tracks().map(|track| &track.output.window);
        let oldest =
            windows().filter_map(|window| window.segments().next()).map(|first| first.number).min()?;
        let latest = windows().filter_map(Window::last).map(|last| last.number).max()?;
        Some((oldest, latest))
    }

    /// A request begins to send a track under a name of the encoder's choice.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&mut self, name: &str, source: &Source) -> Result<(Handle, Vec<Event>), OpenError> {
        if self.feeds.iter().filter(|feed| !feed.closed).count() >= MAX_FEEDS {
            return Err(OpenError::TooMany);
        }
        let mut outputs = Vec::new();
        // The track's id tells tracks of one stream apart.
        let name = format!("{name}#{}", source.track_id);
        let track = match self.tracks.iter().position(|track| track.name == name) {
            Some(at) if self.tracks[at].output.source.continues(source) => at,
            Some(_) => return Err(OpenError::Changed),
            None if self.tracks.len() >= MAX_TRACKS => return Err(OpenError::TooMany),
            None => {
                let part = rescale(self.part, MICROS, source.timescale).max(1) as u64;
                let (id, keys) = (self.new_id(source), self.keys.as_ref());
                let output = Output::new(id, source.clone(), keys, (self.session, &self.lives), part);
                let output = output.map_err(|error| OpenError::Cmaf(error.to_string()))?;
                outputs
                    .push(Event::Header { representation: output.id.clone(), bytes: output.header.clone() });
                let (held, queue) = (VecDeque::new(), VecDeque::new());
                self.tracks.push(Track {
                    name,
                    output,
                    run: None,
                    end: None,
                    feeds: 0,
                    retired: false,
                    shown: None,
                    joins: false,
                    held,
                    queue,
                });
                self.version += 1;
                self.tracks.len() - 1
            }
        };
        self.tracks[track].feeds += 1;
        let feed = Feed { track, ..Feed::default() };
        // Places of requests that are over are taken again.
        let handle = match self.feeds.iter().position(|feed| feed.closed) {
            Some(at) => {
                self.feeds[at] = feed;
                at
            }
            None => {
                self.feeds.push(feed);
                self.feeds.len() - 1
            }
        };
        Ok((Handle(handle), outputs))
    }

    /// `v{height}-{n}` or `a-{language}-{n}`, `n` from 1.
    fn new_id(&self, source: &Source) -> String {
        let stem = match &source.kind {
            Kind::Video { size: (_, height), .. } => format!("v{height}"),
            Kind::Audio { .. } => format!("a-{}", language(source.language)),
        };
        let has = |n: &usize| self.tracks.iter().any(|track| track.output.id == format!("{stem}-{n}"));
        let number = (1..).find(|n| !has(n)).unwrap_or(1);
        format!("{stem}-{number}")
    }

    /// A request is over.
    pub fn close(&mut self, handle: Handle) {
        let Some(feed) = self.feeds.get_mut(handle.0).filter(|feed| !feed.closed) else { return };
        feed.closed = true;
        let track = feed.track;
        self.tracks[track].feeds = self.tracks[track].feeds.saturating_sub(1);
    }

    /// The samples of a request in pieces so short that at most one segment begins in each.
    pub fn pieces(&self, handle: Handle, samples: Vec<InputSample>) -> Vec<Vec<InputSample>> {
        let Some(feed) = self.feeds.get(handle.0) else { return Vec::new() };
        let longest = rescale(self.segment / 2, MICROS, self.tracks[feed.track].output.source.timescale);
        let mut pieces: Vec<Vec<InputSample>> = Vec::new();
        for sample in samples {
            let since = |first: &InputSample| sample.decode_time.saturating_sub(first.decode_time);
            match pieces.last_mut() {
                Some(piece) if piece.first().is_some_and(|first| (0..longest).contains(&since(first))) => {
                    piece.push(sample);
                }
                _ => pieces.push(vec![sample]),
            }
        }
        pieces
    }

    /// Takes samples of a request that is open, in decoding order. `now` is Unix milliseconds.
    pub fn push(&mut self, handle: Handle, samples: Vec<InputSample>, now: u64) -> Vec<Event> {
        let mut outputs = Vec::new();
        if self.is_closed() || self.feeds.get(handle.0).is_none_or(|feed| feed.closed) {
            return outputs;
        }
        self.heard = Some(now);
        for sample in samples {
            self.accept(handle.0, sample, now, &mut outputs);
        }
        self.release(false, now, &mut outputs);
        outputs
    }

    /// Nothing more comes: all that waits is published, and segments that are open are whole.
    pub fn finish(&mut self, now: u64) -> Vec<Event> {
        let mut outputs = Vec::new();
        if !self.ended {
            self.complete(now, &mut outputs);
            self.ended = true;
        }
        outputs
    }

    /// The process stops, and another one goes on with the session: as [`finish`](Self::finish), but it has
    /// not ended, and nobody is told so.
    pub fn suspend(&mut self, now: u64) -> Vec<Event> {
        let mut outputs = Vec::new();
        if !self.is_closed() {
            self.complete(now, &mut outputs);
            self.suspended = true;
        }
        outputs
    }

    fn complete(&mut self, now: u64, outputs: &mut Vec<Event>) {
        if self.runs.len() == self.earlier
            && let Some(track) = self.tracks.iter().position(|track| !track.held.is_empty())
        {
            self.run_of_sound(track, now, outputs);
        }
        self.release(true, now, outputs);
        for track in 0..self.tracks.len() {
            let mut made = Progress::default();
            self.tracks[track].output.end(None, self.keys.as_ref(), &mut made);
            self.publish(track, made, now, outputs);
        }
        self.version += 1;
    }
}
