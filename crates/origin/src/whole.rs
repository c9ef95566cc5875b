use std::ops::Range;
use std::sync::Arc;

use cenc::{CommonKey, IvKey, Level, Scheme, WholeEncryption, WholeIvs, whole_len};
use cmaf::PeriodKey;
use pack::layout::{WholePart, downloadable_id, media_path};
use pack::{Pack, Representation, Segment, Source, Written};

use crate::error::source;
use crate::{Encryption, Error, FilmKeys, ReadAt};

/// Clear bytes that are read and encrypted at once: whole blocks.
const PART: u64 = 256 * 1024;

/// A film's keys where its segments are encrypted whole, with AES-128 in CBC mode (RFC 8216 §5.2).
#[derive(Debug)]
pub struct WholeKeys {
    keys: FilmKeys,
    /// By representation.
    ivs: Arc<Vec<WholeIvs>>,
}

impl WholeKeys {
    /// Derives the keys of a source. Scheme and level change nothing here. The keys are others than those of
    /// samples: to their label is added what this form is called in URLs, so that who is given a key of this
    /// form cannot open any other.
    ///
    /// # Errors
    /// As [`FilmKeys::derive`].
    pub fn derive(source: &Source, encryption: &Encryption, common: &CommonKey) -> Result<Self, Error> {
        let label = format!("{}/{}", encryption.label, crate::WHOLE).parse()?;
        let encryption = Encryption { label, scheme: Scheme::Cbcs, level: Level::High, ..encryption.clone() };
        let keys = FilmKeys::derive(source, &encryption, common)?;
        let (key, content) = (IvKey::Common(common), &encryption.content_id);
        let ivs = source.pack.representations.iter();
        let ivs = ivs.map(|r| WholeIvs::new(key, content, &r.id, keys.pack_id()));
        Ok(Self { ivs: Arc::new(ivs.collect::<Result<_, _>>()?), keys })
    }

    /// As [`FilmKeys::revision`].
    pub fn revision(&self) -> String {
        self.keys.revision()
    }
}

/// A film whose segments are encrypted whole, each a file of its own. Init segments are clear, and so are
/// segments of a clear lead.
#[derive(Debug)]
pub struct WholeFilm {
    /// What there is to say of it, with the sizes of what is sent. Offsets are those in a file of all parts,
    /// which nobody sees.
    pub pack: Pack,
    /// The clear segments, by representation.
    clear: Vec<Vec<Range<u64>>>,
    keys: WholeKeys,
}

impl WholeFilm {
    /// Lays the film out. No media file is read.
    ///
    /// # Errors
    /// [`Error::Source`] for segments beyond the end of any file.
    pub fn plan(clear: &Source, keys: WholeKeys) -> Result<Self, Error> {
        let clear = &clear.pack;
        let mut pack = Pack {
            pack_id: keys.keys.pack_id().to_owned(),
            scheme: pack::Scheme::Cbcs,
            level: Level::High,
            protection: Some(keys.keys.names().clone()),
            ..clear.clone()
        };
        let mut all = Vec::with_capacity(clear.representations.len());
        for r in &mut pack.representations {
            all.push(r.segments.iter().map(range).collect::<Result<_, _>>()?);
            lay_out(r, &keys.keys)?;
        }
        Ok(Self { pack, clear: all, keys })
    }

    /// The IV of a representation's segment; `None` where there is no such segment, or it is clear.
    pub fn iv(&self, representation: usize, segment: usize) -> Option<[u8; 16]> {
        self.clear.get(representation)?.get(segment)?;
        let ivs = self.keys.ivs.get(representation).filter(|_| !self.keys.keys.plan.is_clear(segment))?;
        Some(ivs.of_segment(segment as u64))
    }

    /// Bytes of a file; `None` where there is no such file.
    pub fn size(&self, representation: usize, part: WholePart) -> Option<u64> {
        let r = self.pack.representations.get(representation)?;
        match part {
            WholePart::Init => Some(r.init_range.last.saturating_add(1)),
            WholePart::Segment(number) => Some(r.segments.get(number as usize)?.size),
        }
    }

    /// Makes a range of a file, of the clear file of its representation; `None` where there is no such file.
    pub fn read(&self, representation: usize, part: WholePart, range: Range<u64>) -> Option<WholeReader> {
        let size = self.size(representation, part)?;
        let (clear, encryption) = match part {
            WholePart::Init => (0..size, None),
            WholePart::Segment(number) => {
                let number = number as usize;
                let clear = self.clear.get(representation)?.get(number)?.clone();
                let period = self.keys.keys.plan.period(number);
                let encryption = self.iv(representation, number).map(|iv| Sealing {
                    keys: Arc::clone(&self.keys.keys.keys),
                    period,
                    encryption: WholeEncryption::new(iv),
                });
                (clear, encryption)
            }
        };
        let wanted = range.start..range.end.min(size);
        // In the clear, what comes before need not be read.
        let at = if encryption.is_some() { 0 } else { wanted.start };
        Some(WholeReader { clear, encryption, wanted, at })
    }

