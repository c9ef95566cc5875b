//! Which rung the next segment is fetched of.

use std::time::Duration;

use super::Engine;
use crate::{
    abr::{
        caps::{Limit, covering_height},
        rules::{self, Offer, OnItsWay, Situation},
    },
    event::Command,
    job::{Job, JobState, Media},
    ladder::{Rung, Step},
    model::TrackKind,
    track::{Cursor, Track},
};

impl Engine {
    /// Whether the device and the license permit a representation.
    pub(super) fn allowed(&self, step: &Step) -> bool {
        !step.undecodable && self.max_height.is_none_or(|height| step.height() <= height)
    }

    /// Whether a representation may be taken without being asked for.
    pub(super) fn automatic(&self, track: &Track, rung: Rung) -> bool {
        self.barred(track, rung).is_none()
    }

    /// Why a representation may not be taken without being asked for: of several reasons the one that the
    /// viewer can do the least about.
    fn barred(&self, track: &Track, rung: Rung) -> Option<Limit> {
        let step = track.ladder.step(rung);
        let above = |cap: Option<u32>| cap.is_some_and(|cap| step.height() > cap);
        let sizes = || track.ladder.iter().filter_map(|(_, step)| step.representation.size);
        if above(self.max_height) {
            Some(Limit::Policy)
        } else if step.undecodable || self.decode_cap.is_some_and(|cap| rung >= cap) {
            Some(Limit::Decoder)
        } else if above(self.saver) {
            Some(Limit::DataSaver)
        } else {
            above(covering_height(sizes(), self.viewport)).then_some(Limit::Screen)
        }
    }

    /// What keeps the picture from being a larger one. `None`: nothing does, or the viewer has chosen it.
    pub fn limit(&self) -> Option<Limit> {
        let track = self.tracks.iter().find(|track| track.kind == TrackKind::Video)?;
        if self.fixed(track).is_some() {
            return None;
        }
        let mut larger = track.ladder.iter().map(|(rung, _)| rung).filter(|rung| *rung > track.current);
        let next = larger.next()?;
        match larger.chain([next]).any(|rung| self.automatic(track, rung)) {
            true => Some(Limit::Network),
            false => self.barred(track, next),
        }
    }

    /// The rung that the viewer chose, or the highest below it that is allowed.
    pub(super) fn fixed(&self, track: &Track) -> Option<Rung> {
        let chosen = track.ladder.find(self.chosen.as_deref()?)?;
        let allowed = || track.ladder.iter().filter(|(_, step)| self.allowed(step)).map(|(rung, _)| rung);
        allowed().rfind(|rung| *rung <= chosen).or_else(|| allowed().next())
    }

    /// Whether what lies in the buffer at this rung may stay there.
    pub(super) fn acceptable(&self, track: &Track, rung: Rung) -> bool {
        if track.kind == TrackKind::Audio {
            return true;
        }
        let good = match self.fixed(track) {
            Some(fixed) => rung == fixed,
            None => self.decode_cap.is_none_or(|cap| rung < cap),
        };
        good && self.allowed(track.ladder.step(rung))
    }

    /// The rung that the rules or the viewer want for a segment; `None` when nothing may be played.
    pub(super) fn desired(&mut self, number: usize, segment: u64) -> Option<Rung> {
        let track = &self.tracks[number];
        if let Some(fixed) = self.fixed(track) {
            return Some(fixed);
        }
        let mut rungs: Vec<Rung> =
            track.ladder.iter().map(|(rung, _)| rung).filter(|rung| self.automatic(track, *rung)).collect();
        if rungs.is_empty() {
            // The caps leave nothing, so take the lowest that is allowed at all.
            rungs.extend(track.ladder.iter().find(|(_, step)| self.allowed(step)).map(|(rung, _)| rung));
        }
        let index = track.index()?;
        // Of one that has not begun, and is about to, as much as is there of others when they are chosen.
        let begins = || index.hinted().and_then(|_| index.part_length()).unwrap_or(4.0);
        let seconds = index.get(segment).map_or_else(begins, |s| s.end - s.start);
        let offer = |rung: &Rung| {
            let step = track.ladder.step(*rung);
            Offer { bits: step.bits(segment, seconds), rate: step.rate(segment) }
        };
        let offers: Vec<Offer> = rungs.iter().map(offer).collect();
        let situation = Situation {
            buffer: track.ahead(self.position),
            goal: track.goals.forward.min(self.reachable_ahead()),
            seconds,
            throughput: self.throughput_for_video(),
            previous: rungs.iter().rposition(|rung| *rung <= track.current).unwrap_or(0),
        };
        let place = self.chooser.choose(self.config.algorithm, &offers, &situation);
        rungs.get(place).copied()
    }

