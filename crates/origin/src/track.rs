use std::ops::Range;
use std::sync::Arc;

use cenc::{Iv, Level, Scheme};
use cmaf::{FragmentHead, KeyPlan, PeriodKey, Protection, fragment_head, segment_index, segment_index_len};
use isobmff::Pssh;
use pack::{Representation, Segment, Written};

use crate::error::source;
use crate::{Error, ReadAt, SourceIndex};

/// How a track is encrypted, but for what its header says for players.
#[derive(Debug, Clone)]
pub(crate) struct TrackKeys {
    pub(crate) scheme: Scheme,
    pub(crate) level: Level,
    pub(crate) plan: KeyPlan,
    pub(crate) base_iv: Iv,
    /// By rotation period.
    pub(crate) keys: Arc<Vec<PeriodKey>>,
}

impl TrackKeys {
    fn protection(&self, pssh: Vec<Pssh>) -> Protection<'_> {
        let &Self { scheme, level, plan, base_iv, ref keys } = self;
        Protection { scheme, level, plan, keys, base_iv, pssh }
    }
}

/// The encrypted file of a representation: where everything lies in it.
#[derive(Debug)]
pub struct EncryptedTrack {
    /// `ftyp`, `moov` and `sidx`.
    header: Vec<u8>,
    /// Where each fragment begins, and where the file ends.
    offsets: Vec<u64>,
    keys: TrackKeys,
}

/// A part of an encrypted file that is made at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Of what stands in front of the fragments.
    Header(Range<usize>),
    /// Of a fragment.
    Fragment {
        /// Which one, from 0.
        number: usize,
        /// Which of its bytes.
        part: Range<usize>,
    },
}

impl Piece {
    /// Number of bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Header(part) | Self::Fragment { part, .. } => part.len(),
        }
    }

    /// Whether it has none; pieces of a range have some.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl EncryptedTrack {
    /// Lays out the file of a clear representation, which `r` describes.
    pub(crate) fn plan(
        index: &SourceIndex,
        r: &Representation,
        keys: TrackKeys,
        pssh: Vec<Pssh>,
    ) -> Result<(Self, Written), Error> {
        if index.segments.len() != r.segments.len() {
            return Err(source("its index has another number of segments"));
        }
        let track = index.track();
        let protection = keys.protection(pssh);
        let mut header = track.header(index.header.end, Some(&protection));
        let header_len = header.len() as u64;
        let index_len = segment_index_len(r.segments.len()) as u64;
        let mut at = header_len + index_len;
        let mut offsets = Vec::with_capacity(index.fragments.len() + 1);
        let mut segments: Vec<Segment> = Vec::with_capacity(r.segments.len());
        let mut protected_samples = 0;
        for fragment in 0..index.fragments.len() {
            let head = head(index, &protection, fragment)?;
            if index.segments.get(segments.len()).is_some_and(|first| *first as usize == fragment) {
                let clear = &r.segments[segments.len()];
                let first_picture = clear.first_picture.map(|_| {
                    // Samples stand last in a fragment, one behind the other.
                    head.bytes().len() as u64 + index.first_size(fragment)
                });
                segments.push(Segment { offset: at, size: 0, first_picture, ..*clear });
            }
            protected_samples += head.protected_samples();
            let size = head.bytes().len() as u64 + head.media_len();
            offsets.push(at);
            at += size;
            if let Some(segment) = segments.last_mut() {
                segment.size += size;
            }
        }
        offsets.push(at);
        let start = segments.first().map_or(0, |segment| segment.start);
        let sizes = segments.iter().map(|segment| (segment.size, segment.duration));
        header.extend(segment_index(track.timescale, start, sizes)?);
        drop(protection);
        let written = Written { size: at, header: header_len, index: index_len, segments, protected_samples };
        Ok((Self { header, offsets, keys }, written))
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.offsets.last().copied().unwrap_or(0)
    }

    /// Bytes that it takes in memory.
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.header.len() + size_of_val(&self.offsets[..])
    }

    /// The pieces of a range, one after another. Of a range that reaches past the end there are those that
    /// are there.
    pub fn pieces(&self, range: Range<u64>) -> Pieces<'_> {
        Pieces { track: self, at: range.start, end: range.end.min(self.size()) }
    }

    /// What [`read`](Self::read) reads of the clear file for a piece; nothing for one of the header.
    pub fn clear_range(&self, index: &SourceIndex, piece: &Piece) -> Range<u64> {
        match piece {
            Piece::Header(_) => 0..0,
            Piece::Fragment { number, .. } => index.media(*number),
        }
    }

    /// Makes a piece of the clear file that `index` is of. Only samples of the piece's fragment are read.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Source`] where the file is not what it was; [`Error::Cmaf`].
    pub fn read(
        &self,
        index: &SourceIndex,
        file: &(impl ReadAt + ?Sized),
        piece: &Piece,
    ) -> Result<Vec<u8>, Error> {
        let gone = || source("a piece of another file");
        match piece {
            Piece::Header(part) => Ok(self.header.get(part.clone()).ok_or_else(gone)?.to_vec()),
            Piece::Fragment { number, part } => {
                let mut whole = self.fragment(index, file, *number)?;
                if whole.len() < part.end {
                    return Err(gone());
                }
                whole.truncate(part.end);
                whole.drain(..part.start);
                Ok(whole)
            }
        }
    }

    /// Makes a whole fragment.
    fn fragment(
        &self,
        index: &SourceIndex,
        file: &(impl ReadAt + ?Sized),
        number: usize,
    ) -> Result<Vec<u8>, Error> {
        let protection = self.keys.protection(Vec::new());
        let head = head(index, &protection, number)?;
        let place = index.media(number);
        // Bounded where the index was made.
        let mut media = vec![0; (place.end - place.start) as usize];
        file.read_at(place.start, &mut media)?;
        let fragment = head.seal(&media)?;
        let [from, to] = [number, number + 1].map(|n| self.offsets.get(n).copied().unwrap_or(0));
        match fragment.len() as u64 == to.saturating_sub(from) {
            true => Ok(fragment),
            false => Err(source("an index of another file")),
        }
    }
}

fn head<'a>(
    index: &SourceIndex,
    protection: &'a Protection<'_>,
    fragment: usize,
) -> Result<FragmentHead<'a>, Error> {
    let subsamples = index.subsamples(fragment, protection.scheme, protection.level);
    let (at, segment) = (index.position(fragment), index.segment_of(fragment));
    let samples = index.samples(fragment);
    Ok(fragment_head(&index.track(), Some(protection), at, segment, &samples, &subsamples)?)
}

/// The pieces of a range.
#[derive(Debug, Clone)]
pub struct Pieces<'a> {
    track: &'a EncryptedTrack,
    at: u64,
    end: u64,
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        if self.at >= self.end {
            return None;
        }
        let (from, to) = (self.at, self.end);
        // The number of fragments that begin at or before this byte.
        let begun = self.track.offsets.partition_point(|offset| *offset <= from);
        let start = begun.checked_sub(1).map_or(0, |number| self.track.offsets[number]);
        let to = to.min(self.track.offsets.get(begun).copied().unwrap_or(to));
        self.at = to;
        let part = (from - start) as usize..(to - start) as usize;
        Some(match begun.checked_sub(1) {
            None => Piece::Header(part),
            Some(number) => Piece::Fragment { number, part },
        })
    }
}
