//! Clear fragments of one picture and one sound file as one stream of fragmented MP4 (ISO/IEC 14496-12), for
//! players that read from a pipe. Pure.
//!
//! The init segments become one `moov` with two `trak` boxes; each fragment keeps its samples and times, and
//! is written anew with its track's number. A pipe has one `moov`, so when the picture changes to another
//! representation, that one's parameter sets go in front of its first sync sample (ISO/IEC 14496-15 §4.3,
//! in-band as in `avc3`).

use engine::model::TrackKind;
use isobmff::{
    BoxRef, BoxWriter, Boxes, Error, FourCc, Fragment, FragmentSpec, InitSegment, SampleSpec,
    write_file_type, write_fragment,
};

/// Track numbers in the stream.
const VIDEO: u32 = 1;
const AUDIO: u32 = 2;
/// Fixed fields of a visual sample entry (ISO/IEC 14496-12 §12.1.3).
const VISUAL_FIELDS: usize = 78;

/// An init segment without protection, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClearInit {
    bytes: Vec<u8>,
    parsed: InitSegment,
    parameter_sets: ParameterSets,
}

/// What an AVC decoder must know before a sync sample; empty for sound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ParameterSets {
    /// Octets of the length in front of each NAL unit.
    length_size: u8,
    /// Each set behind its length, as in samples.
    units: Vec<u8>,
}

/// A fragment without protection, read: its samples follow each other.
#[derive(Debug, Clone, PartialEq)]
pub struct ClearFragment {
    /// First presentation time, in seconds.
    pub start: f64,
    /// Where the last sample ends, in seconds.
    pub end: f64,
    decode_time: u64,
    samples: Vec<SampleSpec>,
    data: Vec<u8>,
}

impl ClearInit {
    /// Reads a clear init segment with one track of AVC pictures or of sound.
    ///
    /// # Errors
    /// [`Error`] for what is malformed, or has not one track, or another codec.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, Error> {
        let parsed = InitSegment::parse(&bytes)?;
        let [track] = parsed.tracks.as_slice() else {
            return Err(Error::Invalid { kind: FourCc(*b"moov"), what: "not one track" });
        };
        let parameter_sets = match &track.handler.0 {
            b"vide" => parameter_sets(&bytes, track.entries.first().map_or(0, |entry| entry.offset))?,
            _ => ParameterSets::default(),
        };
        Ok(Self { bytes, parsed, parameter_sets })
    }

    fn track(&self) -> &isobmff::Track {
        // `parse` saw to it that there is one.
        &self.parsed.tracks[0]
    }

    /// Ticks a second.
    pub fn timescale(&self) -> u32 {
        self.track().timescale
    }

    /// Reads a clear fragment (`moof` and `mdat`) of this file.
    ///
    /// # Errors
    /// [`Error`] for what is malformed, or has no sample of the track.
    pub fn fragment(&self, bytes: &[u8]) -> Result<ClearFragment, Error> {
        let bad = |what| Error::Invalid { kind: FourCc(*b"moof"), what };
        let fragment = Fragment::parse(bytes, 0, &self.parsed)?;
        let mut samples = Vec::new();
        let mut data = Vec::new();
        let mut decode_time = None;
        let (mut first, mut last) = (i128::MAX, i128::MIN);
        for sample in fragment.tracks().iter().flat_map(|track| track.samples()) {
            let sample = sample?;
            let start = usize::try_from(sample.offset).map_err(|_| bad("a sample lies outside"))?;
            let end = start.checked_add(sample.size as usize);
            let octets = end.and_then(|end| bytes.get(start..end)).ok_or(bad("a sample lies outside"))?;
            data.extend_from_slice(octets);
            decode_time.get_or_insert(sample.decode_time);
            let shown = i128::from(sample.decode_time) + i128::from(sample.composition_offset);
            first = first.min(shown);
            last = last.max(shown + i128::from(sample.duration));
            samples.push(SampleSpec {
                size: sample.size,
                duration: sample.duration,
                composition_offset: i32::try_from(sample.composition_offset)
                    .map_err(|_| bad("a composition offset is out of range"))?,
                flags: sample.flags,
            });
        }
        let decode_time = decode_time.ok_or(bad("no samples"))?;
        // Where presentation begins in the media: the sound's priming is not heard.
        let skipped = self.track().edit_list.first().map_or(0, |edit| edit.media_time.max(0));
        let seconds = |ticks: i128| (ticks - i128::from(skipped)) as f64 / f64::from(self.timescale());
        Ok(ClearFragment { start: seconds(first), end: seconds(last), decode_time, samples, data })
    }
}

