//! Source buffers: fragments go in, overwrite what is there, take room.

use engine::{Event, FetchId, FetchSpec, buffer::Ranges, model::TrackKind};

use super::{SEGMENT, World};

/// Seconds from one sync sample of the picture to the next.
const GOP: f64 = 2.0;

pub(super) struct Append {
    pub(super) fetch: FetchId,
    pub(super) kind: TrackKind,
    file: String,
    number: usize,
    start: f64,
    end: f64,
    last: bool,
}

impl World {
    /// Queues the fragments that are complete.
    pub(super) fn cut_fragments(&mut self, spec: &FetchSpec) {
        let download = self.downloads.get_mut(&spec.fetch).unwrap();
        let number = download.place.unwrap();
        if let Some(part) = download.part {
            let (received, cut) = (download.received, download.parts > 0);
            let (start, end, size) = self.span_of_part(&spec.representation, number, part);
            if received >= size && !cut {
                self.downloads.get_mut(&spec.fetch).unwrap().parts = 1;
                let (fetch, kind, file) = (spec.fetch, spec.track, spec.representation.clone());
                self.appending.push(Append { fetch, kind, file, number, start, end, last: true });
            }
            return;
        }
        let part = self.film.segment(&spec.representation, number);
        let media = download.received.saturating_sub(spec.head);
        let length = (part.end - part.start) / self.fragments as f64;
        while download.parts < self.fragments
            && media >= part.range.length() * (download.parts as u64 + 1) / self.fragments as u64
        {
            let start = part.start + length * download.parts as f64;
            download.parts += 1;
            let last = download.parts == self.fragments;
            self.appending.push(Append {
                fetch: spec.fetch,
                kind: spec.track,
                file: spec.representation.clone(),
                number,
                start,
                end: if last { part.end } else { start + length },
                last,
            });
        }
    }

    pub(super) fn remove(&mut self, track: TrackKind, start: f64, end: f64) {
        self.ended = false;
        let ranges = Ranges::new(self.buffers.get(&track).cloned().unwrap_or_default());
        self.buffers.insert(track, ranges.without(start, end).as_slice().to_vec());
        self.tell_buffered(track);
    }

    fn tell_buffered(&mut self, track: TrackKind) {
        let ranges = Ranges::new(self.buffers.get(&track).cloned().unwrap_or_default());
        self.buffers.insert(track, ranges.as_slice().to_vec());
        self.tell(Event::Buffered { track, ranges });
    }

    /// The first that can go in. What waits for its key holds up what is behind it.
    fn next_append(&self) -> Option<usize> {
        let mut held = self.held.clone();
        self.appending.iter().position(|append| {
            if self.keyless.contains(&append.file) {
                held.push(append.kind);
            }
            !held.contains(&append.kind)
        })
    }

    pub(super) fn append(&mut self) {
        while let Some(place) = self.next_append() {
            let append = &self.appending[place];
            let kind = append.kind;
            let before = Ranges::new(self.buffers.get(&kind).cloned().unwrap_or_default());
            let after = before.without(append.start, append.end);
            let full: f64 = after.as_slice().iter().map(|(a, b)| b - a).sum();
            if full + SEGMENT / self.fragments as f64 > self.room {
                self.held.push(kind);
                self.tell(Event::QuotaExceeded { track: kind });
                continue;
            }
            let append = self.appending.remove(place);
            self.ended = false;
            // Frames that depend on overwritten ones go with them.
            let depend = match kind {
                TrackKind::Video => (append.end / GOP - 1e-6).ceil() * GOP,
                TrackKind::Audio => append.end,
            };
            let mut pieces = vec![(append.start, append.end)];
            for (_, from, to) in self.holes.iter().filter(|hole| hole.0 == kind) {
                pieces = pieces.into_iter().flat_map(|(a, b)| [(a, b.min(*from)), (a.max(*to), b)]).collect();
            }
            let mut ranges = before.without(append.start, depend).as_slice().to_vec();
            ranges.extend(pieces.into_iter().filter(|(a, b)| a < b));
            self.buffers.insert(kind, ranges);
            if append.last {
                self.content.insert((kind, append.number), append.file);
                self.hangs.retain(|hang| {
                    !(hang.heals && (append.number as f64) == (hang.at / SEGMENT).floor() && hang.met)
                });
            }
            self.tell_buffered(kind);
            if append.last {
                self.tell(Event::SegmentAppended { fetch: append.fetch });
            }
        }
    }
}
