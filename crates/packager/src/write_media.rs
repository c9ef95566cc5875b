use std::fs::{self, File};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use cenc::{Direction, Iv, IvSpan, Kid, Pattern, RangeTable, SampleProtection, SegmentCipher, Subsample};
use isobmff::{
    BoxWriter, FragmentSpec, InitSpec, MediaHeader, ProtectionSpec, Pssh, SampleAuxiliary, SampleSpec,
    SegmentIndex, SegmentReference, TrackEncryption, write_file_type, write_fragment, write_init,
};
use pack::{ByteRange, Level, Segment};

use crate::avc::AvcStream;
use crate::input::InputSample;
use crate::key_plan::{KeyPlan, PeriodKey};
use crate::media_file::MediaFile;
use crate::segments::cut_fragments;
use crate::{Error, Progress};

/// Sample flags: a sync sample; any other (ISO/IEC 14496-12 §8.8.3.1).
const SYNC: u32 = 0x0200_0000;
const NON_SYNC: u32 = 0x0101_0000;

/// A representation that is to be written.
#[derive(Debug)]
pub(crate) struct MediaPlan<'a> {
    pub(crate) source: &'a MediaFile,
    pub(crate) timescale: u32,
    pub(crate) language: [u8; 3],
    /// The clear sample entry.
    pub(crate) entry: &'a [u8],
    pub(crate) media: MediaHeader,
    /// `avcC`'s payload, for video.
    pub(crate) avcc: Option<&'a [u8]>,
    pub(crate) samples: &'a [InputSample],
    /// What to add to a sample's time to get the film's time.
    pub(crate) shift: i64,
    /// Film time at which the track begins to be presented; samples before it prime the decoder.
    pub(crate) start: u64,
    /// The first sample of each segment.
    pub(crate) cuts: Vec<usize>,
}

/// How a representation is encrypted.
pub(crate) struct MediaProtection<'a> {
    pub(crate) scheme: cenc::Scheme,
    pub(crate) level: Level,
    pub(crate) plan: KeyPlan,
    /// By rotation period.
    pub(crate) keys: &'a [PeriodKey],
    pub(crate) base_iv: Iv,
    pub(crate) pssh: Pssh,
}

impl MediaProtection<'_> {
    /// The key of a segment and its period; `None`: it stays clear.
    fn key(&self, segment: usize) -> Option<(usize, &PeriodKey)> {
        let period = self.plan.period(segment);
        self.keys.get(period).filter(|_| !self.plan.is_clear(segment)).map(|key| (period, key))
    }
}

/// What was written.
#[derive(Debug)]
pub(crate) struct WrittenMedia {
    pub(crate) size: u64,
    pub(crate) init_range: ByteRange,
    pub(crate) index_range: ByteRange,
    pub(crate) segments: Vec<Segment>,
    pub(crate) protected_samples: u64,
}

