//! The state of one track and what it needs next.

use std::time::Duration;

use crate::{
    buffer::{Goals, Ranges},
    event::FetchId,
    index::SegmentIndex,
    model::{ByteRange, Representation, TrackKind},
};

/// At most this many downloaded segments wait for their license, or for room.
pub const MOST_WAITING: usize = 2;

/// Where fetching goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cursor {
    /// At the segment that contains this second; its number is not known before the index is.
    Time(f64),
    /// At this segment.
    Number(usize),
}

/// The media part of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// None: init segment and index only.
    None,
    /// The manifest's start segment; its number is not known before the index is.
    Start,
    /// This segment.
    Number(usize),
    /// It was wanted once; only the head in front of it still is.
    Unwanted,
}

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// On the wire.
    Running {
        /// When the request went out, or the last byte came in.
        active: Duration,
        /// Whether a byte of this attempt has arrived.
        flowing: bool,
    },
    /// Waits before the next attempt.
    Waiting {
        /// Until then.
        until: Duration,
    },
    /// Waits for freshly signed URLs.
    NeedsUrls,
}

/// One download: a head, a segment, or a head with the first segment behind it.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its id, the same over all attempts.
    pub id: FetchId,
    /// Bytes of init segment and index in front.
    pub head: u64,
    /// What follows them.
    pub media: Media,
    /// All its bytes.
    pub range: ByteRange,
    /// How many have arrived.
    pub received: u64,
    /// The CDN of the current attempt, by its place in the manifest.
    pub cdn: usize,
    /// Which manifest's URL the current attempt uses.
    pub urls: u32,
    /// Attempts that failed.
    pub failures: u32,
    /// How far it is.
    pub state: JobState,
}

/// One track on one representation.
#[derive(Clone, Debug)]
pub struct Track {
    /// Picture or sound.
    pub kind: TrackKind,
    /// What is played, with its current URLs.
    pub representation: Representation,
    /// Its segments, once known.
    pub index: Option<SegmentIndex>,
    /// Where fetching goes on.
    pub cursor: Cursor,
    /// Downloads in flight: at most one head and one segment.
    pub jobs: Vec<Job>,
    /// Downloaded whole, but not yet appended.
    pub waiting: Vec<(FetchId, Media)>,
    /// What the source buffer holds.
    pub buffered: Ranges,
    /// How much it should hold.
    pub goals: Goals,
    /// When a held fragment is tried again.
    pub retry_append: Option<Duration>,
    /// Segment that was fetched again because its place stayed empty, and how often.
    pub refetched: (usize, u32),
    /// A removal was asked for and the buffer has not been seen since.
    pub removing: bool,
}

/// What a track needs next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Need {
    /// Nothing now.
    Nothing,
    /// Init segment and index.
    Head,
    /// Both, and the first segment, in one request.
    HeadAndStart,
    /// Both, and beside them the start segment.
    HeadBesideStart,
    /// This segment.
    Segment(usize),
}

impl Track {
    /// A track that begins at `position`.
    pub fn new(representation: Representation, position: f64) -> Self {
        let kind = representation.kind;
        Self {
            kind,
            representation,
            index: None,
            cursor: Cursor::Time(position),
            jobs: Vec::new(),
            waiting: Vec::new(),
            buffered: Ranges::default(),
            goals: match kind {
                TrackKind::Video => Goals::VIDEO,
                TrackKind::Audio => Goals::AUDIO,
            },
            retry_append: None,
            refetched: (usize::MAX, 0),
            removing: false,
        }
    }

    /// What to fetch next for a playhead at `position`; moves the cursor over segments that are there already.
    pub fn need(&mut self, position: f64, use_start: bool) -> Need {
        let Some(index) = &self.index else {
            if !self.jobs.is_empty() {
                return Need::Nothing;
            }
            return match self.representation.start.filter(|_| use_start && self.waiting.is_empty()) {
                Some(start) if start.range.start == self.representation.head().end + 1 => Need::HeadAndStart,
                Some(_) => Need::HeadBesideStart,
                None => Need::Head,
            };
        };
        if self.jobs.iter().any(|job| job.media != Media::None) || self.waiting.len() >= MOST_WAITING {
            return Need::Nothing;
        }
        let mut number = match self.cursor {
            Cursor::Time(time) => index.at(time),
            Cursor::Number(number) => number,
        };
        while index.get(number).is_some_and(|s| self.buffered.covers(s.start, s.end)) {
            number += 1;
        }
        self.cursor = Cursor::Number(number);
        let Some(segment) = index.get(number) else { return Need::Nothing };
        let ahead = index.bytes(index.at(position), number);
        if segment.start < position + self.goals.forward && ahead < self.goals.bytes {
            Need::Segment(number)
        } else {
            Need::Nothing
        }
    }

    /// Whether the segment that contains `time` is on its way: in flight, waiting, or next.
    pub fn expects(&self, time: f64) -> bool {
        let Some(index) = &self.index else { return true };
        let number = index.at(time);
        let at_cursor = match self.cursor {
            Cursor::Time(time) => index.at(time) == number,
            Cursor::Number(cursor) => cursor == number,
        };
        at_cursor || self.in_hand(number)
    }

    /// Whether this segment is in flight or waiting.
    pub fn in_hand(&self, number: usize) -> bool {
        self.jobs
            .iter()
            .map(|job| job.media)
            .chain(self.waiting.iter().map(|(_, media)| *media))
            .any(|media| media == Media::Number(number))
    }

    /// Whether everything up to the last segment has been appended.
    pub fn complete(&self) -> bool {
        let Some(index) = &self.index else { return false };
        let past_end = matches!(self.cursor, Cursor::Number(number) if number >= index.len());
        past_end && self.jobs.is_empty() && self.waiting.is_empty()
    }

    /// Takes the index in: the start segment gets its number. Downloads of a start segment that is none are given back
    /// as `false`, for the caller to drop.
    pub fn index_arrived(&mut self, index: SegmentIndex) -> bool {
        let number = self.representation.start.and_then(|start| index.at_bytes(start.range));
        let medias = self.jobs.iter_mut().map(|job| &mut job.media);
        let mut known = true;
        for media in medias.chain(self.waiting.iter_mut().map(|(_, media)| media)) {
            if *media == Media::Start {
                match number {
                    Some(number) => {
                        *media = Media::Number(number);
                        self.cursor = Cursor::Number(number + 1);
                    }
                    None => known = false,
                }
            }
        }
        if let Cursor::Time(time) = self.cursor {
            self.cursor = Cursor::Number(index.at(time));
        }
        self.index = Some(index);
        known
    }
}
