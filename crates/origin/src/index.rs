use std::ops::Range;

use cenc::{Level, Scheme, Subsample};
use cmaf::{Access, CodedSample, Position, Sample, Track, VideoStream};
use isobmff::{BoxHeader, Fragment, InitSegment};
use pack::Representation;

use crate::error::source;
use crate::header::SourceHeader;
use crate::{Error, ReadAt};

/// Largest header and largest `moof` that are read; the packager's have some kilobytes.
const MAX_BOX: u64 = 16 << 20;
/// Most bytes of samples in a fragment.
const MAX_MEDIA: u64 = 256 << 20;

/// Of a clear representation: its header, where its samples lie, and what of each can be encrypted. Some 40
/// bytes for a picture, 16 for a frame of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceIndex {
    pub(crate) header: SourceHeader,
    pub(crate) fragments: Vec<SourceFragment>,
    /// The first fragment of each segment.
    pub(crate) segments: Vec<u32>,
    pub(crate) samples: Vec<SourceSample>,
    /// What of each picture is protected at the highest level; of sound all is.
    pub(crate) cenc: Runs,
    pub(crate) cbcs: Runs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SourceFragment {
    /// Where in the file its samples begin; they lie together.
    pub(crate) media: u64,
    /// Number of its first sample.
    pub(crate) first: u32,
    /// Decoding time of that.
    pub(crate) decode_time: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SourceSample {
    pub(crate) size: u32,
    pub(crate) duration: u32,
    /// Presentation minus decoding time.
    pub(crate) composition: i32,
    pub(crate) sync: bool,
    /// Whether others refer to it.
    pub(crate) reference: bool,
}

/// Lists of subsamples, one after another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Runs {
    /// Where the list of each sample ends.
    pub(crate) ends: Vec<u32>,
    pub(crate) all: Vec<Subsample>,
}

impl Runs {
    pub(crate) fn push(&mut self, subsamples: &[Subsample]) -> Result<(), Error> {
        self.all.extend_from_slice(subsamples);
        self.ends.push(u32::try_from(self.all.len()).map_err(|_| source("too many subsamples"))?);
        Ok(())
    }

    fn of(&self, sample: usize) -> &[Subsample] {
        let end = |n: usize| self.ends.get(n).map_or(0, |end| *end as usize);
        let start = if sample == 0 { 0 } else { end(sample - 1) };
        self.all.get(start..end(sample)).unwrap_or_default()
    }
}

impl SourceIndex {
    /// Reads a clear file that the packager wrote, whose description in `source.json` is `r`: the whole file
    /// for pictures, whose headers must be looked into; `moof`s alone for sound.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Source`] and [`Error::Boxes`] if it is not what is described.
    pub fn build(file: &(impl ReadAt + ?Sized), r: &Representation) -> Result<Self, Error> {
        let (header_len, first) = (r.init_range.last.saturating_add(1), r.index_range.last.saturating_add(1));
        if first > MAX_BOX || r.init_range.first != 0 || r.index_range.first != header_len {
            return Err(source("its header does not lie in front"));
        }
        let header = SourceHeader::read(read(file, 0, header_len)?)?;
        let init = InitSegment::parse(header.bytes())?;
        let video = header.track().video;
        let stream = || video.map(VideoStream::new).transpose().map_err(source);
        let mut this = Self {
            fragments: Vec::new(),
            segments: Vec::with_capacity(r.segments.len()),
            samples: Vec::new(),
            cenc: Runs::default(),
            cbcs: Runs::default(),
            header: header.clone(),
        };
        let mut streams = (stream()?, stream()?);
        let mut at = first;
        for segment in &r.segments {
            if segment.offset != at {
                return Err(source("segments do not follow each other"));
            }
            this.segments.push(this.fragments.len() as u32);
            let end = segment.offset.saturating_add(segment.size);
            while at < end {
                at = this.read_fragment(file, &init, at, &mut streams)?;
            }
            if at != end {
                return Err(source("a fragment reaches into the next segment"));
            }
        }
        match at == r.size && this.samples.len() as u64 == r.samples {
            true => Ok(this),
            false => Err(source("it has another size, or another number of samples")),
        }
    }

    /// Reads the fragment at a place; gives where it ends.
    fn read_fragment(
        &mut self,
        file: &(impl ReadAt + ?Sized),
        init: &InitSegment,
        at: u64,
        streams: &mut (Option<VideoStream>, Option<VideoStream>),
    ) -> Result<u64, Error> {
        let moof_len = box_len(file, at, b"moof")?;
        if moof_len > MAX_BOX {
            return Err(source("a moof of over 16 MiB"));
        }
        let moof = read(file, at, moof_len)?;
        let mdat_len = box_len(file, at + moof_len, b"mdat")?;
        if mdat_len > MAX_MEDIA {
            return Err(source("a fragment of over 256 MiB"));
        }
        let fragment = Fragment::parse(&moof, at, init)?;
        let [track] = fragment.tracks() else { return Err(source("a fragment of not one track")) };
        let decode_time = track.base_decode_time.ok_or_else(|| source("a fragment without its time"))?;
        let first = self.samples.len();
        let mut end = moof_len + 8;
        for sample in track.samples() {
            let sample = sample?;
            if sample.offset != end || sample.crypto.is_some() {
                return Err(source("samples that do not follow each other, or are encrypted"));
            }
            end += u64::from(sample.size);
            let composition = i32::try_from(sample.composition_offset);
            self.samples.push(SourceSample {
                size: sample.size,
                duration: sample.duration,
                composition: composition.map_err(|_| source("a composition offset of hours"))?,
                sync: sample.is_sync(),
                reference: true,
            });
        }
        if end != moof_len + mdat_len || self.samples.len() == first {
            return Err(source("an mdat that is not its samples"));
        }
        let media = at + moof_len + 8;
        if let (Some(cenc), Some(cbcs)) = streams {
            let data = read(file, media, mdat_len - 8)?;
            self.look_into(first, &data, cenc, cbcs)?;
        }
        let first = u32::try_from(first).map_err(|_| source("too many samples"))?;
        self.fragments.push(SourceFragment { media, first, decode_time });
        Ok(at + end)
    }