impl ClearFragment {
    /// How many samples.
    pub fn samples(&self) -> u64 {
        self.samples.len() as u64
    }

    /// Octets of all samples.
    pub fn bytes(&self) -> u64 {
        self.data.len() as u64
    }
}

/// Writes one stream.
#[derive(Debug, Default)]
pub struct Muxer {
    sequence: u32,
    /// Of each track: ticks a second of the stream, and the parameter sets that a decoder has.
    tracks: Vec<(TrackKind, u32, ParameterSets)>,
}

impl Muxer {
    /// A stream that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// `ftyp` and `moov` of a film with these tracks, `duration` in seconds; 0 where nobody knows it yet.
    ///
    /// # Errors
    /// [`Error`] for boxes that the init segments lack.
    pub fn begin(&mut self, inits: &[(TrackKind, &ClearInit)], duration: f64) -> Result<Vec<u8>, Error> {
        let mut traks = Vec::new();
        let mut defaults = Vec::new();
        for (kind, init) in inits {
            let moov = Boxes::new(&init.bytes).first(b"moov")?.ok_or(missing(b"moov", b"file"))?;
            traks.push(renumbered_trak(&init.bytes, &moov.required(b"trak")?, number(*kind))?);
            let trex = moov.required(b"mvex")?.required(b"trex")?;
            let rest = trex.payload.get(8..).ok_or(Error::Truncated { kind: trex.kind })?;
            defaults.push((number(*kind), rest));
            self.tracks.push((*kind, init.timescale(), init.parameter_sets.clone()));
        }
        let mut out = BoxWriter::new();
        write_file_type(&mut out, b"iso6", &[b"iso6", b"mp41"]);
        out.boxed(b"moov", |out| {
            out.full_box(b"mvhd", 0, 0, |out| {
                out.zeros(8); // creation, modification
                out.u32(1000); // ticks a second
                out.u32(0); // duration: the fragments'
                out.u32(0x1_0000); // rate 1
                out.u16(0x100); // volume 1
                out.zeros(10);
                for value in [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000] {
                    out.u32(value);
                }
                out.zeros(24);
                out.u32(AUDIO + 1); // next track
            });
            traks.iter().for_each(|trak| out.bytes(trak));
            out.boxed(b"mvex", |out| {
                if duration > 0.0 {
                    out.full_box(b"mehd", 1, 0, |out| out.u64((duration * 1000.0) as u64));
                }
                for (number, rest) in &defaults {
                    out.full_box(b"trex", 0, 0, |out| {
                        out.u32(*number);
                        out.bytes(rest);
                    });
                }
            });
        });
        Ok(out.into_bytes())
    }

    /// The next fragment of a track, whose file begins with `init`.
    ///
    /// # Errors
    /// [`Error`] for a track that the stream has not, and for more than 4 GiB.
    pub fn fragment(
        &mut self,
        kind: TrackKind,
        init: &ClearInit,
        fragment: &ClearFragment,
    ) -> Result<Vec<u8>, Error> {
        let (_, timescale, known) = self
            .tracks
            .iter_mut()
            .find(|(of, ..)| *of == kind)
            .ok_or(Error::Invalid { kind: FourCc(*b"moof"), what: "the stream has no such track" })?;
        let mut samples = rescaled(fragment, init.timescale(), *timescale);
        let mut in_front: &[u8] = &[];
        if *known != init.parameter_sets
            && let Some(first) = samples.first_mut().filter(|first| first.flags & 0x0001_0000 == 0)
        {
            if known.length_size != init.parameter_sets.length_size {
                return Err(Error::Invalid { kind: FourCc(*b"avcC"), what: "NAL lengths of another size" });
            }
            in_front = &init.parameter_sets.units;
            first.size = u32::try_from(in_front.len())
                .ok()
                .and_then(|more| first.size.checked_add(more))
                .ok_or(Error::Invalid { kind: FourCc(*b"mdat"), what: "a sample is too large" })?;
            known.clone_from(&init.parameter_sets);
        }
        self.sequence = self.sequence.wrapping_add(1);
        let mut out = write_fragment(&FragmentSpec {
            sequence: self.sequence,
            track_id: number(kind),
            base_decode_time: scaled(fragment.decode_time, init.timescale(), *timescale),
            samples: &samples,
            auxiliary: &[],
            description_index: None,
            group: None,
            roll: None,
        })?;
        out.extend_from_slice(in_front);
        out.extend_from_slice(&fragment.data);
        Ok(out)
    }
}

