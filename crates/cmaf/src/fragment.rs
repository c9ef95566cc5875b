use cenc::{Level, Scheme, Subsample};

use crate::{Access, Error, FragmentHead, Position, Protection, Sample, Track, VideoStream, fragment_head};

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
    /// [`Error::Configuration`] if the decoder configuration cannot be read; [`Error::NoKey`] for a
    /// protection without keys.
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

    /// As [`new`](Self::new), where another maker of the track ended, in the middle of a segment or not:
    /// `video` is what [`into_stream`](Self::into_stream) gave.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn resume(
        track: Track<'a>,
        protection: Option<&'a Protection<'a>>,
        at: Position,
        video: Option<VideoStream>,
    ) -> Result<Self, Error> {
        if track.is_video() && video.is_none() || protection.is_some_and(|p| p.keys.is_empty()) {
            return Self::new(track, protection, at);
        }
        Ok(Self { track, protection, video, at, protected_samples: 0 })
    }

    /// What was read of the pictures' stream so far: parameter sets, and the pictures that others refer to.
    pub fn into_stream(self) -> Option<VideoStream> {
        self.video
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
    /// sample after the other. The first fragment of a segment must begin with a picture that decoding can
    /// begin with.
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
        self.head(segment, samples, media, begins_segment)?.seal(media)
    }

    /// As [`make`](Self::make), without a copy: `media` becomes what stands in the fragment, and what stands
    /// before it there is given.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    pub fn make_in_place(
        &mut self,
        segment: usize,
        samples: &[Sample],
        media: &mut [u8],
        begins_segment: bool,
    ) -> Result<Vec<u8>, Error> {
        self.head(segment, samples, media, begins_segment)?.seal_in_place(media)
    }

    /// How many bytes the next fragment has, which [`make`](Self::make) would make. It is not looked into the
    /// bytes of sound, nor into those of pictures that are not encrypted, so that `media` may be empty there.
    ///
    /// # Errors
    /// As [`make`](Self::make), but for what would have to be seen in `media` then.
    pub fn measure(
        &mut self,
        segment: usize,
        samples: &[Sample],
        media: &[u8],
        begins_segment: bool,
    ) -> Result<u64, Error> {
        let subsamples = match self.protection {
            Some(_) => self.all_subsamples(samples, media, begins_segment)?,
            None => Vec::new(),
        };
        let head = self.head_of(segment, samples, &subsamples)?;
        Ok(head.bytes().len() as u64 + head.media_len())
    }

    /// What stands before the samples of the next fragment.
    fn head(
        &mut self,
        segment: usize,
        samples: &[Sample],
        media: &[u8],
        begins_segment: bool,
    ) -> Result<FragmentHead<'a>, Error> {
        let subsamples = self.all_subsamples(samples, media, begins_segment)?;
        self.head_of(segment, samples, &subsamples)
    }

    /// What of each sample is protected, for pictures; empty for sound.
    fn all_subsamples(
        &mut self,
        samples: &[Sample],
        media: &[u8],
        begins_segment: bool,
    ) -> Result<Vec<Vec<Subsample>>, Error> {
        let mut subsamples = Vec::new();
        if self.video.is_some() {
            let (expected, found) =
                (samples.iter().map(|s| u64::from(s.size)).sum::<u64>(), media.len() as u64);
            if expected != found {
                return Err(Error::MediaSize { expected, found });
            }
            let mut offset = 0;
            for (n, sample) in samples.iter().enumerate() {
                let data = &media[offset..offset + sample.size as usize];
                let number = self.at.samples + n as u64;
                subsamples.push(self.subsamples(number, sample, data, begins_segment && n == 0)?);
                offset += data.len();
            }
        }
        Ok(subsamples)
    }

    fn head_of(
        &mut self,
        segment: usize,
        samples: &[Sample],
        subsamples: &[Vec<Subsample>],
    ) -> Result<FragmentHead<'a>, Error> {
        let head = fragment_head(&self.track, self.protection, self.at, segment, samples, subsamples)?;
        self.protected_samples += head.protected_samples();
        let lasts: i64 = samples.iter().map(|sample| i64::from(sample.duration)).sum();
        self.at.decode_time = self.at.decode_time.saturating_add(lasts);
        self.at.samples += samples.len() as u64;
        self.at.fragments = self.at.fragments.wrapping_add(1);
        Ok(head)
    }

    /// What of a sample is protected; empty: all of it. Checks that a segment begins with a random
    /// access point.
    fn subsamples(
        &mut self,
        number: u64,
        sample: &Sample,
        data: &[u8],
        begins_segment: bool,
    ) -> Result<Vec<Subsample>, Error> {
        let Some(video) = &mut self.video else { return Ok(Vec::new()) };
        let scheme = self.protection.map_or(Scheme::Cenc, |p| p.scheme);
        let read = video.sample(data, scheme).map_err(|what| Error::Bitstream { sample: number, what })?;
        if begins_segment && read.access == Access::None {
            return Err(Error::OpenGop { time: sample.time });
        }
        let level = self.protection.map_or(Level::High, |p| p.level);
        let subsamples = read.protected(level, sample.sync, data.len());
        if let Some(most) = self.protection.map(most_subsamples)
            && subsamples.len() > most
        {
            return Err(Error::Bitstream { sample: number, what: too_many(subsamples.len(), most) });
        }
        Ok(subsamples)
    }
}

