//! A session whose process is gone, and another one that goes on with it: on the same timeline, with numbers
//! and IVs that were never used.

use cmaf::timeline::rescale;
use std::collections::VecDeque;

use super::making::is_made;
use super::{Broadcast, MAX_TRACKS, MICROS, Run, Track};
use crate::keys::Keys;
use crate::names::SessionId;
use crate::output::Output;
use crate::record::{Record, RecordedTrack, stretch_end};
use crate::settings::Settings;
use crate::source::Source;

/// Most numbers of a session: more than two months of segments of a second.
const MOST_NUMBERS: u64 = 6_000_000;

/// What is on the disk of a session.
#[derive(Debug, Clone)]
pub struct Left {
    /// What was written down of it.
    pub record: Record,
    /// Its representations in the order in which they came, with what is stored of them.
    pub tracks: Vec<RecordedTrack>,
    /// No number from this one on was given out.
    pub next: u64,
}

/// Why nobody can go on with a session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// What was written down of it cannot be used.
    #[error("what was written down of the session cannot be used: {0}")]
    Record(&'static str),
    /// The settings say another encryption by now.
    #[error("it is to be encrypted in another way by now")]
    Settings,
    /// A representation cannot be encrypted.
    #[error("{0}")]
    Cmaf(String),
}

impl Broadcast {
    /// Goes on with a session of a process that is not there any more. `keys` are those that were written
    /// down ([`Keys::recorded`]); lengths and window are those of the settings now. Its encoder is expected
    /// to come back.
    ///
    /// # Errors
    /// [`ResumeError`].
    pub fn resume(
        session: SessionId,
        keys: Option<Keys>,
        settings: &Settings,
        left: &Left,
    ) -> Result<Self, ResumeError> {
        let Left { record, tracks, next } = left;
        if tracks.len() > MAX_TRACKS || *next > MOST_NUMBERS {
            return Err(ResumeError::Record("its size"));
        }
        if !is_encrypted_as(keys.as_ref(), settings) {
            return Err(ResumeError::Settings);
        }
        let before = record.lives.latest();
        let end = stretch_end(tracks, before.first).unwrap_or(before.first);
        let place = before.place.saturating_add(end.saturating_sub(before.first));
        let lives =
            record.lives.begin(*next, place).map_err(|_| ResumeError::Record("its lives or its numbers"))?;
        let mut this = Self::new(session, keys, settings);
        if let Some(keys) = &mut this.keys {
            keys.lives = lives.clone();
        }
        this.lives = lives;
        for track in tracks {
            let track = this.stored(track, *next)?;
            this.tracks.push(track);
        }
        this.runs = record.runs.iter().map(|(start, wall)| earlier_run(*start, *wall)).collect();
        this.earlier = this.runs.len();
        // The next picture that decoding can begin with begins a segment.
        let cut =
            this.tracks.iter().filter_map(Track::end_micros).max().unwrap_or(0).saturating_sub(this.segment);
        this.cuts = vec![cut; *next as usize];
        // Above whatever was told before: no segment has so many parts in all representations.
        this.version = *next << 10;
        this.heard = Some(0);
        Ok(this)
    }

    /// A track of which something is stored, as far as the window reaches.
    fn stored(&self, left: &RecordedTrack, next: u64) -> Result<Track, ResumeError> {
        let RecordedTrack { recorded, header, segments } = left;
        let written = recorded.source.as_ref().ok_or(ResumeError::Record("its encoder"))?;
        let source =
            Source::recorded(recorded.timescale, written).ok_or(ResumeError::Record("its encoder"))?;
        if segments.last().is_some_and(|last| last.number >= next) {
            return Err(ResumeError::Record("its numbers"));
        }
        // As it is found by an encoder that comes back.
        let name = written.name.clone();
        let timescale = source.timescale;
        let part = rescale(self.part, MICROS, timescale).max(1) as u64;
        let (id, of) = (recorded.id.clone(), (self.session, &self.lives));
        let output = Output::new(id, source, self.keys.as_ref(), of, part);
        let output = output.map_err(|error| ResumeError::Cmaf(error.to_string()))?;
        let mut output = output.resume(header.clone().into(), segments);
        let end = segments.last().map(|last| last.start.saturating_add(last.duration));
        let window = rescale(self.window, MICROS, timescale).max(0) as u64;
        output.window.evict(end.unwrap_or(0).saturating_sub(window), 0);
        let end = end.map(|end| i64::try_from(end).unwrap_or(i64::MAX >> 2));
        // What is made here may not be made any more.
        let retired = is_made(&name);
        let (held, queue) = (VecDeque::new(), VecDeque::new());
        let (shown, joins) = (None, false);
        Ok(Track { name, output, run: None, end, feeds: 0, retired, shown, joins, held, queue })
    }
}

/// Times of an encoder of another process: nobody joins such a run.
const fn earlier_run(start: i64, wall: u64) -> Run {
    Run { start, wall: Some(wall), offset: (0, MICROS) }
}

/// Whether the keys of a session are those that the settings want.
fn is_encrypted_as(keys: Option<&Keys>, settings: &Settings) -> bool {
    let wanted = &settings.encryption;
    let Some(keys) = keys else { return !wanted.enabled };
    wanted.enabled
        && (keys.scheme, keys.level) == (wanted.scheme, wanted.level)
        && keys.segments_per_key == settings.segments_per_key()
        && wanted.common_key.as_ref().is_none_or(|id| *id == keys.common_key_id)
        && wanted.content_id.as_ref().is_none_or(|id| *id == keys.content_id)
}
