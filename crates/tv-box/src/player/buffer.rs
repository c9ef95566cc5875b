//! What a track has ready for the sink: a source buffer without a browser.

use std::sync::Arc;

use engine::buffer::Ranges;

use crate::mux::{ClearFragment, ClearInit};

/// Fragments nearer than this begin at the same time, in seconds.
const SAME: f64 = 0.01;

/// A fragment with its init segment.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    pub(super) init: Arc<ClearInit>,
    pub(super) fragment: ClearFragment,
}

#[derive(Debug)]
struct Entry {
    start: f64,
    end: f64,
    /// Gone once the sink has it.
    ready: Option<Ready>,
}

/// Fragments in order of time.
#[derive(Debug)]
pub(super) struct Buffer {
    entries: Vec<Entry>,
    /// The sink has everything before this second.
    given: f64,
}

impl Default for Buffer {
    fn default() -> Self {
        // Sound may begin a little before 0.
        Self { entries: Vec::new(), given: f64::NEG_INFINITY }
    }
}

impl Buffer {
    /// Takes a fragment, over whatever lay there. What the sink has already is not given again.
    pub(super) fn append(&mut self, ready: Ready) {
        let ClearFragment { start, end, .. } = ready.fragment;
        self.entries.retain(|entry| !(start - SAME..end - SAME).contains(&entry.start));
        let at = self.entries.partition_point(|entry| entry.start < start);
        let ready = (start >= self.given - SAME).then_some(ready);
        self.entries.insert(at, Entry { start, end, ready });
    }

    /// Forgets what lies whole between two seconds.
    pub(super) fn remove(&mut self, start: f64, end: f64) {
        self.entries.retain(|entry| entry.start < start - SAME || entry.end > end + SAME);
    }

    /// All that is there, given or not.
    pub(super) fn ranges(&self) -> Ranges {
        Ranges::new(self.entries.iter().map(|entry| (entry.start, entry.end)).collect())
    }

    /// When the first fragment begins that the sink does not have.
    pub(super) fn next_start(&self) -> Option<f64> {
        self.entries.iter().find(|entry| entry.ready.is_some()).map(|entry| entry.start)
    }

    /// Takes the first fragment that the sink does not have, if it begins before `limit`.
    pub(super) fn give(&mut self, limit: f64) -> Option<Ready> {
        let entry = self.entries.iter_mut().find(|entry| entry.ready.is_some())?;
        if entry.start >= limit {
            return None;
        }
        self.given = self.given.max(entry.end);
        entry.ready.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mux::tests::{clear_init, fragment};

    fn ready(start: f64, end: f64) -> Ready {
        Ready { init: Arc::new(clear_init()), fragment: fragment(start, end) }
    }

    fn starts(buffer: &mut Buffer, limit: f64) -> Vec<f64> {
        std::iter::from_fn(|| buffer.give(limit)).map(|ready| ready.fragment.start).collect()
    }

    #[test]
    fn fragments_are_given_once_and_in_order() {
        let mut buffer = Buffer::default();
        for (start, end) in [(1.0, 2.0), (-0.02, 1.0), (2.0, 3.0)] {
            buffer.append(ready(start, end));
        }
        assert_eq!(buffer.ranges().as_slice(), [(-0.02, 3.0)]);
        assert_eq!(buffer.next_start(), Some(-0.02));
        assert_eq!(starts(&mut buffer, 1.5), [-0.02, 1.0], "sound may begin before 0");
        assert_eq!(buffer.ranges().as_slice(), [(-0.02, 3.0)], "it stays until it is removed");
        buffer.append(ready(1.0, 2.0));
        assert_eq!(starts(&mut buffer, 9.0), [2.0], "what was given is not given again");
        assert_eq!(buffer.next_start(), None);
    }

    #[test]
    fn another_representation_takes_the_place() {
        let mut buffer = Buffer::default();
        for start in [0.0, 1.0, 2.0, 3.0] {
            buffer.append(ready(start, start + 1.0));
        }
        assert_eq!(starts(&mut buffer, 0.5), [0.0]);
        buffer.append(ready(1.0, 3.0));
        assert_eq!(buffer.ranges().as_slice(), [(0.0, 4.0)]);
        assert_eq!(starts(&mut buffer, 9.0), [1.0, 3.0]);
    }

    #[test]
    fn what_is_behind_is_removed() {
        let mut buffer = Buffer::default();
        for start in [0.0, 1.0, 2.0] {
            buffer.append(ready(start, start + 1.0));
        }
        buffer.remove(0.0, 2.0);
        assert_eq!(buffer.ranges().as_slice(), [(2.0, 3.0)]);
        buffer.remove(0.0, f64::INFINITY);
        assert!(buffer.ranges().as_slice().is_empty());
    }
}
