use cenc::{Direction, Level, Pattern, RangeTable, SampleProtection, Scheme, SegmentCipher, Subsample};
use isobmff::{FragmentSpec, SampleAuxiliary, SampleSpec, write_fragment};

use crate::track::{NON_SYNC, SYNC, TRACK_ID};
use crate::{Access, Error, Protection, Sample, Track, VideoStream};

/// Where in a track the next fragment begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Fragments before it.
    pub fragments: u32,
    /// Samples before it; IVs count from there.
    pub samples: u64,
    /// Decoding time of its first sample.
    pub decode_time: i64,
}

impl Position {
    /// The beginning of a track. Decoding begins with the time at which the first sample is shown, priming
    /// added: offsets are signed.
    pub const fn first(decode_time: i64) -> Self {
        Self { fragments: 0, samples: 0, decode_time }
    }
}

/// Makes the fragments of a track in order, from any position on at which a segment begins.
pub struct FragmentMaker<'a> {
    track: Track<'a>,
    protection: Option<&'a Protection<'a>>,
    video: Option<VideoStream>,
    at: Position,
    protected_samples: u64,
}

impl<'a> FragmentMaker<'a> {
    /// For a track, encrypted or clear.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the decoder configuration cannot be read; [`Error::NoKey`] for a protection without keys.
    pub fn new(
        track: Track<'a>,
        protection: Option<&'a Protection<'a>>,
        at: Position,
    ) -> Result<Self, Error> {
        if protection.is_some_and(|protection| protection.keys.is_empty()) {
            return Err(Error::NoKey { period: 0 });
        }
        let video = track.video.map(VideoStream::new).transpose().map_err(Error::Configuration)?;
        Ok(Self { track, protection, video, at, protected_samples: 0 })
    }

    /// Where the next fragment begins.
    pub const fn position(&self) -> Position {
        self.at
    }

    /// Samples with at least one protected byte, in the fragments made.
    pub const fn protected_samples(&self) -> u64 {
        self.protected_samples
    }

    /// The next fragment, `moof` and `mdat`, of some samples of a segment; `media` has their bytes, one
    /// sample after the other. The first fragment of a segment must begin with a picture that decoding can begin with.
    ///
    /// # Errors
    /// See [`Error`]. The maker is of no further use then.
    pub fn make(
        &mut self,
        segment: usize,
        samples: &[Sample],
        media: &[u8],
        begins_segment: bool,
    ) -> Result<Vec<u8>, Error> {
        let (expected, found) = (samples.iter().map(|s| u64::from(s.size)).sum(), media.len() as u64);
        if expected != found {
            return Err(Error::MediaSize { expected, found });
        }
        let key = match self.protection {
            Some(protection) => protection.key(segment)?.map(|key| (protection, key)),
            None => None,
        };
        let mut specs = Vec::with_capacity(samples.len());
        let mut auxiliary = Vec::new();
        let mut table = RangeTable::new(match self.protection.map(|p| p.scheme) {
            Some(Scheme::Cbcs) if self.track.is_video() => SampleProtection::Cbc(Pattern::VIDEO),
            Some(Scheme::Cbcs) => SampleProtection::Cbc(Pattern::WHOLE),
            _ => SampleProtection::Ctr,
        });
        let base_decode_time = self.at.decode_time.max(0) as u64;
        let mut offset = 0;
        for (n, sample) in samples.iter().enumerate() {
            let size = sample.size as usize;
            let subsamples =
                self.subsamples(sample, &media[offset..offset + size], begins_segment && n == 0)?;
            if let Some((protection, _)) = key {
                let iv = protection.base_iv.of_sample(self.at.samples);
                table.push_sample(offset, size, iv, &subsamples)?;
                let protected =
                    subsamples.is_empty() && size > 0 || subsamples.iter().any(|s| s.protected > 0);
                self.protected_samples += u64::from(protected);
                auxiliary.push(SampleAuxiliary {
                    iv: if protection.scheme == Scheme::Cenc { iv.as_bytes().to_vec() } else { Vec::new() },
                    subsamples: subsamples.iter().map(|s| (s.clear, s.protected)).collect(),
                });
            }
            specs.push(self.spec(sample)?);
            self.at.decode_time = self.at.decode_time.saturating_add(sample.duration.into());
            self.at.samples += 1;
            offset += size;
        }
        self.at.fragments = self.at.fragments.wrapping_add(1);
        // The track's own key is that of period 0; the clear sample entry is the second.
        let group = key.and_then(|(protection, (period, key))| {
            (period > 0).then(|| protection.track_encryption(key.kid, self.track.is_video()))
        });
        let spec = FragmentSpec {
            sequence: self.at.fragments,
            track_id: TRACK_ID,
            base_decode_time,
            samples: &specs,
            auxiliary: &auxiliary,
            description_index: (self.protection.is_some() && key.is_none()).then_some(2),
            group: group.as_ref(),
        };
        let mut fragment = write_fragment(&spec)?;
        let head = fragment.len();
        fragment.extend_from_slice(media);
        if let Some((_, (_, key))) = key {
            key.cipher.apply(Direction::Encrypt, &table, &mut fragment[head..])?;
        }
        Ok(fragment)
    }