/// As many subsamples as `saiz` can count in a sample's octet, beside its IV (ISO/IEC 23001-7 §7.1).
const fn most_subsamples(protection: &Protection<'_>) -> usize {
    let iv = match protection.scheme {
        Scheme::Cenc => 8,
        Scheme::Cbcs => 0,
    };
    (u8::MAX as usize - iv - 2) / 6
}

fn too_many(count: usize, most: usize) -> String {
    format!(
        "it has {count} slices or tiles that would be encrypted one by one, and {most} are the most; encode with fewer \
         (x264, x265: slices; libaom, SVT-AV1: tile-columns and tile-rows)"
    )
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

    /// The same, made in place, each as long as it was measured before.
    fn in_place(protection: &Protection<'_>) -> Vec<Vec<u8>> {
        let maker = || FragmentMaker::new(audio(), Some(protection), Position::first(0)).unwrap();
        let (mut measuring, mut making) = (maker(), maker());
        let fragments = (0..4).map(|n| {
            let frame = |i: i64| Sample { size: 300, duration: 1024, time: i * 1024 - 1024, sync: true };
            let samples: Vec<_> = (n as i64 * 10..n as i64 * 10 + 10).map(frame).collect();
            let size = measuring.measure(n / 2, &samples, &[], n % 2 == 0).unwrap();
            let mut media = [n as u8; 3000];
            let head = making.make_in_place(n / 2, &samples, &mut media, n % 2 == 0).unwrap();
            let fragment = [head, media.to_vec()].concat();
            assert_eq!(fragment.len() as u64, size);
            fragment
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
            assert_eq!(in_place(&protection), all);
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

    /// One maker after another makes what one alone does.
    #[test]
    fn makers_take_over_from_each_other() {
        let frame = |i: i64| [Sample { size: 300, duration: 1024, time: i * 1024, sync: true }];
        let mut one = FragmentMaker::new(audio(), None, Position::first(0)).unwrap();
        let all: Vec<_> = (0..3).map(|i| one.make(0, &frame(i), &[i as u8; 300], i == 0).unwrap()).collect();
        let (mut at, mut stream) = (Position::first(0), None);
        for (i, expected) in all.iter().enumerate() {
            let mut maker = FragmentMaker::resume(audio(), None, at, stream).unwrap();
            assert_eq!(&maker.make(0, &frame(i as i64), &[i as u8; 300], i == 0).unwrap(), expected);
            at = maker.position();
            stream = maker.into_stream();
        }
    }

    #[test]
    fn media_must_be_what_the_samples_say() {
        let mut maker = FragmentMaker::new(audio(), None, Position::first(0)).unwrap();
        let sample = Sample { size: 300, duration: 1024, time: 0, sync: true };
        let error = maker.make(0, &[sample], &[0; 299], true).unwrap_err();
        assert!(matches!(error, Error::MediaSize { expected: 300, found: 299 }), "{error}");
    }
}
