//! Segments that are published while the film plays.

use std::time::Duration;

use super::Track;
use crate::{
    index::{IndexUpdate, Location, NewSegments, SegmentIndex},
    job::{Hint, Job, JobState, Media},
    ladder::Step,
    model::TrackKind,
};

impl Track {
    /// Adds what is new and forgets what has left the window, all before number `first`, in every
    /// representation whose segments are files. Ids of the representations that cannot be used: what is
    /// new does not follow what there is, or the picture is cut at other times.
    pub fn grow(&mut self, update: &IndexUpdate, first: u64) -> Vec<String> {
        let mut unusable = Vec::new();
        for step in self.ladder.iter_mut().filter(|step| step.has_files()) {
            let id = &step.representation.id;
            let mut news = update.added.iter().filter(|new| new.representation == *id);
            if !step.undecodable && !news.all(|new| add(&mut step.index, new)) {
                unusable.push(step.representation.id.clone());
            }
            if let Some(index) = &mut step.index {
                index.drop_before(first);
                if update.finished {
                    index.finish();
                }
            }
        }
        if self.kind == TrackKind::Video
            && let Some(reference) = self.index()
        {
            let misaligned = |step: &Step| {
                let index = step.index.as_ref().filter(|_| !step.undecodable);
                index.is_some_and(|index| !index.aligned_with(reference))
            };
            let steps = self.ladder.iter().filter(|(_, step)| misaligned(step));
            unusable.extend(steps.map(|(_, step)| step.representation.id.clone()));
        }
        unusable
    }

    /// Parts that were asked for before they were there, and are there now, are to come soon.
    pub fn hints_come_true(&mut self, now: Duration) {
        let Self { jobs, ladder, .. } = self;
        for job in jobs.iter_mut().filter(|job| job.hint == Hint::Held) {
            let Media::Part { number, part } = job.media else { continue };
            let of = ladder.step(job.rung).index.as_ref().and_then(|index| index.parts_of(number));
            if of.is_none_or(|of| of.parts.len() <= part) {
                continue;
            }
            job.hint = Hint::There;
            if let JobState::Running { active, .. } = &mut job.state {
                *active = now.max(*active);
            }
        }
    }

    /// Whether the part that is asked for before it is there does not come: its segment is whole without it,
    /// or the server says no more what comes next, as when the encoder has fallen silent.
    pub fn hint_is_void(&self) -> bool {
        let Some(job) = self.segment_job().filter(|job| job.is_held()) else { return false };
        let (Media::Part { number, part }, Some(index)) = (job.media, &self.ladder.step(job.rung).index)
        else {
            return false;
        };
        // Where its parts are not told of any more, nobody knows.
        let lacks_it = index.parts_of(number).is_some_and(|of| of.parts.len() <= part);
        (index.is_whole(number) && lacks_it) || !index.has_hints()
    }

    /// A part that was asked for before it was there is not fetched after all: it comes next again, and is
    /// not asked for before there are news.
    pub fn hint_lost(&mut self, job: &Job) {
        let Media::Part { number, part } = job.media else { return };
        if let Some(begun) = self.begun.filter(|begun| begun.number == number && begun.next == part + 1) {
            self.begun = (part > 0).then_some(super::Begun { next: part, ..begun });
        }
        // There may be news already of what comes after it.
        if let Some(index) = &mut self.ladder.step_mut(job.rung).index
            && index.hint() == Some((number, part))
        {
            index.set_hint(None);
        }
    }
}

fn add(index: &mut Option<SegmentIndex>, new: &NewSegments) -> bool {
    let are_files = new.segments.iter().all(|segment| matches!(segment.location, Location::File { .. }));
    let index = index.get_or_insert_with(|| SegmentIndex::starting_at(new.first));
    let fits = are_files && index.extend(new.first, &new.segments);
    if fits {
        new.parts.iter().for_each(|of| index.set_parts(of));
        index.set_hint(new.hint);
    }
    fits
}