    fn spec(&self, sample: &Sample) -> Result<SampleSpec, Error> {
        let is_video = self.track.is_video();
        let composition =
            sample.time.saturating_add_unsigned(self.track.priming).saturating_sub(self.at.decode_time);
        Ok(SampleSpec {
            size: sample.size,
            duration: sample.duration,
            composition_offset: match is_video {
                true => composition.try_into().map_err(|_| Error::Composition)?,
                false => 0,
            },
            flags: if sample.sync || !is_video { SYNC } else { NON_SYNC },
        })
    }

    /// What of a sample is protected; empty: all of it. Checks that a segment begins with a random
    /// access point.
    fn subsamples(
        &mut self,
        sample: &Sample,
        data: &[u8],
        begins_segment: bool,
    ) -> Result<Vec<Subsample>, Error> {
        let Some(video) = &mut self.video else { return Ok(Vec::new()) };
        let scheme = self.protection.map_or(Scheme::Cenc, |p| p.scheme);
        let read =
            video.sample(data, scheme).map_err(|what| Error::Bitstream { sample: self.at.samples, what })?;
        if begins_segment && read.access == Access::None {
            return Err(Error::OpenGop { time: sample.time });
        }
        let level = self.protection.map_or(Level::High, |p| p.level);
        Ok(read.protected(level, sample.sync, data.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyPlan, PeriodKey};
    use cenc::{AesCipher, Cek, Iv, Kid};
    use isobmff::MediaHeader;

    const ENTRY: &[u8] = b"\0\0\0\x24mp4a\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\x02\0\x10\0\0\0\0\xbb\x80\0\0";

    fn audio() -> Track<'static> {
        let media = MediaHeader::Audio;
        Track { timescale: 48_000, language: *b"und", media, entry: ENTRY, video: None, priming: 1024 }
    }

    /// A second of sound in fragments of ten frames, two fragments a segment.
    fn fragments(protection: Option<&Protection<'_>>, at: Position, from: usize) -> Vec<Vec<u8>> {
        let mut maker = FragmentMaker::new(audio(), protection, at).unwrap();
        let fragments = (from..4).map(|n| {
            let frame = |i: i64| Sample { size: 300, duration: 1024, time: i * 1024 - 1024, sync: true };
            let samples: Vec<_> = (n as i64 * 10..n as i64 * 10 + 10).map(frame).collect();
            maker.make(n / 2, &samples, &[n as u8; 3000], n % 2 == 0).unwrap()
        });
        fragments.collect()
    }

    /// What is made from the middle on is what is made from the beginning on: an origin needs nothing before.
    #[test]
    fn fragments_are_the_same_from_any_segment_on() {
        let key = |n| PeriodKey { kid: Kid([n; 16]), cipher: AesCipher::new(&Cek::new([n; 16])) };
        let keys = [key(1), key(2)];
        for scheme in [Scheme::Cenc, Scheme::Cbcs] {
            let base_iv = match scheme {
                Scheme::Cenc => Iv::from_u64(u64::MAX - 5),
                Scheme::Cbcs => Iv::from_bytes([9; 16]),
            };
            let pssh = Vec::new();
            let plan = KeyPlan { segments_per_key: 1, clear_segments: 0 };
            let protection = Protection { scheme, level: Level::High, plan, keys: &keys, base_iv, pssh };
            let all = fragments(Some(&protection), Position::first(0), 0);
            let middle = Position { fragments: 2, samples: 20, decode_time: 20 * 1024 };
            assert_eq!(fragments(Some(&protection), middle, 2), all[2..]);
            assert_ne!(all[0][all[0].len() - 3000..], [0; 3000]);
        }
        let clear = fragments(None, Position::first(0), 0);
        assert_eq!(clear[3][clear[3].len() - 3000..], [3; 3000]);
    }

    /// A key that is not there yet is an error: nothing is published in clear for lack of one.
    #[test]
    fn a_missing_key_leaves_nothing_clear() {
        let keys = [PeriodKey { kid: Kid([1; 16]), cipher: AesCipher::new(&Cek::new([1; 16])) }];
        let protection = |keys, clear_segments| Protection {
            scheme: Scheme::Cenc,
            level: Level::High,
            plan: KeyPlan { segments_per_key: 2, clear_segments },
            keys,
            base_iv: Iv::from_u64(1),
            pssh: Vec::new(),
        };
        let sample = [Sample { size: 300, duration: 1024, time: 0, sync: true }];
        let make = |protection: &Protection<'_>, segment| {
            let mut maker = FragmentMaker::new(audio(), Some(protection), Position::first(0))?;
            maker.make(segment, &sample, &[0; 300], true)
        };
        assert!(make(&protection(&keys, 0), 1).is_ok());
        assert!(matches!(make(&protection(&keys, 0), 2), Err(Error::NoKey { period: 1 })));
        assert!(make(&protection(&keys, 3), 2).is_ok(), "the clear lead needs none");
        assert!(matches!(make(&protection(&[], 3), 0), Err(Error::NoKey { period: 0 })));
    }

    #[test]
    fn media_must_be_what_the_samples_say() {
        let mut maker = FragmentMaker::new(audio(), None, Position::first(0)).unwrap();
        let sample = Sample { size: 300, duration: 1024, time: 0, sync: true };
        let error = maker.make(0, &[sample], &[0; 299], true).unwrap_err();
        assert!(matches!(error, Error::MediaSize { expected: 300, found: 299 }), "{error}");
    }
}
