//! A representation as it is published: samples in, encrypted parts of numbered segments out.

use bytes::Bytes;
use cenc::Iv;
use cmaf::{FragmentMaker, KeyPlan, PeriodKey, Position, Protection, Sample, VideoStream};
use isobmff::Pssh;
use pack::PsshData;

use crate::ingest::InputSample;
use crate::keys::{AHEAD, Keys};
use crate::lives::Lives;
use crate::names::SessionId;
use crate::source::Source;
use crate::window::{Part, SegmentEntry, Window};

/// Octets of a segment at most: a stream whose pictures never begin anew must not fill the memory.
const MAX_SEGMENT: usize = 256 << 20;
/// IVs of each life of a session count from its first number times two to this power, so far apart that none
/// reaches the next: a process that was killed has used some that nobody knows of. Numbers never come back.
const IVS_OF_A_LIFE: u32 = 40;
/// Samples of a part at most.
const MAX_PENDING: usize = 4096;

/// How a representation is encrypted.
#[derive(Debug)]
struct Protector {
    base_iv: Iv,
    /// That of period 0, which the header names, and that of the period that is under way.
    keys: Vec<PeriodKey>,
    period: u32,
}

/// A representation.
pub(crate) struct Output {
    pub(crate) id: String,
    pub(crate) source: Source,
    pub(crate) header: Bytes,
    pub(crate) window: Window,
    protector: Option<Protector>,
    stream: Option<VideoStream>,
    /// Fragments and samples made so far.
    fragments: u32,
    samples: u64,
    /// Samples of the open segment, and how many of them have protected bytes.
    counted: (u64, u64),
    pending: Vec<InputSample>,
    pending_ticks: u64,
    /// The open segment's number and presentation time.
    open: Option<(u64, i64)>,
    /// Octets of samples in it so far.
    open_octets: usize,
    /// The number of the last segment that was opened.
    latest: Option<u64>,
    /// Where the next part begins in presentation.
    part_start: u64,
    /// Wanted length of parts in ticks.
    part: u64,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("id", &self.id).field("open", &self.open).finish_non_exhaustive()
    }
}

/// What a representation gives when it takes samples.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// End of the latest part in presentation, ticks.
    pub(crate) part_end: Option<u64>,
    /// Segments that are whole now.
    pub(crate) segments: Vec<(SegmentEntry, Bytes)>,
    /// Samples that were lost, and why.
    pub(crate) lost: Option<(usize, String)>,
}

impl Output {
    /// A new one. No number and no IV of the lives before is used, whatever is known of them.
    pub(crate) fn new(
        id: String,
        source: Source,
        keys: Option<&Keys>,
        (session, lives): (SessionId, &Lives),
        part: u64,
    ) -> Result<Self, cmaf::Error> {
        let protector = match keys {
            None => None,
            Some(keys) => {
                let base_iv = keys.base_iv(&id, session)?;
                Some(Protector { base_iv, keys: vec![keys.key(0)], period: 0 })
            }
        };
        let header = {
            let protection = keys.zip(protector.as_ref()).map(|(keys, protector)| protector.protection(keys));
            source.track().header(0, protection.as_ref()).into()
        };
        Ok(Self {
            id,
            source,
            header,
            window: Window::above(lives.latest().first),
            protector,
            stream: None,
            fragments: 0,
            samples: lives.latest().first << IVS_OF_A_LIFE,
            counted: (0, 0),
            pending: Vec::new(),
            pending_ticks: 0,
            open: None,
            open_octets: 0,
            latest: lives.latest().first.checked_sub(1),
            part_start: 0,
            part: part.max(1),
        })
    }

    /// As another process left it: its header, and what is stored of it.
    pub(crate) fn resume(mut self, header: Bytes, segments: &[SegmentEntry]) -> Self {
        let samples: u64 = segments.iter().map(|segment| segment.samples).sum();
        self.header = header;
        self.window = Window::stored(segments, self.latest.map_or(0, |latest| latest + 1));
        // There are no more fragments than samples: sequence numbers grow.
        self.fragments = (samples & 0x3fff_ffff) as u32;
        self
    }

    /// The open segment's number.
    pub(crate) fn open_number(&self) -> Option<u64> {
        self.open.map(|(number, _)| number)
    }

    /// The last number that may not be used again.
    pub(crate) const fn latest(&self) -> Option<u64> {
        self.latest
    }

    /// IV of the first sample, hexadecimal.
    pub(crate) fn first_iv(&self) -> Option<String> {
        self.protector.as_ref().map(|protector| protector.base_iv.to_string())
    }

    /// Ends the open segment and begins another with the sample that comes next, presented at `start`.
    pub(crate) fn begin(&mut self, number: u64, start: i64, keys: Option<&Keys>, made: &mut Progress) {
        self.end(Some(start), keys, made);
        let start_ticks = start.max(0) as u64;
        self.window.open(number, start_ticks);
        self.open = Some((number, start));
        self.open_octets = 0;
        self.latest = Some(number);
        self.part_start = start_ticks;
    }

