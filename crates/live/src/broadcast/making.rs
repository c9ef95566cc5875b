//! Renditions that are made here of what an encoder sends: what they are made of, and their place on the timeline. They
//! never say where segments begin; each of their segments begins with the picture with which that of their source does.

use cmaf::timeline::rescale;

use super::{Broadcast, Event, Handle, MICROS, OpenError, Representation};
use crate::ingest::InputSample;
use crate::output::Made;
use crate::source::Source;

/// What names of tracks that are made here begin with; those of encoders have no colon.
const MADE: &str = "ladder:";
/// Configurations of one rendition in a session: another ffmpeg may write another.
const CONFIGURATIONS: u32 = 8;

/// Whether a track of this name is made here.
pub(super) fn is_made(name: &str) -> bool {
    name.starts_with(MADE)
}

impl Broadcast {
    /// The representations of pictures that encoders send.
    pub fn sent_pictures(&self) -> impl Iterator<Item = Representation<'_>> {
        self.representations().filter(|r| r.source().is_video() && !r.is_made())
    }

    /// From now on the pictures of this representation are kept for [`Broadcast::take_watched`], as they are placed on
    /// the session's timeline; of one alone.
    pub fn watch(&mut self, id: &str) {
        let track = self.tracks.iter().position(|track| track.output.id == id);
        self.watched = track.map(|track| (track, Vec::new()));
    }

    /// Nobody takes pictures any more.
    pub fn unwatch(&mut self) {
        self.watched = None;
    }

    /// What came of the representation that is watched, in decoding order. To be called after each push.
    pub fn take_watched(&mut self) -> Vec<InputSample> {
        self.watched.as_mut().map_or_else(Vec::new, |(_, pictures)| std::mem::take(pictures))
    }

    /// Somebody begins to make a rendition of this name. Where one of the name is there with another configuration, this
    /// is one beside it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_made(&mut self, name: &str, source: &Source) -> Result<(Handle, Vec<Event>), OpenError> {
        // Which track of what is made it is may change.
        let source = Source { track_id: 1, ..source.clone() };
        let mut opened = Err(OpenError::Changed);
        for n in 1..=CONFIGURATIONS {
            let name = match n {
                1 => format!("{MADE}{name}"),
                n => format!("{MADE}{name}.{n}"),
            };
            opened = self.open(&name, &source);
            if !matches!(opened, Err(OpenError::Changed)) {
                break;
            }
        }
        if let Ok((handle, _)) = &opened {
            let track = self.feeds[handle.0].track;
            self.tracks[track].retired = false;
            self.version += 1;
        }
        opened
    }

    /// A rendition is made no more: who begins to watch is not told of it. Its segments stay.
    pub fn retire(&mut self, handle: Handle) {
        if let Some(feed) = self.feeds.get(handle.0).filter(|feed| !feed.closed) {
            self.tracks[feed.track].retired = true;
            self.version += 1;
        }
        self.close(handle);
    }

    /// Takes pictures of a rendition that is made here, in decoding order, with times on the session's timeline: as
    /// [`Broadcast::take_watched`] told them. `now` is Unix milliseconds.
    pub fn push_made(&mut self, handle: Handle, samples: Vec<InputSample>, now: u64) -> Vec<Event> {
        let mut outputs = Vec::new();
        if self.is_closed() {
            return outputs;
        }
        if let Some(track) = self.feeds.get(handle.0).filter(|feed| !feed.closed).map(|feed| feed.track) {
            samples.into_iter().for_each(|sample| self.place_made(track, sample, now, &mut outputs));
        }
        outputs
    }

    fn place_made(&mut self, number: usize, mut sample: InputSample, now: u64, outputs: &mut Vec<Event>) {
        let track = &mut self.tracks[number];
        let timescale = track.output.source.timescale;
        sample.duration = sample.duration.clamp(1, timescale.saturating_mul(10).max(1));
        let half = i64::from(sample.duration / 2);
        // It was made already.
        if track.end.is_some_and(|end| sample.decode_time.saturating_add(half) < end) {
            return;
        }
        let middle = track.micros(sample.time.saturating_add(half));
        let reached = self.cuts.partition_point(|cut| *cut <= middle);
        let Some(at) = reached.checked_sub(1) else { return };
        let (of, open) = (at as u64, track.output.open_number());
        let mut made = Made::default();
        if open != Some(of) {
            // With the very picture, or not at all: a segment of which the beginning is missing is none.
            let away = self.cuts[at].abs_diff(track.micros(sample.time));
            let is_free = track.output.latest().is_none_or(|latest| latest < of);
            let begins = sample.sync && is_free && away <= track.micros(half).unsigned_abs();
            // It ends where its source's did.
            let end = open.and_then(|open| self.cuts.get(usize::try_from(open).ok()? + 1));
            let end = match open {
                Some(open) if begins && open + 1 == of => Some(sample.time),
                _ => end.map(|cut| rescale(*cut, MICROS, timescale)),
            };
            track.output.end(end, self.keys.as_ref(), &mut made);
            if begins {
                track.output.begin(of, sample.time, self.keys.as_ref(), &mut made);
            }
        }
        if track.output.open_number() == Some(of) {
            track.end = Some(sample.decode_time.saturating_add(sample.duration.into()));
            track.output.push(sample, self.keys.as_ref(), &mut made);
        }
        self.publish(number, made, now, outputs);
    }

    /// Whether a segment, or a part of it, is there in the representation that others go by, and in those that are made
    /// of it and keep up.
    pub fn has(&self, number: u64, part: Option<usize>) -> bool {
        let Some(leader) = self.leader() else { return false };
        let keeps_up = |r: &Representation<'_>| r.window().next().0.saturating_add(1) >= number;
        let is_being_made =
            |name: &str| self.tracks.iter().any(|track| track.name == name && track.feeds > 0);
        let mut made = self.representations().filter(|r| r.is_made() && is_being_made(r.name()));
        leader.window().has(number, part) && made.all(|r| !keeps_up(&r) || r.window().has(number, part))
    }
}
