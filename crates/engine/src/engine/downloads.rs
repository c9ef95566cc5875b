//! Downloads: sending, progress, failure, retry.

use std::time::Duration;

use super::{Engine, Refresh};
use crate::{
    abr::Estimator,
    error::Error,
    event::{Command, Failure, FetchId, FetchSpec},
    index::SegmentIndex,
    model::{ByteRange, Presentation, RangeForm, TrackKind, ranged_url},
    schedule::{Job, JobState, Media, Track},
};

impl Engine {
    pub(super) fn index(
        &mut self,
        now: Duration,
        kind: TrackKind,
        representation: &str,
        index: SegmentIndex,
        out: &mut Vec<Command>,
    ) {
        let Some(track) = self.track_mut(kind) else { return };
        if track.index.is_some() || track.representation.id != representation {
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

    pub(super) fn progress(&mut self, now: Duration, fetch: FetchId, bytes: u64) {
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

    pub(super) fn fetch_done(&mut self, now: Duration, fetch: FetchId, out: &mut Vec<Command>) {
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

    pub(super) fn fetch_failed(
        &mut self,
        now: Duration,
        fetch: FetchId,
        failure: Failure,
        out: &mut Vec<Command>,
    ) {
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

    pub(super) fn check_time_outs(&mut self, now: Duration, out: &mut Vec<Command>) {
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

    pub(super) fn send(&mut self, now: Duration, number: usize, place: usize, out: &mut Vec<Command>) {
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
            range_header: form == RangeForm::Header,
            range,
            head: job.head,
            offset: job.received,
            segment: job.media != Media::None,
        }));
    }

    pub(super) fn start_job(
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
}

/// Whether a CDN has the track's file.
fn usable(presentation: Option<&Presentation>, track: &Track) -> impl Fn(usize) -> bool {
    let has: Vec<bool> = presentation.map_or_else(Vec::new, |presentation| {
        let has_file = |id: &str| track.representation.sources.iter().any(|source| source.cdn == id);
        presentation.cdns.iter().map(|cdn| has_file(&cdn.id)).collect()
    });
    move |cdn| has.get(cdn).copied().unwrap_or(false)
}

pub(super) fn abort(job: &Job, now: Duration, estimator: &mut Estimator, out: &mut Vec<Command>) {
    if let JobState::Running { flowing, .. } = job.state {
        if flowing {
            estimator.ended(now);
        }
        out.push(Command::Abort { fetch: job.id });
    }
}
