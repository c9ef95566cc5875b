//! The film: a ladder of files with the sizes of their segments.

use std::time::Duration;

use engine::{
    index::{Location, Segment, SegmentIndex},
    model::{
        ByteRange, Cdn, Layout, Presentation, RangeForm, Representation, SingleFile, Source, StartSegment,
        Timeline, TrackKind,
    },
};

pub const SEGMENT: f64 = 4.0;
/// Init segment and index of the plain film, in bytes.
pub const HEAD: u64 = 2000;

/// One segment in one file: its bytes and its time.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub range: ByteRange,
    pub start: f64,
    pub end: f64,
}

/// One file.
#[derive(Clone, Debug)]
pub struct Rendition {
    pub id: String,
    pub kind: TrackKind,
    /// bit/s that the manifest says.
    pub bandwidth: u64,
    pub size: Option<(u32, u32)>,
    pub preferred: bool,
    pub head: u64,
    /// Bytes of each segment.
    pub sizes: Vec<u64>,
    /// Where each begins in the file; one more than there are.
    offsets: Vec<u64>,
}

impl Rendition {
    fn new(kind: TrackKind, id: &str, size: Option<(u32, u32)>, head: u64, sizes: Vec<u64>) -> Self {
        let mut offsets = vec![head];
        offsets.extend(sizes.iter().scan(head, |at, size| {
            *at += size;
            Some(*at)
        }));
        let peak = sizes.windows(sizes.len().min(2)).map(|w| w.iter().sum::<u64>() / w.len() as u64).max();
        let bandwidth = (peak.unwrap_or(0) as f64 * 8.0 / SEGMENT) as u64;
        Self { id: id.into(), kind, bandwidth, size, preferred: false, head, sizes, offsets }
    }

    pub fn range(&self, number: usize) -> ByteRange {
        ByteRange::new(self.offsets[number], self.offsets[number + 1] - 1).unwrap()
    }

    pub fn at_end(&self, end: u64) -> Option<usize> {
        self.offsets.binary_search(&(end + 1)).ok()?.checked_sub(1)
    }

    /// bit/s, on average.
    pub fn mean(&self) -> f64 {
        self.sizes.iter().sum::<u64>() as f64 * 8.0 / (self.sizes.len() as f64 * SEGMENT)
    }
}

#[derive(Clone, Debug)]
pub struct Film {
    pub duration: f64,
    pub files: Vec<Rendition>,
}

pub fn count(duration: f64) -> usize {
    (duration / SEGMENT).ceil() as usize
}

impl Film {
    /// One picture of 1.2 Mb/s and one sound of 96 kb/s, both constant.
    pub fn plain(duration: f64) -> Self {
        let file = |kind, bandwidth: u64, size| {
            let sizes = vec![(bandwidth as f64 * SEGMENT / 8.0) as u64; count(duration)];
            Rendition::new(kind, &format!("{kind:?}"), size, HEAD, sizes)
        };
        let video = file(TrackKind::Video, 1_200_000, Some((640, 360)));
        Self { duration, files: vec![video, file(TrackKind::Audio, 96_000, None)] }
    }

    /// Six pictures of 0.3 to 6 Mb/s whose segments differ in size, alike in each: scenes of a few segments
    /// that are calm or lively, 0.45 to 1.8 times the mean. Two sounds.
    pub fn ladder(duration: f64, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let count = count(duration);
        let mut lively = Vec::with_capacity(count);
        while lively.len() < count {
            let scene = 0.45 + 1.35 * rng.f64() * rng.f64().sqrt();
            for _ in 0..rng.usize(1..8) {
                lively.push((scene * (0.85 + 0.3 * rng.f64())).clamp(0.45, 1.8));
            }
        }
        lively.truncate(count);
        let mean: f64 = lively.iter().sum::<f64>() / count as f64;
        let head = 1200 + 32 + 12 * count as u64;
        let rungs = [
            (300e3, (426, 240)),
            (600e3, (640, 360)),
            (1.2e6, (854, 480)),
            (2.4e6, (1280, 720)),
            (4.0e6, (1920, 1080)),
            (6.0e6, (1920, 1080)),
        ];
        let mut files = vec![];
        for (rate, size) in rungs {
            let bytes = lively.iter().map(|l| (rate * SEGMENT / 8.0 * l / mean) as u64).collect();
            let id = format!("v{}", (rate / 1e3) as u32);
            files.push(Rendition::new(TrackKind::Video, &id, Some(size), head, bytes));
        }
        for (id, preferred) in [("a-en", true), ("a-de", false)] {
            let mut file = Rendition::new(TrackKind::Audio, id, None, head, vec![64_000; count]);
            file.preferred = preferred;
            files.push(file);
        }
        Self { duration, files }
    }

    pub fn file(&self, id: &str) -> &Rendition {
        self.files.iter().find(|file| file.id == id).unwrap()
    }

    pub fn segment(&self, id: &str, number: usize) -> Part {
        Part {
            range: self.file(id).range(number),
            start: number as f64 * SEGMENT,
            end: (number as f64 * SEGMENT + SEGMENT).min(self.duration),
        }
    }

    pub fn index(&self, id: &str) -> SegmentIndex {
        let segment = |number| {
            let Part { range, start, end } = self.segment(id, number);
            Segment { location: Location::Range(range), start, end }
        };
        SegmentIndex::new((0..count(self.duration)).map(segment).collect()).unwrap()
    }

    pub fn presentation(&self, start: f64, generation: u32, urls_valid: Duration) -> Presentation {
        let number = (start / SEGMENT) as usize;
        let representation = |file: &Rendition| {
            let source = |cdn: &str| Source {
                cdn: cdn.into(),
                url: format!("https://{cdn}/{}.mp4?g={generation}", file.id),
            };
            Representation {
                id: file.id.clone(),
                kind: file.kind,
                bandwidth: file.bandwidth,
                size: file.size,
                preferred: file.preferred,
                layout: Layout::SingleFile(SingleFile {
                    size: *file.offsets.last().unwrap(),
                    init: ByteRange::new(0, 999).unwrap(),
                    index: ByteRange::new(1000, file.head - 1).unwrap(),
                    start: Some(StartSegment { range: file.range(number), time: number as f64 * SEGMENT }),
                }),
                sources: vec![source("one"), source("two")],
            }
        };
        Presentation {
            timeline: Timeline::Fixed { duration: self.duration },
            start: Some(start),
            urls_valid,
            cdns: vec![
                Cdn { id: "one".into(), ranges: RangeForm::Path, client_data: true },
                Cdn { id: "two".into(), ranges: RangeForm::Header, client_data: false },
            ],
            representations: self.files.iter().map(representation).collect(),
        }
    }
}
