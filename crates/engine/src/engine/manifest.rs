//! The manifest, first and refreshed, and the life of its URLs.

use std::time::Duration;

use super::{Engine, growing::Growth, refresh::Refresh};
use crate::{
    abr::start_choice,
    error::Error,
    event::Command,
    job::JobState,
    ladder::Ladder,
    model::{Cdn, Presentation, Representation, Timeline, TrackKind},
    retry::CdnHealth,
    track::Track,
};

/// URLs are refreshed this fraction of their life before they end, and at most this much earlier.
const REFRESH_EARLY: (f64, Duration) = (0.2, Duration::from_secs(600));
/// URLs are not refreshed more often than this, however short they say they live.
const REFRESH_REST: Duration = Duration::from_secs(5);

/// What is kept of a manifest beside the tracks.
#[derive(Clone, Debug)]
pub(super) struct Film {
    pub(super) start: f64,
    pub(super) cdns: Vec<Cdn>,
}

/// The life of the URLs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Urls {
    pub(super) refresh: Refresh,
    failures: u32,
    due: Option<Duration>,
    // Counts manifests, so that a refusal of old URLs can be told from a refusal of fresh ones.
    pub(super) generation: u32,
    // An edge refused; the URLs were refreshed since; no download succeeded since.
    pub(super) refreshed_after_refusal: bool,
}

impl Engine {
    pub(super) fn manifest(&mut self, now: Duration, presentation: Presentation, out: &mut Vec<Command>) {
        self.urls.refresh = Refresh::Idle;
        self.urls.failures = 0;
        self.urls.generation += 1;
        let valid = presentation.urls_valid;
        let life = valid.saturating_sub(valid.mul_f64(REFRESH_EARLY.0).min(REFRESH_EARLY.1));
        self.urls.due = now.checked_add(life.max(REFRESH_REST));
        let Presentation { timeline, start, mut cdns, representations, .. } = presentation;
        let begin = start.unwrap_or(0.0);
        match &self.film {
            None => {
                self.cdns = CdnHealth::new(cdns.len());
                self.position = begin;
                if let Timeline::Growing { distance } = timeline {
                    self.growth = Some(Growth::new(distance, start));
                }
                for kind in [TrackKind::Video, TrackKind::Audio] {
                    let of_kind = representations.iter().filter(|r| r.kind == kind).cloned().collect();
                    self.add_track(kind, of_kind, begin, out);
                }
                if self.tracks.is_empty() {
                    self.fail(Error::NothingToPlay, out);
                }
            }
            Some(before) => {
                // A refreshed manifest may order the CDNs differently; this viewing keeps the order that
                // it knows the health of.
                let known = |cdn: &Cdn| before.cdns.iter().any(|other| other.id == cdn.id);
                if cdns.len() == before.cdns.len() && cdns.iter().all(known) {
                    cdns.clone_from(&before.cdns);
                } else {
                    self.cdns = CdnHealth::new(cdns.len());
                }
                for track in &mut self.tracks {
                    track.ladder.refresh(&representations);
                    for job in &mut track.jobs {
                        if job.state == JobState::NeedsUrls {
                            job.state = JobState::Waiting { until: now };
                        }
                    }
                }
                let gone = |track: &Track| !representations.iter().any(|r| r.id == track.representation().id);
                if self.tracks.iter().any(gone) {
                    self.fail(Error::FilmChanged, out);
                }
            }
        }
        let start = match (&self.film, &self.growth) {
            (Some(film), Some(_)) => film.start, // where it was joined
            _ => begin,
        };
        self.film = Some(Film { start, cdns });
    }

    fn add_track(
        &mut self,
        kind: TrackKind,
        representations: Vec<Representation>,
        start: f64,
        out: &mut Vec<Command>,
    ) {
        let Some(ladder) = Ladder::new(representations) else { return };
        let allowed: Vec<Representation> = ladder
            .iter()
            .filter(|(_, step)| self.allowed(step))
            .map(|(_, step)| step.representation.clone())
            .collect();
        let conditions = crate::abr::StartConditions { viewport: self.viewport, ..self.config.start };
        let small = |one: &&Representation| {
            self.saver.is_none_or(|most| one.size.is_none_or(|(_, height)| height <= most))
        };
        let saving: Vec<Representation> = allowed.iter().filter(small).cloned().collect();
        let offered = if saving.is_empty() { &allowed } else { &saving };
        let Some(chosen) = start_choice(offered, kind, &conditions).and_then(|place| offered.get(place))
        else {
            return self.fail(Error::NothingToPlay, out); // the policy allows none
        };
        let wish = match kind {
            TrackKind::Video => self.chosen.clone(),
            TrackKind::Audio => self.audio_wish.take(),
        };
        let wish = wish.filter(|id| allowed.iter().any(|r| r.id == *id)).unwrap_or_else(|| chosen.id.clone());
        if let Some(current) = ladder.find(&wish) {
            self.tracks.push(Track::new(kind, ladder, current, start));
        }
    }

    pub(super) fn manifest_failed(&mut self, now: Duration) {
        if self.urls.refresh != Refresh::Asked {
            return;
        }
        let wait = self.config.retry.backoff(self.urls.failures, &mut self.rng);
        self.urls.failures += 1;
        self.urls.refresh = Refresh::WaitUntil(now + wait);
    }

    pub(super) fn ask_for_urls(&mut self, out: &mut Vec<Command>) {
        if self.urls.refresh != Refresh::Asked && self.film.is_some() {
            self.urls.refresh = Refresh::Asked;
            out.push(Command::RefreshManifest);
        }
    }

    pub(super) fn refresh_due(&mut self, now: Duration, out: &mut Vec<Command>) {
        let due = match self.urls.refresh {
            Refresh::Idle => self.urls.due.is_some_and(|due| now >= due),
            Refresh::WaitUntil(until) => now >= until,
            Refresh::Asked => false,
        };
        if due {
            self.ask_for_urls(out);
        }
    }

    /// The network is back: the waiting ends.
    pub(super) fn online(&mut self, now: Duration) {
        self.offline = false;
        self.cdns.all_back();
        self.index_online(now);
        if let Refresh::WaitUntil(until) = &mut self.urls.refresh {
            *until = now;
        }
        for job in self.tracks.iter_mut().flat_map(|track| &mut track.jobs) {
            if let JobState::Waiting { until } = &mut job.state {
                *until = now;
            }
        }
    }
}
