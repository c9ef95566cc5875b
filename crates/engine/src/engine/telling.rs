//! What is told with a request: to the CDN, and to whoever sends it.

use std::time::Duration;

use super::Engine;
use crate::{ClientData, job::Media, model::TrackKind};

/// A time that may be nonsense.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

impl Engine {
    /// When the segment, or part, of the download at this place of a track begins.
    pub(super) fn segment_start(&self, number: usize, place: usize) -> Option<Duration> {
        let track = &self.tracks[number];
        let job = &track.jobs[place];
        let step = track.ladder.step(job.rung);
        match job.media {
            Media::Start => step.representation.start().map(|start| seconds(start.time)),
            media => track.span(job.rung, media).map(|(start, _)| seconds(start)),
        }
    }

    /// How the download at this place of a track is needed.
    pub(super) fn client_data(&self, number: usize, place: usize) -> ClientData {
        let track = &self.tracks[number];
        let job = &track.jobs[place];
        let step = track.ladder.step(job.rung);
        let bandwidth = step.representation.bandwidth;
        // The caps of the screen and the decoder are the picture's.
        let may = |rung| match track.kind {
            TrackKind::Video => self.automatic(track, rung),
            TrackKind::Audio => self.allowed(track.ladder.step(rung)),
        };
        let rungs = track.ladder.iter().filter(|(rung, _)| may(*rung));
        let top = rungs.map(|(_, step)| step.representation.bandwidth).max().unwrap_or(0).max(bandwidth);
        let span = track.span(job.rung, job.media);
        let ahead = track.ahead(self.position);
        let plays = self.playing && self.speed > 0.0 && job.media != Media::None;
        ClientData {
            bandwidth,
            top,
            length: span.map(|(start, end)| seconds(end - start)),
            ahead: seconds(ahead),
            deadline: plays.then(|| seconds(ahead / self.speed)),
            throughput: self.estimate(),
            urgent: self.watch.stall.is_some() || !self.watch.started,
            starved: track.starved,
            live: self.growth.is_some(),
        }
    }
}
