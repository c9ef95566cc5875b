use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use cenc::{Iv, IvSpan};
use cmaf::{
    FragmentMaker, KeyPlan, PeriodKey, Position, Protection, Sample, Track, cut_fragments, segment_index,
};
use pack::{Segment, Written};

use crate::growing_file::GrowingFile;
use crate::media_file::MediaFile;
use crate::{Error, Progress};

/// A representation that is to be written.
#[derive(Debug)]
pub(crate) struct MediaPlan<'a> {
    pub(crate) source: &'a MediaFile,
    pub(crate) track: Track<'a>,
    /// In decoding order, on the film's timeline.
    pub(crate) samples: &'a [Sample],
    /// Where in the source each sample lies.
    pub(crate) offsets: &'a [u64],
    /// When the track begins to be presented; samples before it prime the decoder.
    pub(crate) start: u64,
    /// The first sample of each segment.
    pub(crate) cuts: Vec<usize>,
}

impl MediaPlan<'_> {
    /// Bytes of all samples.
    pub(crate) fn bytes(&self) -> u64 {
        bytes(self.samples)
    }

    /// Film time at which the last sample ends.
    pub(crate) fn end(&self) -> u64 {
        let end = self.samples.iter().map(|s| s.time + i64::from(s.duration)).max();
        end.unwrap_or(0).max(0) as u64
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
            Some(0) => self.samples[0].time.max(self.start as i64).max(0) as u64,
            Some(&cut) => self.samples[cut].time.max(0) as u64,
        }
    }

    fn segment_samples(&self, segment: usize) -> Range<usize> {
        self.cuts[segment]..self.cuts.get(segment + 1).copied().unwrap_or(self.samples.len())
    }

    /// The samples of each fragment of a segment.
    fn fragments(&self, segment: usize) -> Vec<Range<usize>> {
        let samples = self.segment_samples(segment);
        let cuts = cut_fragments(&self.samples[samples.clone()], self.track.timescale);
        let end = |n: usize| cuts.get(n + 1).map_or(samples.end, |next| samples.start + next);
        cuts.iter().enumerate().map(|(n, cut)| samples.start + cut..end(n)).collect()
    }

    fn maker<'a>(&'a self, protection: Option<&'a Protection<'a>>) -> Result<FragmentMaker<'a>, Error> {
        let first = self.samples.first().map_or(0, |first| first.time);
        let beginning = Position::first(first + self.track.priming as i64);
        FragmentMaker::new(self.track, protection, beginning).map_err(self.of_source())
    }

    fn of_source(&self) -> impl FnOnce(cmaf::Error) -> Error {
        Error::cmaf(self.source.path(), self.track.timescale)
    }

    /// How many bytes each segment will have. Keys and IVs do not count, their lengths do. Where it turns out
    /// to be in vain, it ends early, and gives fewer.
    pub(crate) fn measure(
        &self,
        protection: Option<&Protection<'_>>,
        in_vain: &AtomicBool,
    ) -> Result<Vec<u64>, Error> {
        let mut fragments = self.maker(protection)?;
        let mut media = Vec::new();
        let mut sizes = Vec::with_capacity(self.cuts.len());
        for segment in 0..self.cuts.len() {
            if in_vain.load(Ordering::Relaxed) {
                break;
            }
            let mut size = 0;
            for (n, part) in self.fragments(segment).into_iter().enumerate() {
                // Nobody looks into sound, nor into pictures that stay clear.
                if self.track.is_video() && protection.is_some() {
                    self.read(part.clone(), &mut media)?;
                }
                let measured = fragments.measure(segment, &self.samples[part], &media, n == 0);
                size += measured.map_err(self.of_source())?;
            }
            sizes.push(size);
        }
        Ok(sizes)
    }

    /// Writes the file, fragment by fragment, with segments of these sizes, which the index says before them;
    /// also gives its SHA-256.
    pub(crate) fn write(
        &self,
        path: &Path,
        protection: Option<&Protection<'_>>,
        sizes: &[u64],
        progress: &mut dyn Progress,
    ) -> Result<(Written, [u8; 32]), Error> {
        let failed = || Error::io(path, "write");
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed())?;
        }
        let start = |segment| self.segment_start(segment);
        let duration = |segment: usize| start(segment + 1).saturating_sub(start(segment));
        let header = self.track.header(self.end(), protection);
        let index = sizes.iter().enumerate().map(|(segment, size)| (*size, duration(segment)));
        let index = segment_index(self.track.timescale, start(0), index).map_err(self.of_source())?;
        let (header_len, index_len) = (header.len() as u64, index.len() as u64);
        let mut out = GrowingFile::create(path).map_err(failed())?;
        out.write(header, index).map_err(failed())?;

        let mut fragments = self.maker(protection)?;
        let mut segments = Vec::with_capacity(sizes.len());
        for (segment, &size) in sizes.iter().enumerate() {
            let (offset, mut first_picture) = (out.size(), None);
            for (n, part) in self.fragments(segment).into_iter().enumerate() {
                let mut media = out.body();
                self.read(part.clone(), &mut media)?;
                let samples = &self.samples[part];
                let head = fragments
                    .make_in_place(segment, samples, &mut media, n == 0)
                    .map_err(self.of_source())?;
                if n == 0 && self.track.is_video() {
                    // Samples stand last in a fragment, one behind the other.
                    first_picture = Some(head.len() as u64 + u64::from(samples[0].size));
                }
                out.write(head, media).map_err(failed())?;
                progress.advance(bytes(samples));
            }
            if out.size() - offset != size {
                return Err(Error::unsupported(self.source.path(), "it was changed while it was read"));
            }
            segments.push(Segment {
                start: start(segment),
                duration: duration(segment),
                offset,
                size,
                first_picture,
            });
        }
        let (size, sha256) = out.finish().map_err(failed())?;
        let written = Written {
            size,
            header: header_len,
            index: index_len,
            segments,
            protected_samples: fragments.protected_samples(),
        };
        Ok((written, sha256))
    }

    /// The bytes of some samples, one after another, in place of what `media` has.
    fn read(&self, range: Range<usize>, media: &mut Vec<u8>) -> Result<(), Error> {
        let (samples, offsets) = (&self.samples[range.clone()], &self.offsets[range]);
        media.resize(samples.iter().map(|sample| sample.size as usize).sum(), 0);
        let (mut at, mut n) = (0, 0);
        while n < samples.len() {
            // Samples that lie together are read together.
            let (first, mut len) = (offsets[n], 0);
            while n < samples.len() && offsets[n] == first + len as u64 {
                len += samples[n].size as usize;
                n += 1;
            }
            self.source.read_at(first, &mut media[at..at + len])?;
            at += len;
        }
        Ok(())
    }
}

fn bytes(samples: &[Sample]) -> u64 {
    samples.iter().map(|sample| u64::from(sample.size)).sum()
}
