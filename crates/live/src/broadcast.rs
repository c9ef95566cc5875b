//! A session of an event: the tracks of encoders on one timeline, cut into segments of the same numbers.
//!
//! The timeline begins at 0 with the first picture that decoding can begin with. An encoder that comes back with
//! other times goes on where the session ended (a new *run*), so the timeline has no hole and no number is used
//! twice; what several encoders send of the same moment is taken once.

use bytes::Bytes;
use cmaf::timeline::rescale;
use std::collections::VecDeque;

use crate::ingest::InputSample;
use crate::keys::Keys;
use crate::names::SessionId;
use crate::output::{Made, Output};
use crate::settings::Settings;
use crate::source::{Kind, Source};
use crate::window::{SegmentEntry, Window};

/// Times of different tracks are compared in microseconds.
const MICROS: u32 = 1_000_000;
const SECOND: i64 = 1_000_000;

/// Most representations of a session, and most requests under way for them.
const MAX_TRACKS: usize = 32;
const MAX_FEEDS: usize = 128;

/// An encoder whose times go on within so much is the same one.
const FORWARD: i64 = 10 * SECOND;
/// And if they do not go back further than this.
const BACK: i64 = SECOND;
/// So much sound waits for pictures that were never heard of.
const SOUND_ALONE: i64 = 6 * SECOND;
/// So much sound waits for pictures that have stopped.
const HELD: i64 = 10 * SECOND;

