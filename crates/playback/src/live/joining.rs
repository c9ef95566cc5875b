//! How an event is joined: when there is enough of it to begin with, and what the engine is told first.

use std::time::Duration;

use nccp::{EventState, Manifest};

use super::LiveIndex;

/// The server holds an answer back for twelve seconds at most; one that takes so long does not come.
pub const PATIENCE: Duration = Duration::from_secs(15);
/// From one question to the next while nothing of the event can be played, at least.
pub const BETWEEN: Duration = Duration::from_millis(700);
/// An index that is older does not say where an event is to be joined that is followed by parts.
const FRESH: Duration = Duration::from_millis(250);
/// How often a representation that has only just begun, or enough to begin with, is waited for.
const SETTLING: u32 = 4;

/// What an index means for who wants to join.
#[derive(Clone, Debug, PartialEq)]
pub enum Joined {
    /// The event can be played: the manifest, made whole.
    Ready(Box<Manifest>),
    /// There is not enough of it: the index is to be asked for again.
    NotYet,
    /// It is over, and nothing of it was ever there.
    Over,
}

/// An event that is about to be joined. Times are since any fixed start.
#[derive(Clone, Debug, Default)]
pub struct Joining {
    unsettled: u32,
    waits_for: Option<u64>,
    in_parts: Option<bool>,
    /// The index that the manifest was made whole with, until the engine asks for it.
    first: Option<(Duration, LiveIndex)>,
}

impl Joining {
    /// There is a fresh manifest to be made whole.
    pub fn begin(&mut self) {
        (self.unsettled, self.waits_for) = (0, None);
    }

    /// The number to wait for with the next question: held back until one more segment is whole.
    pub fn waits_for(&self) -> Option<u64> {
        self.waits_for
    }

    /// An index has come. `takes_parts` says whether the player can follow an event by parts of segments.
    pub fn heard(
        &mut self,
        now: Duration,
        index: LiveIndex,
        manifest: &Manifest,
        takes_parts: bool,
    ) -> Joined {
        self.unsettled += u32::from(index.has_media());
        let is_ready = index.is_settled() && index.is_enough();
        if is_ready || (index.has_media() && self.unsettled > SETTLING) {
            let (whole, in_parts) = index.complete(manifest, takes_parts);
            self.in_parts.get_or_insert(in_parts);
            self.first = Some((now, index));
            return Joined::Ready(Box::new(whole));
        }
        if index.state == EventState::Ended {
            return Joined::Over;
        }
        self.waits_for = Some(index.numbers.1);
        Joined::NotYet
    }

    /// Whether the engine is to hear of parts of segments; decided when the event is first joined.
    pub fn in_parts(&self) -> bool {
        self.in_parts.unwrap_or_default()
    }

    /// What the engine asks for first, where it is there already and not too old to say where what is live
    /// is.
    pub fn first(&mut self, now: Duration) -> Option<LiveIndex> {
        let (heard, index) = self.first.take()?;
        (!self.in_parts() || now.saturating_sub(heard) < FRESH).then_some(index)
    }
}
