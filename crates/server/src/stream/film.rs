//! What of a film is streamed, as the state machine sees it.

use crate::catalogue::{Pack, Representation};
use nccp::stream::TrackKind;
use nccp::{ByteRange, MediaType};
use std::cmp::Ordering;

/// A film: representations of each track.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Film {
    pub(crate) reps: Vec<Rep>,
}

/// A representation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rep {
    pub(crate) kind: TrackKind,
    /// Its name in the pack, such as `v720-2100`.
    pub(crate) id: String,
    /// Its name in manifests: ten digits.
    pub(crate) downloadable: String,
    /// The file, within the pack.
    pub(crate) file: String,
    /// Whether to begin with it.
    pub(crate) default: bool,
    /// kbit/s.
    pub(crate) bitrate: u32,
    /// Ticks per second.
    pub(crate) timescale: u32,
    /// `ftyp` and `moov`.
    pub(crate) init: ByteRange,
    /// `sidx`, behind them.
    pub(crate) index: ByteRange,
    /// Start in ticks, and place in the file.
    pub(crate) segments: Vec<(u64, ByteRange)>,
}

/// An instant: ticks, and how many of them make a second.
pub(crate) type Instant = (u64, u32);

/// Compares instants exactly.
pub(crate) fn compare(a: Instant, b: Instant) -> Ordering {
    (u128::from(a.0) * u128::from(b.1)).cmp(&(u128::from(b.0) * u128::from(a.1)))
}

impl Film {
    pub(crate) fn of(pack: &Pack) -> Self {
        let rep = |r: &Representation| Rep {
            kind: match r.media_type {
                MediaType::Video => TrackKind::Video,
                MediaType::Audio => TrackKind::Audio,
            },
            id: r.id.clone(),
            downloadable: r.downloadable_id.clone(),
            file: pack::layout::media_path(&r.downloadable_id, &r.extension),
            default: r.default,
            bitrate: r.bitrate,
            timescale: r.timescale.max(1),
            init: r.init_range,
            index: r.index_range,
            segments: r.segments.iter().map(|segment| (segment.start, segment.range)).collect(),
        };
        Self { reps: pack.representations.iter().map(rep).collect() }
    }

    /// The representation of that name.
    pub(crate) fn find(&self, kind: TrackKind, name: &str) -> Option<usize> {
        self.reps.iter().position(|rep| rep.kind == kind && rep.is_called(name))
    }

    /// The representation of that name, of whichever track.
    pub(crate) fn find_any(&self, name: &str) -> Option<usize> {
        self.reps.iter().position(|rep| rep.is_called(name))
    }

    /// The one to begin with where none is named: of sound the default, of pictures the smallest.
    pub(crate) fn first(&self, kind: TrackKind) -> Option<usize> {
        let of = self.reps.iter().enumerate().filter(|(_, rep)| rep.kind == kind);
        of.min_by_key(|(_, rep)| (!rep.default, rep.bitrate)).map(|(n, _)| n)
    }
}

impl Rep {
    fn is_called(&self, name: &str) -> bool {
        self.id == name || self.downloadable == name
    }

    /// How many octets stand in front of the first segment.
    pub(crate) fn head(&self) -> u64 {
        self.init.last().max(self.index.last()) + 1
    }

    /// The segment that holds a position in seconds.
    pub(crate) fn segment_at(&self, seconds: f64) -> usize {
        let ticks = (seconds.max(0.0) * f64::from(self.timescale)) as u64;
        self.segments.partition_point(|(start, _)| *start <= ticks).saturating_sub(1)
    }

    /// When a segment begins.
    pub(crate) fn start(&self, number: usize) -> Option<Instant> {
        self.segments.get(number).map(|(start, _)| (*start, self.timescale))
    }

    /// The segment that another representation's segment is followed up by, which begins at that instant.
    /// Tracks of different rates are cut at the same instants, but for a frame of sound.
    pub(crate) fn segment_for(&self, (ticks, timescale): Instant) -> usize {
        self.segment_at(ticks as f64 / f64::from(timescale) + 0.1)
    }
}
