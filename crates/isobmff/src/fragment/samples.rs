use super::{RUN_COMPOSITION, RUN_DURATION, RUN_FLAGS, RUN_SIZE, Run, TrackFragment};
use crate::sample_groups::GroupWalk;
use crate::{BoxRef, Cursor, Error, FourCc, TrackEncryption};

/// The subsamples of a sample: pairs of clear and protected length. Empty: all of the sample is protected.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subsamples<'a>(&'a [[u8; 6]]);

impl Subsamples<'_> {
    /// Number of pairs.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Iterator for Subsamples<'_> {
    type Item = (u16, u32);

    fn next(&mut self) -> Option<(u16, u32)> {
        let (&[a, b, c, d, e, f], rest) = self.0.split_first()?;
        self.0 = rest;
        Some((u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f])))
    }
}

/// How one sample is encrypted.
#[derive(Debug, Clone, Copy)]
pub struct SampleCrypto<'a> {
    /// Key id, pattern and the rest: the track's default or the sample group's.
    pub encryption: TrackEncryption,
    /// 8 or 16 bytes: the sample's own IV, or the constant one.
    pub iv: &'a [u8],
    /// Which parts are protected.
    pub subsamples: Subsamples<'a>,
}

impl SampleCrypto<'_> {
    /// Which key.
    pub const fn kid(&self) -> &[u8; 16] {
        &self.encryption.kid
    }
}

/// A sample of a fragment.
#[derive(Debug, Clone, Copy)]
pub struct FragmentSample<'a> {
    /// First byte, counted from the first byte of `moof`. May lie outside the data that is there.
    pub offset: u64,
    /// Number of bytes.
    pub size: u32,
    /// Decoding time in the track's timescale (from 0 if the fragment has no `tfdt`).
    pub decode_time: u64,
    /// Duration.
    pub duration: u32,
    /// Presentation minus decoding time.
    pub composition_offset: i64,
    /// Sample flags.
    pub flags: u32,
    /// Encryption; `None`: the sample is clear.
    pub crypto: Option<SampleCrypto<'a>>,
}

impl FragmentSample<'_> {
    /// Whether decoding can start here (`sample_is_non_sync_sample` is 0).
    pub const fn is_sync(&self) -> bool {
        self.flags & 0x0001_0000 == 0
    }
}

