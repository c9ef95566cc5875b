use cenc::{Direction, Pattern, RangeTable, SampleProtection, Scheme, SegmentCipher, Subsample};
use isobmff::{FragmentSpec, SampleAuxiliary, SampleSpec, write_fragment};

use crate::track::{NON_SYNC, SYNC, TRACK_ID};
use crate::{Error, PeriodKey, Position, Protection, Sample, Track};

/// A fragment but for its samples' bytes, and how these are to be encrypted.
#[derive(Debug)]
pub struct FragmentHead<'a> {
    bytes: Vec<u8>,
    key: Option<&'a PeriodKey>,
    table: RangeTable,
    media: u64,
    protected_samples: u64,
}

impl FragmentHead<'_> {
    /// `moof` and the header of `mdat`.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes of the samples.
    pub const fn media_len(&self) -> u64 {
        self.media
    }

    /// Samples with at least one protected byte.
    pub const fn protected_samples(&self) -> u64 {
        self.protected_samples
    }

    /// The whole fragment, with its samples' bytes, which are given one after the other and clear.
    ///
    /// # Errors
    /// [`Error::MediaSize`] for other bytes than the samples'.
    pub fn seal(mut self, media: &[u8]) -> Result<Vec<u8>, Error> {
        self.check_size(media)?;
        let mut fragment = std::mem::take(&mut self.bytes);
        let head = fragment.len();
        fragment.extend_from_slice(media);
        self.encrypt(&mut fragment[head..])?;
        Ok(fragment)
    }

    /// As [`seal`](Self::seal), without a copy: `media` becomes what stands in the fragment, and what stands
    /// before it there is given.
    ///
    /// # Errors
    /// [`Error::MediaSize`] for other bytes than the samples'.
    pub fn seal_in_place(self, media: &mut [u8]) -> Result<Vec<u8>, Error> {
        self.check_size(media)?;
        self.encrypt(media)?;
        Ok(self.bytes)
    }

    fn check_size(&self, media: &[u8]) -> Result<(), Error> {
        let (expected, found) = (self.media, media.len() as u64);
        if expected == found { Ok(()) } else { Err(Error::MediaSize { expected, found }) }
    }

    fn encrypt(&self, media: &mut [u8]) -> Result<(), Error> {
        let Some(key) = self.key else { return Ok(()) };
        Ok(key.cipher.apply(Direction::Encrypt, &self.table, media)?)
    }
}

/// The head of the fragment at a position, of some samples of a segment. `subsamples` has what of each sample
/// is protected (empty: all of it); it may end early where all that follow are protected whole.
///
/// # Errors
/// [`Error::NoKey`], [`Error::Composition`], [`Error::Boxes`], [`Error::Cenc`].
pub fn fragment_head<'a>(
    track: &Track<'_>,
    protection: Option<&'a Protection<'_>>,
    at: Position,
    segment: usize,
    samples: &[Sample],
    subsamples: &[Vec<Subsample>],
) -> Result<FragmentHead<'a>, Error> {
    let key = match protection {
        Some(protection) => protection.key(segment)?.map(|key| (protection, key)),
        None => None,
    };
    let mut specs = Vec::with_capacity(samples.len());
    let mut auxiliary = Vec::new();
    let mut table = RangeTable::new(match protection.map(|p| p.scheme) {
        Some(Scheme::Cbcs) if track.is_video() => SampleProtection::Cbc(Pattern::VIDEO),
        Some(Scheme::Cbcs) => SampleProtection::Cbc(Pattern::WHOLE),
        _ => SampleProtection::Ctr,
    });
    let (mut offset, mut protected_samples, mut decode_time) = (0, 0, at.decode_time);
    for (n, sample) in samples.iter().enumerate() {
        let size = sample.size as usize;
        if let Some((protection, _)) = key {
            let subsamples = subsamples.get(n).map_or(&[][..], |subsamples| subsamples);
            let iv = protection.base_iv.of_sample(at.samples + n as u64);
            table.push_sample(offset, size, iv, subsamples)?;
            let protected = subsamples.is_empty() && size > 0 || subsamples.iter().any(|s| s.protected > 0);
            protected_samples += u64::from(protected);
            auxiliary.push(SampleAuxiliary {
                iv: if protection.scheme == Scheme::Cenc { iv.as_bytes().to_vec() } else { Vec::new() },
                subsamples: subsamples.iter().map(|s| (s.clear, s.protected)).collect(),
            });
        }
        specs.push(spec(track, sample, decode_time)?);
        decode_time = decode_time.saturating_add(sample.duration.into());
        offset += size;
    }
    // The track's own key is that of period 0; the clear sample entry is the second.
    let group = key.and_then(|(protection, (period, key))| {
        (period > 0).then(|| protection.track_encryption(key.kid, track.is_video()))
    });
    let spec = FragmentSpec {
        sequence: at.fragments.wrapping_add(1),
        track_id: TRACK_ID,
        base_decode_time: at.decode_time.max(0) as u64,
        samples: &specs,
        auxiliary: &auxiliary,
        description_index: (protection.is_some() && key.is_none()).then_some(2),
        group: group.as_ref(),
        roll: roll(track, samples),
    };
    Ok(FragmentHead {
        bytes: write_fragment(&spec)?,
        key: key.map(|(_, (_, key))| key),
        table,
        media: samples.iter().map(|s| u64::from(s.size)).sum(),
        protected_samples,
    })
}

/// How many frames Opus must decode before one sounds as it should: those of 80 ms (Encapsulation of Opus in
/// ISO Base Media File Format, 4.3.6.2).
fn roll(track: &Track<'_>, samples: &[Sample]) -> Option<i16> {
    if track.entry.get(4..8) != Some(b"Opus") {
        return None;
    }
    let lasts = samples.first().map(|first| u64::from(first.duration)).filter(|ticks| *ticks > 0)?;
    let frames = (u64::from(track.timescale) * 80).div_ceil(1000).div_ceil(lasts);
    i16::try_from(frames).ok().map(|frames| -frames)
}

fn spec(track: &Track<'_>, sample: &Sample, decode_time: i64) -> Result<SampleSpec, Error> {
    let is_video = track.is_video();
    let composition = sample.time.saturating_add_unsigned(track.priming).saturating_sub(decode_time);
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
