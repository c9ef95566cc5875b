//! Switches that do not wait for the buffer to play out: the viewer's choice, the policy, another sound
//! track.

use std::time::Duration;

use super::Engine;
use crate::{
    error::Error,
    event::Command,
    job::{Job, Media},
    ladder::{Rung, Step},
    model::TrackKind,
    track::Cursor,
};

impl Engine {
    pub(super) fn quality(&mut self, now: Duration, chosen: Option<String>, out: &mut Vec<Command>) {
        let video = self.place(TrackKind::Video);
        let unknown = |id: &str| video.is_some_and(|number| self.tracks[number].ladder.find(id).is_none());
        if chosen.as_deref().is_some_and(unknown) {
            return;
        }
        self.replace = chosen.is_some() && video.is_some();
        self.chosen = chosen;
        self.judge_video(now, out);
    }

    pub(super) fn policy(&mut self, now: Duration, height: Option<u32>, out: &mut Vec<Command>) {
        if self.max_height == height {
            return;
        }
        self.max_height = height;
        let Some(number) = self.place(TrackKind::Video) else { return };
        if !self.tracks[number].ladder.iter().any(|(_, step)| self.allowed(step)) {
            return self.fail(Error::NothingToPlay, out);
        }
        self.judge_video(now, out);
        let track = &self.tracks[number];
        let on_its_way = track.jobs.iter().map(|job| job.rung).chain(track.waiting.iter().map(|w| w.rung));
        let above = |rung: Rung| !self.acceptable(track, rung);
        self.replace |= above(track.current) || on_its_way.into_iter().any(above) || track.held.any_stale();
    }

    /// Decides again which parts of the video buffer may stay. Before anything is there, begins at another
    /// rung.
    fn judge_video(&mut self, now: Duration, out: &mut Vec<Command>) {
        let Some(number) = self.place(TrackKind::Video) else { return };
        let mut held = std::mem::take(&mut self.tracks[number].held);
        held.judge(|_, rung| !self.acceptable(&self.tracks[number], rung));
        self.tracks[number].held = held;
        let track = &self.tracks[number];
        if !track.is_ready() && !self.acceptable(track, track.current) {
            let allowed = |_: Rung, step: &Step| self.allowed(step);
            let target = self.fixed(track).or_else(|| track.ladder.nearest(track.current, allowed));
            if let Some(rung) = target {
                self.restart(now, number, rung, out);
            }
        }
    }

    pub(super) fn undecodable(&mut self, now: Duration, id: &str, out: &mut Vec<Command>) {
        let place = |track: &crate::track::Track| track.ladder.find(id);
        let Some((number, rung)) =
            self.tracks.iter().enumerate().find_map(|(number, track)| Some((number, place(track)?)))
        else {
            return;
        };
        self.tracks[number].ladder.step_mut(rung).undecodable = true;
        self.drop_jobs(now, number, |job| job.rung == rung && job.media == Media::None, out);
        let track = &self.tracks[number];
        let Some(other) = track.ladder.nearest(rung, |_, step| self.allowed(step)) else {
            return self.fail(Error::NothingToPlay, out);
        };
        let involved = track.segment_job().is_some_and(|job| job.rung == rung)
            || track.waiting.iter().any(|waiting| waiting.rung == rung);
        if involved {
            self.lose(now, number, out);
        }
        let track = &self.tracks[number];
        if track.current != rung {
            return;
        }
        if !track.is_ready() {
            return self.restart(now, number, other, out);
        }
        let id = track.ladder.step(other).representation.id.clone();
        match track.kind {
            TrackKind::Audio => self.audio(now, id, out),
            TrackKind::Video => self.replace = true,
        }
    }

    pub(super) fn audio(&mut self, now: Duration, id: String, out: &mut Vec<Command>) {
        let Some(number) = self.place(TrackKind::Audio) else {
            self.audio_wish = self.film.is_none().then_some(id);
            return;
        };
        let track = &self.tracks[number];
        let Some(rung) = track.ladder.find(&id).filter(|rung| !track.ladder.step(*rung).undecodable) else {
            return;
        };
        self.audio_wish = (rung != track.current).then_some(id);
        if !track.is_ready() && rung != track.current {
            self.audio_wish = None;
            self.restart(now, number, rung, out);
        } else {
            self.audio_if_ready(now, out);
        }
    }

    /// Changes the sound once the head of the wanted track is there: from here on nothing of the old one
    /// stays.
    pub(super) fn audio_if_ready(&mut self, now: Duration, out: &mut Vec<Command>) {
        let Some(number) = self.place(TrackKind::Audio) else { return };
        let Some(rung) = self.audio_wish.as_deref().and_then(|id| self.tracks[number].ladder.find(id)) else {
            return;
        };
        if !self.tracks[number].ladder.step(rung).is_ready() {
            return self.want_head(now, number, rung, out);
        }
        self.audio_wish = None;
        self.lose(now, number, out);
        let position = self.position;
        let track = &mut self.tracks[number];
        out.push(Command::Remove { track: TrackKind::Audio, start: position, end: f64::INFINITY });
        track.buffered = track.buffered.without(position, f64::INFINITY);
        track.held.clear();
        track.begun = None;
        track.current = rung;
        track.refetched = (u64::MAX, 0);
        if let Some(index) = track.index() {
            track.cursor = Cursor::Number(index.at(position));
        }
        self.ended = false;
    }