impl MediaPlan<'_> {
    fn is_video(&self) -> bool {
        self.avcc.is_some()
    }

    /// Film time of a sample.
    fn time(&self, index: usize) -> i64 {
        self.samples[index].time + self.shift
    }

    /// How long before its presentation the track's first sample begins.
    fn priming(&self) -> u64 {
        if self.is_video() { 0 } else { (self.start as i64 - self.time(0)).max(0) as u64 }
    }

    /// Bytes of all samples.
    pub(crate) fn bytes(&self) -> u64 {
        self.samples.iter().map(|sample| u64::from(sample.size)).sum()
    }

    /// Film time at which the last sample ends.
    pub(crate) fn end(&self) -> u64 {
        let end = self.samples.iter().map(|s| s.time + i64::from(s.duration)).max();
        (end.unwrap_or(0) + self.shift).max(0) as u64
    }

    /// The IVs that each key is used with.
    pub(crate) fn iv_spans(
        &self,
        plan: &KeyPlan,
        keys: &[PeriodKey],
        base_iv: Iv,
    ) -> impl Iterator<Item = IvSpan> {
        let mut spans: Vec<(usize, IvSpan)> = Vec::new();
        for segment in (0..self.cuts.len()).filter(|&segment| !plan.is_clear(segment)) {
            let (samples, period) = (self.segment_samples(segment), plan.period(segment));
            let Some(key) = keys.get(period) else { continue };
            match spans.last_mut() {
                Some((last, span)) if *last == period => span.count += samples.len() as u64,
                _ => {
                    let first = base_iv.of_sample(samples.start as u64).upper();
                    spans.push((period, IvSpan { kid: key.kid, first, count: samples.len() as u64 }));
                }
            }
        }
        spans.into_iter().map(|(_, span)| span)
    }

    /// Film time at which a segment begins.
    pub(crate) fn segment_start(&self, segment: usize) -> u64 {
        match self.cuts.get(segment) {
            None => self.end(),
            Some(0) => self.time(0).max(self.start as i64).max(0) as u64,
            Some(&cut) => self.time(cut).max(0) as u64,
        }
    }

    fn segment_samples(&self, segment: usize) -> Range<usize> {
        self.cuts[segment]..self.cuts.get(segment + 1).copied().unwrap_or(self.samples.len())
    }

    fn init(&self, protection: Option<&MediaProtection<'_>>) -> Vec<u8> {
        let mut out = BoxWriter::new();
        match self.is_video() {
            // `cmf2`: no edit list in video, negative composition offsets.
            true => write_file_type(&mut out, b"iso6", &[b"iso6", b"cmfc", b"cmf2", b"dash", b"mp41"]),
            false => write_file_type(&mut out, b"iso6", &[b"iso6", b"cmfc", b"dash", b"mp41"]),
        }
        let init = InitSpec {
            track_id: 1,
            timescale: self.timescale,
            duration: self.end(),
            language: self.language,
            media: self.media,
            sample_entry: self.entry,
            protection: protection.map(|p| ProtectionSpec {
                scheme: p.scheme.four_cc().into(),
                encryption: self.encryption(p, p.keys.first().map_or(Kid([0; 16]), |key| key.kid)),
            }),
            clear_entry: protection.is_some_and(|p| p.plan.clear_segments > 0),
            default_sample_flags: if self.is_video() { NON_SYNC } else { SYNC },
            media_time: self.priming(),
            pssh: protection.map(|p| std::slice::from_ref(&p.pssh)).unwrap_or_default(),
        };
        write_init(&mut out, &init);
        out.into_bytes()
    }

    fn encryption(&self, protection: &MediaProtection<'_>, kid: Kid) -> TrackEncryption {
        match protection.scheme {
            cenc::Scheme::Cenc => TrackEncryption::per_sample_iv(kid.0, 8),
            cenc::Scheme::Cbcs => {
                let (crypt, skip) = if self.is_video() { (1, 9) } else { (0, 0) };
                TrackEncryption::with_constant_iv(kid.0, protection.base_iv.block(), crypt, skip)
            }
        }
    }

    /// Writes the file, fragment by fragment.
    pub(crate) fn write(
        &self,
        path: &Path,
        protection: Option<&MediaProtection<'_>>,
        progress: &mut dyn Progress,
    ) -> Result<WrittenMedia, Error> {
        let failed = || Error::io(path, "write");
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed())?;
        }
        let mut out = BufWriter::with_capacity(1 << 18, File::create_new(path).map_err(failed())?);
        let init = self.init(protection);
        let index_len = SegmentIndex::written_size(self.cuts.len());
        out.write_all(&init).map_err(failed())?;
        // Sizes are known once all is written.
        out.write_all(&vec![0; index_len]).map_err(failed())?;

        let (init_len, index_len) = (init.len() as u64, index_len as u64);
        let mut offset = init_len + index_len;
        let mut fragments = FragmentMaker::new(self, protection)?;
        let mut segments = Vec::new();
        for segment in 0..self.cuts.len() {
            let samples = self.segment_samples(segment);
            let start = self.segment_start(segment);
            let duration = self.segment_start(segment + 1).saturating_sub(start);
            let mut size = 0;
            let cuts = cut_fragments(&self.samples[samples.clone()], self.timescale);
            for (n, &cut) in cuts.iter().enumerate() {
                let end = cuts.get(n + 1).map_or(samples.end, |next| samples.start + next);
                let fragment = fragments.make(segment, samples.start + cut..end, n == 0)?;
                out.write_all(&fragment).map_err(failed())?;
                size += fragment.len() as u64;
                progress
                    .advance(self.samples[samples.start + cut..end].iter().map(|s| u64::from(s.size)).sum());
            }
            segments.push(Segment { start, duration, offset, size });
            offset += size;
        }

        let index = self.index(&segments)?;
        out.seek(SeekFrom::Start(init_len)).and_then(|_| out.write_all(&index)).map_err(failed())?;
        let file = out.into_inner().map_err(|error| failed()(error.into_error()))?;
        file.sync_all().map_err(failed())?;
        Ok(WrittenMedia {
            size: offset,
            init_range: ByteRange { first: 0, last: init_len - 1 },
            index_range: ByteRange { first: init_len, last: init_len + index_len - 1 },
            segments,
            protected_samples: fragments.protected_samples,
        })
    }

    fn index(&self, segments: &[Segment]) -> Result<Vec<u8>, Error> {
        let too_large =
            || Error::unsupported(self.source.path(), "a segment of over 2 GiB, or more than 65,535 of them");
        let references: Option<_> = segments
            .iter()
            .map(|segment| {
                let size = u32::try_from(segment.size).ok().filter(|size| size >> 31 == 0)?;
                Some(SegmentReference::media(size, segment.duration.try_into().ok()?))
            })
            .collect();
        let index = SegmentIndex {
            reference_id: 1,
            timescale: self.timescale,
            earliest_presentation_time: self.segment_start(0),
            first_offset: 0,
            references: references.filter(|r: &Vec<_>| r.len() <= 0xffff).ok_or_else(too_large)?,
        };
        let mut out = BoxWriter::new();
        index.write(&mut out);
        Ok(out.into_bytes())
    }
}

