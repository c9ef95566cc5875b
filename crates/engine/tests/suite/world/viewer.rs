//! Who watches, and what they get to see.

use std::time::Duration;

use engine::{Error, Event, buffer::Ranges, model::TrackKind};

use super::{BEGINS, SEGMENT, World};

/// A place where the playhead gets stuck until it is moved on by `width` seconds.
#[derive(Clone, Copy, Debug)]
pub struct Hang {
    pub at: f64,
    pub width: f64,
    /// Appending the segment again frees it.
    pub heals: bool,
    pub met: bool,
}

/// What came to the screen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub failure: Option<Error>,
    pub began: f64,
    /// From the manifest to the first picture.
    pub start_up: Option<Duration>,
    /// Not counting start-up and seeks.
    pub rebuffers: usize,
    pub rebuffering: Duration,
    pub jumps: usize,
    pub switches: usize,
    /// Bits of the picture, and seconds.
    pub bits: f64,
    pub seconds: f64,
    /// The slowest and the fastest that it was played.
    pub rates: Option<(f64, f64)>,
    rung: Option<String>,
    dry: bool,
    seeking: bool,
}

impl Seen {
    pub(super) fn sought(&mut self) {
        self.seeking = true;
    }

    /// bit/s of the picture, on average.
    pub fn mean(&self) -> f64 {
        self.bits / self.seconds.max(0.001)
    }
}

impl World {
    pub fn there(&self) -> Ranges {
        let ranges = |kind| Ranges::new(self.buffers.get(&kind).cloned().unwrap_or_default());
        ranges(TrackKind::Video).intersect(&ranges(TrackKind::Audio))
    }

    /// One step of the viewer.
    pub(super) fn watch(&mut self) {
        if self.playing && self.position < self.duration - 0.01 {
            let ahead = self.there().ahead(self.position);
            let step = self.step;
            let rate = self.speed.unwrap_or(if self.keeps_pace { self.engine.rate() } else { 1.0 });
            let (slowest, fastest) = self.seen.rates.unwrap_or((rate, rate));
            self.seen.rates = Some((slowest.min(rate), fastest.max(rate)));
            if ahead > 0.0 {
                self.seen.start_up.get_or_insert(self.now - BEGINS);
                (self.seen.dry, self.seen.seeking) = (false, false);
                let mut to = self.position + (step.as_secs_f64() * rate).min(ahead);
                for hang in &mut self.hangs {
                    if to >= hang.at && self.position < hang.at + hang.width {
                        to = self.position;
                        hang.met = true;
                    }
                }
                self.note(to - self.position);
                self.position = to;
            } else {
                self.stalled += step;
                if self.seen.start_up.is_some() && !self.seen.seeking {
                    self.seen.rebuffers += usize::from(!self.seen.dry);
                    self.seen.rebuffering += step;
                    self.seen.dry = true;
                }
            }
        }
        self.tell(Event::Playhead { position: self.position, playing: self.playing });
    }

    fn note(&mut self, seconds: f64) {
        let number = (self.position / SEGMENT) as usize;
        // What is half appended counts as what it was before.
        let Some(file) = self.content.get(&(TrackKind::Video, number)) else { return };
        let size = self.film.file(file).sizes[number] as f64;
        self.seen.bits += size * 8.0 / SEGMENT * seconds;
        self.seen.seconds += seconds;
        if self.seen.rung.as_ref() != Some(file) {
            self.seen.switches += usize::from(self.seen.rung.is_some());
            self.seen.rung = Some(file.clone());
        }
    }
}
