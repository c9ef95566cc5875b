mod samples;

pub use samples::{FragmentSample, FragmentSamples, SampleCrypto, Subsamples};

use crate::init::{InitSegment, SampleDefaults, Track};
use crate::sample_groups::{parse_sbgp_seig, parse_sgpd_seig};
use crate::{BoxRef, Boxes, Edit, Error, FourCc, Pssh, TrackEncryption};
use samples::AuxiliaryInfo;

/// Most samples that a track fragment may have. Real fragments have some hundreds; without a bound a few
/// bytes could announce 2^32 samples of no size.
pub const MAX_SAMPLES: u32 = 1 << 18;

/// A movie fragment (`moof`).
#[derive(Debug, Clone)]
pub struct Fragment<'a> {
    /// `mfhd`'s sequence number.
    pub sequence: u32,
    /// Protection system data inside the fragment.
    pub pssh: Vec<Pssh>,
    tracks: Vec<TrackFragment<'a>>,
    edits: Vec<Edit>,
}

/// A track's part of a movie fragment (`traf`).
#[derive(Debug, Clone)]
pub struct TrackFragment<'a> {
    /// The track.
    pub track: &'a Track,
    /// Index of the sample entry, from 1.
    pub description_index: u32,
    /// `tfdt`: decoding time of the first sample, if given.
    pub base_decode_time: Option<u64>,
    pub(crate) defaults: SampleDefaults,
    pub(crate) runs: Vec<Run<'a>>,
    pub(crate) auxiliary: AuxiliaryInfo<'a>,
    pub(crate) groups: &'a [[u8; 8]],
    pub(crate) seig: Vec<TrackEncryption>,
    count: u32,
}

/// A `trun`, its data offset resolved.
#[derive(Debug, Clone)]
pub(crate) struct Run<'a> {
    pub(crate) version: u8,
    pub(crate) flags: u32,
    pub(crate) count: u32,
    pub(crate) first_sample_flags: Option<u32>,
    /// From the first byte of `moof`.
    pub(crate) data_offset: u64,
    pub(crate) entries: &'a [u8],
    /// Where the entries of its samples' encryption begin; `None`: they follow those of the run before.
    pub(crate) auxiliary: Option<&'a [u8]>,
}

/// `trun` flags.
pub(crate) const RUN_DURATION: u32 = 0x100;
pub(crate) const RUN_SIZE: u32 = 0x200;
pub(crate) const RUN_FLAGS: u32 = 0x400;
pub(crate) const RUN_COMPOSITION: u32 = 0x800;

impl Run<'_> {
    pub(crate) const fn entry_size(&self) -> usize {
        (self.flags & (RUN_DURATION | RUN_SIZE | RUN_FLAGS | RUN_COMPOSITION)).count_ones() as usize * 4
    }

    /// Bytes of all samples.
    fn data_len(&self, default_size: u32) -> u64 {
        if self.flags & RUN_SIZE == 0 {
            return u64::from(self.count) * u64::from(default_size);
        }
        let at = if self.flags & RUN_DURATION == 0 { 0 } else { 4 };
        let sizes = self.entries.chunks_exact(self.entry_size()).filter_map(|e| e[at..].first_chunk());
        sizes.map(|size| u64::from(u32::from_be_bytes(*size))).sum()
    }
}

impl<'a> Fragment<'a> {
    /// Reads the `moof` box at the start of `data`. What follows it is not looked at. `position` is the box's
    /// place in the file; only files that count data offsets from their own start need it (0 otherwise).
    ///
    /// # Errors
    /// [`Error::Missing`] if `data` does not begin with `moof`, if a `traf` names an unknown track, and all
    /// others for malformed boxes.
    pub fn parse(data: &'a [u8], position: u64, init: &'a InitSegment) -> Result<Self, Error> {
        let moof = Boxes::new(data).next().transpose()?.filter(|first| first.kind == b"moof");
        let moof = moof.ok_or(Error::Missing { kind: FourCc(*b"moof"), parent: FourCc(*b"file") })?;
        let mut this = Self { sequence: 0, pssh: Vec::new(), tracks: Vec::new(), edits: Vec::new() };
        // Without any base, a traf's data follows that of the traf before it.
        let mut previous_end = 0;
        for child in moof.children(0) {
            let child = child?;
            match &child.kind.0 {
                b"mfhd" => this.sequence = child.full()?.2.u32()?,
                b"pssh" => {
                    this.pssh.push(Pssh::parse(&child)?);
                    this.edits.push(Edit::free(child.offset));
                }
                b"traf" => {
                    let track = TrackFragment::parse(
                        &child,
                        &moof,
                        position,
                        init,
                        &mut previous_end,
                        &mut this.edits,
                    )?;
                    this.tracks.push(track);
                }
                _ => {}
            }
        }
        Ok(this)
    }

    /// The tracks' parts, in the order of the fragment.
    pub fn tracks(&self) -> &[TrackFragment<'a>] {
        &self.tracks
    }

    /// What makes the parsed bytes a clear fragment, once the samples are decrypted: `senc`, `saiz`, `saio`,
    /// `seig` groups and `pssh` become `free`, the sample description index 1 where sample entries were
    /// merged.
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }
}

