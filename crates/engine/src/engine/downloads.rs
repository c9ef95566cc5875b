//! Downloads: sending, progress, failure, retry.

use std::time::Duration;

use super::{Engine, fetching::FIRST_PICTURE, manifest::Refresh};
use crate::{
    error::Error,
    event::{Command, Failure, FetchId, FetchSpec},
    job::{Job, JobState, Media, Waiting},
    ladder::Rung,
    model::{ByteRange, Cdn, RangeForm, Source, ranged_url},
};

/// A head that is not needed to play is given up after so many failures.
const HEAD_TRIES: u32 = 2;
/// Weight of the newest latency in the average.
const LATENCY_WEIGHT: f64 = 0.3;

impl Engine {
    pub(super) fn progress(&mut self, now: Duration, fetch: FetchId, bytes: u64) {
        let Some(job) = self.tracks.iter_mut().flat_map(|track| &mut track.jobs).find(|job| job.id == fetch)
        else {
            return;
        };
        let JobState::Running { sent, active, flowing } = &mut job.state else { return };
        *active = now;
        if flowing.is_none() {
            *flowing = Some((now, job.received));
            self.estimator.first_byte(now);
            let latency = now.saturating_sub(*sent).as_secs_f64();
            self.latency += (latency - self.latency) * LATENCY_WEIGHT;
        }
        self.estimator.received(bytes);
        job.received = job.received.saturating_add(bytes).min(job.range.length());
        self.watch.counters.bytes = self.watch.counters.bytes.saturating_add(bytes);
        self.watch.no_cdn_since = None;
    }

    pub(super) fn fetch_done(&mut self, now: Duration, fetch: FetchId, out: &mut Vec<Command>) {
        let Some((track, place)) = self.find(fetch) else { return };
        let job = &self.tracks[track].jobs[place];
        if job.received < job.range.length() {
            return self.fetch_failed(now, fetch, Failure::Truncated, out);
        }
        let job = self.tracks[track].jobs.remove(place);
        self.cdns.delivered(job.cdn);
        self.urls.refreshed_after_refusal = false;
        if job.is_flowing() {
            self.estimator.ended(now);
        }
        match job.media {
            Media::None if self.tracks[track].ladder.step(job.rung).index.is_none() => {
                // Its bytes came, but no index out of them.
                self.head_lost(now, track, job.rung);
            }
            Media::None | Media::Unwanted => {}
            media => {
                self.first_picture_until.get_or_insert(now + FIRST_PICTURE);
                self.tracks[track].waiting.push(Waiting { id: job.id, rung: job.rung, media, cdn: job.cdn });
            }
        }
    }

    pub(super) fn fetch_failed(
        &mut self,
        now: Duration,
        fetch: FetchId,
        failure: Failure,
        out: &mut Vec<Command>,
    ) {
        let Some((number, place)) = self.find(fetch) else { return };
        let track = &mut self.tracks[number];
        let optional = track.jobs[place].media == Media::None && track.jobs[place].rung != track.current;
        let job = &mut track.jobs[place];
        if job.received >= job.range.length() {
            return self.fetch_done(now, fetch, out); // it broke after its last byte
        }
        if job.is_flowing() {
            self.estimator.ended(now);
        }
        self.watch.counters.failures += 1;
        if let Failure::Status(status @ (400 | 403)) = failure {
            if job.urls < self.urls.generation {
                job.state = JobState::Waiting { until: now }; // fresh ones have come meanwhile
                return;
            }
            if self.urls.refresh == Refresh::Idle && self.urls.refreshed_after_refusal {
                if optional {
                    let rung = job.rung;
                    track.jobs.remove(place);
                    return self.head_lost(now, number, rung);
                }
                return self.fail(Error::Refused { status }, out);
            }
            job.state = JobState::NeedsUrls;
            if self.urls.refresh == Refresh::Idle {
                self.urls.refreshed_after_refusal = true;
                self.ask_for_urls(out);
            }
            return;
        }
        let (cdn, failures, rung) = (job.cdn, job.failures, job.rung);
        job.failures += 1;
        if optional && job.failures >= HEAD_TRIES {
            track.jobs.remove(place);
            return self.head_lost(now, number, rung);
        }
        self.cdns.failed(cdn, now, &self.config.retry);
        let cdns = self.film.as_ref().map_or(&[][..], |film| &film.cdns);
        let until = match self.cdns.pick(now, carries(cdns, self.tracks[number].ladder.sources(rung))) {
            Some(_) => now,
            None => {
                self.watch.no_cdn_since.get_or_insert(now);
                now + self.config.retry.backoff(failures, &mut self.rng)
            }
        };
        self.tracks[number].jobs[place].state = JobState::Waiting { until };
    }

