//! Which segments lie in a source buffer, and of which representation.

use std::{collections::BTreeMap, ops::Range};

use crate::{buffer::Ranges, index::SegmentIndex, ladder::Rung};

#[derive(Clone, Copy, Debug)]
struct Entry {
    rung: Rung,
    stale: bool,
}

/// Appended segments by number. It grows with the buffer, not with the film.
#[derive(Clone, Debug, Default)]
pub struct Held(BTreeMap<u64, Entry>);

impl Held {
    /// A segment was appended, over whatever lay there. `stale`: it is to be replaced.
    pub fn insert(&mut self, number: u64, rung: Rung, stale: bool) {
        self.0.insert(number, Entry { rung, stale });
    }

    /// The representation of a segment.
    pub fn rung(&self, number: u64) -> Option<Rung> {
        self.0.get(&number).map(|entry| entry.rung)
    }

    /// Whether a segment is to be replaced by another representation's.
    pub fn is_stale(&self, number: u64) -> bool {
        self.0.get(&number).is_some_and(|entry| entry.stale)
    }

    /// Whether anything is to be replaced.
    pub fn any_stale(&self) -> bool {
        self.0.values().any(|entry| entry.stale)
    }

    /// The segments of these numbers that are to be replaced.
    pub fn stale_in(&self, numbers: Range<u64>) -> impl Iterator<Item = u64> + '_ {
        let numbers = numbers.start..numbers.end.max(numbers.start);
        self.0.range(numbers).filter(|(_, entry)| entry.stale).map(|(number, _)| *number)
    }

    /// Decides again which segments are to be replaced.
    pub fn judge(&mut self, stale: impl Fn(u64, Rung) -> bool) {
        for (number, entry) in &mut self.0 {
            entry.stale = stale(*number, entry.rung);
        }
    }

    /// Forgets the segments whose middle is no longer in the buffer.
    pub fn prune(&mut self, index: &SegmentIndex, buffered: &Ranges) {
        self.0.retain(|number, _| {
            index.get(*number).is_some_and(|s| buffered.contains((s.start + s.end) / 2.0))
        });
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// How many segments.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
