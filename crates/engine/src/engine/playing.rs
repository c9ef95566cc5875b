//! The playhead: gaps, hangs, room in the source buffers.

use std::time::Duration;

use super::Engine;
use crate::{buffer::Ranges, error::Error, event::Command, model::TrackKind, track::Cursor};

/// A gap up to this long is jumped over, in seconds.
const SMALL_GAP: f64 = 0.5;
/// A place that stays empty is fetched again this often.
const REFETCHES: u32 = 2;
/// How long a held fragment waits for room before it is tried again.
const ROOM_WAIT: Duration = Duration::from_secs(1);
/// A playhead that stood still for this long with data ahead hangs.
const HANGS: Duration = Duration::from_millis(250);
/// After a nudge the decoder has to begin anew.
const HANGS_AFTER_NUDGE: Duration = Duration::from_millis(500);
/// After the start or a seek, to the first picture.
const HANGS_AFTER_SEEK: Duration = Duration::from_secs(2);
/// How far a nudge goes, in seconds, and how many there are before the segment is fetched again.
const NUDGE: (f64, u32) = (0.1, 3);

/// A playhead that does not move although there is data.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hang {
    // Where the playhead was last, and since when.
    at: f64,
    since: Option<Duration>,
    // Where it hung first.
    origin: f64,
    nudges: u32,
    refetched: bool,
    // It has moved since the start or the last seek.
    moved: bool,
    // The seek that a jump of the engine's own brings about.
    own_jump: Option<f64>,
}

impl Hang {
    /// Whether a seek is the echo of a jump of the engine's own.
    pub(super) fn was_own(&mut self, position: f64) -> bool {
        self.own_jump.take().is_some_and(|own| (own - position).abs() < 0.01)
    }
}

impl Engine {
    /// Whether the picture has moved since the start or the last seek.
    pub(super) fn has_moved(&self) -> bool {
        self.hang.moved
    }

    pub(super) fn playhead(&mut self, now: Duration, position: f64, playing: bool, out: &mut Vec<Command>) {
        self.position = position;
        self.playing = playing;
        self.note_stall(now);
        for track in &mut self.tracks {
            // Whole segments, so that none is left half; with a few seconds of slack: one removal per
            // segment, not one per call. After the end of stream none at all: a removal would open the media
            // source again.
            let behind = position - track.goals.back;
            let segment = track.index().and_then(|index| index.get(index.at(behind)));
            // What has left the window may still be in the buffer, and play.
            let keep_from = segment.map_or(0.0, |s| s.start).min(behind.max(0.0));
            let old = |start: f64| start < behind - 4.0 && start < keep_from;
            if !self.ended && !track.removing && track.buffered.start().is_some_and(old) {
                track.removing = true;
                out.push(Command::Remove { track: track.kind, start: 0.0, end: keep_from });
            }
        }
        let all = self.buffered();
        self.keep_distance(now);
        if self.catch_up(now, &all, out) || self.leap(now, out) {
            return;
        }
        self.mend_gaps(&all, playing, out);
        self.watch_for_hang(now, &all, out);
    }

    /// A place that should be full but is not: a small one is jumped over, a larger one fetched again.
    fn mend_gaps(&mut self, all: &Ranges, playing: bool, out: &mut Vec<Command>) {
        let position = self.position;
        let mut empty = !all.contains(position);
        for track in &mut self.tracks {
            // The first second that this track lacks.
            let edge = track.buffered.end_at(position).unwrap_or(position);
            let Some(index) = track.index() else { continue };
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
                track.begun = None;
                track.cursor = Cursor::Number(number);
                empty = false;
            }
        }
        if let Some(next) = all.next_start(position).filter(|_| empty && playing) {
            let given_up = self.tracks.iter().any(|track| track.refetched.1 >= REFETCHES);
            if next - position <= SMALL_GAP || given_up {
                self.jump(next + 0.001, out);
            }
        }
    }

    pub(super) fn jump(&mut self, position: f64, out: &mut Vec<Command>) {
        self.hang.own_jump = Some(position);
        out.push(Command::JumpTo { position });
    }

    /// A playhead that stands still with data ahead is nudged; then the segment is fetched again; then it is
    /// an error.
    fn watch_for_hang(&mut self, now: Duration, all: &Ranges, out: &mut Vec<Command>) {
        let position = self.position;
        if !self.playing || all.ahead(position) < SMALL_GAP {
            self.hang.since = None;
            return;
        }
        let hang = &mut self.hang;
        let Some(since) = hang.since.filter(|_| (position - hang.at).abs() < 0.001) else {
            if hang.since.is_some() {
                hang.moved = true;
                if (position - hang.origin).abs() > 1.0 {
                    (hang.nudges, hang.refetched) = (0, false);
                }
            }
            (hang.at, hang.since) = (position, Some(now));
            return;
        };
        let limit = match (hang.nudges, hang.moved) {
            (1.., _) => HANGS_AFTER_NUDGE,
            (0, true) => HANGS,
            (0, false) => HANGS_AFTER_SEEK,
        };
        if now < since + limit {
            return;
        }
        if hang.nudges < NUDGE.1 {
            if hang.nudges == 0 {
                hang.origin = position;
            }
            hang.nudges += 1;
            (hang.at, hang.since) = (position + NUDGE.0, Some(now));
            self.jump(position + NUDGE.0, out);
        } else if !hang.refetched {
            (hang.nudges, hang.since, hang.moved, hang.refetched) = (0, None, false, true);
            self.fetch_here_again(now, out);
        } else {
            self.fail(Error::Stuck, out);
        }
    }

    fn fetch_here_again(&mut self, now: Duration, out: &mut Vec<Command>) {
        for number in 0..self.tracks.len() {
            let place = self.tracks[number].index().and_then(|index| {
                let number = index.at(self.position);
                let part = *index.get(number)?;
                // What has left the window plays from the buffer only.
                (part.start - SMALL_GAP <= self.position).then_some((number, part))
            });
            let Some((segment, part)) = place else { continue };
            self.lose(now, number, out);
            let track = &mut self.tracks[number];
            out.push(Command::Remove { track: track.kind, start: part.start.max(0.0), end: part.end });
            track.buffered = track.buffered.without(part.start, part.end);
            track.begun = None;
            track.cursor = Cursor::Number(segment);
        }
        self.ended = false;
    }

    pub(super) fn quota(&mut self, now: Duration, kind: TrackKind, out: &mut Vec<Command>) {
        let position = self.position;
        let Some(track) = self.track_mut(kind) else { return };
        let behind = position - 10.0;
        let keep_to = position + track.goals.forward + 10.0;
        let mut freed = false;
        // Less than a second is not worth a round of removing and trying again.
        if track.buffered.start().is_some_and(|start| start < behind - 1.0) {
            out.push(Command::Remove { track: kind, start: 0.0, end: behind });
            freed = true;
        }
        if track.buffered.as_slice().iter().any(|(start, _)| *start > keep_to) {
            out.push(Command::Remove { track: kind, start: keep_to, end: f64::INFINITY });
            freed = true;
        }
        if freed {
            out.push(Command::RetryAppend { track: kind });
            return;
        }
        // Once for each fragment that does not fit, however often it is tried.
        if !track.shrunk {
            track.shrunk = true;
            track.goals.shrink();
        }
        track.retry_append = Some(now + ROOM_WAIT);
    }
}
