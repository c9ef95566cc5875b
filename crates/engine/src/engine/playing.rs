//! The playhead: gaps, seeks, room in the source buffers.

use std::time::Duration;

use super::{Engine, downloads::abort};
use crate::{
    event::Command,
    model::TrackKind,
    schedule::{Cursor, Job, Media},
};

/// A gap up to this long is jumped over, in seconds.
const SMALL_GAP: f64 = 0.5;
/// A place that stays empty is fetched again this often.
const REFETCHES: u32 = 2;
/// A seek this soon after another waits for a third: someone is scrubbing.
const SCRUBBING: Duration = Duration::from_millis(150);
/// How long a held fragment waits for room before it is tried again.
const ROOM_WAIT: Duration = Duration::from_secs(1);

impl Engine {
    pub(super) fn playhead(&mut self, position: f64, playing: bool, out: &mut Vec<Command>) {
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

    pub(super) fn seek(&mut self, now: Duration, position: f64, out: &mut Vec<Command>) {
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

    pub(super) fn quota(&mut self, now: Duration, kind: TrackKind, out: &mut Vec<Command>) {
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
}