/// Where the IVs and subsamples are: in `senc`, else where `saio` points inside `moof`.
#[derive(Debug, Clone, Default)]
pub(crate) struct AuxiliaryInfo<'a> {
    pub(crate) count: Option<u32>,
    /// What `senc` says instead of `tenc`.
    pub(crate) encryption: Option<TrackEncryption>,
    /// `senc`'s entries.
    in_senc: Option<&'a [u8]>,
    has_subsamples: bool,
    /// From `saiz`: default size, or one byte a sample.
    sizes: Option<(u8, &'a [u8])>,
    /// From `saio`: how many offsets, whether they have 64 bits, and these.
    offsets: Option<(u32, bool, Cursor<'a>)>,
}

impl<'a> AuxiliaryInfo<'a> {
    pub(crate) fn parse_senc(&mut self, senc: &BoxRef<'a>) -> Result<(), Error> {
        let (version, flags, mut cursor) = senc.full()?;
        if version > 0 {
            return Err(Error::Version { kind: FourCc(*b"senc"), version });
        }
        if flags & 0x01 != 0 {
            // PIFF 1.1 §5.3.2: AlgorithmID (24 bits: 0 none, 1 AES-CTR, 2 AES-CBC), IV_size (8 bits), KID.
            let word = cursor.u32()?;
            if !matches!(word, 0 | 8 | 16 | 0x108 | 0x110) {
                return Err(Error::invalid(
                    b"senc",
                    "it overrides with other than AES-CTR with 8- or 16-byte IVs",
                ));
            }
            let mut encryption = TrackEncryption::per_sample_iv(cursor.array()?, word as u8);
            encryption.protected = word & 0x100 != 0;
            self.encryption = Some(encryption);
        }
        self.count = Some(cursor.u32()?);
        self.has_subsamples = flags & 0x02 != 0;
        self.in_senc = Some(cursor.rest());
        Ok(())
    }

    /// Reads `saiz`; false if it belongs to something else than encryption.
    pub(crate) fn parse_saiz(&mut self, saiz: &BoxRef<'a>) -> Result<bool, Error> {
        let (_, flags, mut cursor) = saiz.full()?;
        if !about_encryption(flags, &mut cursor)? {
            return Ok(false);
        }
        let default = cursor.u8()?;
        let count = cursor.u32()?;
        self.sizes = Some((default, if default == 0 { cursor.table(count, 1)? } else { &[] }));
        Ok(true)
    }

    /// Reads `saio`; false if it belongs to something else than encryption.
    pub(crate) fn parse_saio(&mut self, saio: &BoxRef<'a>) -> Result<bool, Error> {
        let (version, flags, mut cursor) = saio.full()?;
        if !about_encryption(flags, &mut cursor)? {
            return Ok(false);
        }
        self.offsets = Some((cursor.u32()?, version == 1, cursor));
        Ok(true)
    }

    /// Gives each run the entries of its samples: those in `senc`, else from where `saio` says inside `moof`,
    /// one place for all runs or one for each (ISO/IEC 14496-12 §8.7.9).
    pub(crate) fn locate(&mut self, moof: &BoxRef<'a>, runs: &mut [Run<'a>]) -> Result<(), Error> {
        if let Some(entries) = self.in_senc {
            runs.iter_mut().take(1).for_each(|run| run.auxiliary = Some(entries));
            return Ok(());
        }
        if self.sizes.is_none() {
            return Ok(());
        }
        let outside = Error::invalid(b"saio", "it does not point into the fragment, once or for each run");
        let (count, wide, mut offsets) =
            self.offsets.filter(|of| of.0 == 1 || of.0 as usize == runs.len()).ok_or(outside.clone())?;
        for run in runs.iter_mut().take(count as usize) {
            let offset = usize::try_from(offsets.u32_or_u64(wide)?).ok();
            let inside = offset.and_then(|offset| moof.payload.get(offset.checked_sub(moof.header_len)?..));
            run.auxiliary = Some(inside.ok_or(outside.clone())?);
        }
        Ok(())
    }
}

fn about_encryption(flags: u32, cursor: &mut Cursor<'_>) -> Result<bool, Error> {
    if flags & 0x01 == 0 {
        return Ok(true);
    }
    let kind = cursor.four_cc()?;
    cursor.u32()?;
    Ok(matches!(&kind.0, b"cenc" | b"cbcs" | b"cens" | b"cbc1"))
}

/// The samples of a track fragment, one after another.
#[derive(Debug, Clone)]
pub struct FragmentSamples<'a> {
    track: &'a TrackFragment<'a>,
    runs: core::slice::Iter<'a, Run<'a>>,
    run: Option<(&'a Run<'a>, Cursor<'a>, u32)>,
    offset: u64,
    decode_time: u64,
    auxiliary: Cursor<'a>,
    index: usize,
    groups: GroupWalk<'a>,
    failed: bool,
}

impl<'a> FragmentSamples<'a> {
    pub(crate) fn new(track: &'a TrackFragment<'a>) -> Self {
        Self {
            track,
            runs: track.runs.iter(),
            run: None,
            offset: 0,
            decode_time: track.base_decode_time.unwrap_or(0),
            auxiliary: Cursor::new(FourCc(*b"senc"), &[]),
            index: 0,
            groups: GroupWalk::new(track.groups),
            failed: false,
        }
    }