/// Makes the fragments of a representation in order.
struct FragmentMaker<'a> {
    plan: &'a MediaPlan<'a>,
    protection: Option<&'a MediaProtection<'a>>,
    avc: Option<AvcStream>,
    sequence: u32,
    decode_time: i64,
    protected_samples: u64,
}

impl<'a> FragmentMaker<'a> {
    fn new(plan: &'a MediaPlan<'a>, protection: Option<&'a MediaProtection<'a>>) -> Result<Self, Error> {
        let avc = plan.avcc.map(AvcStream::new).transpose();
        Ok(Self {
            plan,
            protection,
            avc: avc.map_err(|what| Error::unsupported(plan.source.path(), what))?,
            sequence: 0,
            // Decoding begins with the time at which the first picture is shown: offsets are signed.
            decode_time: plan.time(0) + plan.priming() as i64,
            protected_samples: 0,
        })
    }

    /// The fragment of some samples: `moof` and `mdat`, encrypted.
    fn make(
        &mut self,
        segment: usize,
        samples: Range<usize>,
        begins_segment: bool,
    ) -> Result<Vec<u8>, Error> {
        let plan = self.plan;
        let key = self.protection.and_then(|protection| Some((protection, protection.key(segment)?)));
        let media = self.read(samples.clone())?;
        let mut specs = Vec::with_capacity(samples.len());
        let mut auxiliary = Vec::new();
        let mut table = RangeTable::new(match self.protection.map(|p| p.scheme) {
            Some(cenc::Scheme::Cbcs) if plan.is_video() => SampleProtection::Cbc(Pattern::VIDEO),
            Some(cenc::Scheme::Cbcs) => SampleProtection::Cbc(Pattern::WHOLE),
            _ => SampleProtection::Ctr,
        });
        let base_decode_time = self.decode_time.max(0) as u64;
        let mut at = 0;
        for index in samples.clone() {
            let sample = &plan.samples[index];
            let size = sample.size as usize;
            let subsamples =
                self.subsamples(index, &media[at..at + size], begins_segment && index == samples.start)?;
            if let Some((protection, _)) = key {
                let iv = protection.base_iv.of_sample(index as u64);
                table.push_sample(at, size, iv, &subsamples)?;
                let protected =
                    subsamples.is_empty() && size > 0 || subsamples.iter().any(|s| s.protected > 0);
                self.protected_samples += u64::from(protected);
                auxiliary.push(SampleAuxiliary {
                    iv: if protection.scheme == cenc::Scheme::Cenc {
                        iv.as_bytes().to_vec()
                    } else {
                        Vec::new()
                    },
                    subsamples: subsamples.iter().map(|s| (s.clear, s.protected)).collect(),
                });
            }
            specs.push(self.spec(index)?);
            self.decode_time += i64::from(sample.duration);
            at += size;
        }
        self.sequence += 1;
        // The track's own key is that of period 0; the clear sample entry is the second.
        let group = key.and_then(|(protection, (period, key))| {
            (period > 0).then(|| plan.encryption(protection, key.kid))
        });
        let spec = FragmentSpec {
            sequence: self.sequence,
            track_id: 1,
            base_decode_time,
            samples: &specs,
            auxiliary: &auxiliary,
            description_index: (self.protection.is_some() && key.is_none()).then_some(2),
            group: group.as_ref(),
        };
        let mut fragment = write_fragment(&spec).map_err(Error::boxes(plan.source.path()))?;
        let head = fragment.len();
        fragment.extend_from_slice(&media);
        if let Some((_, (_, key))) = key {
            key.cipher.apply(Direction::Encrypt, &table, &mut fragment[head..])?;
        }
        Ok(fragment)
    }

