//! One download and what becomes of it.

use std::time::Duration;

use crate::{event::FetchId, ladder::Rung, model::ByteRange};

/// The media part of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// None: init segment and index only.
    None,
    /// The manifest's start segment; its number is not known before the index is.
    Start,
    /// The segment with this number.
    Number(u64),
    /// A part of a segment that was not whole when its first part was fetched.
    Part {
        /// The segment's number.
        number: u64,
        /// Which part, from 0.
        part: usize,
    },
    /// The segment is no longer wanted, but the head in front of it is.
    Unwanted,
}

impl Media {
    /// The number of the segment that it is, or is a part of, where that is known.
    pub fn number(self) -> Option<u64> {
        match self {
            Self::Number(number) | Self::Part { number, .. } => Some(number),
            Self::None | Self::Start | Self::Unwanted => None,
        }
    }

    /// Whether it is a part of a segment.
    pub fn is_part(self) -> bool {
        matches!(self, Self::Part { .. })
    }
}

/// Whether a part was asked for before it was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// No: it was there.
    None,
    /// Yes, and the index does not tell of it yet: the server holds the request.
    Held,
    /// Yes, and the index has told of it meanwhile.
    There,
}

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// On the wire.
    Running {
        /// When the request went out.
        sent: Duration,
        /// When the last byte came in, or the request went out.
        active: Duration,
        /// When its first byte came, and how many bytes had come before.
        flowing: Option<(Duration, u64)>,
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
    /// The representation that it is of.
    pub rung: Rung,
    /// Bytes of init segment and index in front.
    pub head: u64,
    /// What follows them.
    pub media: Media,
    /// Whether it was asked for before it was there.
    pub hint: Hint,
    /// All its bytes, or the most that there may be.
    pub range: ByteRange,
    /// Whether `range` is exact.
    pub sized: bool,
    /// How many have arrived.
    pub received: u64,
    /// When it was first wanted.
    pub since: Duration,
    /// The CDN of the current attempt, by its place in the manifest.
    pub cdn: usize,
    /// Which manifest's URL the current attempt uses.
    pub urls: u32,
    /// Attempts that failed.
    pub failures: u32,
    /// How far it is.
    pub state: JobState,
}

impl Job {
    /// Whether all its bytes have arrived. For a file of unknown size only the end of the answer shows that.
    pub fn is_whole(&self) -> bool {
        self.sized && self.received >= self.range.length()
    }

    /// Whether it waits for what is not there yet, and nothing of it has come.
    pub fn is_held(&self) -> bool {
        self.hint == Hint::Held && self.received == 0
    }

    /// Whether bytes of the current attempt have arrived.
    pub fn is_flowing(&self) -> bool {
        matches!(self.state, JobState::Running { flowing: Some(_), .. })
    }
}

/// A segment, or a part of one, downloaded whole, but not yet appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its download.
    pub id: FetchId,
    /// The representation that it is of.
    pub rung: Rung,
    /// Which segment.
    pub media: Media,
    /// The CDN that it came from.
    pub cdn: usize,
}