    fn read(&mut self) -> Result<Option<FragmentSample<'a>>, Error> {
        let (run, mut entry, done) = loop {
            match self.run.take() {
                Some((run, entry, done)) if done < run.count => break (run, entry, done),
                _ => {
                    let Some(run) = self.runs.next() else { return Ok(None) };
                    self.offset = run.data_offset;
                    if let Some(entries) = run.auxiliary {
                        self.auxiliary = Cursor::new(FourCc(*b"senc"), entries);
                    }
                    self.run = Some((run, Cursor::new(FourCc(*b"trun"), run.entries), 0));
                }
            }
        };
        let defaults = &self.track.defaults;
        let mut field = |flag, default| if run.flags & flag != 0 { entry.u32() } else { Ok(default) };
        let duration = field(RUN_DURATION, defaults.duration)?;
        let size = field(RUN_SIZE, defaults.size)?;
        let mut flags = field(RUN_FLAGS, defaults.flags)?;
        let composition = field(RUN_COMPOSITION, 0)?;
        if let (0, Some(first)) = (done, run.first_sample_flags) {
            flags = first;
        }
        let composition_offset =
            if run.version == 0 { i64::from(composition) } else { i64::from(composition as i32) };
        let (offset, decode_time) = (self.offset, self.decode_time);
        self.offset =
            offset.checked_add(u64::from(size)).ok_or(Error::invalid(b"trun", "offsets overflow"))?;
        self.decode_time = decode_time.wrapping_add(u64::from(duration));
        self.run = Some((run, entry, done + 1));
        let crypto = self.crypto()?;
        self.index += 1;
        Ok(Some(FragmentSample { offset, size, decode_time, duration, composition_offset, flags, crypto }))
    }

    /// Encryption of the next sample. Always called once a sample, because the entries follow each other.
    fn crypto(&mut self) -> Result<Option<SampleCrypto<'a>>, Error> {
        let track = self.track;
        let entry =
            (track.description_index as usize).checked_sub(1).and_then(|i| track.track.entries.get(i));
        let default = entry.and_then(|entry| entry.protection.as_ref()).map(|p| &p.encryption);
        let default = track.auxiliary.encryption.as_ref().or(default);
        let group = self.groups.next_index();
        let encryption = match group {
            0 => default,
            1..=0x1_0000 => Some(
                track
                    .track
                    .seig
                    .get(group as usize - 1)
                    .ok_or(Error::invalid(b"sbgp", "the group is not described"))?,
            ),
            _ => Some(
                track
                    .seig
                    .get((group - 0x1_0001) as usize)
                    .ok_or(Error::invalid(b"sbgp", "the group is not described"))?,
            ),
        };
        let iv_size = encryption.map_or(0, |e| usize::from(e.iv_size));
        let auxiliary = &track.auxiliary;
        let (iv, subsamples) = if auxiliary.in_senc.is_some() {
            let iv = self.auxiliary.take(iv_size)?;
            (iv, if auxiliary.has_subsamples { self.subsamples()? } else { Subsamples::default() })
        } else if let Some((default, sizes)) = auxiliary.sizes {
            let size = if default == 0 { sizes.get(self.index).copied().unwrap_or(0) } else { default };
            let bytes = self.auxiliary.take(usize::from(size))?;
            let mut inner = Self { auxiliary: Cursor::new(FourCc(*b"saio"), bytes), ..self.clone() };
            let iv = if bytes.is_empty() { &[][..] } else { inner.auxiliary.take(iv_size)? };
            let more = !inner.auxiliary.rest().is_empty();
            (iv, if more { inner.subsamples()? } else { Subsamples::default() })
        } else {
            (&[][..], Subsamples::default())
        };
        let Some(encryption) = encryption.filter(|e| e.protected) else { return Ok(None) };
        let iv = match encryption.iv_size {
            0 => encryption.constant_iv(),
            _ if iv.is_empty() => return Err(Error::invalid(b"traf", "protected samples without IVs")),
            _ => iv,
        };
        Ok(Some(SampleCrypto { encryption: *encryption, iv, subsamples }))
    }

    fn subsamples(&mut self) -> Result<Subsamples<'a>, Error> {
        let count = self.auxiliary.u16()?;
        Ok(Subsamples(self.auxiliary.table(u32::from(count), 6)?.as_chunks().0))
    }
}

impl<'a> Iterator for FragmentSamples<'a> {
    type Item = Result<FragmentSample<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let result = self.read().transpose();
        self.failed = !matches!(result, Some(Ok(_)));
        result
    }
}
