//! What the outside may know: what plays, what may be chosen, whether something is wrong.

use std::time::Duration;

use super::Engine;
use crate::{
    error::Error,
    event::Command,
    job::{Job, JobState},
    model::{Representation, TrackKind},
};

/// Why there is no picture although the viewer wants one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stall {
    /// The film has not begun yet.
    Start,
    /// The viewer went to a place that is not there yet.
    Seek,
    /// The buffer ran dry.
    Rebuffer,
}

/// What is wrong, while it may still heal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Every CDN has failed, and no byte has come since; or the index of a film that grows cannot be had.
    Retrying {
        /// Time of the clock at which that began.
        since: Duration,
    },
    /// The URLs were refused, and fresh ones have not come.
    NoUrls,
}

/// Counters since the film was loaded. They only grow, except for the estimate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Changes of the representation of the picture from one fetched segment to the next.
    pub switches: u64,
    /// Downloads of a segment that were given up for a lower rung.
    pub abandoned: u64,
    /// Segments that were fetched although they were in the buffer, by the viewer's or the policy's choice.
    pub replaced: u64,
    /// Media bytes received, heads among them.
    pub bytes: u64,
    /// Attempts of downloads that failed.
    pub failures: u64,
    /// How often the buffer ran dry while playing.
    pub rebuffers: u64,
    /// How long in all.
    pub rebuffering: Duration,
    /// Throughput in bit/s, once measured.
    pub estimate: Option<u64>,
}

/// Dryness and trouble as time goes by.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watch {
    pub(super) stall: Option<(Stall, Duration)>,
    pub(super) started: bool,
    pub(super) sought: bool,
    pub(super) dry_since: Option<Duration>,
    pub(super) no_cdn_since: Option<Duration>,
    pub(super) counters: Stats,
}

impl Engine {
    /// Downloadable id of what is under the playhead, or about to be: for the label "Auto (720p)".
    pub fn playing(&self, kind: TrackKind) -> Option<&str> {
        let track = self.tracks.iter().find(|track| track.kind == kind)?;
        let number = track.index().map(|index| index.at(self.position));
        let rung = number.and_then(|number| track.rung_of(number)).unwrap_or(track.current);
        Some(&track.ladder.step(rung).representation.id)
    }

    /// Downloadable id of the picture that the viewer chose, or of the highest below it that the policy
    /// allows; `None`: automatic.
    pub fn chosen(&self) -> Option<&str> {
        let track = self.tracks.iter().find(|track| track.kind == TrackKind::Video)?;
        self.fixed(track).map(|rung| track.ladder.step(rung).representation.id.as_str())
    }

    /// Whether the viewer saves data.
    pub fn saves_data(&self) -> bool {
        self.saver.is_some()
    }

    /// The pictures that may be chosen now, from the lowest.
    pub fn selectable(&self) -> impl Iterator<Item = &Representation> {
        let video = self.tracks.iter().filter(|track| track.kind == TrackKind::Video);
        let steps = video.flat_map(|track| track.ladder.iter().map(|(_, step)| step));
        steps.filter(|step| self.allowed(step)).map(|step| &step.representation)
    }

    /// Whether device and license permit a representation. What is on its way of another is about to be
    /// dropped, and its key need not be there.
    pub fn permits(&self, representation: &str) -> bool {
        let mut steps = self.tracks.iter().flat_map(|track| track.ladder.iter().map(|(_, step)| step));
        steps.find(|step| step.representation.id == representation).is_none_or(|step| self.allowed(step))
    }

    /// Why nothing moves although it should; `None` while it does, or while the viewer paused.
    pub fn stalled(&self) -> Option<Stall> {
        self.watch.stall.map(|(stall, _)| stall)
    }

    /// What is wrong, while it may still heal. There may be trouble without a stall, as long as the buffer
    /// lasts.
    pub fn trouble(&self) -> Option<Trouble> {
        let no_urls = |job: &Job| job.state == JobState::NeedsUrls;
        match self.watch.no_cdn_since.or(self.no_index_since()) {
            Some(since) => Some(Trouble::Retrying { since }),
            None => self.tracks.iter().flat_map(|t| &t.jobs).any(no_urls).then_some(Trouble::NoUrls),
        }
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        Stats { estimate: self.estimate(), ..self.watch.counters }
    }

    /// Notes stalls at each report of the playhead.
    pub(super) fn note_stall(&mut self, now: Duration) {
        let there = self.buffered().contains(self.position);
        let over = self.ended
            && self.tracks.iter().all(|t| t.index().is_some_and(|i| self.position + 0.5 > i.end()));
        let counters = &mut self.watch.counters;
        if let Some((Stall::Rebuffer, since)) = self.watch.stall {
            counters.rebuffering += now.saturating_sub(since);
            self.watch.stall = Some((Stall::Rebuffer, now));
        }
        if there || over || !self.playing {
            if there && self.playing {
                self.watch.started = true;
                self.watch.sought = false;
            }
            self.watch.stall = None;
        } else if self.watch.stall.is_none() {
            let stall = match (self.watch.started, self.watch.sought) {
                (false, _) => Stall::Start,
                (true, true) => Stall::Seek,
                (true, false) => Stall::Rebuffer,
            };
            counters.rebuffers += u64::from(stall == Stall::Rebuffer);
            self.watch.stall = Some((stall, now));
            for track in self.tracks.iter_mut().filter(|_| stall == Stall::Rebuffer) {
                track.starved |= !track.buffered.contains(self.position);
            }
        }
    }

    /// Gives up when downloads fail and the viewer has had nothing to see for [`crate::Config::dry_limit`].
    /// Without a network nobody is at fault, and it is waited for.
    pub(super) fn check_dry(&mut self, now: Duration, out: &mut Vec<Command>) {
        let stuck = |job: &Job| job.failures > 0 || job.state == JobState::NeedsUrls;
        let failing = self.watch.no_cdn_since.is_some()
            || self.no_index_since().is_some()
            || self.tracks.iter().flat_map(|track| &track.jobs).any(stuck);
        let may_wait = !self.playing || !self.streaming || self.offline;
        if !failing || may_wait || self.buffered().ahead(self.position) > 0.1 {
            self.watch.dry_since = None;
        } else if now >= *self.watch.dry_since.get_or_insert(now) + self.config.dry_limit {
            self.fail(Error::Unreachable, out);
        }
    }
}