    /// bit/s that are left for the picture after the sound has taken its share.
    fn throughput_for_video(&self) -> f64 {
        let all = self.estimate().unwrap_or_else(|| self.config.start.bandwidth()) as f64;
        let sound = self.tracks.iter().find(|track| track.kind == TrackKind::Audio && !track.complete());
        let sound = sound.map_or(0.0, |track| track.representation().bandwidth as f64);
        (all - sound).max(all / 2.0)
    }

    /// The rung to fetch a segment of the picture at, or `None`: wait for a head.
    pub(super) fn rung_for(
        &mut self,
        now: Duration,
        number: usize,
        segment: u64,
        out: &mut Vec<Command>,
    ) -> Option<Rung> {
        let instead = self.instead.take().filter(|(of, _)| *of == segment);
        if let Some((_, rung)) = instead {
            return Some(rung); // it has the segment, that is what it was taken for
        }
        let desired = self.desired(number, segment)?;
        // What is to be fetched in one piece is fetched of a rung that has it so.
        let is_whole = self.tracks[number].index().is_some_and(|index| index.is_whole(segment));
        let offers = |step: &Step| step.offers(segment) && (!is_whole || step.has_whole(segment));
        if offers(self.tracks[number].ladder.step(desired)) {
            return Some(desired);
        }
        self.want_head(now, number, desired, out);
        if self.worth_waiting(now, number, desired, segment) {
            return None;
        }
        let track = &self.tracks[number];
        let fit = |rung: Rung, step: &Step| offers(step) && self.allowed(step) && rung < desired;
        let below = track.ladder.iter().filter(|(rung, step)| fit(*rung, step)).map(|(rung, _)| rung);
        let current = Some(track.current).filter(|rung| self.allowed(track.ladder.step(*rung)));
        // Choose nothing above what is wanted, nor further below it than what plays now, unless nothing
        // else is known.
        below.max().max(current.filter(|current| *current < desired)).or(current)
    }

    /// Whether the buffer outlasts the wait for a head and for the segment behind it.
    fn worth_waiting(&self, now: Duration, number: usize, rung: Rung, segment: u64) -> bool {
        let track = &self.tracks[number];
        let Some(job) = track.head_job().filter(|job| job.rung == rung && job.failures == 0) else {
            return !self.allowed(track.ladder.step(track.current));
        };
        let round_trip = self.latency + 0.05;
        let waited = now.saturating_sub(job.since).as_secs_f64();
        waited < 3.0 * round_trip
            && track.ahead(self.position) > round_trip + self.fetch_time(track, rung, segment)
    }

    /// Seconds that fetching a segment may take, with some to spare.
    pub(super) fn fetch_time(&self, track: &Track, rung: Rung, segment: u64) -> f64 {
        let bits = track.ladder.step(rung).bits(segment, 4.0);
        1.3 * bits / self.throughput_for_video().max(1.0) + 2.0 * self.latency + 0.5
    }

    /// The decoder's counts: a rung that it cannot keep up with is left, and not taken again without being
    /// asked for.
    pub(super) fn frames(&mut self, decoded: u64, dropped: u64) {
        let Some(track) = self.tracks.iter().find(|track| track.kind == TrackKind::Video) else { return };
        let Some(index) = track.index().filter(|_| self.playing) else { return self.drops.reset() };
        let Some(rung) = track.held.rung(index.at(self.position)) else { return };
        if self.drops.overloaded(rung, decoded, dropped) && rung > Rung::new(0) && self.fixed(track).is_none()
        {
            self.decode_cap = Some(self.decode_cap.map_or(rung, |cap| cap.min(rung)));
            self.replace = true;
        }
    }

