//! The state machine.

mod adapting;
mod downloads;
mod failures;
mod fetching;
mod growing;
mod health;
mod manifest;
mod pace;
mod playing;
mod refresh;
mod seeking;
mod switching;
mod telling;
mod window;

use std::time::Duration;

use growing::Growth;
use health::Watch;
pub use health::{Stall, Stats, Trouble};
use manifest::{Film, Urls};
pub use pace::Live;
use playing::Hang;
pub use window::Window;

use crate::{
    abr::{Algorithm, Estimator, StartConditions, caps::DropWatch, rules::Chooser},
    buffer::Ranges,
    error::Error,
    event::{Command, Event},
    ladder::Rung,
    model::TrackKind,
    retry::{CdnHealth, RetryRules},
    track::Track,
};

/// What the engine is told once.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What is known when the film starts.
    pub start: StartConditions,
    /// Which rules choose the picture.
    pub algorithm: Algorithm,
    /// Waiting times.
    pub retry: RetryRules,
    /// An error is reported only when the buffer has been dry for this long.
    pub dry_limit: Duration,
    /// Seed of the jitter.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            start: StartConditions { stored_estimate: None, viewport: (0, 0) },
            algorithm: Algorithm::default(),
            retry: RetryRules::default(),
            dry_limit: Duration::from_secs(30),
            seed: 0,
        }
    }
}

/// Decides what to fetch and when. See the [crate] documentation.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    rng: fastrand::Rng,
    estimator: Estimator,
    // Seconds from a request to its first byte.
    latency: f64,
    // The shortest that it has been.
    round_trip: Option<f64>,
    cdns: CdnHealth,
    film: Option<Film>,
    // Of a film that grows.
    growth: Option<Growth>,
    tracks: Vec<Track>,
    next_id: u64,
    position: f64,
    // The viewer wants to see the film, whether or not there is anything to see.
    playing: bool,
    // What the viewer has chosen.
    speed: f64,
    // Whether the manifest's start segments are still the ones to begin with.
    at_start: bool,
    urls: Urls,
    last_seek: Option<Duration>,
    // Until then, or until the picture moves, what the first picture does not need is not fetched.
    first_picture_until: Option<Duration>,
    hold_until: Option<Duration>,
    hang: Hang,
    chooser: Chooser,
    viewport: (u32, u32),
    chosen: Option<String>,
    max_height: Option<u32>,
    // What the viewer who saves data wants at most, in lines.
    saver: Option<u32>,
    decode_cap: Option<Rung>,
    drops: DropWatch,
    // The rung for a segment that was given up at a higher one.
    instead: Option<(u64, Rung)>,
    // What lies ahead in the video buffer is to be replaced as soon as the head of the rung to take is there.
    replace: bool,
    audio_wish: Option<String>,
    // A managed media source wants segments.
    streaming: bool,
    offline: bool,
    watch: Watch,
    ended: bool,
    failed: bool,
}

