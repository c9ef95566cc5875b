//! Downloads that fail, come damaged or do not come, and when they are tried again.

use std::time::Duration;

use super::{Engine, downloads::carries, refresh::Refresh};
use crate::{
    error::Error,
    event::{Command, Failure, FetchId},
    job::{Job, JobState, Media},
    ladder::Rung,
};

/// A head that is not needed to play is given up after so many failures.
const HEAD_TRIES: u32 = 2;
/// The server holds a request for a part that is not there yet for twelve seconds at most; one that takes so
/// long does not come.
const HELD: Duration = Duration::from_secs(15);

impl Engine {
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
        // It broke off after its last byte. Of a file of unknown size, a server says so by refusing the range
        // behind it.
        let past_end = !job.sized && job.received > 0 && failure == Failure::Status(416);
        if job.is_whole() || past_end {
            return self.fetch_done(now, fetch, out);
        }
        if job.is_flowing() {
            self.estimator.ended(now);
        }
        // What was to come did not, as when the encoder falls silent: no fault of the CDN.
        let never_came = match failure {
            Failure::TimedOut => true,
            Failure::Status(status) => !matches!(status, 400 | 403),
            _ => false,
        };
        if job.is_held() && never_came {
            let job = track.jobs.remove(place);
            track.hints_missed = track.hints_missed.map(|missed| missed.saturating_add(1));
            return track.hint_lost(&job);
        }
        if failure == Failure::Unstreamed {
            job.state = JobState::Waiting { until: now };
            return;
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
        // A part may be gone whose segment can be had whole.
        if until > now && self.is_part_of_whole(number, fetch) {
            self.lose(now, number, out);
        }
    }

    /// A segment arrived damaged. Damage in transit does not happen twice, nor on another CDN.
    pub(super) fn damaged(&mut self, now: Duration, fetch: FetchId, out: &mut Vec<Command>) {
        let found = self.tracks.iter().enumerate().find_map(|(number, track)| {
            let under_way = track.jobs.iter().find(|job| job.id == fetch).map(|job| (job.media, job.cdn));
            let waiting = track.waiting.iter().find(|w| w.id == fetch).map(|w| (w.media, w.cdn));
            under_way.or(waiting).map(|(media, cdn)| (number, media, cdn))
        });
        let Some((number, media, cdn)) = found else { return }; // given up meanwhile
        let segment = match media {
            Media::Number(segment) | Media::Part { number: segment, .. } => segment,
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

    /// Whether a download is of a part whose segment is whole by now.
    fn is_part_of_whole(&self, number: usize, fetch: FetchId) -> bool {
        let track = &self.tracks[number];
        let job = track.jobs.iter().find(|job| job.id == fetch && job.media.is_part());
        let whole = |segment: u64| track.index().is_some_and(|index| index.is_whole(segment));
        job.and_then(|job| job.media.number()).is_some_and(whole)
    }

    /// A head could not be fetched. Playback continues without it.
    fn head_lost(&mut self, now: Duration, number: usize, rung: Rung) {
        self.tracks[number].ladder.step_mut(rung).head_failed(now);
    }

    pub(super) fn check_time_outs(&mut self, now: Duration, out: &mut Vec<Command>) {
        let rules = self.config.retry;
        // Nobody near the live edge can wait as long for a part as for a segment, if another CDN has it.
        let others = self.film.as_ref().is_some_and(|film| film.cdns.len() > 1);
        let limit = |job: &Job| match job.media.is_part() && others {
            _ if job.is_held() => HELD,
            true => rules.first_byte_limit(job.failures) / 2,
            false => rules.first_byte_limit(job.failures),
        };
        let late: Vec<FetchId> = self
            .tracks
            .iter()
            .flat_map(|track| &track.jobs)
            .filter(|job| match job.state {
                JobState::Running { active, flowing: None, .. } => now >= active + limit(job),
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
}
