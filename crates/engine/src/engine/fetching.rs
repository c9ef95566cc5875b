//! What is fetched next: heads and segments.

use std::time::Duration;

use super::Engine;
use crate::{
    buffer::Ranges,
    error::Error,
    event::{Command, FetchId},
    extent::Extent,
    index::{Location, SegmentIndex},
    job::{Job, Media},
    ladder::Rung,
    model::{ByteRange, TrackKind},
    track::{Begun, Cursor, Need},
};

/// From this much buffer on, in seconds, heads are fetched that may be wanted later.
const HEADS_AHEAD: f64 = 4.0;
/// With less than this behind the first picture of what is live, in seconds, what follows does not wait.
const SHORT: f64 = 1.0;
/// For this long after the first segment has arrived, the first picture has precedence.
pub(super) const FIRST_PICTURE: Duration = Duration::from_millis(400);

impl Engine {
    pub(super) fn index(
        &mut self,
        now: Duration,
        kind: TrackKind,
        representation: &str,
        index: SegmentIndex,
        out: &mut Vec<Command>,
    ) {
        let Some(number) = self.place(kind) else { return };
        let track = &mut self.tracks[number];
        let Some(rung) = track.ladder.find(representation) else { return };
        let step = track.ladder.step(rung);
        if step.index.is_some() {
            return;
        }
        let other = track.ladder.iter().find_map(|(_, step)| step.index.as_ref());
        let misaligned = kind == TrackKind::Video && other.is_some_and(|other| !other.aligned_with(&index));
        let Some(file) = step.representation.single_file() else { return };
        if index.last_byte().is_none_or(|last| last >= file.size) || misaligned {
            if rung == track.current && other.is_none() {
                return self.fail(Error::BadIndex, out);
            }
            return self.undecodable(now, representation, out);
        }
        let known = track.index_arrived(rung, index);
        let unwanted = |media: Media| media == Media::Unwanted || (media == Media::Start && !known);
        let mut lost = self.drop_jobs(now, number, |job| job.rung == rung && unwanted(job.media), out);
        let waiting = &mut self.tracks[number].waiting;
        waiting.retain(|w| {
            let drop = w.rung == rung && unwanted(w.media);
            lost |= drop;
            !drop
        });
        if lost {
            out.push(Command::Reset { track: kind });
        }
        if kind == TrackKind::Audio {
            self.audio_if_ready(now, out);
        }
    }

    pub(super) fn appended(&mut self, fetch: FetchId) {
        let replaceable = self.replaceable_from();
        for number in 0..self.tracks.len() {
            let Some(place) = self.tracks[number].waiting.iter().position(|w| w.id == fetch) else {
                continue;
            };
            let waiting = self.tracks[number].waiting.remove(place);
            self.tracks[number].shrunk = false;
            let Some(segment) = waiting.media.number() else { continue };
            let stale = !self.acceptable(&self.tracks[number], waiting.rung);
            let track = &mut self.tracks[number];
            // A part that is good says nothing of the next one of its segment.
            let still = |damaged: u64| damaged > segment || (damaged == segment && waiting.media.is_part());
            track.damaged = track.damaged.filter(|damaged| still(*damaged));
            track.held.insert(segment, waiting.rung, stale);
            let start = track.index().and_then(|index| index.get(segment)).map(|s| s.start);
            if let (Cursor::Number(cursor), true, true) = (track.cursor, stale, start >= Some(replaceable)) {
                track.cursor = Cursor::Number(cursor.min(segment));
            }
        }
    }

    pub(super) fn buffer_seen(&mut self, kind: TrackKind, ranges: Ranges) {
        let Some(track) = self.track_mut(kind) else { return };
        track.buffered = ranges;
        track.removing = false;
        if let Some(index) = &track.ladder.step(track.current).index {
            track.held.prune(index, &track.buffered);
        }
    }

