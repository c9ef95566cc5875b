//! The state machine.

mod downloads;
mod playing;

use std::time::Duration;

use crate::{
    abr::{Estimator, StartConditions, start_choice},
    buffer::Ranges,
    error::Error,
    event::{Command, Event},
    model::{ByteRange, Cdn, Presentation, TrackKind},
    retry::{CdnHealth, RetryRules},
    schedule::{Cursor, Job, JobState, Media, Need, Track},
};

/// Fraction of the URLs' life, and longest time, by which they are refreshed early.
const REFRESH_EARLY: (f64, Duration) = (0.2, Duration::from_secs(600));

/// What the engine is told once.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What is known when the film starts.
    pub start: StartConditions,
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
            retry: RetryRules::default(),
            dry_limit: Duration::from_secs(30),
            seed: 0,
        }
    }
}

/// Whether fresh URLs are on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refresh {
    Idle,
    Asked,
    WaitUntil(Duration),
}

/// Decides what to fetch and when. See the [crate] documentation.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    rng: fastrand::Rng,
    estimator: Estimator,
    cdns: CdnHealth,
    presentation: Option<Presentation>,
    tracks: Vec<Track>,
    next_id: u64,
    position: f64,
    // Whether the manifest's start segments are still the ones to begin with.
    at_start: bool,
    refresh: Refresh,
    refresh_failures: u32,
    // An edge refused; the URLs were refreshed since; no download succeeded since.
    refreshed_after_refusal: bool,
    urls_due: Option<Duration>,
    // Counts manifests, so that a refusal of old URLs is told from one of fresh ones.
    generation: u32,
    dry_since: Option<Duration>,
    last_seek: Option<Duration>,
    hold_until: Option<Duration>,
    ended: bool,
    failed: bool,
}

