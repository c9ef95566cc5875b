use crate::protection::write_entry;
use crate::{BoxWriter, Error, TrackEncryption};

/// A sample of a fragment that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleSpec {
    /// Number of bytes.
    pub size: u32,
    /// Duration in the track's timescale.
    pub duration: u32,
    /// Presentation minus decoding time.
    pub composition_offset: i32,
    /// Sample flags.
    pub flags: u32,
}

/// What `senc` says about one sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SampleAuxiliary {
    /// The sample's IV; empty with a constant one.
    pub iv: Vec<u8>,
    /// Pairs of clear and protected length; in all samples of a fragment or in none.
    pub subsamples: Vec<(u16, u32)>,
}

/// A `moof` with one track and the header of its `mdat`.
#[derive(Debug, Clone, Copy)]
pub struct FragmentSpec<'a> {
    /// Sequence number, from 1.
    pub sequence: u32,
    /// Track id.
    pub track_id: u32,
    /// Decoding time of the first sample.
    pub base_decode_time: u64,
    /// The samples, in decoding order; their bytes follow each other in `mdat`.
    pub samples: &'a [SampleSpec],
    /// One entry a sample, or none if `senc` has nothing to say.
    pub auxiliary: &'a [SampleAuxiliary],
    /// The sample entry, from 1, where it is not the track's default.
    pub description_index: Option<u32>,
    /// How the samples are encrypted where it is not as the track's `tenc` says: a `seig` sample group
    /// (ISO/IEC 23001-7 §6) of this fragment's own with all of its samples.
    pub group: Option<&'a TrackEncryption>,
    /// How many samples before each of these are to be decoded so that it sounds as it should, as a negative
    /// number: a `roll` sample group (ISO/IEC 14496-12 §10.1) of this fragment's own with all of its samples.
    pub roll: Option<i16>,
}

/// Writes `moof` and the eight bytes of the `mdat` header; the samples' bytes come next.
///
/// # Errors
/// [`Error::Invalid`] if a sample has more subsamples than `saiz` can count (40 with an 8-byte IV), or all
/// samples together more than 4 GiB.
pub fn write_fragment(spec: &FragmentSpec<'_>) -> Result<Vec<u8>, Error> {
    let data_len: u64 = spec.samples.iter().map(|sample| u64::from(sample.size)).sum();
    let mdat_len = u32::try_from(data_len + 8)
        .map_err(|_| Error::invalid(b"mdat", "more than 4 GiB in one fragment"))?;
    let subsamples = spec.auxiliary.iter().any(|sample| !sample.subsamples.is_empty());
    let size_of = |sample| auxiliary_size(sample, subsamples);
    let sizes = spec.auxiliary.iter().map(size_of).collect::<Result<Vec<u8>, _>>()?;
    let mut out = BoxWriter::new();
    let mut data_offset_at = 0;
    out.boxed(b"moof", |out| {
        out.full_box(b"mfhd", 0, 0, |out| out.u32(spec.sequence));
        out.boxed(b"traf", |out| {
            let one_duration = spec.samples.windows(2).all(|pair| pair[0].duration == pair[1].duration);
            let default_duration = spec.samples.first().filter(|_| one_duration).map(|first| first.duration);
            let rest_flags = flags_of_rest(spec.samples);
            let base_is_moof = 0x02_0000;
            let fields = [(0x02, spec.description_index), (0x08, default_duration), (0x20, rest_flags)];
            let given = || fields.into_iter().filter_map(|(flag, field)| Some((flag, field?)));
            let flags = given().fold(base_is_moof, |flags, (flag, _)| flags | flag);
            out.full_box(b"tfhd", 0, flags, |out| {
                out.u32(spec.track_id);
                given().for_each(|(_, field)| out.u32(field));
            });
            out.full_box(b"tfdt", 1, 0, |out| out.u64(spec.base_decode_time));
            data_offset_at = write_trun(out, spec.samples, one_duration, rest_flags.is_none());
            if let Some(group) = spec.group {
                write_group(out, group, spec.samples.len() as u32);
            }
            if let Some(distance) = spec.roll {
                write_groups(out, b"roll", &distance.to_be_bytes(), spec.samples.len() as u32);
            }
            if sizes.iter().any(|&size| size > 0) {
                write_auxiliary(out, spec.auxiliary, &sizes, subsamples);
            }
        });
    });
    let moof_len = out.len() as u32;
    out.patch_u32(data_offset_at, moof_len + 8);
    out.u32(mdat_len);
    out.bytes(b"mdat");
    Ok(out.into_bytes())
}

