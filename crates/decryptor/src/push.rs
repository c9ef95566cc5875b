use cenc::{Direction, Iv, Kid, Pattern, RangeTable, SampleProtection, Scheme, SegmentCipher, Subsample};
use isobmff::{BoxHeader, Boxes, FourCc, Fragment, InitSegment, MAX_SAMPLES, SampleCrypto};

use crate::{Error, Keys};

/// Largest `moof` that is taken, bytes.
pub const MAX_MOOF: u64 = 4 << 20;
/// Largest `mdat` that is taken, bytes.
pub const MAX_MDAT: u64 = 64 << 20;
/// Most subsamples of a fragment: an hour of video has fewer.
const MAX_PIECES: usize = 1 << 20;
/// Most bytes that are held while a key is missing.
pub const MAX_HELD: usize = 128 << 20;

/// A clear init segment and what the protected one said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClearInit {
    /// The init segment without protection, of the same length.
    pub bytes: Vec<u8>,
    /// Default KIDs of the protected tracks, each once; empty for clear media.
    pub kids: Vec<Kid>,
    /// Its `pssh` boxes, whole, one after the other.
    pub init_data: Vec<u8>,
}

/// What a [`PushDecryptor`] or a [`WholeSegment`](crate::WholeSegment) has come to.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// A clear fragment: whole `moof` and `mdat` boxes; or a whole segment.
    Fragment(&'a [u8]),
    /// A fragment is whole, but these keys are missing. It is held.
    NeedKeys(Vec<Kid>),
    /// More bytes are needed.
    NeedData,
}

/// Decrypts one stream of fragments as its bytes come.
///
/// Takes bytes in any chunking, and hands out each fragment (`moof`, then the `mdat`s up to the end of its
/// samples) once whole, decrypted in place, all its protected ranges of one key in one call of the cipher.
/// Boxes outside of fragments (`styp`, `sidx`, `ftyp`, `moov`, …) are skipped and never buffered. Memory
/// grows with the bytes that have come, not with what boxes claim.
#[derive(Default)]
pub struct PushDecryptor {
    init: Option<InitSegment>,
    buffer: Vec<u8>,
    /// What is in front of this has been handed out.
    start: usize,
    /// Bytes of a box outside of fragments that are still to be skipped.
    skip: u64,
    /// Length of the fragment at `start` as far as its boxes are known, from the first of them.
    known: usize,
    /// How far the samples of the fragment at `start` reach; 0 until its `moof` is whole.
    needed: usize,
    /// Its first `mdat` has come.
    has_data: bool,
    /// Its protected ranges that are not decrypted yet, by key.
    work: Vec<Work>,
}

struct Work {
    kid: Kid,
    table: RangeTable,
}

impl PushDecryptor {
    /// A stream without an init segment.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an init segment, replacing an earlier one, and drops what was held.
    ///
    /// # Errors
    /// [`Error::Box`] for a malformed one, [`Error::Scheme`] for an unknown protection.
    pub fn set_init(&mut self, mut bytes: Vec<u8>) -> Result<ClearInit, Error> {
        let init = InitSegment::parse(&bytes)?;
        let mut kids = Vec::new();
        for entry in init.tracks.iter().flat_map(|track| &track.entries) {
            match &entry.protection {
                Some(protection) => {
                    scheme_of(protection.scheme)?;
                    let kid = Kid(protection.encryption.kid);
                    if protection.encryption.protected && !kids.contains(&kid) {
                        kids.push(kid);
                    }
                }
                None if entry.kind == b"encv" || entry.kind == b"enca" => {
                    return Err(Error::Scheme(FourCc(*b"none")));
                }
                None => {}
            }
        }
        let init_data = pssh_boxes(&bytes)?;
        init.edits().iter().try_for_each(|edit| edit.apply(&mut bytes))?;
        self.init = Some(init);
        self.reset();
        Ok(ClearInit { bytes, kids, init_data })
    }

    /// Whether there is an init segment.
    pub fn has_init(&self) -> bool {
        self.init.is_some()
    }

