//! The viewer goes elsewhere.

use std::time::Duration;

use super::Engine;
use crate::{
    event::Command,
    job::{Job, Media},
    track::Cursor,
};

/// A seek this soon after another waits for a third: someone is scrubbing.
const SCRUBBING: Duration = Duration::from_millis(150);

impl Engine {
    pub(super) fn seek(&mut self, now: Duration, wanted: f64, out: &mut Vec<Command>) {
        self.position = wanted;
        if self.hang.was_own(wanted) || self.joins_later_at(wanted) {
            return;
        }
        let position = self.clamped(wanted);
        self.position = position;
        self.follow_from(position);
        let start = self.film.as_ref().map_or(0.0, |film| film.start);
        if self.at_start && (position - start).abs() < 0.1 {
            // The player going to where the film begins.
            return if position != wanted {
                self.jump(position, out)
            };
        }
        self.watch.sought = true;
        self.go_to(now, position, out);
        if position != wanted {
            self.jump(position, out);
        }
    }

    /// Goes on at another position, whoever wanted it.
    pub(super) fn go_to(&mut self, now: Duration, position: f64, out: &mut Vec<Command>) {
        self.position = position;
        self.at_start = false;
        self.hang = super::Hang::default();
        self.drops.reset();
        self.instead = None;
        let replaceable = self.replaceable_from();
        let mut outside = false;
        for number in 0..self.tracks.len() {
            outside |= self.seek_track(now, number, position, replaceable, out);
        }
        let scrubbing = self.last_seek.is_some_and(|last| now < last + SCRUBBING);
        self.hold_until = (outside && scrubbing).then(|| now + SCRUBBING);
        self.last_seek = Some(now);
    }

    /// Whether the place is outside of what the track has.
    fn seek_track(
        &mut self,
        now: Duration,
        number: usize,
        position: f64,
        replaceable: f64,
        out: &mut Vec<Command>,
    ) -> bool {
        let track = &mut self.tracks[number];
        let Some(index) = track.ladder.step(track.current).index.as_ref() else {
            // The head is wanted whatever the position is; what follows it is not.
            track.cursor = Cursor::Time(position);
            for job in &mut track.jobs {
                if job.media == Media::Start && job.head > 0 {
                    job.media = Media::Unwanted;
                }
            }
            track.waiting.clear();
            out.push(Command::Reset { track: track.kind });
            self.drop_jobs(now, number, |job: &Job| job.head == 0, out);
            return true;
        };
        let here = track.buffered.contains(position);
        let wanted = match track.buffered.end_at(position) {
            Some(end) if end + 0.1 >= index.end() && !track.held.any_stale() => index.next_number(),
            _ => {
                let playing = index.at(position);
                let is_there = here && track.buffered.ahead(position) > 0.05 && !track.is_in_parts(playing);
                let from = playing + u64::from(is_there);
                track.next_missing(index, from, replaceable)
            }
        };
        let going_there = match track.cursor {
            Cursor::Number(cursor) => cursor == wanted || track.in_hand(wanted),
            Cursor::Time(_) => false,
        };
        if !going_there {
            self.lose(now, number, out);
            self.tracks[number].begun = None;
            self.tracks[number].cursor = Cursor::Number(wanted);
        }
        !here
    }
}