    /// Forgets what is not in the source buffer yet, and goes back to the first segment of it.
    pub(super) fn lose(&mut self, now: Duration, number: usize, out: &mut Vec<Command>) {
        let track = &self.tracks[number];
        let medias = track.jobs.iter().map(|job| job.media).chain(track.waiting.iter().map(|w| w.media));
        let first = medias.filter_map(Media::number).min();
        let mut any = self.drop_jobs(now, number, |job: &Job| job.media != Media::None, out);
        let track = &mut self.tracks[number];
        any |= !track.waiting.is_empty();
        track.waiting.clear();
        track.retry_append = None;
        track.shrunk = false;
        if let (Some(first), Cursor::Number(cursor)) = (first, track.cursor) {
            track.cursor = Cursor::Number(cursor.min(first));
        }
        if any {
            // Decoding begins anew, and can do so at part 0.
            track.begun = None;
            out.push(Command::Reset { track: track.kind });
        }
    }

    /// Begins at another rung, before the head of the current one is there.
    pub(super) fn restart(&mut self, now: Duration, number: usize, rung: Rung, out: &mut Vec<Command>) {
        let any = self.drop_jobs(now, number, |_| true, out);
        let track = &mut self.tracks[number];
        if any || !track.waiting.is_empty() {
            out.push(Command::Reset { track: track.kind });
        }
        track.waiting.clear();
        track.begun = None;
        track.current = rung;
        track.cursor = Cursor::Time(self.position);
    }

    /// From this second on it makes sense to replace what lies in the video buffer: what is fetched now comes
    /// in time.
    pub(super) fn replaceable_from(&self) -> f64 {
        let Some(track) = self.tracks.iter().find(|track| track.kind == TrackKind::Video) else {
            return self.position;
        };
        let rung = self.fixed(track).unwrap_or(track.current);
        let next = track.index().map_or(0, |index| index.at(self.position) + 1);
        self.position + self.fetch_time(track, rung, next)
    }

    /// Replaces, in place and in whole segments, what lies ahead in the video buffer and may not stay
    /// there, from the first boundary that a download reaches in time. Waits for the head of the rung to
    /// take.
    pub(super) fn replace_if_due(&mut self, now: Duration, out: &mut Vec<Command>) {
        let Some(number) = self.place(TrackKind::Video).filter(|_| self.replace) else { return };
        let Some(playing) = self.tracks[number].index().map(|index| index.at(self.position)) else { return };
        let Some(target) = self.desired(number, playing) else { return };
        if !self.tracks[number].ladder.step(target).is_ready() {
            return self.want_head(now, number, target, out);
        }
        self.replace = false;
        let here = self.tracks[number].buffered.contains(self.position);
        let mut held = std::mem::take(&mut self.tracks[number].held);
        held.judge(|_, rung| !self.acceptable(&self.tracks[number], rung));
        self.tracks[number].held = held;
        let track = &self.tracks[number];
        // A segment that has not begun can as well begin at another rung.
        let is_first = |job: &Job| job.is_held() && matches!(job.media, Media::Part { part: 0, .. });
        if track.segment_job().is_some_and(|job| is_first(job) && !self.acceptable(track, job.rung)) {
            self.give_up_what_is_held(now, number, out);
        }
        let track = &self.tracks[number];
        let in_time = self.position + self.fetch_time(track, target, playing + 1);
        let Some(index) = track.index() else { return };
        let next = if here { track.next_missing(index, playing + 1, in_time) } else { playing };
        let late = |job: &Job| match job.media.number() {
            Some(segment) => {
                let begins = index.start_of(segment).unwrap_or(0.0);
                !self.acceptable(track, job.rung) && (!here || next < segment || begins >= in_time)
            }
            None => false,
        };
        // What waits may wait for a key that the license has no more, and would hold up all that comes after
        // it.
        let barred = track.waiting.iter().any(|waiting| !self.allowed(track.ladder.step(waiting.rung)));
        let give_up = barred || track.segment_job().is_some_and(late);
        let running = track.segment_job().is_some();
        // Parts of what may be played go on to the end of their segment, those of anything else do not.
        let ends = track.begun.is_some_and(|begun| !self.allowed(track.ladder.step(begun.rung)));
        if give_up {
            self.lose(now, number, out);
        }
        let track = &mut self.tracks[number];
        track.begun = track.begun.filter(|_| !ends);
        if give_up || !running {
            if let Cursor::Number(cursor) = track.cursor {
                track.cursor = Cursor::Number(cursor.min(next));
            }
        } else if let Cursor::Number(cursor) = track.cursor {
            // The running one is needed; what is to be replaced before it comes after it.
            track.cursor = Cursor::Number(cursor.min(next.max(playing + 1)));
        }
        if track.current != target {
            track.current = target;
            self.watch.counters.switches += 1;
        }
        self.instead = None;
    }

    /// Goes back to what is to be replaced and was passed over because a download seemed to take too long:
    /// the network may have turned out to be faster. Only while what is there outlasts the download that is
    /// put off, too.
    pub(super) fn return_to_stale(&mut self, number: usize, replaceable: f64) {
        let track = &self.tracks[number];
        let rung = self.fixed(track).unwrap_or(track.current);
        let (Some(index), Cursor::Number(cursor)) = (track.index(), track.cursor) else { return };
        let busy = self.replace || track.segment_job().is_some() || !track.waiting.is_empty();
        let spare = 2.0 * (replaceable - self.position);
        if track.kind != TrackKind::Video || busy || track.ahead(self.position) < spare {
            return;
        }
        let worth = replaceable..self.position + track.goals.forward;
        let in_time = |segment: &u64| index.get(*segment).is_some_and(|s| worth.contains(&s.start));
        let next = index.at(self.position) + 1;
        let Some(segment) = track.held.stale_in(next..cursor).find(in_time) else { return };
        if track.ladder.step(rung).offers(segment) && self.acceptable(track, rung) {
            self.tracks[number].cursor = Cursor::Number(segment);
        }
    }
}