impl Engine {
    /// An engine that waits for its first manifest.
    pub fn new(config: Config) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(config.seed),
            config,
            estimator: Estimator::default(),
            cdns: CdnHealth::default(),
            presentation: None,
            tracks: Vec::new(),
            next_id: 0,
            position: 0.0,
            at_start: true,
            refresh: Refresh::Idle,
            refresh_failures: 0,
            refreshed_after_refusal: false,
            urls_due: None,
            generation: 0,
            dry_since: None,
            last_seek: None,
            hold_until: None,
            ended: false,
            failed: false,
        }
    }

    /// Takes one event and says what to do. `now` never goes back. After [`Command::Fail`] nothing more comes.
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
            Event::Progress { fetch, bytes } => self.progress(now, fetch, bytes),
            Event::FetchDone { fetch } => self.fetch_done(now, fetch, &mut out),
            Event::FetchFailed { fetch, failure } => self.fetch_failed(now, fetch, failure, &mut out),
            Event::SegmentAppended { fetch } => {
                for track in &mut self.tracks {
                    track.waiting.retain(|(id, _)| *id != fetch);
                }
            }
            Event::Buffered { track, ranges } => {
                if let Some(track) = self.track_mut(track) {
                    track.buffered = ranges;
                    track.removing = false;
                }
            }
            Event::Playhead { position, playing } => self.playhead(position, playing, &mut out),
            Event::Seek { position } if position.is_finite() => self.seek(now, position.max(0.0), &mut out),
            Event::Seek { .. } => {}
            Event::QuotaExceeded { track } => self.quota(now, track, &mut out),
            // Adaptation comes next; until then the one representation plays on.
            Event::Viewport { .. }
            | Event::Quality { .. }
            | Event::Audio { .. }
            | Event::MaxHeight { .. }
            | Event::Frames { .. }
            | Event::Streaming { .. }
            | Event::Undecodable { .. }
            | Event::Online
            | Event::Tick => {}
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

    fn track_mut(&mut self, kind: TrackKind) -> Option<&mut Track> {
        self.tracks.iter_mut().find(|track| track.kind == kind)
    }

    fn fail(&mut self, error: Error, out: &mut Vec<Command>) {
        if !self.failed {
            self.failed = true;
            out.push(Command::Fail(error));
        }
    }

    fn manifest(&mut self, now: Duration, mut presentation: Presentation, out: &mut Vec<Command>) {
        self.refresh = Refresh::Idle;
        self.refresh_failures = 0;
        self.generation += 1;
        let valid = presentation.urls_valid;
        self.urls_due = Some(now + valid.saturating_sub(valid.mul_f64(REFRESH_EARLY.0).min(REFRESH_EARLY.1)));
        if self.presentation.is_none() {
            self.cdns = CdnHealth::new(presentation.cdns.len());
            self.position = presentation.start;
            for kind in [TrackKind::Video, TrackKind::Audio] {
                if let Some(chosen) = start_choice(&presentation.representations, kind, &self.config.start) {
                    let representation = presentation.representations[chosen].clone();
                    self.tracks.push(Track::new(representation, presentation.start));
                }
            }
            if self.tracks.is_empty() {
                self.fail(Error::NothingToPlay, out);
            }
        }
        if let Some(before) = &self.presentation {
            // The draw of a refresh may order the CDNs anew; this viewing keeps the order that it knows the health of.
            let known = |cdn: &Cdn| before.cdns.iter().any(|other| other.id == cdn.id);
            if presentation.cdns.len() == before.cdns.len() && presentation.cdns.iter().all(known) {
                presentation.cdns.clone_from(&before.cdns);
            } else {
                self.cdns = CdnHealth::new(presentation.cdns.len());
            }
            for track in &mut self.tracks {
                match presentation.representations.iter().find(|r| r.id == track.representation.id) {
                    // The start segment moved with the resume position; this viewing keeps its own.
                    Some(fresh) => track.representation.sources.clone_from(&fresh.sources),
                    None => return self.fail(Error::FilmChanged, out),
                }
                for job in &mut track.jobs {
                    if job.state == JobState::NeedsUrls {
                        job.state = JobState::Waiting { until: now };
                    }
                }
            }
        }
        self.presentation = Some(presentation);
    }

    fn manifest_failed(&mut self, now: Duration) {
        let wait = self.config.retry.backoff(self.refresh_failures, &mut self.rng);
        self.refresh_failures += 1;
        self.refresh = Refresh::WaitUntil(now + wait);
    }

    fn ask_for_urls(&mut self, out: &mut Vec<Command>) {
        if self.refresh != Refresh::Asked && self.presentation.is_some() {
            self.refresh = Refresh::Asked;
            out.push(Command::RefreshManifest);
        }
    }

    fn pump(&mut self, now: Duration, out: &mut Vec<Command>) {
        if self.presentation.is_none() || self.failed {
            return;
        }
        let due = match self.refresh {
            Refresh::Idle => self.urls_due.is_some_and(|due| now >= due),
            Refresh::WaitUntil(until) => now >= until,
            Refresh::Asked => false,
        };
        if due {
            self.ask_for_urls(out);
        }
        self.check_time_outs(now, out);
        self.retry_due(now, out);
        for track in &mut self.tracks {
            if track.retry_append.is_some_and(|at| now >= at) {
                track.retry_append = None;
                out.push(Command::RetryAppend { track: track.kind });
            }
        }
        if self.hold_until.is_none_or(|until| now >= until) {
            self.hold_until = None;
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

    fn fetch_needs(&mut self, now: Duration, number: usize, out: &mut Vec<Command>) {
        if self.failed {
            return;
        }
        let (position, at_start) = (self.position, self.at_start);
        let track = &mut self.tracks[number];
        let head = track.representation.head();
        let start = track.representation.start;
        match (track.need(position, at_start), start) {
            (Need::HeadAndStart, Some(start)) => {
                let range = ByteRange { start: 0, end: start.range.end };
                self.start_job(now, number, head.length(), Media::Start, range, out);
            }
            (Need::HeadBesideStart, Some(start)) => {
                self.start_job(now, number, head.length(), Media::None, head, out);
                self.start_job(now, number, 0, Media::Start, start.range, out);
            }
            (Need::Segment(segment), _) => {
                let range = track.index.as_ref().and_then(|index| index.get(segment)).map(|s| s.range);
                if let Some(range) = range {
                    track.cursor = Cursor::Number(segment + 1);
                    self.start_job(now, number, 0, Media::Number(segment), range, out);
                }
            }
            (Need::Nothing, _) => {}
            _ => self.start_job(now, number, head.length(), Media::None, head, out),
        }
    }

    /// Gives up when downloads fail and nothing has been left to show for [`Config::dry_limit`].
    fn check_dry(&mut self, now: Duration, out: &mut Vec<Command>) {
        let stuck = |job: &Job| job.failures > 0 || job.state == JobState::NeedsUrls;
        let failing = self.tracks.iter().flat_map(|track| &track.jobs).any(stuck);
        if !failing || self.buffered().ahead(self.position) > 0.1 {
            self.dry_since = None;
        } else if now >= *self.dry_since.get_or_insert(now) + self.config.dry_limit {
            self.fail(Error::Unreachable, out);
        }
    }

    fn abort_everything(&mut self, out: &mut Vec<Command>) {
        for track in &mut self.tracks {
            for job in track.jobs.drain(..) {
                if matches!(job.state, JobState::Running { .. }) {
                    out.push(Command::Abort { fetch: job.id });
                }
            }
        }
    }
}
