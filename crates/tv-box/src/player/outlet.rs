//! Where the film goes, and where it is: the playhead.

use engine::{buffer::Ranges, model::TrackKind};

use super::track::TrackRun;
use crate::mux::Muxer;
use crate::sink::{Chosen, Pipe, Program, Reports};
use crate::{Delivered, Error};

/// Seconds that a program is given beyond where it is.
const AHEAD: f64 = 10.0;
/// A program that ends this near to the film's end has played it, in seconds.
const NEAR_END: f64 = 5.0;
/// Seconds of a film that are as good as none: with more the engine takes a picture that stands for one that
/// hangs.
const STARVED: f64 = 0.5;
/// What is left of the film at its end, in seconds.
const AT_END: f64 = 0.05;

/// How far the film is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// It continues.
    On,
    /// It is over.
    Over,
    /// The viewer closed the player.
    Closed,
}

enum To {
    Nobody,
    Pipe { pipe: Pipe, muxer: Muxer, begun: bool, reports: Reports, program: String },
}

/// Where the film goes.
pub(super) struct Outlet {
    to: To,
    /// Seconds.
    pub(super) position: f64,
    /// Up to where the sink has it, in seconds.
    given: f64,
    /// Whether the position changed at the last tick.
    pub(super) moved: bool,
    pub(super) paused: bool,
    /// Nobody knows yet how long it is going to be.
    pub(super) grows: bool,
    video: Delivered,
    audio: Delivered,
}

impl Outlet {
    /// Opens the sink for a film that begins at `position`.
    pub(super) fn open(chosen: &Chosen, position: f64) -> Result<Self, Error> {
        let to = match chosen {
            Chosen::Null { .. } => To::Nobody,
            Chosen::Program(program) => {
                let Program { name, reports, .. } = program;
                let pipe = Pipe::start(program)?;
                To::Pipe { pipe, muxer: Muxer::new(), begun: false, reports: *reports, program: name.clone() }
            }
        };
        Ok(Self {
            to,
            position,
            given: position,
            moved: false,
            paused: false,
            grows: false,
            video: Delivered { track: "video", ..Delivered::default() },
            audio: Delivered { track: "audio", ..Delivered::default() },
        })
    }

    /// What the sink was given, of the tracks that there are.
    pub(super) fn delivered(&self) -> Vec<Delivered> {
        [self.video, self.audio].into_iter().filter(|track| track.fragments > 0).collect()
    }

    /// Pictures that the sink was given.
    pub(super) fn pictures(&self) -> u64 {
        self.video.samples
    }

    /// Whether the playhead is the box's own, and not a program's.
    pub(super) fn is_ours(&self) -> bool {
        matches!(&self.to, To::Nobody | To::Pipe { reports: Reports::Nothing { .. }, .. })
    }

    /// Whether the sink has a second or more that is not played.
    pub(super) fn has_ahead(&self) -> bool {
        self.given > self.position + 1.0
    }

    /// Whether the viewer should be seeing something: also where nothing moves because no film came. A player
    /// that stands still with film in hand does so by itself, and is nothing that the engine can mend.
    /// `there` is what all tracks have.
    pub(super) fn is_playing(&self, there: &Ranges) -> bool {
        let waits = match &self.to {
            To::Nobody => true,
            To::Pipe { pipe, reports: Reports::Nothing { .. }, .. } => pipe.takes(),
            To::Pipe { .. } => !self.has_ahead() && there.ahead(self.position) < STARVED,
        };
        self.moved || (waits && !self.paused)
    }

    /// The engine goes over a gap, or to what is live. A program that has begun cannot be told: then it is
    /// `false`.
    pub(super) fn jump(&mut self, position: f64) -> bool {
        match self.to {
            To::Pipe { begun: true, .. } => false,
            To::Pipe { .. } | To::Nobody => {
                (self.position, self.given) = (position, position);
                true
            }
        }
    }

    /// Lets time pass: gives the sink what is due. `there` is what all tracks have, `complete` that nothing
    /// more comes.
    ///
    /// # Errors
    /// A player program that failed; media that cannot be put into one stream.
    pub(super) fn tick(
        &mut self,
        seconds: f64,
        tracks: &mut [TrackRun],
        there: &Ranges,
        (complete, duration): (bool, f64),
    ) -> Result<Progress, Error> {
        let before = self.position;
        let progress = match &mut self.to {
            To::Nobody => {
                if !self.paused {
                    let limit = there.end_at(self.position).unwrap_or(self.position);
                    self.position = (self.position + seconds).min(limit).max(self.position);
                }
                let end = there.as_slice().last().map_or(0.0, |range| range.1);
                let over = complete && self.position + AT_END >= end;
                self.count_until(tracks, if over { f64::INFINITY } else { self.position });
                if over {
                    self.position = duration;
                }
                if over { Progress::Over } else { Progress::On }
            }
            To::Pipe { .. } => self.feed(seconds, tracks, (complete, duration))?,
        };
        self.moved = self.position != before;
        Ok(progress)
    }