    fn look_into(
        &mut self,
        first: usize,
        data: &[u8],
        cenc: &mut VideoStream,
        cbcs: &mut VideoStream,
    ) -> Result<(), Error> {
        let mut rest = data;
        for (n, sample) in self.samples.iter_mut().enumerate().skip(first) {
            let (data, after) =
                rest.split_at_checked(sample.size as usize).ok_or_else(|| source("a short mdat"))?;
            rest = after;
            let wrong = |what: String| source(format!("sample {n}: {what}"));
            let by_counter = cenc.sample(data, Scheme::Cenc).map_err(wrong)?;
            let by_pattern = cbcs.sample(data, Scheme::Cbcs).map_err(wrong)?;
            sample.reference = by_counter.reference;
            self.cenc.push(&by_counter.subsamples)?;
            self.cbcs.push(&by_pattern.subsamples)?;
        }
        Ok(())
    }

    /// Bytes that it takes in memory.
    pub fn memory(&self) -> usize {
        let runs = |runs: &Runs| size_of_val(&runs.ends[..]) + size_of_val(&runs.all[..]);
        size_of::<Self>()
            + self.header.bytes().len()
            + size_of_val(&self.fragments[..])
            + size_of_val(&self.segments[..])
            + size_of_val(&self.samples[..])
            + runs(&self.cenc)
            + runs(&self.cbcs)
    }

    pub(crate) fn track(&self) -> Track<'_> {
        self.header.track()
    }

    /// The numbers of a fragment's samples.
    fn numbers(&self, fragment: usize) -> Range<usize> {
        let first = |n: usize| self.fragments.get(n).map_or(self.samples.len(), |f| f.first as usize);
        first(fragment)..first(fragment + 1)
    }

    /// Where in the clear file a fragment's samples lie.
    pub(crate) fn media(&self, fragment: usize) -> Range<u64> {
        let samples = self.samples.get(self.numbers(fragment)).unwrap_or_default();
        let start = self.fragments.get(fragment).map_or(0, |f| f.media);
        start..start + samples.iter().map(|sample| u64::from(sample.size)).sum::<u64>()
    }

    /// Bytes of a fragment's first sample.
    pub(crate) fn first_size(&self, fragment: usize) -> u64 {
        self.samples.get(self.numbers(fragment).start).map_or(0, |sample| sample.size.into())
    }

    pub(crate) fn segment_of(&self, fragment: usize) -> usize {
        self.segments.partition_point(|first| *first as usize <= fragment).saturating_sub(1)
    }

    /// Samples in a segment.
    pub(crate) fn samples_in(&self, segment: usize) -> Range<usize> {
        let first = |segment: usize| match self.segments.get(segment) {
            Some(fragment) => self.numbers(*fragment as usize).start,
            None => self.samples.len(),
        };
        first(segment)..first(segment + 1)
    }

    pub(crate) fn position(&self, fragment: usize) -> Position {
        Position {
            fragments: fragment as u32,
            samples: self.numbers(fragment).start as u64,
            decode_time: self.fragments.get(fragment).map_or(0, |f| f.decode_time as i64),
        }
    }

    /// A fragment's samples, on the film's timeline.
    pub(crate) fn samples(&self, fragment: usize) -> Vec<Sample> {
        let priming = self.track().priming;
        let mut decode_time = self.position(fragment).decode_time;
        let sample = |s: &SourceSample| {
            let time = decode_time.saturating_add(s.composition.into()).saturating_sub_unsigned(priming);
            decode_time = decode_time.saturating_add(s.duration.into());
            Sample { size: s.size, duration: s.duration, time, sync: s.sync }
        };
        self.samples.get(self.numbers(fragment)).unwrap_or_default().iter().map(sample).collect()
    }

    /// What of a fragment's samples is protected: nothing is listed for sound, of which all is.
    pub(crate) fn subsamples(&self, fragment: usize, scheme: Scheme, level: Level) -> Vec<Vec<Subsample>> {
        let runs = match scheme {
            Scheme::Cenc => &self.cenc,
            Scheme::Cbcs => &self.cbcs,
        };
        if runs.ends.is_empty() {
            return Vec::new();
        }
        let of = |n: usize| {
            let sample = self.samples.get(n)?;
            let subsamples = runs.of(n).to_vec();
            let (access, reference) = (Access::Clean, sample.reference);
            let coded = CodedSample { subsamples, access, leading: None, reference };
            Some(coded.protected(level, sample.sync, sample.size as usize))
        };
        self.numbers(fragment).filter_map(of).collect()
    }
}

/// Size of the box at a place, which must be of this type and have a header of eight bytes.
fn box_len(file: &(impl ReadAt + ?Sized), at: u64, kind: &[u8; 4]) -> Result<u64, Error> {
    let head = read(file, at, 8)?;
    match BoxHeader::parse(&head)? {
        Some(BoxHeader { kind: found, header_len: 8, size: Some(size) }) if found == kind && size >= 8 => {
            Ok(size)
        }
        _ => Err(source(format!("no `{}` at byte {at}", kind.escape_ascii()))),
    }
}

fn read(file: &(impl ReadAt + ?Sized), at: u64, len: u64) -> Result<Vec<u8>, Error> {
    // Bounded by the callers.
    let mut data = vec![0; len as usize];
    file.read_at(at, &mut data)?;
    Ok(data)
}
