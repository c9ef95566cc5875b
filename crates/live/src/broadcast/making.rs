//! Renditions that are made here of what an encoder sends: what they are made of, and their place on the
//! timeline. They never say where segments begin; each of their segments begins with the picture with which
//! that of their source does.

use cmaf::timeline::rescale;

use super::{Broadcast, Event, Handle, MICROS, OpenError, Representation, Track};
use crate::ingest::InputSample;
use crate::output::Progress;
use crate::source::Source;

/// What names of tracks that are made here begin with; those of encoders have no colon.
const MADE: &str = "ladder:";
/// So many of the latest segments of the source are remembered; who is further behind makes nothing whole.
const REMEMBERED: usize = 64;
/// Configurations of one rendition in a session: another ffmpeg may write another.
const CONFIGURATIONS: u32 = 8;

/// Whether a track of this name is made here.
pub(super) fn is_made(name: &str) -> bool {
    name.starts_with(MADE)
}

/// Whether it is made here under this name, in whatever configuration.
fn is_made_as(track: &str, name: &str) -> bool {
    let rest = track.strip_prefix(MADE).and_then(|rest| rest.strip_prefix(name));
    rest.is_some_and(|rest| rest.starts_with(['.', '#']))
}

impl Broadcast {
    /// The representations of pictures that encoders send.
    pub fn sent_pictures(&self) -> impl Iterator<Item = Representation<'_>> {
        self.representations().filter(|r| r.source().is_video() && !r.is_made())
    }

    /// Those of them that are different renditions: not one that an encoder has left behind which sends the
    /// same under another name now.
    pub fn different_pictures(&self) -> impl Iterator<Item = Representation<'_>> {
        let is_sent = |track: &&Track| track.is_video() && !is_made(&track.name);
        let is_left = move |track: &Track| {
            let mut others = self.tracks.iter().filter(is_sent).filter(|other| other.feeds > 0);
            track.feeds == 0 && others.any(|other| other.output.source.continues(&track.output.source))
        };
        let all = self.representations().zip(&self.tracks).filter(move |(_, track)| is_sent(track));
        all.filter(move |(_, track)| !is_left(track)).map(|(r, _)| r)
    }

    /// From now on the pictures of this representation are kept for [`Broadcast::take_watched`], as they are
    /// placed on the session's timeline; of one alone.
    pub fn watch(&mut self, id: &str) {
        let track = self.tracks.iter().position(|track| track.output.id == id);
        if self.watched.as_ref().map(|(watched, _)| *watched) != track {
            self.watched = track.map(|track| (track, Vec::new()));
        }
    }

    /// Nobody takes pictures any more.
    pub fn unwatch(&mut self) {
        self.watched = None;
    }

    /// What came of the representation that is watched, in decoding order. To be called after each push.
    pub fn take_watched(&mut self) -> Vec<InputSample> {
        self.watched.as_mut().map_or_else(Vec::new, |(_, pictures)| std::mem::take(pictures))
    }

    /// Somebody begins to make a rendition of this name. Where one of the name is there with another
    /// configuration, this is one beside it.
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
            if self.tracks[track].retired {
                self.move_window(track);
            }
            (self.tracks[track].retired, self.tracks[track].joins) = (false, true);
            self.version += 1;
        }
        opened
    }

    /// Nobody moved the window of what was made no more: what has left that of the session meanwhile is not
    /// told of again.
    fn move_window(&mut self, number: usize) {
        let end = self.tracks.iter().filter_map(Track::end_micros).max().unwrap_or(0);
        let track = &mut self.tracks[number];
        let oldest = rescale(end.saturating_sub(self.window), MICROS, track.output.source.timescale);
        track.output.window.forget_before(u64::try_from(oldest).unwrap_or(0));
    }

    /// Whether a segment begins with a picture of what is watched: as [`Broadcast::take_watched`] told it.
    pub fn begins_segment(&self, picture: &InputSample) -> bool {
        let Some((watched, _)) = &self.watched else { return false };
        let track = &self.tracks[*watched];
        let (time, half) = (track.micros(picture.time), track.micros((picture.duration / 2).into()));
        let reached = self.cuts.partition_point(|cut| *cut <= time.saturating_add(half));
        let latest = reached.checked_sub(1).and_then(|at| self.cuts.get(at));
        latest.is_some_and(|cut| cut.abs_diff(time) <= half.unsigned_abs())
    }

    /// Nobody makes a rendition for now. Its open segment is whole where that of its source is and no picture
    /// is missing, waits for more where that is under way, too, and is given up otherwise. `now` is Unix
    /// milliseconds.
    pub fn close_made(&mut self, handle: Handle, now: u64) -> Vec<Event> {
        let mut outputs = Vec::new();
        let feed = self.feeds.get(handle.0).filter(|feed| !feed.closed);
        let Some(number) = feed.map(|feed| feed.track) else { return outputs };
        self.close(handle);
        let track = &self.tracks[number];
        let Some(open) = track.output.open_number().filter(|_| track.feeds == 0 && !self.is_closed()) else {
            return outputs;
        };
        let mut made = Progress::default();
        if !self.has_all_of_source(number, open) {
            self.abandon(number);
        } else if let Some(end) = self.end_of(open, track.output.source.timescale) {
            self.tracks[number].output.end(Some(end), self.keys.as_ref(), &mut made);
        }
        self.publish(number, made, now, &mut outputs);
        outputs
    }

    /// The renditions of this name, or all of them, are made no more: who begins to watch is not told of
    /// them. Their segments stay, but for those that are not whole.
    pub fn retire_made(&mut self, name: Option<&str>) {
        for number in 0..self.tracks.len() {
            let track = &mut self.tracks[number];
            if is_made(&track.name) && name.is_none_or(|name| is_made_as(&track.name, name)) {
                track.retired = true;
                self.abandon(number);
            }
        }
        self.version += 1;
    }

    fn abandon(&mut self, number: usize) {
        let is_news = self.tracks[number].output.abandon();
        self.version += u64::from(is_news);
    }

    /// Where a segment ends, in ticks; `None` while it is under way.
    fn end_of(&self, number: u64, timescale: u32) -> Option<i64> {
        let cut = self.cuts.get(usize::try_from(number).ok()?.checked_add(1)?)?;
        Some(rescale(*cut, MICROS, timescale))
    }

    /// A picture has come; if of what is watched, it is remembered how far its segment goes. `time` is in
    /// ticks.
    pub(super) fn note_watched(&mut self, number: usize, time: i64) {
        if self.watched.as_ref().is_none_or(|(watched, _)| *watched != number) {
            return;
        }
        let track = &self.tracks[number];
        let Some(open) = track.output.open_number() else { return };
        let time = track.micros(time);
        match self.watched_to.back_mut().filter(|(last, _)| *last == open) {
            Some((_, latest)) => *latest = time.max(*latest),
            None => self.watched_to.push_back((open, time)),
        }
        if self.watched_to.len() > REMEMBERED {
            self.watched_to.pop_front();
        }
    }

    /// Whether a rendition has the last picture that its source has of a segment so far. Pictures are
    /// compared, not ends: how long the last one lasts ffmpeg does not always know.
    fn has_all_of_source(&self, number: usize, segment: u64) -> bool {
        let track = &self.tracks[number];
        let of_source = self.watched_to.iter().rfind(|(of, _)| *of == segment);
        let reached = track.shown.map(|shown| track.micros(shown));
        of_source.zip(reached).is_some_and(|((_, last), reached)| reached >= *last)
    }

    /// Takes pictures of a rendition that is made here, in decoding order, with times on the session's
    /// timeline: as [`Broadcast::take_watched`] told them. `now` is Unix milliseconds.
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
        let track = &self.tracks[number];
        let timescale = track.output.source.timescale;
        sample.duration = sample.duration.clamp(1, timescale.saturating_mul(10).max(1));
        let half = i64::from(sample.duration / 2);
        // It was made already.
        if track.end.is_some_and(|end| sample.decode_time.saturating_add(half) < end) {
            return;
        }
        let middle = sample.time.saturating_add(half);
        let reached = self.cuts.partition_point(|cut| *cut <= track.micros(middle));
        let Some(at) = reached.checked_sub(1) else { return };
        let (of, mut open) = (at as u64, track.output.open_number());
        // Who goes on with a segment that another one began does so with the very next picture.
        let next = sample.time.saturating_sub(sample.duration.into());
        let follows = track.shown.is_some_and(|shown| shown >= next);
        if std::mem::take(&mut self.tracks[number].joins) && open == Some(of) && !follows {
            self.abandon(number);
            open = None;
        }
        let mut made = Progress::default();
        if open != Some(of) {
            // A segment that lacks its last pictures is none.
            if open.is_some_and(|open| !self.has_all_of_source(number, open)) {
                self.abandon(number);
            }
            // With the very picture, or not at all: neither is one of which the beginning is missing.
            let track = &self.tracks[number];
            let is_free = track.output.latest().is_none_or(|latest| latest < of);
            let away = self.cuts[at].abs_diff(track.micros(sample.time));
            let begins = sample.sync && is_free && away <= track.micros(half).unsigned_abs();
            // It ends where its source's did.
            let end = match open {
                Some(open) if begins && open + 1 == of => Some(sample.time),
                _ => open.and_then(|open| self.end_of(open, timescale)),
            };
            let output = &mut self.tracks[number].output;
            output.end(end, self.keys.as_ref(), &mut made);
            if begins {
                output.begin(of, sample.time, self.keys.as_ref(), &mut made);
            }
        }
        let track = &mut self.tracks[number];
        if track.output.open_number() == Some(of) {
            track.end = Some(sample.decode_time.saturating_add(sample.duration.into()));
            track.shown = Some(track.shown.map_or(middle, |shown| shown.max(middle)));
            track.output.push(sample, self.keys.as_ref(), &mut made);
        }
        self.publish(number, made, now, outputs);
    }

    /// Whether a segment, or a part of it, is there in the representation that others go by, and in those
    /// that are made of it and are in that segment, or in the one before.
    pub fn has(&self, number: u64, part: Option<usize>) -> bool {
        let Some(leader) = self.leader() else { return false };
        let keeps_up = |track: &&Track| {
            let open = track.output.open_number();
            is_made(&track.name) && track.feeds > 0 && open.is_some_and(|open| open + 1 >= number)
        };
        let mut made = self.tracks.iter().filter(keeps_up);
        leader.window().has(number, part) && made.all(|track| track.output.window.has(number, part))
    }
}