    /// Drops all that is held of unfinished fragments; the init segment stays.
    pub fn reset(&mut self) {
        *self = Self { init: self.init.take(), ..Self::default() };
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Error::NoInit`] before an init segment; [`Error::TooLarge`] if more than [`MAX_HELD`] bytes would be
    /// held.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.make_room(bytes.len())?;
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Takes the next bytes; where nothing is held, without copying them.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn push_owned(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        self.make_room(bytes.len())?;
        if self.buffer.is_empty() {
            self.buffer = bytes;
        } else {
            self.buffer.extend_from_slice(&bytes);
        }
        Ok(())
    }

    /// Forgets what has been handed out, when that is cheap.
    fn make_room(&mut self, len: usize) -> Result<(), Error> {
        if self.init.is_none() {
            return Err(Error::NoInit);
        }
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        } else if self.start > self.buffer.len() / 2 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let held = (self.buffer.len() - self.start).saturating_add(len);
        if held > MAX_HELD {
            return Err(Error::TooLarge { kind: FourCc(*b"mdat"), size: held as u64 });
        }
        Ok(())
    }

    /// Goes on as far as the bytes and keys allow. To be called until it asks for more. After an error the
    /// stream must be [reset](Self::reset).
    ///
    /// # Errors
    /// Malformed or unsupported media, and what [`Keys::find`] says.
    pub fn step(&mut self, keys: &mut impl Keys) -> Result<Step<'_>, Error> {
        if !self.frame()? {
            return Ok(Step::NeedData);
        }
        let missing = self.decrypt(keys)?;
        if !missing.is_empty() {
            return Ok(Step::NeedKeys(missing));
        }
        let fragment = self.start..self.start + self.known;
        self.start = fragment.end;
        (self.known, self.needed, self.has_data) = (0, 0, false);
        Ok(Step::Fragment(&self.buffer[fragment]))
    }

    /// The segment is over.
    ///
    /// # Errors
    /// [`Error::Unfinished`] if it ends inside a fragment or another box.
    pub fn finish(&mut self) -> Result<(), Error> {
        let clean = self.start == self.buffer.len() && self.known == 0 && self.skip == 0;
        self.reset();
        if clean { Ok(()) } else { Err(Error::Unfinished) }
    }

    /// Finds the boxes of the next fragment; true once it is whole.
    fn frame(&mut self) -> Result<bool, Error> {
        loop {
            let held = self.buffer.len() - self.start;
            let skipped = self.skip.min(held as u64);
            self.start += skipped as usize;
            self.skip -= skipped;
            if self.skip > 0 {
                return Ok(false);
            }
            if self.has_data && self.known >= self.needed {
                return Ok(true);
            }
            let rest = &self.buffer[self.start + self.known..];
            let Some(header) = BoxHeader::parse(rest)? else { return Ok(false) };
            let kind = header.kind;
            let too_large = |size| Error::TooLarge { kind, size };
            // A box to the end of the file has no place in a segment: its end is not known.
            let size = header.size.ok_or(too_large(u64::MAX))?;
            let limit = match &kind.0 {
                b"moof" if self.known == 0 => MAX_MOOF,
                b"mdat" if self.known > 0 => MAX_MDAT,
                b"mdat" => return Err(Error::StrayData),
                _ if self.known == 0 => {
                    self.skip = size;
                    continue;
                }
                b"moof" => return Err(Error::Unfinished),
                // Between moof and mdat: part of the fragment, for offsets count through it.
                _ => MAX_MOOF,
            };
            if size > limit || self.known as u64 + size > MAX_MOOF + MAX_MDAT {
                return Err(too_large(size));
            }
            let size = size as usize;
            if rest.len() < size {
                return Ok(false);
            }
            if self.known == 0 {
                self.needed = self.tabulate(size)?;
            }
            self.known += size;
            self.has_data |= kind == b"mdat";
        }
    }

    /// Reads the whole `moof` at `start`: makes the range tables, clears the protection boxes, and gives the
    /// end of the samples.
    fn tabulate(&mut self, size: usize) -> Result<usize, Error> {
        let init = self.init.as_ref().ok_or(Error::NoInit)?;
        let moof = &mut self.buffer[self.start..self.start + size];
        let fragment = Fragment::parse(moof, 0, init)?;
        let mut needed = 0;
        let (mut samples, mut pieces) = (0, 0);
        let mut subsamples = Vec::new();
        self.work.clear();
        for track in fragment.tracks() {
            let scheme = track.scheme().unwrap_or(FourCc(*b"none"));
            for sample in track.samples() {
                let sample = sample?;
                // Bounded over all tracks: samples without size or entry cost no bytes.
                samples += 1;
                if samples > MAX_SAMPLES {
                    return Err(Error::TooLarge { kind: FourCc(*b"trun"), size: u64::from(samples) });
                }
                let end = sample.offset.saturating_add(u64::from(sample.size));
                if end > MAX_MOOF + MAX_MDAT {
                    return Err(Error::TooLarge { kind: FourCc(*b"mdat"), size: end });
                }
                let offset = sample.offset as usize;
                needed = needed.max(end as usize);
                let Some(crypto) = sample.crypto else { continue };
                if offset < size {
                    return Err(Error::StrayData);
                }
                let protection = protection_of(scheme_of(scheme)?, &crypto);
                let kid = Kid(*crypto.kid());
                let same = |work: &Work| work.kid == kid && work.table.protection() == protection;
                let at = self.work.iter().position(same).unwrap_or_else(|| {
                    self.work.push(Work { kid, table: RangeTable::new(protection) });
                    self.work.len() - 1
                });
                subsamples.clear();
                subsamples.extend(crypto.subsamples.map(|(clear, protected)| Subsample { clear, protected }));
                // Runs may share the octets of these.
                pieces += subsamples.len();
                if pieces > MAX_PIECES {
                    return Err(Error::TooLarge { kind: FourCc(*b"senc"), size: pieces as u64 });
                }
                self.work[at].table.push_sample(
                    offset,
                    sample.size as usize,
                    Iv::from_slice(crypto.iv)?,
                    &subsamples,
                )?;
            }
        }
        // Samples of which nothing is encrypted need no key.
        self.work.retain(|work| !work.table.ranges().is_empty());
        let edits = fragment.edits().to_vec();
        edits.iter().try_for_each(|edit| edit.apply(moof))?;
        Ok(needed)
    }

    /// Decrypts the whole fragment at `start`, key by key; gives the keys that are missing.
    fn decrypt(&mut self, keys: &mut impl Keys) -> Result<Vec<Kid>, Error> {
        let fragment = &mut self.buffer[self.start..self.start + self.known];
        let mut missing = Vec::new();
        let mut kept = Vec::new();
        for work in self.work.drain(..) {
            match keys.find(&work.kid)? {
                Some(cipher) => cipher.apply(Direction::Decrypt, &work.table, fragment)?,
                None => {
                    if !missing.contains(&work.kid) {
                        missing.push(work.kid);
                    }
                    kept.push(work);
                }
            }
        }
        self.work = kept;
        Ok(missing)
    }
}

fn scheme_of(code: FourCc) -> Result<Scheme, Error> {
    Scheme::from_four_cc(code.0).map_err(|_| Error::Scheme(code))
}

fn protection_of(scheme: Scheme, crypto: &SampleCrypto<'_>) -> SampleProtection {
    match scheme {
        Scheme::Cenc => SampleProtection::Ctr,
        Scheme::Cbcs => {
            let encryption = &crypto.encryption;
            SampleProtection::Cbc(Pattern::from_box(encryption.crypt_blocks, encryption.skip_blocks))
        }
    }
}

/// The `pssh` boxes in `moov`.
fn pssh_boxes(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    if let Some(moov) = Boxes::new(bytes).first(b"moov")? {
        for child in moov.children(0) {
            let child = child?;
            if child.kind == b"pssh" {
                out.extend_from_slice(&bytes[child.offset..child.offset + child.size()]);
            }
        }
    }
    Ok(out)
}