    fn count_until(&mut self, tracks: &mut [TrackRun], limit: f64) {
        for track in tracks {
            while let Some(ready) = track.buffer.give(limit) {
                self.count(track.kind, ready.fragment.samples(), ready.fragment.bytes());
            }
        }
    }

    fn count(&mut self, kind: TrackKind, samples: u64, bytes: u64) {
        let delivered = match kind {
            TrackKind::Video => &mut self.video,
            TrackKind::Audio => &mut self.audio,
        };
        delivered.fragments += 1;
        delivered.samples += samples;
        delivered.bytes += bytes;
    }

    /// Gives the program fragments in order of time, as far as it takes them.
    fn feed(
        &mut self,
        seconds: f64,
        tracks: &mut [TrackRun],
        (complete, duration): (bool, f64),
    ) -> Result<Progress, Error> {
        let mut given = Vec::new();
        let To::Pipe { pipe, muxer, begun, reports, program } = &mut self.to else { return Ok(Progress::On) };
        if !*begun && !tracks.is_empty() && tracks.iter().all(|track| track.init().is_some()) {
            let inits: Vec<_> =
                tracks.iter().filter_map(|track| Some((track.kind, &**track.init()?))).collect();
            let known = if self.grows { 0.0 } else { duration };
            pipe.give(muxer.begin(&inits, known)?);
            *begun = true;
        }
        while *begun && pipe.takes() && !pipe.is_finished() {
            let next = |track: &TrackRun| track.buffer.next_start();
            let first = tracks
                .iter_mut()
                .filter(|track| next(track).is_some())
                .min_by(|a, b| next(a).unwrap_or(f64::MAX).total_cmp(&next(b).unwrap_or(f64::MAX)));
            let Some(track) = first else {
                if complete {
                    pipe.finish();
                }
                break;
            };
            let Some(ready) = track.buffer.give(self.position + AHEAD) else { break };
            pipe.give(muxer.fragment(track.kind, &ready.init, &ready.fragment)?);
            self.given = self.given.max(ready.fragment.end);
            given.push((track.kind, ready.fragment.samples(), ready.fragment.bytes()));
        }
        let status = pipe.status();
        match (status.position, *reports) {
            (Some(position), _) => self.position = position.min(duration),
            (None, Reports::Nothing { .. }) if *begun => {
                self.position = (self.position + seconds).min(self.given.min(duration)).max(self.position);
            }
            _ => {}
        }
        let silent = matches!(reports, Reports::Nothing { .. });
        let progress = match status.ended {
            None => Progress::On,
            Some(Err(reason)) => return Err(Error::Player { program: program.clone(), reason }),
            Some(Ok(())) if pipe.is_finished() && (silent || self.position + NEAR_END >= duration) => {
                self.position = duration;
                Progress::Over
            }
            Some(Ok(())) => Progress::Closed,
        };
        for (kind, samples, bytes) in given {
            self.count(kind, samples, bytes);
        }
        Ok(progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outlet(script: &str, reports: Reports) -> Outlet {
        let arguments = ["-c", script].iter().map(Into::into).collect();
        let program = Program { name: "sh".into(), path: "/bin/sh".into(), arguments, reports };
        Outlet::open(&Chosen::Program(program), 10.0).unwrap()
    }

    #[tokio::test]
    async fn a_player_without_film_is_not_paused() {
        let mut outlet = outlet("cat > /dev/null", Reports::StandardError);
        let there = |end: f64| Ranges::new(vec![(0.0, end)]);
        assert!(outlet.is_playing(&there(10.0)), "nothing has come yet");
        assert!(!outlet.is_playing(&there(12.0)), "it begins by itself");
        outlet.given = 14.0;
        assert!(!outlet.is_playing(&there(14.0)), "it has enough to go on");
        outlet.moved = true;
        assert!(outlet.is_playing(&there(14.0)));
        (outlet.moved, outlet.position) = (false, 13.9);
        assert!(outlet.is_playing(&there(14.0)), "it has played everything");
        outlet.paused = true;
        assert!(!outlet.is_playing(&there(14.0)));
    }

    #[tokio::test]
    async fn a_pipe_that_takes_nothing_does_not_play() {
        let outlet = outlet("exec tail -f /dev/null", Reports::Nothing { speed: 1.0 });
        let there = Ranges::new(vec![(0.0, 60.0)]);
        assert!(outlet.is_playing(&there));
        let To::Pipe { pipe, .. } = &outlet.to else { panic!() };
        while pipe.takes() {
            pipe.give(vec![0; 1 << 20]);
        }
        assert!(!outlet.is_playing(&there), "the engine would take it for a picture that hangs");
    }
}