impl Engine {
    /// An engine that waits for its first manifest.
    pub fn new(config: Config) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(config.seed),
            viewport: config.start.viewport,
            config,
            estimator: Estimator::default(),
            latency: 0.1,
            round_trip: None,
            cdns: CdnHealth::default(),
            film: None,
            growth: None,
            tracks: Vec::new(),
            next_id: 0,
            position: 0.0,
            playing: true,
            speed: 1.0,
            at_start: true,
            urls: Urls::default(),
            last_seek: None,
            first_picture_until: None,
            hold_until: None,
            hang: Hang::default(),
            chooser: Chooser::default(),
            chosen: None,
            max_height: None,
            saver: None,
            decode_cap: None,
            drops: DropWatch::default(),
            instead: None,
            replace: false,
            audio_wish: None,
            streaming: true,
            offline: false,
            watch: Watch::default(),
            ended: false,
            failed: false,
        }
    }

    /// Takes one event and says what to do. `now` never goes back. After [`Command::Fail`] nothing more
    /// comes.
    pub fn handle(&mut self, now: Duration, event: Event) -> Vec<Command> {
        let mut out = Vec::new();
        if self.failed {
            return out;
        }
        match event {
            Event::Manifest(presentation) => self.manifest(now, presentation, &mut out),
            Event::ManifestFailed => self.manifest_failed(now),
            Event::UrlsStale => self.ask_for_urls(&mut out),
            Event::Index { track, representation, index } => {
                self.index(now, track, &representation, index, &mut out);
            }
            Event::IndexUpdate(update) => self.index_update(now, &update, &mut out),
            Event::IndexFailed => self.index_failed(now),
            Event::Progress { fetch, bytes } => self.progress(now, fetch, bytes),
            Event::FetchDone { fetch } => self.fetch_done(now, fetch, &mut out),
            Event::FetchFailed { fetch, failure } => self.fetch_failed(now, fetch, failure, &mut out),
            Event::Damaged { fetch } => self.damaged(now, fetch, &mut out),
            Event::SegmentAppended { fetch } => self.appended(fetch),
            Event::Buffered { track, ranges } => self.buffer_seen(track, ranges),
            Event::Playhead { position, playing } if position.is_finite() => {
                self.playhead(now, position.max(0.0), playing, &mut out);
            }
            Event::Seek { position } if position.is_finite() => self.seek(now, position.max(0.0), &mut out),
            Event::Speed { speed } if speed.is_finite() => self.speed = speed,
            Event::Playhead { .. } | Event::Seek { .. } | Event::Speed { .. } => {}
            Event::QuotaExceeded { track } => self.quota(now, track, &mut out),
            Event::Viewport { width, height } => self.viewport = (width, height),
            Event::Quality { representation } => self.quality(now, representation, &mut out),
            Event::Audio { representation } => self.audio(now, representation, &mut out),
            Event::MaxHeight { height } => self.policy(now, height, &mut out),
            // What lies in the buffer has been paid for, and stays.
            Event::DataSaver { height } => self.saver = height,
            Event::Frames { decoded, dropped } => self.frames(decoded, dropped),
            Event::Streaming { wanted } => self.streaming = wanted,
            Event::Undecodable { representation } => self.undecodable(now, &representation, &mut out),
            Event::Offline => self.offline = true,
            Event::Online => self.online(now),
            Event::Tick => {}
        }
        self.pump(now, &mut out);
        if self.failed {
            self.abort_everything(&mut out);
        }
        out
    }

    /// Throughput in bit/s, once measured: to be stored for the next start.
    pub fn estimate(&self) -> Option<u64> {
        self.estimator.estimate()
    }

    /// The tracks that play, in the order video, audio.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// What every track holds.
    pub fn buffered(&self) -> Ranges {
        let mut tracks = self.tracks.iter();
        let Some(first) = tracks.next() else { return Ranges::default() };
        tracks.fold(first.buffered.clone(), |all, track| all.intersect(&track.buffered))
    }

    fn place(&self, kind: TrackKind) -> Option<usize> {
        self.tracks.iter().position(|track| track.kind == kind)
    }

    fn track_mut(&mut self, kind: TrackKind) -> Option<&mut Track> {
        self.tracks.iter_mut().find(|track| track.kind == kind)
    }

    fn fail(&mut self, error: Error, out: &mut Vec<Command>) {
        if !self.failed {
            self.failed = true;
            out.push(Command::Fail(error));
        }
    }

    /// Does what is due by the clock, and what follows from the event before.
    fn pump(&mut self, now: Duration, out: &mut Vec<Command>) {
        if self.film.is_none() || self.failed {
            return;
        }
        self.refresh_due(now, out);
        self.index_due(now, out);
        self.check_time_outs(now, out);
        self.abandon_late(now, out);
        self.retry_due(now, out);
        for track in &mut self.tracks {
            if track.retry_append.is_some_and(|at| now >= at) {
                track.retry_append = None;
                out.push(Command::RetryAppend { track: track.kind });
            }
        }
        if self.hold_until.is_none_or(|until| now >= until) {
            self.hold_until = None;
            self.replace_if_due(now, out);
            for number in 0..self.tracks.len() {
                self.fetch_needs(now, number, out);
            }
        }
        if !self.ended && self.tracks.iter().all(Track::complete) {
            self.ended = true;
            out.push(Command::EndOfStream);
        }
        self.check_dry(now, out);
    }

    fn abort_everything(&mut self, out: &mut Vec<Command>) {
        for track in &mut self.tracks {
            for job in track.jobs.drain(..) {
                if matches!(job.state, crate::job::JobState::Running { .. }) {
                    out.push(Command::Abort { fetch: job.id });
                }
            }
        }
    }
}