    pub(super) fn fetch_needs(&mut self, now: Duration, number: usize, out: &mut Vec<Command>) {
        if self.failed || !self.streaming {
            return;
        }
        let (position, at_start) = (self.position, self.at_start);
        let replaceable = self.replaceable_from();
        self.return_to_stale(number, replaceable);
        let track = &mut self.tracks[number];
        let rung = track.current;
        let start = track.representation().start();
        match (track.need(position, replaceable, at_start), start) {
            (Need::HeadAndStart, Some(start)) => {
                let head = track.ladder.step(rung).head().range.length();
                let both = Extent::exact(ByteRange { start: 0, end: start.range.end });
                self.start_job(now, number, rung, (head, Media::Start), both, out);
            }
            (Need::HeadBesideStart, Some(start)) => {
                self.fetch_head(now, number, rung, out);
                self.start_job(now, number, rung, (0, Media::Start), Extent::exact(start.range), out);
            }
            (Need::Segment(_) | Need::Part(..), _)
                if self.first_picture_first(now, number) || !self.has_joined() => {}
            (Need::Segment(segment) | Need::Part(segment, _), _) if self.runs_ahead(number, segment) => {}
            (Need::Segment(segment), _) => self.fetch_segment(now, number, segment, out),
            (Need::Part(segment, part), _) => self.fetch_part(now, number, (segment, part), out),
            (Need::Nothing, _) => {}
            _ => {
                self.fetch_head(now, number, rung, out);
                if self.tracks[number].index().is_some() {
                    return self.fetch_needs(now, number, out); // the first segment, beside the init segment
                }
            }
        }
        match self.tracks[number].kind {
            TrackKind::Video => self.heads_ahead(now, number, out),
            TrackKind::Audio => self.audio_if_ready(now, out),
        }
    }

    /// Whether what follows the first segment can wait: decrypting and appending it takes from the decoder
    /// what the first picture needs sooner. A link on which this would matter has not delivered the first
    /// segment before the picture moves.
    fn first_picture_first(&self, now: Duration, number: usize) -> bool {
        let track = &self.tracks[number];
        let first_is_here = !track.waiting.is_empty() || !track.buffered.as_slice().is_empty();
        let still = self.at_start && self.playing && !self.has_moved();
        // Near the live edge what follows may be needed as soon.
        let is_short = self.growth.is_some() && track.ahead(self.position) < SHORT;
        still && !is_short && first_is_here && self.first_picture_until.is_some_and(|until| now < until)
    }

    /// Whether a segment of sound can wait for the picture: on a slow link it would take from it what is
    /// needed sooner.
    fn runs_ahead(&self, number: usize, segment: u64) -> bool {
        let video = self.tracks.iter().find(|track| track.kind == TrackKind::Video);
        let (Some(video), TrackKind::Audio) = (video, self.tracks[number].kind) else { return false };
        let (Some(of_video), Some(of_audio)) = (video.index(), self.tracks[number].index()) else {
            return false;
        };
        let next = match (video.segment_job().and_then(|job| job.media.number()), video.cursor) {
            (Some(running), _) => running,
            (_, Cursor::Number(cursor)) => cursor,
            (_, Cursor::Time(_)) => return false,
        };
        let start = |index: &SegmentIndex, number| index.start_of(number).unwrap_or(f64::INFINITY);
        start(of_audio, segment) > start(of_video, next) + 1.0
    }

    fn fetch_head(&mut self, now: Duration, number: usize, rung: Rung, out: &mut Vec<Command>) {
        let head = self.tracks[number].ladder.step(rung).head();
        self.start_job(now, number, rung, (head.range.length(), Media::None), head, out);
    }

