use crate::{BoxRef, Error, FourCc};

/// A sample of an ordinary (not fragmented) MP4 file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableSample {
    /// First byte in the file.
    pub offset: u64,
    /// Number of bytes.
    pub size: u32,
    /// Decoding time in the track's timescale, from 0.
    pub decode_time: u64,
    /// Time to the next sample's decoding.
    pub duration: u32,
    /// Presentation minus decoding time.
    pub composition_offset: i32,
    /// Whether decoding can start here.
    pub sync: bool,
    /// Index of the sample entry, from 1.
    pub description_index: u32,
}

/// `stbl`'s tables (ISO/IEC 14496-12 §8.6, §8.7), taken together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleTable {
    /// The samples, in decoding order.
    pub samples: Vec<TableSample>,
}

fn words<'a>(boxed: &BoxRef<'a>, per_entry: usize) -> Result<&'a [[u8; 4]], Error> {
    let (_, _, mut cursor) = boxed.full()?;
    let count = cursor.u32()?;
    Ok(cursor.table(count, per_entry * 4)?.as_chunks().0)
}

fn runs<'a>(boxed: &BoxRef<'a>) -> Result<impl Iterator<Item = (u32, u32)> + use<'a>, Error> {
    let pairs = words(boxed, 2)?.as_chunks::<2>().0;
    Ok(pairs.iter().map(|&[count, value]| (u32::from_be_bytes(count), u32::from_be_bytes(value))))
}

/// Repeats each value as often as its run says, without ever holding more than one run.
struct RunWalk<I> {
    runs: I,
    left: u32,
    value: u32,
}

impl<I: Iterator<Item = (u32, u32)>> RunWalk<I> {
    const fn new(runs: I) -> Self {
        Self { runs, left: 0, value: 0 }
    }

    fn next(&mut self) -> Option<u32> {
        while self.left == 0 {
            (self.left, self.value) = self.runs.next()?;
        }
        self.left -= 1;
        Some(self.value)
    }
}

impl SampleTable {
    /// Reads the tables of an `stbl` box. `file_len` bounds what they may describe: a table that places
    /// samples outside the file is an error. A few octets of tables can describe as many samples as the file
    /// has octets, and each track its own: `most` bounds their number, before memory is taken for them.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Truncated`] and [`Error::Invalid`] if the tables do not fit together, the
    /// samples lie outside the file (the file is cut off), or are more than `most`.
    pub fn parse(stbl: &BoxRef<'_>, file_len: u64, most: u64) -> Result<Self, Error> {
        let (_, _, mut stsz) = stbl
            .child(b"stsz")?
            .ok_or(Error::Missing { kind: FourCc(*b"stsz"), parent: FourCc(*b"stbl") })?
            .full()?;
        let fixed_size = stsz.u32()?;
        let count = stsz.u32()?;
        let sizes = if fixed_size == 0 { stsz.table(count, 4)?.as_chunks::<4>().0 } else { &[] };
        if u64::from(count) * u64::from(fixed_size) > file_len {
            return Err(Error::invalid(b"stsz", "the samples lie beyond the end of the file"));
        }
        if u64::from(count) > most {
            return Err(Error::invalid(b"stsz", "more samples than are allowed"));
        }
        let size_of = |index: usize| sizes.get(index).map_or(fixed_size, |&size| u32::from_be_bytes(size));
        let mut durations = RunWalk::new(runs(&stbl.required(b"stts")?)?);
        let ctts = stbl.child(b"ctts")?;
        let mut compositions = RunWalk::new(ctts.as_ref().map(runs).transpose()?.into_iter().flatten());
        let stss = stbl.child(b"stss")?.map(|stss| words(&stss, 1)).transpose()?;
        let mut sync = stss.unwrap_or(&[]).iter().map(|&number| u32::from_be_bytes(number)).peekable();
        let mut places = ChunkWalk::new(stbl)?;

        let mut samples = Vec::with_capacity(count as usize);
        let mut decode_time = 0u64;
        for index in 0..count {
            let size = size_of(index as usize);
            let (offset, description_index) = places.next(size)?;
            if offset.checked_add(u64::from(size)).is_none_or(|end| end > file_len) {
                return Err(Error::invalid(b"stco", "the samples lie beyond the end of the file"));
            }
            let duration = durations.next().ok_or(Error::invalid(b"stts", "fewer samples than `stsz`"))?;
            while sync.peek().is_some_and(|&number| number < index + 1) {
                sync.next();
            }
            samples.push(TableSample {
                offset,
                size,
                decode_time,
                duration,
                // Version 0 is unsigned, but writers put negative offsets there too.
                composition_offset: compositions.next().unwrap_or(0) as i32,
                sync: stss.is_none() || sync.peek() == Some(&(index + 1)),
                description_index,
            });
            decode_time += u64::from(duration);
        }
        Ok(Self { samples })
    }
}

/// Places samples into chunks by `stsc` and `stco` or `co64`.
struct ChunkWalk<'a> {
    chunks: core::slice::Chunks<'a, u8>,
    to_chunk: &'a [[u8; 12]],
    chunk: u32,
    left: u32,
    description_index: u32,
    offset: u64,
}

impl<'a> ChunkWalk<'a> {
    fn new(stbl: &BoxRef<'a>) -> Result<Self, Error> {
        let (co, width) = match stbl.child(b"co64")? {
            Some(co64) => (co64, 8),
            None => (stbl.required(b"stco")?, 4),
        };
        let (_, _, mut cursor) = co.full()?;
        let count = cursor.u32()?;
        let chunks = cursor.table(count, width)?.chunks(width);
        let (_, _, mut cursor) = stbl.required(b"stsc")?.full()?;
        let count = cursor.u32()?;
        let to_chunk = cursor.table(count, 12)?.as_chunks().0;
        Ok(Self { chunks, to_chunk, chunk: 0, left: 0, description_index: 1, offset: 0 })
    }

    /// The place and sample description index of the next sample.
    fn next(&mut self, size: u32) -> Result<(u64, u32), Error> {
        while self.left == 0 {
            let chunk =
                self.chunks.next().ok_or(Error::invalid(b"stco", "fewer chunks than samples need"))?;
            self.offset = chunk.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
            self.chunk += 1;
            while let [_, rest @ ..] = self.to_chunk
                && let [next, ..] = rest
                && word(next, 0) <= self.chunk
            {
                self.to_chunk = rest;
            }
            let current = self.to_chunk.first().ok_or(Error::invalid(b"stsc", "it is empty"))?;
            if word(current, 0) > self.chunk {
                return Err(Error::invalid(b"stsc", "it does not begin with the first chunk"));
            }
            (self.left, self.description_index) = (word(current, 4), word(current, 8));
        }
        self.left -= 1;
        let offset = self.offset;
        self.offset =
            offset.checked_add(u64::from(size)).ok_or(Error::invalid(b"stco", "offsets overflow"))?;
        Ok((offset, self.description_index))
    }
}

fn word(entry: &[u8; 12], at: usize) -> u32 {
    u32::from_be_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]])
}