    /// Takes a sample of the open segment; its times are on the session's timeline.
    pub(crate) fn push(&mut self, sample: InputSample, keys: Option<&Keys>, made: &mut Progress) {
        if self.open.is_none() {
            return;
        }
        self.open_octets += sample.data.len();
        if self.open_octets > MAX_SEGMENT {
            made.lost = Some((1, "a segment that does not end".to_owned()));
            self.end(None, keys, made);
            return;
        }
        let duration = u64::from(sample.duration);
        self.pending_ticks += duration;
        self.pending.push(sample);
        // Another one like this would make it too long.
        if self.pending_ticks + duration > self.part || self.pending.len() >= MAX_PENDING {
            self.flush(keys, made);
        }
    }

    /// Ends the open segment; the next begins at `end`, where that is known.
    pub(crate) fn end(&mut self, end: Option<i64>, keys: Option<&Keys>, made: &mut Progress) {
        self.flush(keys, made);
        if self.open.take().is_none() {
            return;
        }
        let (samples, protected) = std::mem::take(&mut self.counted);
        if let Some(segment) = self.window.complete(end.map(|end| end.max(0) as u64)) {
            let (number, start, duration, size) =
                (segment.number, segment.start, segment.duration, segment.size);
            let entry = SegmentEntry { number, start, duration, size, samples, protected };
            made.segments.extend(segment.bytes().map(|bytes| (entry, bytes)));
        }
    }

    /// Gives the open segment up, whatever was published of it: its number and its IVs are used up. Says
    /// whether there was one.
    pub(crate) fn abandon(&mut self) -> bool {
        if self.open.take().is_none() {
            return false;
        }
        self.pending.clear();
        (self.pending_ticks, self.counted, self.stream) = (0, (0, 0), None);
        self.window.abandon();
        true
    }

    /// Makes a part of the samples that wait.
    fn flush(&mut self, keys: Option<&Keys>, made: &mut Progress) {
        let samples = std::mem::take(&mut self.pending);
        let ticks = std::mem::take(&mut self.pending_ticks);
        let (Some((number, _)), Some(first)) = (self.open, samples.first()) else { return };
        let begins = self.counted.0 == 0;
        let independent = first.sync;
        match self.make(number, &samples, begins, keys) {
            Ok((bytes, protected)) => {
                self.counted.0 += samples.len() as u64;
                self.counted.1 += protected;
                self.window.push(Part {
                    start: self.part_start,
                    duration: ticks,
                    bytes: bytes.into(),
                    independent,
                });
                self.part_start += ticks;
                made.part_end = Some(self.part_start);
            }
            Err(error) => {
                // Nothing can be decoded until the next segment.
                made.lost = Some((samples.len(), error.to_string()));
                self.stream = None;
                self.end(None, keys, made);
            }
        }
    }

    fn make(
        &mut self,
        number: u64,
        samples: &[InputSample],
        begins: bool,
        keys: Option<&Keys>,
    ) -> Result<(Vec<u8>, u64), cmaf::Error> {
        let decode_time = samples.first().map_or(0, |first| first.decode_time);
        let mut specs = Vec::with_capacity(samples.len());
        let mut media = Vec::with_capacity(samples.iter().map(|sample| sample.data.len()).sum());
        for (n, sample) in samples.iter().enumerate() {
            // What decoding times say goes before what durations do.
            let next = samples.get(n + 1).map(|next| next.decode_time.saturating_sub(sample.decode_time));
            let duration = next.and_then(|ticks| u32::try_from(ticks).ok()).unwrap_or(sample.duration);
            let size = u32::try_from(sample.data.len()).unwrap_or(u32::MAX);
            specs.push(Sample { size, duration, time: sample.time, sync: sample.sync });
            media.extend_from_slice(&sample.data);
        }
        let mut period = 0;
        if let (Some(keys), Some(protector)) = (keys, &mut self.protector) {
            period = keys.period(number);
            if period != protector.period {
                protector.keys.truncate(1);
                if period > 0 {
                    protector.keys.push(keys.key(period));
                }
                protector.period = period;
            }
        }
        let protection =
            keys.zip(self.protector.as_ref()).map(|(keys, protector)| protector.protection(keys));
        let at = Position { fragments: self.fragments, samples: self.samples, decode_time };
        let stream = if begins { None } else { self.stream.take() };
        let mut maker = FragmentMaker::resume(self.source.track(), protection.as_ref(), at, stream)?;
        // IVs that a part was made with are used up, whatever becomes of it.
        self.samples += samples.len() as u64;
        let fragment = maker.make(usize::from(period > 0), &specs, &media, begins)?;
        let protected = maker.protected_samples();
        self.fragments = maker.position().fragments;
        self.stream = maker.into_stream();
        Ok((fragment, protected))
    }
}

impl Protector {
    /// Of the keys here the first is that of period 0, the second that of any other.
    fn protection(&self, keys: &Keys) -> Protection<'_> {
        Protection {
            scheme: keys.scheme,
            level: keys.level,
            plan: KeyPlan { segments_per_key: 1, clear_segments: 0 },
            keys: &self.keys,
            base_iv: self.base_iv,
            pssh: vec![pssh(keys, 0..=if keys.segments_per_key == 0 { 0 } else { AHEAD })],
        }
    }
}

/// Matinee's `pssh` box for the keys of some periods.
pub(crate) fn pssh(keys: &Keys, periods: std::ops::RangeInclusive<u32>) -> Pssh {
    let data = PsshData {
        content_id: keys.content_id.clone(),
        kids: periods.map(|period| keys.kid(period)).collect(),
        common_key_id: keys.common_key_id.clone(),
        label: keys.label.clone(),
    };
    data.to_box()
}