    /// Gives up a segment that comes too late, for one at a lower rung.
    pub(super) fn abandon_late(&mut self, now: Duration, out: &mut Vec<Command>) {
        let Some(number) = self.place(TrackKind::Video) else { return };
        let track = &self.tracks[number];
        if self.fixed(track).is_some() || !track.waiting.is_empty() {
            return;
        }
        let Some(job) = track.segment_job() else { return };
        let Some((lower, rungs)) = self.lower_rungs(track, job) else { return };
        let Some(on_its_way) = self.on_its_way(now, track, job) else { return };
        let Some(rung) = rules::abandon(&on_its_way, &lower).map(|place| rungs[place]) else { return };
        let media = job.media;
        let segment = media.number().filter(|segment| track.ladder.step(rung).offers(*segment));
        let known = segment.is_some();
        self.watch.counters.abandoned += 1;
        self.drop_jobs(now, number, |job| job.media != Media::None || !known, out);
        let track = &mut self.tracks[number];
        track.begun = None;
        out.push(Command::Reset { track: track.kind });
        match segment {
            Some(segment) => {
                track.cursor = Cursor::Number(segment);
                self.instead = Some((segment, rung));
            }
            None => {
                track.current = rung;
                track.cursor = Cursor::Time(self.position);
            }
        }
    }

    /// Bytes of the same segment at the rungs below that can be fetched at once.
    fn lower_rungs(&self, track: &Track, job: &Job) -> Option<(Vec<f64>, Vec<Rung>)> {
        let start = track.ladder.step(job.rung).representation.start().map(|start| start.range);
        let is_first =
            self.at_start && track.held.is_empty() && start.is_some_and(|s| s.end == job.range.end);
        let bytes = |step: &Step| match (&step.index, job.media) {
            (Some(_), Media::Number(number)) => {
                step.bytes(number).filter(|_| step.has_init && step.has_whole(number))
            }
            (Some(_), Media::Part { number, .. }) => step.bytes(number).filter(|_| step.has_init),
            // The very first: its head comes with it.
            (None, _) if is_first => {
                let start = step.representation.start();
                start.map(|start| start.range.length() + step.head().range.length())
            }
            _ => None,
        };
        let below = track.ladder.iter().filter(|(rung, step)| *rung < job.rung && self.allowed(step));
        let known = below.filter_map(|(rung, step)| Some((bytes(step)? as f64, rung)));
        let (bytes, rungs): (Vec<f64>, Vec<Rung>) = known.unzip();
        (!rungs.is_empty()).then_some((bytes, rungs))
    }

    fn on_its_way(&self, now: Duration, track: &Track, job: &Job) -> Option<OnItsWay> {
        let JobState::Running { flowing: Some((first, before)), .. } = job.state else { return None };
        let segment = match (job.media, track.index()) {
            (media @ (Media::Number(_) | Media::Part { .. }), Some(_)) => track.span(job.rung, media),
            (Media::Start, None) => {
                let start = track.ladder.step(job.rung).representation.start();
                start.map(|start| (start.time, start.time + 4.0))
            }
            _ => None,
        };
        let (start, end) = segment?;
        let expected = match job.media {
            Media::Number(number) if !job.sized => track.ladder.step(job.rung).bytes(number)?,
            Media::Part { number, part } if !job.sized => {
                let of = track.ladder.step(job.rung).index.as_ref()?.parts_of(number)?;
                of.parts.get(part)?.size
            }
            _ => job.range.length(),
        };
        let deadline = if start <= self.position + 0.1 {
            // Playback waits for it: after half of its length it would not even arrive as fast as it plays.
            (end - self.position) / 2.0
        } else {
            track.buffered.ahead(self.position) - 1.0
        };
        Some(OnItsWay {
            elapsed: now.saturating_sub(first).as_secs_f64(),
            received: job.received.saturating_sub(before) as f64,
            missing: expected.saturating_sub(job.received) as f64,
            deadline,
            latency: self.latency,
        })
    }
}
