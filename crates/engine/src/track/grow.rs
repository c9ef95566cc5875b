//! Segments that are published while the film plays.

use super::Track;
use crate::{
    index::{IndexUpdate, Location, NewSegments, SegmentIndex},
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
}

fn add(index: &mut Option<SegmentIndex>, new: &NewSegments) -> bool {
    let are_files = new.segments.iter().all(|segment| matches!(segment.location, Location::File { .. }));
    let index = index.get_or_insert_with(|| SegmentIndex::starting_at(new.first));
    let fits = are_files && index.extend(new.first, &new.segments);
    if fits {
        new.parts.iter().for_each(|of| index.set_parts(of));
    }
    fits
}