/// Bytes of so many segments stay in memory, whatever the window is.
const IN_MEMORY: usize = 16;

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
    /// Where segments begin, by number, in microseconds.
    cuts: Vec<i64>,
    /// How far the pictures have come: no cut will be before it.
    front: Option<i64>,
    /// When the latest sample came, Unix milliseconds.
    heard: Option<u64>,
    /// Counts what is published.
    version: u64,
    ended: bool,
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
            cuts: Vec::new(),
            front: None,
            heard: None,
            version: 0,
            ended: false,
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

    /// When the latest sample came, Unix milliseconds.
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

    /// The representations: pictures and sound in the order in which they came.
    pub fn representations(&self) -> impl Iterator<Item = Representation<'_>> {
        self.tracks.iter().map(|track| Representation { output: &track.output })
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

    /// The oldest and the latest segment that any representation has.
    pub fn span(&self) -> Option<(u64, u64)> {
        let windows = || self.tracks.iter().map(|track| &track.output.window);
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
                let output = Output::new(id, source.clone(), keys, self.session, part);
                let output = output.map_err(|error| OpenError::Cmaf(error.to_string()))?;
                outputs
                    .push(Event::Header { representation: output.id.clone(), bytes: output.header.clone() });
                let (held, queue) = (VecDeque::new(), VecDeque::new());
                self.tracks.push(Track { name, output, run: None, end: None, feeds: 0, held, queue });
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

    /// Takes samples of a request that is open, in decoding order. `now` is Unix milliseconds.
    pub fn push(&mut self, handle: Handle, samples: Vec<InputSample>, now: u64) -> Vec<Event> {
        let mut outputs = Vec::new();
        if self.ended || self.feeds.get(handle.0).is_none_or(|feed| feed.closed) {
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
            if self.runs.is_empty()
                && let Some(track) = self.tracks.iter().position(|track| !track.held.is_empty())
            {
                self.run_of_sound(track, now, &mut outputs);
            }
            self.release(true, now, &mut outputs);
            for track in 0..self.tracks.len() {
                let mut made = Made::default();
                self.tracks[track].output.end(None, self.keys.as_ref(), &mut made);
                self.publish(track, made, now, &mut outputs);
            }
            self.ended = true;
            self.version += 1;
        }
        outputs
    }

    /// Finds a sample's place on the timeline.
    fn accept(&mut self, at: usize, mut sample: InputSample, now: u64, outputs: &mut Vec<Event>) {
        let track = self.feeds[at].track;
        let (timescale, is_video) = {
            let source = &self.tracks[track].output.source;
            (source.timescale, source.is_video())
        };
        sample.duration = sample.duration.clamp(1, timescale.saturating_mul(10).max(1));
        let feed = &mut self.feeds[at];
        let gap = |expected: i64| rescale(sample.decode_time.saturating_sub(expected), timescale, MICROS);
        let goes_on = |expected: i64| (-BACK..=FORWARD).contains(&gap(expected));
        if feed.expected.is_some_and(|expected| !goes_on(expected)) {
            feed.run = None;
        }
        feed.expected = Some(sample.decode_time.saturating_add(sample.duration.into()));
        let held = &mut self.tracks[track].held;
        // What waits of another encoder will not be heard.
        if held.back().is_some_and(|last| !goes_on(last.decode_time)) {
            held.clear();
        }
        if feed.run.is_none() && held.is_empty() {
            if is_video && !sample.sync {
                return;
            }
            let delay = sample.time.saturating_sub(sample.decode_time);
            feed.delay = if is_video { delay } else { 0 };
            let run = self.joinable(track, &sample);
            self.feeds[at].run = run;
        }
        match self.feeds[at].run {
            Some(run) => self.deliver((track, self.feeds[at].delay), run, sample, now, outputs),
            None if is_video => {
                let run = self.begin_run(track, &sample);
                self.feeds[at].run = Some(run);
                self.deliver((track, self.feeds[at].delay), run, sample, now, outputs);
                self.take_held(now, outputs);
            }
            None => {
                let held = &mut self.tracks[track].held;
                held.push_back(sample);
                let span = held.front().zip(held.back());
                let span = span.map_or(0, |(a, b)| b.decode_time.saturating_sub(a.decode_time));
                if rescale(span, timescale, MICROS) > SOUND_ALONE {
                    self.run_of_sound(track, now, outputs);
                }
            }
        }
    }

    /// The latest run, if a sample that begins a request fits into it.
    fn joinable(&self, track: usize, sample: &InputSample) -> Option<usize> {
        let run = self.runs.len().checked_sub(1)?;
        let this = &self.runs[run];
        let track = &self.tracks[track];
        let time = track.micros(self.on_timeline(run, track, sample.time));
        let front = self.timeline_end().unwrap_or(this.start);
        // What another request sends at the same moment may be behind; what comes back must go on.
        let alone = track.feeds <= 1;
        let back = track.end_micros().map_or(0, |end| end.saturating_sub(time));
        let fits = time >= this.start.saturating_sub(FORWARD)
            && time <= front.saturating_add(FORWARD)
            && (back <= BACK || !alone);
        fits.then_some(run)
    }

    fn on_timeline(&self, run: usize, track: &Track, ticks: i64) -> i64 {
        let (offset, timescale) = self.runs[run].offset;
        ticks.saturating_add(rescale(offset, timescale, track.output.source.timescale))
    }

    /// Where the session has come to, in microseconds.
    fn timeline_end(&self) -> Option<i64> {
        self.tracks.iter().filter_map(Track::end_micros).max()
    }

    /// A run whose sample goes on where the session ended.
    fn begin_run(&mut self, track: usize, sample: &InputSample) -> usize {
        let timescale = self.tracks[track].output.source.timescale;
        let start = self.timeline_end().unwrap_or(0);
        let offset = rescale(start, MICROS, timescale).saturating_sub(sample.time);
        self.runs.push(Run { start, wall: None, offset: (offset, timescale) });
        self.runs.len() - 1
    }

    fn run_of_sound(&mut self, track: usize, now: u64, outputs: &mut Vec<Event>) {
        let Some(first) = self.tracks[track].held.front().cloned() else { return };
        self.begin_run(track, &first);
        self.take_held(now, outputs);
    }

    /// Sound that waited for a run.
    fn take_held(&mut self, now: u64, outputs: &mut Vec<Event>) {
        for track in 0..self.tracks.len() {
            let Some(first) = self.tracks[track].held.front().cloned() else { continue };
            let Some(run) = self.joinable(track, &first) else { continue };
            for sample in std::mem::take(&mut self.tracks[track].held) {
                self.deliver((track, 0), run, sample, now, outputs);
            }
        }
    }

    /// A sample whose place is known.
    fn deliver(
        &mut self,
        (number, delay): (usize, i64),
        run: usize,
        mut sample: InputSample,
        now: u64,
        outputs: &mut Vec<Event>,
    ) {
        let time = self.on_timeline(run, &self.tracks[number], sample.time);
        let decode = self.on_timeline(run, &self.tracks[number], sample.decode_time);
        let track = &mut self.tracks[number];
        // Another request has begun something newer.
        if track.run.is_some_and(|latest| latest > run) {
            return;
        }
        sample.time = time;
        sample.decode_time = decode.saturating_add(delay);
        // Sent already, by another encoder or before.
        let half = i64::from(sample.duration / 2);
        if track.end.is_some_and(|end| sample.decode_time.saturating_add(half) < end) {
            return;
        }
        // Times are rounded on their way: sound that is nearly in time goes on where it ended.
        if let Some(end) = track.end.filter(|_| !track.is_video())
            && sample.decode_time.abs_diff(end) <= u64::from(sample.duration / 4)
        {
            (sample.time, sample.decode_time) = (end, end);
        }
        track.run = Some(run);
        track.end = Some(sample.decode_time.saturating_add(sample.duration.into()));
        if track.is_video() {
            let reached = track.micros(decode.saturating_add(sample.duration.into()));
            self.picture(number, sample, now, outputs);
            self.front = Some(self.front.map_or(reached, |front| front.max(reached)));
        } else {
            track.queue.push_back(sample);
        }
    }

    /// A picture: perhaps the first of a segment.
    fn picture(&mut self, number: usize, sample: InputSample, now: u64, outputs: &mut Vec<Event>) {
        if sample.sync {
            self.cut(number, &sample, true, now, outputs);
        }
        self.sample(number, sample, now, outputs);
    }

    /// Cuts where a segment begins with this sample.
    fn cut(
        &mut self,
        number: usize,
        sample: &InputSample,
        may_propose: bool,
        now: u64,
        outputs: &mut Vec<Event>,
    ) {
        let track = &self.tracks[number];
        let half = track.micros((sample.duration / 2).into());
        let time = track.micros(sample.time).saturating_add(half);
        // No two segments of one number, and each begins after the one before.
        let open = track.output.open_number();
        let from = track.output.latest().map_or(0, |latest| latest + 1);
        let reached = self.cuts.partition_point(|cut| *cut <= time) as u64;
        let wanted = self.cuts.last().is_none_or(|last| time >= last.saturating_add(self.segment));
        let next = if wanted && may_propose && from <= self.cuts.len() as u64 {
            self.cuts.push(track.micros(sample.time));
            self.cuts.len() as u64 - 1
        } else {
            match reached.checked_sub(1) {
                Some(next) if next >= from => next,
                // It begins in the middle of a segment of which it has nothing yet, or before the first.
                _ => return,
            }
        };
        if open.is_none_or(|open| next > open) {
            let mut made = Made::default();
            self.tracks[number].output.begin(next, sample.time, self.keys.as_ref(), &mut made);
            self.publish(number, made, now, outputs);
        }
    }

    fn sample(&mut self, number: usize, sample: InputSample, now: u64, outputs: &mut Vec<Event>) {
        let mut made = Made::default();
        self.tracks[number].output.push(sample, self.keys.as_ref(), &mut made);
        self.publish(number, made, now, outputs);
    }

    /// Publishes sound as far as it is known where it is cut.
    fn release(&mut self, all: bool, now: u64, outputs: &mut Vec<Event>) {
        let pictures = self.tracks.iter().any(Track::is_video);
        for number in 0..self.tracks.len() {
            loop {
                let track = &self.tracks[number];
                let (Some(first), Some(last)) = (track.queue.front(), track.queue.back()) else { break };
                let end = track.micros(first.time.saturating_add(first.duration.into()));
                let span = track.micros(last.time.saturating_sub(first.time));
                let alone = !pictures || span > HELD;
                let known = self.front.is_some_and(|front| front >= end)
                    || self.cuts.last().is_some_and(|cut| *cut >= end);
                if !(all || alone || known) {
                    break;
                }
                let Some(sample) = self.tracks[number].queue.pop_front() else { break };
                self.cut(number, &sample, alone && !known, now, outputs);
                self.sample(number, sample, now, outputs);
            }
        }
    }

    fn publish(&mut self, number: usize, made: Made, now: u64, outputs: &mut Vec<Event>) {
        let track = &mut self.tracks[number];
        let representation = || track.output.id.clone();
        if let Some((samples, reason)) = made.lost {
            outputs.push(Event::Lost { representation: representation(), samples, reason });
        }
        let whole = !made.segments.is_empty();
        for (entry, bytes) in made.segments {
            outputs.push(Event::Segment { representation: representation(), entry, bytes });
        }
        let timescale = track.output.source.timescale;
        if whole {
            self.version += 1;
            let end = track.end.unwrap_or(0);
            let oldest = end.saturating_sub(rescale(self.window, MICROS, timescale)).max(0) as u64;
            track.output.window.evict(oldest, IN_MEMORY);
        }
        let Some(end) = made.part_end else { return };
        self.version += 1;
        let end = rescale(i64::try_from(end).unwrap_or(i64::MAX), timescale, MICROS);
        if let Some(run) = track.run.and_then(|run| self.runs.get_mut(run))
            && run.wall.is_none()
        {
            let since = u64::try_from(end.saturating_sub(run.start) / 1000).unwrap_or(0);
            run.wall = Some(now.saturating_sub(since));
        }
    }
}

