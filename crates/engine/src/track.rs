//! The state of one track and what it needs next.

mod grow;
mod need;

use std::time::Duration;

use crate::{
    buffer::{Goals, Ranges},
    held::Held,
    index::SegmentIndex,
    job::{Job, Media, Waiting},
    ladder::{Ladder, Rung},
    model::{Representation, TrackKind},
};

pub use need::Need;

/// At most this many downloaded segments wait for their license, or for room.
pub const MOST_WAITING: usize = 2;

/// Where fetching continues.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cursor {
    /// At the segment that contains this second; its number is not known before the index is.
    Time(f64),
    /// At the segment with this number. In a film that grows it may be one that there is not yet.
    Number(u64),
}

/// A segment that is fetched in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Its number.
    pub number: u64,
    /// The representation that all of its parts are of.
    pub rung: Rung,
    /// The part that comes next.
    pub next: usize,
}

/// One track.
#[derive(Clone, Debug)]
pub struct Track {
    /// Picture or sound.
    pub kind: TrackKind,
    /// Its representations.
    pub ladder: Ladder,
    /// The one whose segments are fetched. Its index is known, except at the very start.
    pub current: Rung,
    /// Where fetching continues.
    pub cursor: Cursor,
    /// The segment at the cursor, or before it, where that was begun in parts.
    pub begun: Option<Begun>,
    /// How many parts in a row did not come that were asked for before they were there; `None` before one
    /// has come.
    pub hints_missed: Option<u32>,
    /// Downloads in flight: at most one head and one segment.
    pub jobs: Vec<Job>,
    /// Downloaded whole, but not yet appended.
    pub waiting: Vec<Waiting>,
    /// What the source buffer holds.
    pub buffered: Ranges,
    /// Of which representations.
    pub held: Held,
    /// How much it should hold.
    pub goals: Goals,
    /// When a held fragment is tried again.
    pub retry_append: Option<Duration>,
    /// The goal was made smaller for the fragment that is held now.
    pub shrunk: bool,
    /// Segment that was fetched again because its place stayed empty, and how often.
    pub refetched: (u64, u32),
    /// Segment that came damaged last, and is fetched afresh.
    pub damaged: Option<u64>,
    /// A removal was asked for and the buffer has not been seen since.
    pub removing: bool,
    /// It ran dry while playing, and nothing has been asked for since.
    pub starved: bool,
}

impl Track {
    /// A track that begins at `position` with the representation `current`.
    pub fn new(kind: TrackKind, ladder: Ladder, current: Rung, position: f64) -> Self {
        Self {
            kind,
            ladder,
            current,
            cursor: Cursor::Time(position),
            begun: None,
            hints_missed: None,
            jobs: Vec::new(),
            waiting: Vec::new(),
            buffered: Ranges::default(),
            held: Held::default(),
            goals: match kind {
                TrackKind::Video => Goals::VIDEO,
                TrackKind::Audio => Goals::AUDIO,
            },
            retry_append: None,
            shrunk: false,
            refetched: (u64::MAX, 0),
            damaged: None,
            removing: false,
            starved: false,
        }
    }

    /// The representation that segments are fetched of.
    pub fn representation(&self) -> &Representation {
        &self.ladder.step(self.current).representation
    }

    /// Whether segments of the current representation may be fetched.
    pub fn is_ready(&self) -> bool {
        self.ladder.step(self.current).is_ready()
    }

    /// Its segments, once known.
    pub fn index(&self) -> Option<&SegmentIndex> {
        self.ladder.step(self.current).index.as_ref()
    }

    /// The download with media in it.
    pub fn segment_job(&self) -> Option<&Job> {
        self.jobs.iter().find(|job| job.media != Media::None)
    }

    /// The download of a head alone.
    pub fn head_job(&self) -> Option<&Job> {
        self.jobs.iter().find(|job| job.media == Media::None)
    }

    /// Whether the segment that contains `time` is on its way: in flight, waiting, or next.
    pub fn expects(&self, time: f64) -> bool {
        let Some(index) = self.index() else { return true };
        let number = index.at(time);
        let at_cursor = match self.cursor {
            Cursor::Time(time) => index.at(time) == number,
            Cursor::Number(cursor) => cursor == number,
        };
        at_cursor || self.in_hand(number)
    }

    /// Whether this segment, or a part of it, is in flight or waiting.
    pub fn in_hand(&self, number: u64) -> bool {
        let mut medias = self.jobs.iter().map(|job| job.media).chain(self.waiting.iter().map(|w| w.media));
        medias.any(|media| media.number() == Some(number))
    }

    fn waits(&self, number: u64) -> bool {
        self.waiting.iter().any(|waiting| waiting.media == Media::Number(number))
    }

    /// The representation of a segment that is there or on its way.
    pub fn rung_of(&self, number: u64) -> Option<Rung> {
        let job = self.jobs.iter().find(|job| job.media.number() == Some(number)).map(|job| job.rung);
        let waiting = self.waiting.iter().find(|w| w.media.number() == Some(number)).map(|w| w.rung);
        self.held.rung(number).or(waiting).or(job)
    }

    /// Where a segment of a representation, or a part of one, begins and ends, in seconds.
    pub fn span(&self, rung: Rung, media: Media) -> Option<(f64, f64)> {
        let index = self.ladder.step(rung).index.as_ref()?;
        match media {
            Media::Number(number) => index.get(number).map(|segment| (segment.start, segment.end)),
            Media::Part { number, part } => index.parts_of(number)?.span(part),
            Media::None | Media::Start | Media::Unwanted => None,
        }
    }

    /// Seconds from `position` to the end of what is there or waits to be appended.
    pub fn ahead(&self, position: f64) -> f64 {
        if self.index().is_none() {
            return 0.0;
        }
        let span = |waiting: &Waiting| self.span(waiting.rung, waiting.media);
        let waiting = self.waiting.iter().filter_map(span);
        let ranges = self.buffered.as_slice().iter().copied().chain(waiting).collect();
        Ranges::new(ranges).ahead(position)
    }

    /// Takes the index of a single file in. If it is the current representation's, the start segment gets its
    /// number; false when the index does not contain that segment, and the caller must drop its download.
    pub fn index_arrived(&mut self, rung: Rung, index: SegmentIndex) -> bool {
        let start = self.ladder.step(rung).representation.start();
        let number = start.and_then(|start| index.at_bytes(start.range));
        let jobs = self.jobs.iter_mut().map(|job| (job.rung, &mut job.media));
        let mut known = true;
        for (of, media) in jobs.chain(self.waiting.iter_mut().map(|w| (w.rung, &mut w.media))) {
            if of == rung && *media == Media::Start {
                match number {
                    Some(number) => {
                        *media = Media::Number(number);
                        self.cursor = Cursor::Number(number + 1);
                    }
                    None => known = false,
                }
            }
        }
        if let (Cursor::Time(time), true) = (self.cursor, rung == self.current) {
            self.cursor = Cursor::Number(index.at(time));
        }
        let step = self.ladder.step_mut(rung);
        (step.index, step.has_init) = (Some(index), true);
        known
    }
}
