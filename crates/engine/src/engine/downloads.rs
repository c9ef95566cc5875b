//! Downloads: sending, progress, success.

use std::time::Duration;

use super::{Engine, fetching::FIRST_PICTURE};
use crate::{
    address::{file_url, ranged_url},
    error::Error,
    event::{Command, Failure, FetchId, FetchSpec},
    extent::Extent,
    job::{Hint, Job, JobState, Media, Waiting},
    ladder::Rung,
    model::{ByteRange, Cdn, Layout, RangeForm, Source},
};

/// Weight of the newest latency in the average.
const LATENCY_WEIGHT: f64 = 0.3;

impl Engine {
    pub(super) fn progress(&mut self, now: Duration, fetch: FetchId, bytes: u64) {
        let Some((number, place)) = self.find(fetch) else { return };
        let track = &mut self.tracks[number];
        let job = &mut track.jobs[place];
        let JobState::Running { sent, active, flowing } = &mut job.state else { return };
        *active = now;
        let begins = flowing.is_none();
        // What was asked for before it was there waited for the encoder, not for the network.
        let asked = match job.hint {
            Hint::None => *sent,
            _ => (*sent).max(now.saturating_sub(Duration::from_secs_f64(self.latency.max(0.0)))),
        };
        if begins {
            *flowing = Some((now, job.received));
            if job.hint != Hint::None {
                track.hints_missed = Some(0);
            } else {
                let latency = now.saturating_sub(*sent).as_secs_f64();
                self.latency += (latency - self.latency) * LATENCY_WEIGHT;
                self.round_trip = Some(self.round_trip.map_or(latency, |least| least.min(latency)));
            }
        }
        match (begins, job.media.is_part()) {
            (true, true) => self.estimator.part_begins(now, asked, bytes),
            (true, false) => {
                self.estimator.first_byte(now);
                self.estimator.received(bytes);
            }
            (false, _) => self.estimator.received(bytes),
        }
        job.received = job.received.saturating_add(bytes).min(job.range.length());
        self.watch.counters.bytes = self.watch.counters.bytes.saturating_add(bytes);
        self.watch.no_cdn_since = None;
    }

    pub(super) fn fetch_done(&mut self, now: Duration, fetch: FetchId, out: &mut Vec<Command>) {
        let Some((track, place)) = self.find(fetch) else { return };
        let job = &self.tracks[track].jobs[place];
        if job.received == 0 || (job.sized && !job.is_whole()) {
            return self.fetch_failed(now, fetch, Failure::Truncated, out);
        }
        let job = self.tracks[track].jobs.remove(place);
        self.cdns.delivered(job.cdn);
        self.urls.refreshed_after_refusal = false;
        if job.is_flowing() {
            self.estimator.ended(now);
        }
        let step = self.tracks[track].ladder.step_mut(job.rung);
        match job.media {
            Media::None if step.has_files() => step.has_init = true,
            Media::None if step.index.is_none() => step.head_failed(now), // no index could be read from it
            Media::None | Media::Unwanted => {}
            media => {
                self.first_picture_until.get_or_insert(now + FIRST_PICTURE);
                self.tracks[track].waiting.push(Waiting { id: job.id, rung: job.rung, media, cdn: job.cdn });
            }
        }
    }

    pub(super) fn find(&self, fetch: FetchId) -> Option<(usize, usize)> {
        self.tracks.iter().enumerate().find_map(|(number, track)| {
            track.jobs.iter().position(|job| job.id == fetch).map(|place| (number, place))
        })
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
            Some((cdn, info, source))
        });
        let Some((cdn, info, source)) = source else {
            return self.fail(Error::NothingToPlay, out);
        };
        let form = info.ranges;
        let client_data = info.client_data.then(|| self.client_data(number, place));
        let job = &track.jobs[place];
        let range = ByteRange { start: job.range.start + job.received, end: job.range.end };
        let start = self.segment_start(number, place);
        // A segment's file is requested whole, unless a part of it has arrived.
        let (url, partly) = match (&representation.layout, job.media) {
            (Layout::SingleFile(_), _) => (source.url.clone(), true),
            (Layout::SegmentFiles(files), Media::Number(number)) => {
                (file_url(&source.url, &files.name(number)), job.received > 0)
            }
            (Layout::SegmentFiles(files), Media::Part { number, part }) => {
                (file_url(&source.url, &files.part_name(number, part)), job.received > 0)
            }
            (Layout::SegmentFiles(files), _) => (file_url(&source.url, &files.init), job.received > 0),
        };
        out.push(Command::Fetch(FetchSpec {
            fetch: job.id,
            track: track.kind,
            representation: representation.id.clone(),
            url: if partly { ranged_url(&url, form, range) } else { url },
            range_header: partly && form == RangeForm::Header,
            range,
            sized: job.sized,
            head: job.head,
            offset: job.received,
            segment: job.media != Media::None,
            start,
            afresh: job.media.number().is_some_and(|segment| track.damaged == Some(segment)),
            client_data,
        }));
        self.tracks[number].starved = false;
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
        Extent { range, sized }: Extent,
        out: &mut Vec<Command>,
    ) {
        let id = FetchId(self.next_id);
        self.next_id += 1;
        let state = JobState::Waiting { until: now };
        let (received, since) = (0, now);
        // The size of every part that is there is known.
        let hint = if media.is_part() && !sized { Hint::Held } else { Hint::None };
        let jobs = &mut self.tracks[number].jobs;
        jobs.push(Job {
            id,
            rung,
            head,
            media,
            hint,
            range,
            sized,
            received,
            since,
            cdn: 0,
            urls: 0,
            failures: 0,
            state,
        });
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
pub(super) fn carries(cdns: &[Cdn], sources: &[Source]) -> impl Fn(usize) -> bool + use<> {
    let has_file = |cdn: &Cdn| sources.iter().any(|source| source.cdn == cdn.id);
    let has: Vec<bool> = cdns.iter().map(has_file).collect();
    move |cdn| has.get(cdn).copied().unwrap_or(false)
}
