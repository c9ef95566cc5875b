//! A track of a session as fragmented MP4, for ffmpeg's standard input.

use isobmff::{FragmentSpec, SampleSpec, write_fragment};

use super::{LEAD, ORIGIN};
use crate::ingest::InputSample;
use crate::source::Source;

/// The track's id in headers that have no other.
const TRACK: u32 = 1;
/// Flags of samples with which decoding can begin, and of others (ISO/IEC 14496-12 §8.8.3.1).
const SYNC: u32 = 0x0200_0000;
const NON_SYNC: u32 = 0x0101_0000;

/// Writes pictures, a fragment each.
#[derive(Debug)]
pub struct Feeder {
    timescale: i64,
    sequence: u32,
    /// When the last picture seems to be decoded.
    reached: Option<u64>,
}

impl Feeder {
    /// For a source of pictures.
    pub fn new(source: &Source) -> Self {
        Self { timescale: source.timescale.into(), sequence: 0, reached: None }
    }

    /// What comes first: `ftyp` and `moov`.
    pub fn header(source: &Source) -> Vec<u8> {
        source.track().header(0, None)
    }

    /// The next picture, in decoding order, with its times in the session; `None` for one that cannot be
    /// told.
    pub fn fragment(&mut self, sample: &InputSample) -> Option<Vec<u8>> {
        let seconds = |count: i64| count.saturating_mul(self.timescale);
        let time = sample.time.saturating_add(seconds(ORIGIN));
        let decode = sample.decode_time.saturating_add(seconds(ORIGIN - LEAD));
        // Each is decoded behind the one before, whatever was said.
        let decode = u64::try_from(decode).ok()?.max(self.reached.map_or(0, |reached| reached + 1));
        let offset = time.saturating_sub(i64::try_from(decode).ok()?);
        let samples = [SampleSpec {
            size: u32::try_from(sample.data.len()).ok()?,
            duration: sample.duration,
            composition_offset: i32::try_from(offset).ok()?,
            flags: if sample.sync { SYNC } else { NON_SYNC },
        }];
        let spec = FragmentSpec {
            sequence: self.sequence.wrapping_add(1),
            track_id: TRACK,
            base_decode_time: decode,
            samples: &samples,
            auxiliary: &[],
            description_index: None,
            group: None,
            roll: None,
        };
        let mut fragment = write_fragment(&spec).ok()?;
        fragment.extend_from_slice(&sample.data);
        (self.sequence, self.reached) = (spec.sequence, Some(decode));
        Some(fragment)
    }
}