    /// Bytes that it takes in memory.
    pub fn memory(&self) -> usize {
        let segments: usize = self.clear.iter().map(|segments| size_of_val(&segments[..])).sum();
        let names = self.pack.protection.iter().map(|p| size_of_val(&p.keys[..])).sum::<usize>();
        size_of::<Self>() + 3 * segments + 4 * names + self.clear.len() * size_of::<WholeIvs>()
    }
}

fn range(segment: &Segment) -> Result<Range<u64>, Error> {
    let end = segment.offset.checked_add(segment.size);
    Ok(segment.offset..end.ok_or_else(|| source("a segment ends beyond any file"))?)
}

/// What there is to say of a representation.
fn lay_out(r: &mut Representation, keys: &FilmKeys) -> Result<(), Error> {
    let init = r.init_range.last;
    let (header, index) = (init.saturating_add(1), r.index_range.last.saturating_sub(init));
    let mut at = header.saturating_add(index);
    let mut segments = Vec::with_capacity(r.segments.len());
    for (number, clear) in r.segments.iter().enumerate() {
        let size = if keys.plan.is_clear(number) { clear.size } else { whole_len(clear.size) };
        segments.push(Segment { offset: at, size, first_picture: None, ..*clear });
        at = at.checked_add(size).ok_or_else(|| source("its segments are longer than any file"))?;
    }
    let ticks = segments.iter().map(|segment| segment.duration).sum();
    r.fill(Written { size: at, header, index, segments, protected_samples: 0 }, ticks);
    r.downloadable_id = downloadable_id(keys.pack_id(), &r.id);
    r.path = media_path(&r.downloadable_id, "mp4");
    r.sha256 = String::new();
    Ok(())
}

/// How a segment is encrypted.
#[derive(Debug)]
struct Sealing {
    keys: Arc<Vec<PeriodKey>>,
    period: usize,
    encryption: WholeEncryption,
}

/// A range of a file, made one part after the other. CBC begins at a segment's beginning: what comes before
/// the range is encrypted, too, and thrown away. Memory holds one part.
#[derive(Debug)]
pub struct WholeReader {
    /// The segment in the clear file.
    clear: Range<u64>,
    /// `None`: it is sent as it is.
    encryption: Option<Sealing>,
    wanted: Range<u64>,
    /// Bytes of the file that were made.
    at: u64,
}

impl WholeReader {
    /// What [`next`](Self::next) reads of the clear file; `None` after the last.
    pub fn clear_range(&self) -> Option<Range<u64>> {
        if self.at >= self.wanted.end {
            return None;
        }
        let from = self.clear.start.saturating_add(self.at).min(self.clear.end);
        Some(from..self.clear.end.min(from.saturating_add(PART)))
    }

    /// The next bytes of the range; `None` after the last. Of a part that stands before the range there are
    /// none: the next may have some.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Source`] where the clear file is not what it was.
    pub fn next(&mut self, file: &(impl ReadAt + ?Sized)) -> Result<Option<Vec<u8>>, Error> {
        let Some(clear) = self.clear_range() else { return Ok(None) };
        let begin = self.at;
        let mut bytes = self.part(file, clear)?;
        if bytes.is_empty() {
            return Err(source("a segment of another file"));
        }
        self.at += bytes.len() as u64;
        // Within a part's bytes.
        let [from, to] =
            [self.wanted.start, self.wanted.end].map(|edge| (edge.clamp(begin, self.at) - begin) as usize);
        bytes.truncate(to);
        bytes.drain(..from.min(to));
        Ok(Some(bytes))
    }

    fn part(&mut self, file: &(impl ReadAt + ?Sized), clear: Range<u64>) -> Result<Vec<u8>, Error> {
        let length = (clear.end - clear.start) as usize;
        // The padding is made in place.
        let mut bytes = Vec::with_capacity(length + 16);
        bytes.resize(length, 0);
        file.read_at(clear.start, &mut bytes)?;
        let Some(Sealing { keys, period, encryption }) = &mut self.encryption else { return Ok(bytes) };
        let key = keys.get(*period).ok_or_else(|| source("a segment without a key"))?;
        if clear.end < self.clear.end {
            encryption.part(&key.cipher, &mut bytes)?;
        } else {
            encryption.clone().last(&key.cipher, &mut bytes)?;
        }
        Ok(bytes)
    }
}
