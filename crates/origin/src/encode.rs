//! Index files: what an index knows, so that a film need not be read again. They are a cache, in a form that
//! only this program reads; numbers are little-endian.
//!
//! `MATINDEX`, version (u32), SHA-256 (32) and size (u64) of the clear file; the header, behind its length;
//! then fragments, segments, samples, and the subsamples of both schemes, each list behind the number of its
//! entries; at the end SHA-256 of all that.

use cenc::Subsample;
use pack::Representation;
use sha2::{Digest, Sha256};

use crate::header::SourceHeader;
use crate::index::{Runs, SourceFragment, SourceSample};
use crate::{Error, SourceIndex};

const MAGIC: &[u8; 8] = b"MATINDEX";
const VERSION: u32 = 1;

const SYNC: u8 = 1;
const REFERENCE: u8 = 2;

impl SourceIndex {
    /// The index as a file. `r` describes the clear file that it is of.
    pub fn to_bytes(&self, r: &Representation) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.memory());
        out.extend_from_slice(MAGIC);
        put(&mut out, VERSION);
        out.extend_from_slice(&digest_of(r));
        out.extend_from_slice(&r.size.to_le_bytes());
        put(&mut out, self.header.bytes().len() as u32);
        out.extend_from_slice(self.header.bytes());
        put(&mut out, self.fragments.len() as u32);
        for fragment in &self.fragments {
            out.extend_from_slice(&fragment.media.to_le_bytes());
            put(&mut out, fragment.first);
            out.extend_from_slice(&fragment.decode_time.to_le_bytes());
        }
        put(&mut out, self.segments.len() as u32);
        self.segments.iter().for_each(|first| put(&mut out, *first));
        put(&mut out, self.samples.len() as u32);
        for sample in &self.samples {
            put(&mut out, sample.size);
            put(&mut out, sample.duration);
            out.extend_from_slice(&sample.composition.to_le_bytes());
            out.push(u8::from(sample.sync) * SYNC + u8::from(sample.reference) * REFERENCE);
        }
        for runs in [&self.cenc, &self.cbcs] {
            put(&mut out, runs.ends.len() as u32);
            runs.ends.iter().for_each(|end| put(&mut out, *end));
            put(&mut out, runs.all.len() as u32);
            for subsample in &runs.all {
                out.extend_from_slice(&subsample.clear.to_le_bytes());
                put(&mut out, subsample.protected);
            }
        }
        let sum = Sha256::digest(&out);
        out.extend_from_slice(&sum);
        out
    }

    /// Reads an index file of the clear file that `r` describes.
    ///
    /// # Errors
    /// [`Error::Index`] if it is damaged, of another version, or of another file.
    pub fn from_bytes(data: &[u8], r: &Representation) -> Result<Self, Error> {
        read(data, r).ok_or(Error::Index)
    }
}

fn digest_of(r: &Representation) -> [u8; 32] {
    let mut digest = [0; 32];
    let _ = hex::decode_to_slice(&r.sha256, &mut digest);
    digest
}

fn put(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn read(data: &[u8], r: &Representation) -> Option<SourceIndex> {
    let (body, sum) = data.split_last_chunk::<32>()?;
    if Sha256::digest(body)[..] != sum[..] {
        return None;
    }
    let mut input = Input(body);
    let known = input.take(8)? == MAGIC
        && input.u32()? == VERSION
        && input.take(32)? == digest_of(r)
        && input.u64()? == r.size;
    if !known {
        return None;
    }
    let len = input.u32()? as usize;
    let header = SourceHeader::read(input.take(len)?.to_vec()).ok()?;
    let fragments = input.list(20, |input| {
        Some(SourceFragment { media: input.u64()?, first: input.u32()?, decode_time: input.u64()? })
    })?;
    let segments = input.list(4, Input::u32)?;
    let samples = input.list(13, |input| {
        let (size, duration, composition) = (input.u32()?, input.u32()?, input.u32()? as i32);
        let flags = input.take(1)?[0];
        let (sync, reference) = (flags & SYNC != 0, flags & REFERENCE != 0);
        Some(SourceSample { size, duration, composition, sync, reference })
    })?;
    let (cenc, cbcs) = (input.runs()?, input.runs()?);
    let ascending = |list: &[u32], most: usize| {
        list.is_sorted() && list.last().is_none_or(|last| (*last as usize) < most)
    };
    let firsts: Vec<_> = fragments.iter().map(|fragment| fragment.first).collect();
    let whole = |runs: &Runs| runs.ends.is_empty() || runs.ends.len() == samples.len();
    let good = input.0.is_empty()
        && ascending(&firsts, samples.len())
        && ascending(&segments, fragments.len())
        && firsts.first().is_none_or(|first| *first == 0)
        && segments.first().is_none_or(|first| *first == 0)
        && [&cenc, &cbcs].into_iter().all(whole);
    good.then_some(SourceIndex { header, fragments, segments, samples, cenc, cbcs })
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    /// A list behind the number of its entries, which have `size` bytes: room is made for what is there.
    fn list<T>(&mut self, size: usize, entry: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.u32()? as usize;
        let bytes = count.checked_mul(size)?;
        let mut list = Input(self.take(bytes)?);
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            all.push(entry(&mut list)?);
        }
        Some(all)
    }

    fn runs(&mut self) -> Option<Runs> {
        let ends = self.list(4, Self::u32)?;
        let all = self.list(6, |input| Some(Subsample { clear: input.u16()?, protected: input.u32()? }))?;
        let fits = ends.is_sorted() && ends.last().map_or(0, |end| *end as usize) == all.len();
        fits.then_some(Runs { ends, all })
    }
}