impl<'a> TrackFragment<'a> {
    fn parse(
        traf: &BoxRef<'a>,
        moof: &BoxRef<'a>,
        position: u64,
        init: &'a InitSegment,
        previous_end: &mut u64,
        edits: &mut Vec<Edit>,
    ) -> Result<Self, Error> {
        let tfhd = traf.required(b"tfhd")?;
        let (_, flags, mut cursor) = tfhd.full()?;
        let track = init
            .track(cursor.u32()?)
            .ok_or(Error::invalid(b"tfhd", "the track is not in the init segment"))?;
        let mut defaults = track.defaults.unwrap_or_default();
        let mut base = if flags & 0x02_0000 != 0 { 0 } else { i128::from(*previous_end) };
        if flags & 0x01 != 0 {
            base = i128::from(cursor.u64()?) - i128::from(position);
        }
        if flags & 0x02 != 0 {
            let offset = tfhd.offset + tfhd.size() - cursor.rest().len();
            defaults.description_index = cursor.u32()?;
            if track.merges_entries && defaults.description_index != 1 {
                edits.push(Edit { offset, bytes: 1u32.to_be_bytes() });
            }
        }
        for (flag, field) in
            [(0x08, &mut defaults.duration), (0x10, &mut defaults.size), (0x20, &mut defaults.flags)]
        {
            if flags & flag != 0 {
                *field = cursor.u32()?;
            }
        }
        let mut this = Self {
            track,
            description_index: defaults.description_index,
            base_decode_time: None,
            defaults,
            runs: Vec::new(),
            auxiliary: AuxiliaryInfo::default(),
            groups: &[],
            seig: Vec::new(),
            count: 0,
        };
        let mut next = base;
        for child in traf.children(0) {
            this.parse_child(&child?, base, &mut next, edits)?;
        }
        this.auxiliary.locate(moof, &mut this.runs)?;
        if this.auxiliary.count.is_some_and(|count| count != this.count) {
            return Err(Error::invalid(b"senc", "the number of samples differs from `trun`"));
        }
        *previous_end = u64::try_from(next).unwrap_or_default();
        Ok(this)
    }

    fn parse_child(
        &mut self,
        child: &BoxRef<'a>,
        base: i128,
        next: &mut i128,
        edits: &mut Vec<Edit>,
    ) -> Result<(), Error> {
        match &child.kind.0 {
            b"tfdt" => {
                let (version, _, mut cursor) = child.full()?;
                self.base_decode_time = Some(cursor.u32_or_u64(version == 1)?);
            }
            b"trun" => self.parse_trun(child, base, next)?,
            b"senc" => {
                self.auxiliary.parse_senc(child)?;
                edits.push(Edit::free(child.offset));
            }
            b"saiz" => {
                let ours = self.auxiliary.parse_saiz(child)?;
                edits.extend(ours.then(|| Edit::free(child.offset)));
            }
            b"saio" => {
                let ours = self.auxiliary.parse_saio(child)?;
                edits.extend(ours.then(|| Edit::free(child.offset)));
            }
            b"sgpd" => {
                if let Some(entries) = parse_sgpd_seig(child)? {
                    self.seig = entries;
                    edits.push(Edit::free(child.offset));
                }
            }
            b"sbgp" => {
                if let Some(groups) = parse_sbgp_seig(child)? {
                    self.groups = groups;
                    edits.push(Edit::free(child.offset));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn parse_trun(&mut self, trun: &BoxRef<'a>, base: i128, next: &mut i128) -> Result<(), Error> {
        let (version, flags, mut cursor) = trun.full()?;
        let count = cursor.u32()?;
        self.count = self.count.saturating_add(count);
        if self.count > MAX_SAMPLES {
            return Err(Error::invalid(b"trun", "more samples than a fragment may have"));
        }
        let start = if flags & 0x01 != 0 { base + i128::from(cursor.i32()?) } else { *next };
        let data_offset =
            u64::try_from(start).map_err(|_| Error::invalid(b"trun", "samples lie before the fragment"))?;
        let first_sample_flags = if flags & 0x04 != 0 { Some(cursor.u32()?) } else { None };
        let mut run =
            Run { version, flags, count, first_sample_flags, data_offset, entries: &[], auxiliary: None };
        run.entries = cursor.table(count, run.entry_size())?;
        *next = start + i128::from(run.data_len(self.defaults.size));
        self.runs.push(run);
        Ok(())
    }

    /// Scheme of the protected samples: of their sample entry, or (clear entries with protected sample
    /// groups) of another one of the track. PIFF's `senc` can override it: `piff`.
    pub fn scheme(&self) -> Option<FourCc> {
        if self.auxiliary.encryption.is_some() {
            return Some(FourCc(*b"piff"));
        }
        let entries = &self.track.entries;
        let own = (self.description_index as usize).checked_sub(1).and_then(|i| entries.get(i));
        let protection = own.into_iter().chain(entries).find_map(|entry| entry.protection);
        protection.map(|protection| protection.scheme)
    }

    /// Number of samples.
    pub const fn sample_count(&self) -> u32 {
        self.count
    }

    /// The samples, in decoding order. Ends after the first error.
    pub fn samples(&self) -> FragmentSamples<'_> {
        FragmentSamples::new(self)
    }
}