/// The flags that all samples but the first have, if they are the same: mostly only the first is a sync
/// sample.
fn flags_of_rest(samples: &[SampleSpec]) -> Option<u32> {
    let (first, rest) = samples.split_first()?;
    let flags = rest.first().unwrap_or(first).flags;
    rest.iter().all(|sample| sample.flags == flags).then_some(flags)
}

/// Writes `trun` version 1; returns where its data offset is.
fn write_trun(out: &mut BoxWriter, samples: &[SampleSpec], one_duration: bool, per_sample: bool) -> usize {
    let composition = samples.iter().any(|sample| sample.composition_offset != 0);
    let flags = 0x01
        | 0x200
        | if one_duration { 0 } else { 0x100 }
        | if composition { 0x800 } else { 0 }
        | if per_sample { 0x400 } else { 0x04 };
    let mut data_offset_at = 0;
    out.full_box(b"trun", 1, flags, |out| {
        out.u32(samples.len() as u32);
        data_offset_at = out.len();
        out.u32(0);
        if !per_sample {
            out.u32(samples.first().map_or(0, |sample| sample.flags));
        }
        for sample in samples {
            if !one_duration {
                out.u32(sample.duration);
            }
            out.u32(sample.size);
            if per_sample {
                out.u32(sample.flags);
            }
            if composition {
                out.i32(sample.composition_offset);
            }
        }
    });
    data_offset_at
}

fn write_group(out: &mut BoxWriter, group: &TrackEncryption, samples: u32) {
    let mut entry = BoxWriter::new();
    write_entry(group, &mut entry);
    write_groups(out, b"seig", &entry.into_bytes(), samples);
}

/// Writes `sgpd` with one entry and `sbgp`, which puts all samples into it (ISO/IEC 14496-12 §8.9).
fn write_groups(out: &mut BoxWriter, kind: &[u8; 4], entry: &[u8], samples: u32) {
    out.full_box(b"sgpd", 1, 0, |out| {
        out.bytes(kind);
        out.u32(entry.len() as u32);
        out.u32(1);
        out.bytes(entry);
    });
    out.full_box(b"sbgp", 0, 0, |out| {
        out.bytes(kind);
        out.u32(1);
        out.u32(samples);
        out.u32(0x1_0001); // the first of the fragment's own descriptions
    });
}

fn auxiliary_size(sample: &SampleAuxiliary, subsamples: bool) -> Result<u8, Error> {
    let table = if subsamples { 2 + 6 * sample.subsamples.len() } else { 0 };
    u8::try_from(sample.iv.len() + table)
        .map_err(|_| Error::invalid(b"saiz", "a sample has more subsamples than can be described"))
}

/// Writes `senc`, `saiz` and `saio` (ISO/IEC 23001-7 §7).
fn write_auxiliary(out: &mut BoxWriter, auxiliary: &[SampleAuxiliary], sizes: &[u8], subsamples: bool) {
    let mut first_entry = 0;
    out.full_box(b"senc", 0, if subsamples { 0x02 } else { 0 }, |out| {
        out.u32(auxiliary.len() as u32);
        first_entry = out.len();
        for sample in auxiliary {
            out.bytes(&sample.iv);
            if subsamples {
                out.u16(sample.subsamples.len() as u16);
                for &(clear, protected) in &sample.subsamples {
                    out.u16(clear);
                    out.u32(protected);
                }
            }
        }
    });
    let one_size = sizes.windows(2).all(|pair| pair[0] == pair[1]);
    out.full_box(b"saiz", 0, 0, |out| {
        out.u8(if one_size { sizes.first().copied().unwrap_or(0) } else { 0 });
        out.u32(sizes.len() as u32);
        if !one_size {
            out.bytes(sizes);
        }
    });
    out.full_box(b"saio", 0, 0, |out| {
        out.u32(1);
        out.u32(first_entry as u32); // counts from `moof`, which is where the writer began
    });
}