fn number(kind: TrackKind) -> u32 {
    match kind {
        TrackKind::Video => VIDEO,
        TrackKind::Audio => AUDIO,
    }
}

fn missing(kind: &[u8; 4], parent: &[u8; 4]) -> Error {
    Error::Missing { kind: FourCc(*kind), parent: FourCc(*parent) }
}

/// The nearest tick of another clock.
fn scaled(ticks: u64, from: u32, to: u32) -> u64 {
    if from == to {
        return ticks;
    }
    let from = u128::from(from.max(1));
    u64::try_from((u128::from(ticks) * u128::from(to) + from / 2) / from).unwrap_or(u64::MAX)
}

/// The samples by another clock, without drift: each ends where the next begins.
fn rescaled(fragment: &ClearFragment, from: u32, to: u32) -> Vec<SampleSpec> {
    let mut samples = fragment.samples.clone();
    if from == to {
        return samples;
    }
    let mut time = fragment.decode_time;
    for sample in &mut samples {
        let (start, next) = (time, time.saturating_add(u64::from(sample.duration)));
        sample.duration = u32::try_from(scaled(next, from, to) - scaled(start, from, to)).unwrap_or(u32::MAX);
        let offset = scaled(u64::from(sample.composition_offset.unsigned_abs()), from, to);
        let offset = i32::try_from(offset).unwrap_or(i32::MAX);
        sample.composition_offset = if sample.composition_offset < 0 { -offset } else { offset };
        time = next;
    }
    samples
}

/// A `trak` box with another track number.
fn renumbered_trak(bytes: &[u8], trak: &BoxRef<'_>, number: u32) -> Result<Vec<u8>, Error> {
    let tkhd = trak.required(b"tkhd")?;
    let (version, ..) = tkhd.full()?;
    let truncated = Error::Truncated { kind: tkhd.kind };
    let mut copy = bytes.get(trak.offset..trak.offset + trak.size()).ok_or(truncated.clone())?.to_vec();
    // Behind version, flags, and the two times.
    let at = tkhd.payload_offset() - trak.offset + if version == 1 { 20 } else { 12 };
    copy.get_mut(at..at + 4).ok_or(truncated)?.copy_from_slice(&number.to_be_bytes());
    Ok(copy)
}

/// The parameter sets of an AVC sample entry's `avcC` (ISO/IEC 14496-15 §5.3.3.1), each behind its length as
/// samples have it.
fn parameter_sets(bytes: &[u8], entry: usize) -> Result<ParameterSets, Error> {
    let entry = bytes.get(entry..).and_then(|rest| Boxes::new(rest).next()).transpose()?;
    let entry = entry.ok_or(missing(b"avc1", b"stsd"))?;
    let config = entry.children(VISUAL_FIELDS).first(b"avcC")?.ok_or(missing(b"avcC", b"stsd"))?;
    let mut cursor = config.cursor();
    cursor.take(4)?;
    let length_size = (cursor.u8()? & 3) + 1;
    let mut units = Vec::new();
    for mask in [0x1f, 0xff] {
        let count = cursor.u8()? & mask;
        for _ in 0..count {
            let set_len = cursor.u16()?;
            let set = cursor.take(usize::from(set_len))?;
            let length = u32::from(set_len).to_be_bytes();
            if length_size == 1 && set_len > 0xff {
                return Err(Error::Invalid { kind: config.kind, what: "a parameter set is too long" });
            }
            units.extend_from_slice(&length[4 - usize::from(length_size)..]);
            units.extend_from_slice(set);
        }
    }
    Ok(ParameterSets { length_size, units })
}

#[cfg(test)]
pub(crate) mod tests;