    /// A segment came, and is of no use. Damage on the way does not come twice, nor from another CDN.
    pub(super) fn damaged(&mut self, now: Duration, fetch: FetchId, out: &mut Vec<Command>) {
        let found = self.tracks.iter().enumerate().find_map(|(number, track)| {
            let under_way = track.jobs.iter().find(|job| job.id == fetch).map(|job| (job.media, job.cdn));
            let waiting = track.waiting.iter().find(|w| w.id == fetch).map(|w| (w.media, w.cdn));
            under_way.or(waiting).map(|(media, cdn)| (number, media, cdn))
        });
        let Some((number, media, cdn)) = found else { return }; // given up meanwhile
        let segment = match media {
            Media::Number(segment) => segment,
            Media::Start => return self.fail(Error::Damaged, out),
            Media::None | Media::Unwanted => return, // the viewer has gone elsewhere meanwhile
        };
        if self.tracks[number].damaged.replace(segment) == Some(segment) {
            return self.fail(Error::Damaged, out);
        }
        self.watch.counters.failures += 1;
        self.cdns.failed(cdn, now, &self.config.retry);
        self.lose(now, number, out);
    }

    /// A head could not be had. Playback goes on without it.
    fn head_lost(&mut self, now: Duration, number: usize, rung: Rung) {
        self.tracks[number].ladder.step_mut(rung).head_failed(now);
    }

    pub(super) fn find(&self, fetch: FetchId) -> Option<(usize, usize)> {
        self.tracks.iter().enumerate().find_map(|(number, track)| {
            track.jobs.iter().position(|job| job.id == fetch).map(|place| (number, place))
        })
    }

    pub(super) fn check_time_outs(&mut self, now: Duration, out: &mut Vec<Command>) {
        let rules = self.config.retry;
        let late: Vec<FetchId> = self
            .tracks
            .iter()
            .flat_map(|track| &track.jobs)
            .filter(|job| match job.state {
                JobState::Running { active, flowing: None, .. } => {
                    now >= active + rules.first_byte_limit(job.failures)
                }
                JobState::Running { active, flowing: Some(_), .. } => now >= active + rules.stall,
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
    pub(super) fn retry_due(&mut self, now: Duration, out: &mut Vec<Command>) {
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
        let Some(film) = &self.film else { return };
        let track = &self.tracks[number];
        let representation = &track.ladder.step(track.jobs[place].rung).representation;
        let usable = carries(&film.cdns, &representation.sources);
        let cdn = self.cdns.pick(now, &usable).or_else(|| self.cdns.pick_anyway(&usable));
        let source = cdn.and_then(|cdn| {
            let info = film.cdns.get(cdn)?;
            let source = representation.sources.iter().find(|source| source.cdn == info.id)?;
            Some((cdn, info.ranges, source))
        });
        let Some((cdn, form, source)) = source else {
            return self.fail(Error::NothingToPlay, out);
        };
        let job = &track.jobs[place];
        let range = ByteRange { start: job.range.start + job.received, end: job.range.end };
        out.push(Command::Fetch(FetchSpec {
            fetch: job.id,
            track: track.kind,
            representation: representation.id.clone(),
            url: ranged_url(&source.url, form, range),
            range_header: form == RangeForm::Header,
            range,
            head: job.head,
            offset: job.received,
            segment: job.media != Media::None,
            afresh: matches!(job.media, Media::Number(segment) if track.damaged == Some(segment)),
        }));
        let job = &mut self.tracks[number].jobs[place];
        job.cdn = cdn;
        job.urls = self.urls.generation;
        job.state = JobState::Running { sent: now, active: now, flowing: None };
    }

    pub(super) fn start_job(
        &mut self,
        now: Duration,
        number: usize,
        rung: Rung,
        (head, media): (u64, Media),
        range: ByteRange,
        out: &mut Vec<Command>,
    ) {
        let id = FetchId(self.next_id);
        self.next_id += 1;
        let state = JobState::Waiting { until: now };
        let (received, since) = (0, now);
        let jobs = &mut self.tracks[number].jobs;
        jobs.push(Job { id, rung, head, media, range, received, since, cdn: 0, urls: 0, failures: 0, state });
        let place = jobs.len() - 1;
        self.ended &= media == Media::None;
        self.send(now, number, place, out);
    }

    /// Stops and forgets the downloads that `which` names; says whether there were any.
    pub(super) fn drop_jobs(
        &mut self,
        now: Duration,
        number: usize,
        which: impl Fn(&Job) -> bool,
        out: &mut Vec<Command>,
    ) -> bool {
        let mut any = false;
        let estimator = &mut self.estimator;
        for job in self.tracks[number].jobs.extract_if(.., |job| which(job)) {
            any = true;
            if let JobState::Running { flowing, .. } = job.state {
                if flowing.is_some() {
                    estimator.ended(now);
                }
                out.push(Command::Abort { fetch: job.id });
            }
        }
        any
    }
}

/// Whether a CDN, by its place in the manifest, has the file.
fn carries(cdns: &[Cdn], sources: &[Source]) -> impl Fn(usize) -> bool + use<> {
    let has_file = |cdn: &Cdn| sources.iter().any(|source| source.cdn == cdn.id);
    let has: Vec<bool> = cdns.iter().map(has_file).collect();
    move |cdn| has.get(cdn).copied().unwrap_or(false)
}