    fn spec(&self, index: usize) -> Result<SampleSpec, Error> {
        let plan = self.plan;
        let sample = &plan.samples[index];
        let composition = plan.time(index) + plan.priming() as i64 - self.decode_time;
        let out_of_range =
            |_| Error::unsupported(plan.source.path(), "a sample shown hours after it is decoded");
        Ok(SampleSpec {
            size: sample.size,
            duration: sample.duration,
            composition_offset: if plan.is_video() {
                composition.try_into().map_err(out_of_range)?
            } else {
                0
            },
            flags: if sample.sync || !plan.is_video() { SYNC } else { NON_SYNC },
        })
    }

    /// The bytes of some samples, one after another.
    fn read(&self, samples: Range<usize>) -> Result<Vec<u8>, Error> {
        let samples = &self.plan.samples[samples];
        let mut media = vec![0; samples.iter().map(|sample| sample.size as usize).sum()];
        let mut at = 0;
        let mut rest = samples;
        while let Some(first) = rest.first() {
            // Samples that lie together are read together.
            let mut end = first.offset + u64::from(first.size);
            let together = 1 + rest[1..]
                .iter()
                .take_while(|next| {
                    let adjoins = next.offset == end;
                    end += u64::from(next.size);
                    adjoins
                })
                .count();
            let len = rest[..together].iter().map(|sample| sample.size as usize).sum::<usize>();
            self.plan.source.read_at(first.offset, &mut media[at..at + len])?;
            at += len;
            rest = &rest[together..];
        }
        Ok(media)
    }

    /// What of a sample is protected; empty: all of it. Checks that a segment begins with an IDR picture.
    fn subsamples(
        &mut self,
        index: usize,
        data: &[u8],
        begins_segment: bool,
    ) -> Result<Vec<Subsample>, Error> {
        let plan = self.plan;
        let Some(avc) = &mut self.avc else { return Ok(Vec::new()) };
        let scheme = self.protection.map_or(cenc::Scheme::Cenc, |p| p.scheme);
        let sample = avc.sample(data, scheme).map_err(|what| Error::Bitstream {
            path: plan.source.path().into(),
            sample: index,
            what,
        })?;
        if begins_segment && !sample.idr {
            let seconds = plan.time(index) as f64 / f64::from(plan.timescale);
            return Err(Error::OpenGop { path: plan.source.path().into(), seconds });
        }
        let sync = plan.samples[index].sync;
        let protect = match self.protection.map_or(Level::High, |p| p.level) {
            Level::High => true,
            Level::Medium => sync || sample.reference,
            Level::Low => sync,
        };
        if protect {
            return Ok(sample.subsamples);
        }
        let mut clear = crate::avc::SubsampleBuilder::default();
        clear.clear(data.len());
        Ok(clear.finish())
    }
}
