use std::fs::{self, File};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use cenc::{Iv, IvSpan};
use cmaf::{
    FragmentMaker, KeyPlan, PeriodKey, Position, Protection, Sample, Track, cut_fragments, segment_index,
    segment_index_len,
};
use pack::{Segment, Written};

use crate::media_file::MediaFile;
use crate::{Error, Progress};

/// A representation that is to be written.
#[derive(Debug)]
pub(crate) struct MediaPlan<'a> {
    pub(crate) source: &'a MediaFile,
    pub(crate) track: Track<'a>,
    /// In decoding order, on the film's timeline.
    pub(crate) samples: Vec<Sample>,
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
        bytes(&self.samples)
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

    /// Writes the file, fragment by fragment.
    pub(crate) fn write(
        &self,
        path: &Path,
        protection: Option<&Protection<'_>>,
        progress: &mut dyn Progress,
    ) -> Result<Written, Error> {
        let failed = || Error::io(path, "write");
        let of_source = || Error::cmaf(self.source.path(), self.track.timescale);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed())?;
        }
        let mut out = BufWriter::with_capacity(1 << 18, File::create_new(path).map_err(failed())?);
        let header = self.track.header(self.end(), protection);
        let index_len = segment_index_len(self.cuts.len());
        out.write_all(&header).map_err(failed())?;
        // Sizes are known once all is written.
        out.write_all(&vec![0; index_len]).map_err(failed())?;

        let (header_len, index_len) = (header.len() as u64, index_len as u64);
        let mut offset = header_len + index_len;
        let first = self.samples.first().map_or(0, |first| first.time);
        let beginning = Position::first(first + self.track.priming as i64);
        let mut fragments = FragmentMaker::new(self.track, protection, beginning).map_err(of_source())?;
        let mut segments = Vec::new();
        // One place for all: it is neither asked for nor wiped again for each fragment.
        let mut content = Vec::new();
        for segment in 0..self.cuts.len() {
            let samples = self.segment_samples(segment);
            let start = self.segment_start(segment);
            let duration = self.segment_start(segment + 1).saturating_sub(start);
            let (mut size, mut first_picture) = (0, None);
            let cuts = cut_fragments(&self.samples[samples.clone()], self.track.timescale);
            for (n, &cut) in cuts.iter().enumerate() {
                let end = cuts.get(n + 1).map_or(samples.end, |next| samples.start + next);
                let part = samples.start + cut..end;
                self.read(part.clone(), &mut content)?;
                let fragment = fragments
                    .make(segment, &self.samples[part.clone()], &content, n == 0)
                    .map_err(of_source())?;
                out.write_all(&fragment).map_err(failed())?;
                size += fragment.len() as u64;
                let media = bytes(&self.samples[part.clone()]);
                if n == 0 && self.track.is_video() {
                    // Samples stand last in a fragment, one behind the other.
                    let first = u64::from(self.samples[part.start].size);
                    first_picture = Some(size - media + first);
                }
                progress.advance(media);
            }
            segments.push(Segment { start, duration, offset, size, first_picture });
            offset += size;
        }

        let sizes = segments.iter().map(|segment| (segment.size, segment.duration));
        let index = segment_index(self.track.timescale, self.segment_start(0), sizes).map_err(of_source())?;
        out.seek(SeekFrom::Start(header_len)).and_then(|_| out.write_all(&index)).map_err(failed())?;
        let file = out.into_inner().map_err(|error| failed()(error.into_error()))?;
        file.sync_all().map_err(failed())?;
        Ok(Written {
            size: offset,
            header: header_len,
            index: index_len,
            segments,
            protected_samples: fragments.protected_samples(),
        })
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