    fn fetch_segment(&mut self, now: Duration, number: usize, segment: u64, out: &mut Vec<Command>) {
        let Some(rung) = self.rung_of_segment(now, number, segment, out) else { return };
        let track = &self.tracks[number];
        let whole = track.ladder.step(rung).index.as_ref().filter(|index| index.is_whole(segment));
        let Some(part) = whole.and_then(|index| index.get(segment)).copied() else { return };
        self.begin_segment(number, rung, segment);
        self.tracks[number].begun = None;
        self.tracks[number].cursor = Cursor::Number(segment + 1);
        let extent = match part.location {
            Location::Range(range) => Extent::exact(range),
            Location::File { size } => Extent::file(size),
        };
        self.start_job(now, number, rung, (0, Media::Number(segment)), extent, out);
    }

    /// A part of a segment: the first at the rung that is to be taken, what follows at the same one. How
    /// large one is that is not there yet, nobody knows.
    fn fetch_part(
        &mut self,
        now: Duration,
        number: usize,
        (segment, part): (u64, usize),
        out: &mut Vec<Command>,
    ) {
        let begun = self.tracks[number].begun.filter(|begun| begun.number == segment);
        let rung = match begun {
            Some(begun) => Some(begun.rung),
            None => self.rung_of_segment(now, number, segment, out),
        };
        let Some(rung) = rung else { return };
        let Some(index) = self.tracks[number].ladder.step(rung).index.as_ref() else { return };
        let there = index.parts_of(segment).and_then(|of| of.parts.get(part));
        let size = there.map(|part| part.size);
        if size.is_none() && index.hinted() != Some((segment, part)) {
            return;
        }
        if begun.is_none() {
            self.begin_segment(number, rung, segment);
        }
        self.tracks[number].begun = Some(Begun { number: segment, rung, next: part + 1 });
        let media = Media::Part { number: segment, part };
        self.start_job(now, number, rung, (0, media), Extent::file(size), out);
    }

    fn rung_of_segment(
        &mut self,
        now: Duration,
        number: usize,
        segment: u64,
        out: &mut Vec<Command>,
    ) -> Option<Rung> {
        match self.tracks[number].kind {
            TrackKind::Video => self.rung_for(now, number, segment, out),
            TrackKind::Audio => Some(self.tracks[number].current),
        }
    }

    /// Counts what it means that a segment is fetched at this rung.
    fn begin_segment(&mut self, number: usize, rung: Rung, segment: u64) {
        let track = &mut self.tracks[number];
        if rung != track.current {
            track.current = rung;
            self.watch.counters.switches += 1;
        }
        self.watch.counters.replaced += u64::from(track.held.is_stale(segment));
    }

    /// Makes sure that the head of `rung` is being fetched. A head that is only fetched ahead is given up
    /// for it.
    pub(super) fn want_head(&mut self, now: Duration, number: usize, rung: Rung, out: &mut Vec<Command>) {
        let track = &self.tracks[number];
        let under_way = track.head_job().is_some_and(|job| job.rung == rung);
        // Until the current head is there, everything waits for it, and no other head is fetched.
        if under_way || !track.ladder.step(rung).lacks_head(now) || !track.is_ready() {
            return;
        }
        self.drop_jobs(now, number, |job: &Job| job.media == Media::None, out);
        self.fetch_head(now, number, rung, out);
    }

    /// Heads of neighbouring rungs, one after the other, while there is time: a switch then costs no round
    /// trip.
    fn heads_ahead(&mut self, now: Duration, number: usize, out: &mut Vec<Command>) {
        let track = &self.tracks[number];
        let busy = track.head_job().is_some() || self.fixed(track).is_some() || self.replace;
        // Near the live edge there is never so much.
        let reachable = self.reachable_ahead();
        let enough = if reachable < HEADS_AHEAD { reachable / 2.0 } else { HEADS_AHEAD };
        if busy || track.ahead(self.position) < enough {
            return;
        }
        let wanted =
            |rung: Rung, step: &crate::ladder::Step| step.lacks_head(now) && self.automatic(track, rung);
        if let Some(rung) = track.ladder.nearest(track.current, wanted) {
            self.want_head(now, number, rung, out);
        }
    }
}
