//! The state machine.

use std::time::Duration;

use crate::{
    abr::{Estimator, StartConditions, start_choice},
    buffer::Ranges,
    error::Error,
    event::{Command, Event, Failure, FetchId, FetchSpec},
    index::SegmentIndex,
    model::{ByteRange, Cdn, Presentation, TrackKind, ranged_url},
    retry::{CdnHealth, RetryRules},
    schedule::{Cursor, Job, JobState, Media, Need, Track},
};

/// A gap up to this long is jumped over, in seconds.
const SMALL_GAP: f64 = 0.5;
/// A place that stays empty is fetched again this often.
const REFETCHES: u32 = 2;
/// Fraction of the URLs' life, and longest time, by which they are refreshed early.
const REFRESH_EARLY: (f64, Duration) = (0.2, Duration::from_secs(600));
/// A seek this soon after another waits for a third: someone is scrubbing.
const SCRUBBING: Duration = Duration::from_millis(150);
/// How long a held fragment waits for room before it is tried again.
const ROOM_WAIT: Duration = Duration::from_secs(1);

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
            Event::Index { track, index } => self.index(now, track, index, &mut out),
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

    fn track_mut(&mut self, kind: TrackKind) -> Option<&mut Track> {
        self.tracks.iter_mut().find(|track| track.kind == kind)
    }

    fn fail(&mut self, error: Error, out: &mut Vec<Command>) {
        if !self.failed {
            self.failed = true;
            out.push(Command::Fail(error));
        }
    }

    // ---- manifest -------------------------------------------------------------------------------------------------

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

    // ---- downloads ------------------------------------------------------------------------------------------------

    fn index(&mut self, now: Duration, kind: TrackKind, index: SegmentIndex, out: &mut Vec<Command>) {
        let Some(track) = self.track_mut(kind) else { return };
        if track.index.is_some() {
            return;
        }
        if index.last_byte() >= track.representation.file_size {
            return self.fail(Error::BadIndex, out);
        }
        let known = track.index_arrived(index);
        let drop = |media: Media| media == Media::Unwanted || (media == Media::Start && !known);
        let dropped: Vec<Job> = track.jobs.extract_if(.., |job| drop(job.media)).collect();
        let lost = track.waiting.iter().any(|(_, media)| drop(*media));
        track.waiting.retain(|(_, media)| !drop(*media));
        for job in &dropped {
            abort(job, now, &mut self.estimator, out);
        }
        if lost || !dropped.is_empty() {
            out.push(Command::Reset { track: kind });
        }
    }

    fn progress(&mut self, now: Duration, fetch: FetchId, bytes: u64) {
        let Some(job) = self.tracks.iter_mut().flat_map(|track| &mut track.jobs).find(|job| job.id == fetch)
        else {
            return;
        };
        if let JobState::Running { active, flowing } = &mut job.state {
            *active = now;
            if !*flowing {
                *flowing = true;
                self.estimator.first_byte(now);
            }
            self.estimator.received(bytes);
            job.received = (job.received + bytes).min(job.range.length());
        }
    }

    fn fetch_done(&mut self, now: Duration, fetch: FetchId, out: &mut Vec<Command>) {
        let Some((track, place)) = self.find(fetch) else { return };
        if self.tracks[track].jobs[place].received < self.tracks[track].jobs[place].range.length() {
            return self.fetch_failed(now, fetch, Failure::Truncated, out);
        }
        let job = self.tracks[track].jobs.remove(place);
        self.cdns.delivered(job.cdn);
        self.refreshed_after_refusal = false;
        if let JobState::Running { flowing: true, .. } = job.state {
            self.estimator.ended(now);
        }
        if !matches!(job.media, Media::None | Media::Unwanted) {
            self.tracks[track].waiting.push((job.id, job.media));
        }
    }

    fn fetch_failed(&mut self, now: Duration, fetch: FetchId, failure: Failure, out: &mut Vec<Command>) {
        let Some((track, place)) = self.find(fetch) else { return };
        let job = &mut self.tracks[track].jobs[place];
        if job.received >= job.range.length() {
            return self.fetch_done(now, fetch, out); // it broke after its last byte
        }
        if let JobState::Running { flowing: true, .. } = job.state {
            self.estimator.ended(now);
        }
        if let Failure::Status(status @ (400 | 403)) = failure {
            if job.urls < self.generation {
                job.state = JobState::Waiting { until: now }; // fresh ones have come meanwhile
                return;
            }
            job.state = JobState::NeedsUrls;
            if self.refresh == Refresh::Idle {
                if self.refreshed_after_refusal {
                    return self.fail(Error::Refused { status }, out);
                }
                self.refreshed_after_refusal = true;
                self.ask_for_urls(out);
            }
            return;
        }
        self.cdns.failed(job.cdn, now, &self.config.retry);
        let failures = job.failures;
        job.failures += 1;
        let has_source = usable(self.presentation.as_ref(), &self.tracks[track]);
        let until = match self.cdns.pick(now, has_source) {
            Some(_) => now,
            None => now + self.config.retry.backoff(failures, &mut self.rng),
        };
        self.tracks[track].jobs[place].state = JobState::Waiting { until };
    }

    fn find(&self, fetch: FetchId) -> Option<(usize, usize)> {
        self.tracks.iter().enumerate().find_map(|(number, track)| {
            track.jobs.iter().position(|job| job.id == fetch).map(|place| (number, place))
        })
    }

    fn check_time_outs(&mut self, now: Duration, out: &mut Vec<Command>) {
        let rules = self.config.retry;
        let late: Vec<FetchId> = self
            .tracks
            .iter()
            .flat_map(|track| &track.jobs)
            .filter(|job| match job.state {
                JobState::Running { active, flowing: false } => {
                    now >= active + rules.first_byte_limit(job.failures)
                }
                JobState::Running { active, flowing: true } => now >= active + rules.stall,
                _ => false,
            })
            .map(|job| job.id)
            .collect();
        for fetch in late {
            out.push(Command::Abort { fetch });
            self.fetch_failed(now, fetch, Failure::TimedOut, out);
        }
    }

    /// Sends out what waits for its next attempt.
    fn retry_due(&mut self, now: Duration, out: &mut Vec<Command>) {
        for number in 0..self.tracks.len() {
            for place in 0..self.tracks[number].jobs.len() {
                if matches!(self.tracks[number].jobs[place].state, JobState::Waiting { until } if until <= now)
                {
                    self.send(now, number, place, out);
                }
            }
        }
    }

    fn send(&mut self, now: Duration, number: usize, place: usize, out: &mut Vec<Command>) {
        let Some(presentation) = &self.presentation else { return };
        let track = &mut self.tracks[number];
        let has_source = usable(Some(presentation), track);
        let cdn = self.cdns.pick(now, &has_source).or_else(|| self.cdns.pick_anyway(&has_source));
        drop(has_source);
        let job = &mut track.jobs[place];
        let source = cdn.and_then(|cdn| {
            let info = &presentation.cdns[cdn];
            let source = track.representation.sources.iter().find(|source| source.cdn == info.id)?;
            Some((cdn, info.ranges, source))
        });
        let Some((cdn, form, source)) = source else {
            return self.fail(Error::NothingToPlay, out);
        };
        let range = ByteRange { start: job.range.start + job.received, end: job.range.end };
        job.cdn = cdn;
        job.urls = self.generation;
        job.state = JobState::Running { active: now, flowing: false };
        out.push(Command::Fetch(FetchSpec {
            fetch: job.id,
            track: track.kind,
            representation: track.representation.id.clone(),
            url: ranged_url(&source.url, form, range),
            range_header: form == crate::model::RangeForm::Header,
            range,
            head: job.head,
            offset: job.received,
            segment: job.media != Media::None,
        }));
    }

    fn start_job(
        &mut self,
        now: Duration,
        number: usize,
        head: u64,
        media: Media,
        range: ByteRange,
        out: &mut Vec<Command>,
    ) {
        let id = FetchId(self.next_id);
        self.next_id += 1;
        let state = JobState::Waiting { until: now };
        let jobs = &mut self.tracks[number].jobs;
        jobs.push(Job { id, head, media, range, received: 0, cdn: 0, urls: 0, failures: 0, state });
        let place = jobs.len() - 1;
        self.ended = false;
        self.send(now, number, place, out);
    }

    // ---- playing --------------------------------------------------------------------------------------------------

    fn playhead(&mut self, position: f64, playing: bool, out: &mut Vec<Command>) {
        self.position = position;
        for track in &mut self.tracks {
            let keep_from = position - track.goals.back;
            // A few seconds of slack: one removal per segment, not one per call. After the end of stream none at all:
            // a removal would open the media source again.
            if !self.ended
                && !track.removing
                && track.buffered.start().is_some_and(|start| start < keep_from - 4.0)
            {
                track.removing = true;
                out.push(Command::Remove { track: track.kind, start: 0.0, end: keep_from });
            }
        }
        self.mend_gaps(position, playing, out);
    }

    /// A place that should be full but is not: a small one is jumped over, a larger one fetched again.
    fn mend_gaps(&mut self, position: f64, playing: bool, out: &mut Vec<Command>) {
        let all = self.buffered();
        let mut empty = !all.contains(position);
        for track in &mut self.tracks {
            // The first second that this track lacks.
            let edge = track.buffered.end_at(position).unwrap_or(position);
            let Some(index) = &track.index else { continue };
            if edge + SMALL_GAP >= index.end() || track.expects(edge + 0.05) {
                empty &= !track.expects(edge) || track.buffered.contains(position);
                continue;
            }
            let Cursor::Number(cursor) = track.cursor else { continue };
            let small = track.buffered.next_start(edge).is_some_and(|next| next - edge <= SMALL_GAP);
            let number = index.at(edge + 0.05);
            if small || number >= cursor || (number..cursor).any(|between| track.in_hand(between)) {
                continue;
            }
            let times = if track.refetched.0 == number { track.refetched.1 } else { 0 };
            if times < REFETCHES {
                track.refetched = (number, times + 1);
                track.cursor = Cursor::Number(number);
                empty = false;
            }
        }
        if let Some(next) = all.next_start(position).filter(|_| empty && playing) {
            let given_up = self.tracks.iter().any(|track| track.refetched.1 >= REFETCHES);
            if next - position <= SMALL_GAP || given_up {
                out.push(Command::JumpTo { position: next + 0.001 });
            }
        }
    }

    fn seek(&mut self, now: Duration, position: f64, out: &mut Vec<Command>) {
        self.position = position;
        let start = self.presentation.as_ref().map_or(0.0, |presentation| presentation.start);
        if self.at_start && (position - start).abs() < 0.1 {
            return; // the player going to where the film begins
        }
        self.at_start = false;
        let mut outside = false;
        for track in &mut self.tracks {
            let kind = track.kind;
            let Some(index) = &track.index else {
                // The head is wanted whatever the position is; what follows it is not.
                track.cursor = Cursor::Time(position);
                let beside: Vec<Job> =
                    track.jobs.extract_if(.., |job| job.head == 0 && job.media != Media::None).collect();
                for job in &beside {
                    abort(job, now, &mut self.estimator, out);
                }
                for job in &mut track.jobs {
                    if job.media == Media::Start {
                        job.media = Media::Unwanted;
                    }
                }
                track.waiting.clear();
                out.push(Command::Reset { track: kind });
                outside = true;
                continue;
            };
            let wanted = match track.buffered.end_at(position) {
                Some(end) if end + 0.1 >= index.end() => index.len(),
                Some(end) => index.at(end + 0.05),
                None => index.at(position),
            };
            let going_there = match track.cursor {
                Cursor::Number(cursor) => cursor == wanted || track.in_hand(wanted),
                Cursor::Time(_) => false,
            };
            if going_there {
                continue;
            }
            let dropped: Vec<Job> = track.jobs.extract_if(.., |job| job.media != Media::None).collect();
            if !dropped.is_empty() || !track.waiting.is_empty() {
                for job in &dropped {
                    abort(job, now, &mut self.estimator, out);
                }
                track.waiting.clear();
                track.retry_append = None;
                out.push(Command::Reset { track: kind });
            }
            outside |= !track.buffered.contains(position);
            track.cursor = Cursor::Number(wanted);
        }
        let scrubbing = self.last_seek.is_some_and(|last| now < last + SCRUBBING);
        self.hold_until = (outside && scrubbing).then(|| now + SCRUBBING);
        self.last_seek = Some(now);
    }

    fn quota(&mut self, now: Duration, kind: TrackKind, out: &mut Vec<Command>) {
        let position = self.position;
        let Some(track) = self.track_mut(kind) else { return };
        let behind = position - 10.0;
        let keep_to = position + track.goals.forward + 10.0;
        let mut freed = false;
        if track.buffered.start().is_some_and(|start| start < behind) {
            out.push(Command::Remove { track: kind, start: 0.0, end: behind });
            freed = true;
        }
        if track.buffered.as_slice().iter().any(|(start, _)| *start > keep_to) {
            out.push(Command::Remove { track: kind, start: keep_to, end: f64::INFINITY });
            freed = true;
        }
        if freed {
            out.push(Command::RetryAppend { track: kind });
        } else {
            track.goals.shrink();
            track.retry_append = Some(now + ROOM_WAIT);
        }
    }

    // ---- what follows from the state ------------------------------------------------------------------------------

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

/// Whether a CDN has the track's file.
fn usable(presentation: Option<&Presentation>, track: &Track) -> impl Fn(usize) -> bool {
    let has: Vec<bool> = presentation.map_or_else(Vec::new, |presentation| {
        let has_file = |id: &str| track.representation.sources.iter().any(|source| source.cdn == id);
        presentation.cdns.iter().map(|cdn| has_file(&cdn.id)).collect()
    });
    move |cdn| has.get(cdn).copied().unwrap_or(false)
}

fn abort(job: &Job, now: Duration, estimator: &mut Estimator, out: &mut Vec<Command>) {
    if let JobState::Running { flowing, .. } = job.state {
        if flowing {
            estimator.ended(now);
        }
        out.push(Command::Abort { fetch: job.id });
    }
}
