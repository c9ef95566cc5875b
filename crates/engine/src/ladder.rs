//! The representations of one track, ordered.

use std::time::Duration;

use crate::{
    extent::Extent,
    index::SegmentIndex,
    model::{Layout, Representation, Source},
};

/// A place in a [`Ladder`], counted from the lowest bandwidth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rung(usize);

impl Rung {
    /// The rung at this place.
    pub const fn new(place: usize) -> Self {
        Self(place)
    }
}

/// How long a rung whose head could not be fetched is left alone; doubles each time.
const HEAD_REST: Duration = Duration::from_secs(15);

/// One representation and what is known of it.
#[derive(Clone, Debug)]
pub struct Step {
    /// What the manifest says.
    pub representation: Representation,
    /// Its segments, once known: from the head of its file, or from what the server publishes.
    pub index: Option<SegmentIndex>,
    /// Its init segment has arrived.
    pub has_init: bool,
    /// The device refused it.
    pub undecodable: bool,
    head_failures: u32,
    head_rests_until: Duration,
}

impl Step {
    /// Its head could not be fetched: leaves it alone for a while.
    pub fn head_failed(&mut self, now: Duration) {
        self.head_rests_until = now + HEAD_REST.saturating_mul(1 << self.head_failures.min(6));
        self.head_failures += 1;
    }

    /// Whether its head is missing and may be asked for.
    pub fn lacks_head(&self, now: Duration) -> bool {
        !self.has_init && !self.undecodable && now >= self.head_rests_until
    }

    /// Whether its segments may be fetched: they are known, and so is the init segment that goes in front of
    /// them.
    pub fn is_ready(&self) -> bool {
        self.has_init && self.index.is_some()
    }

    /// Whether this segment may be fetched, or what there is of it, or its first part as soon as it is there.
    pub fn offers(&self, number: u64) -> bool {
        self.is_ready() && self.index.as_ref().is_some_and(|index| index.start_of(number).is_some())
    }

    /// Whether it is published whole: of what is made no more the last segment may be there in parts for
    /// ever.
    pub fn has_whole(&self, number: u64) -> bool {
        self.index.as_ref().is_some_and(|index| index.is_whole(number))
    }

    /// The bytes of init segment and index at the start of its file; where segments are files, the file of
    /// the init segment.
    pub fn head(&self) -> Extent {
        match &self.representation.layout {
            Layout::SingleFile(file) => Extent::exact(file.head()),
            Layout::SegmentFiles(_) => Extent::file(None),
        }
    }

    /// Lines of its picture; 0 for sound.
    pub fn height(&self) -> u32 {
        self.representation.size.map_or(0, |(_, height)| height)
    }

    /// Bits of segment `number`, which lasts `seconds`: from the index, else from the bandwidth.
    pub fn bits(&self, number: u64, seconds: f64) -> f64 {
        let size = self.index.as_ref().and_then(|index| index.get(number)?.size());
        size.map_or(self.representation.bandwidth as f64 * seconds, |bytes| bytes as f64 * 8.0)
    }

    /// Bytes of segment `number`: from the index, else from the bandwidth; `None` when there is no such
    /// segment.
    pub fn bytes(&self, number: u64) -> Option<u64> {
        let segment = self.index.as_ref()?.get(number)?;
        let estimate = || (self.representation.bandwidth as f64 * segment.duration() / 8.0) as u64;
        Some(segment.size().unwrap_or_else(estimate))
    }

    /// bit/s over segment `number` and the three behind it.
    pub fn rate(&self, number: u64) -> f64 {
        let bandwidth = self.representation.bandwidth as f64;
        let Some(index) = &self.index else { return bandwidth };
        let last = number.saturating_add(4).min(index.next_number());
        match (index.get(number), index.get(last.saturating_sub(1)), index.bytes(number, last)) {
            (Some(from), Some(to), Some(bytes)) if to.end > from.start => {
                bytes as f64 * 8.0 / (to.end - from.start)
            }
            _ => bandwidth,
        }
    }

    /// Whether each segment is a file.
    pub fn has_files(&self) -> bool {
        matches!(self.representation.layout, Layout::SegmentFiles(_))
    }
}

/// All representations of one track. Never empty.
#[derive(Clone, Debug)]
pub struct Ladder(Vec<Step>);

impl Ladder {
    /// Orders by bandwidth. `None` when there is nothing.
    pub fn new(mut representations: Vec<Representation>) -> Option<Self> {
        representations.sort_by_key(|representation| representation.bandwidth);
        let step = |representation| Step {
            representation,
            index: None,
            has_init: false,
            undecodable: false,
            head_failures: 0,
            head_rests_until: Duration::ZERO,
        };
        let steps: Vec<Step> = representations.into_iter().map(step).collect();
        (!steps.is_empty()).then_some(Self(steps))
    }

    /// The rung of a representation.
    pub fn find(&self, id: &str) -> Option<Rung> {
        self.0.iter().position(|step| step.representation.id == id).map(Rung)
    }

    /// What is known of a rung.
    pub fn step(&self, rung: Rung) -> &Step {
        &self.0[rung.0]
    }

    /// The same, to be changed.
    pub fn step_mut(&mut self, rung: Rung) -> &mut Step {
        &mut self.0[rung.0]
    }

    /// All of them, from the lowest.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Rung, &Step)> {
        self.0.iter().enumerate().map(|(place, step)| (Rung(place), step))
    }

    /// All of them, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Step> {
        self.0.iter_mut()
    }

    /// The rung nearest to `to` among those that pass; of two, the lower one.
    pub fn nearest(&self, to: Rung, pass: impl Fn(Rung, &Step) -> bool) -> Option<Rung> {
        let passing = self.iter().filter(|(rung, step)| pass(*rung, step)).map(|(rung, _)| rung);
        passing.min_by_key(|rung| rung.0.abs_diff(to.0))
    }

    /// Takes fresh URLs. What is missing from the manifest is no longer fetched.
    pub fn refresh(&mut self, fresh: &[Representation]) {
        for step in &mut self.0 {
            match fresh.iter().find(|other| other.id == step.representation.id) {
                // The start segment moved with the resume position; this viewing keeps its own.
                Some(same) => step.representation.sources.clone_from(&same.sources),
                None => step.undecodable = true,
            }
        }
    }

    /// Where a rung's file lies.
    pub fn sources(&self, rung: Rung) -> &[Source] {
        &self.step(rung).representation.sources
    }
}