/// A representation of a session.
#[derive(Debug, Clone, Copy)]
pub struct Representation<'a> {
    output: &'a Output,
}

impl<'a> Representation<'a> {
    /// `v{height}-{n}` or `a-{language}-{n}`.
    pub fn id(&self) -> &'a str {
        &self.output.id
    }

    /// What the encoder says of it.
    pub const fn source(&self) -> &'a Source {
        &self.output.source
    }

    /// BCP 47.
    pub fn language(&self) -> String {
        language(self.output.source.language)
    }

    /// `ftyp` and `moov`.
    pub const fn header(&self) -> &'a Bytes {
        &self.output.header
    }

    /// What is published of it.
    pub const fn window(&self) -> &'a Window {
        &self.output.window
    }

    /// IV of its first sample, hexadecimal.
    pub fn first_iv(&self) -> Option<String> {
        self.output.first_iv()
    }

    /// Bit/s of the segment with the most bits for its duration, and of all; at least 1.
    pub fn bandwidth(&self) -> (u64, u64) {
        let timescale = u64::from(self.output.source.timescale);
        let rate = |bytes: u64, ticks: u64| {
            (bytes.saturating_mul(8).saturating_mul(timescale)).div_ceil(ticks.max(1))
        };
        let segments = || self.output.window.segments().filter(|segment| segment.duration > 0);
        let peak = segments().map(|segment| rate(segment.size, segment.duration)).max().unwrap_or(1);
        let (bytes, ticks) =
            segments().fold((0, 0), |(b, t), segment| (b + segment.size, t + segment.duration));
        (peak.max(1), rate(bytes, ticks).max(1))
    }
}

/// The BCP 47 tag of an ISO 639-2 code: two letters where there are two.
fn language(code: [u8; 3]) -> String {
    let code = std::str::from_utf8(&code).unwrap_or("und");
    isolang::Language::from_639_3(code).and_then(|language| language.to_639_1()).unwrap_or(code).to_owned()
}
