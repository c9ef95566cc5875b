use cenc::Scheme;

use super::header::{self, References};
use crate::subsamples::SubsampleBuilder;
use crate::{Access, Appearance, CodedSample};

/// A VP9 stream, read sample by sample in decoding order.
pub(crate) struct Vp9Stream {
    references: References,
    appearance: Appearance,
}

impl Vp9Stream {
    /// Takes what `vpcC`'s payload says.
    pub(crate) fn new(vpcc: &[u8]) -> Result<Self, String> {
        let fields = vpcc.get(..12).ok_or("vpcC: it is cut off")?;
        if fields[0] != 1 {
            return Err("vpcC: an unknown version".to_owned());
        }
        let appearance =
            Appearance { size: None, sar: None, transfer: Some(fields[8]), may_be_interlaced: false };
        Ok(Self { references: References::default(), appearance })
    }

    pub(crate) const fn appearance(&self) -> Appearance {
        self.appearance
    }

    /// Reads the next sample: a frame or a superframe. The uncompressed header of each frame stays clear, and
    /// as many of the following bytes as make the rest a multiple of 16; so does the superframe's index.
    pub(crate) fn sample(&mut self, sample: &[u8], _scheme: Scheme) -> Result<CodedSample, String> {
        let mut builder = SubsampleBuilder::default();
        let (mut access, mut reference) = (Access::None, false);
        let mut rest = sample;
        for len in frame_sizes(sample)? {
            let (frame, after) = rest.split_at_checked(len).ok_or("a frame reaches past its end")?;
            rest = after;
            if frame.is_empty() {
                continue;
            }
            let read =
                header::read(frame, &mut self.references).map_err(|what| format!("frame header: {what}"))?;
            // Under cbcs, too: the binding wants whole blocks.
            builder.slice(read.len, frame.len(), Scheme::Cenc);
            if read.key {
                access = Access::Clean;
            }
            reference |= read.refreshes != 0 || read.shows_existing;
        }
        builder.clear(rest.len());
        Ok(CodedSample { subsamples: builder.finish(), access, leading: None, reference })
    }
}

/// Sizes of the frames of a sample, by the index of a superframe (annex B) or all of it.
fn frame_sizes(sample: &[u8]) -> Result<Vec<usize>, &'static str> {
    let whole = vec![sample.len()];
    let Some(&marker) = sample.last().filter(|marker| **marker & 0xe0 == 0xc0) else { return Ok(whole) };
    let (frames, width) = (usize::from(marker & 7) + 1, usize::from(marker >> 3 & 3) + 1);
    let index_len = 2 + frames * width;
    let Some(begin) = sample.len().checked_sub(index_len).filter(|begin| sample[*begin] == marker) else {
        return Ok(whole);
    };
    let entries = sample[begin + 1..sample.len() - 1].chunks(width);
    let size = |entry: &[u8]| entry.iter().rev().fold(0, |size, &byte| size << 8 | usize::from(byte));
    let sizes: Vec<_> = entries.map(size).collect();
    match sizes.iter().sum::<usize>() {
        sum if sum <= begin => Ok(sizes),
        _ => Err("a superframe whose frames reach past its end"),
    }
}

/// `vpcC`'s payload for a stream that begins with a frame, a key frame, of this size in pixels and so many
/// frames a second. `colour`: matrix, transfer and primaries by ITU-T H.273, and 2 for full range.
///
/// # Errors
/// In words, if it is no key frame.
pub fn vp9_configuration(
    frame: &[u8],
    size: [u64; 2],
    per_second: u64,
    colour: [u8; 4],
) -> Result<Vec<u8>, &'static str> {
    /// Of each level: its number, luma samples a second, and samples of a picture.
    const LEVELS: [(u8, u64, u64); 13] = [
        (10, 829_440, 36_864),
        (11, 2_764_800, 73_728),
        (20, 4_608_000, 122_880),
        (21, 9_216_000, 245_760),
        (30, 20_736_000, 552_960),
        (31, 36_864_000, 983_040),
        (40, 83_558_400, 2_228_224),
        (41, 160_432_128, 2_228_224),
        (50, 311_951_360, 8_912_896),
        (51, 588_251_136, 8_912_896),
        (52, 1_176_502_272, 8_912_896),
        (60, 1_176_502_272, 35_651_584),
        (61, 2_353_004_544, 35_651_584),
    ];
    let [profile, depth, chroma] = header::format(frame)?;
    let samples = size[0].saturating_mul(size[1]);
    let rate = samples.saturating_mul(per_second);
    let level = LEVELS.iter().find(|level| rate <= level.1 && samples <= level.2).map_or(62, |level| level.0);
    let [matrix, transfer, primaries, range] = colour;
    let bits = depth << 4 | chroma << 1 | u8::from(range == 2);
    Ok(vec![1, 0, 0, 0, profile, level, bits, primaries, transfer, matrix, 0, 0])
}

/// `codecs` of a track with this `vpcC`: all fields.
pub(crate) fn codec_string(vpcc: &[u8]) -> Option<String> {
    let &[profile, level, depth, primaries, transfer, matrix] = vpcc.get(4..10)?.as_array()?;
    let (chroma, range) = (depth >> 1 & 7, depth & 1);
    let depth = depth >> 4;
    Some(format!(
        "vp09.{profile:02}.{level:02}.{depth:02}.{chroma:02}.{primaries:02}.{transfer:02}.{matrix:02}.{range:02}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn superframes_are_divided() {
        assert_eq!(frame_sizes(&[1, 2, 3]), Ok(vec![3]));
        assert_eq!(frame_sizes(&[9, 9, 9, 9, 9, 0xc1, 2, 3, 0xc1]), Ok(vec![2, 3]));
        assert_eq!(
            frame_sizes(&[9, 9, 9, 9, 0xc1, 2, 3, 0xc1]),
            Err("a superframe whose frames reach past its end")
        );
        // The marker's byte may be a frame's last.
        assert_eq!(frame_sizes(&[9, 9, 9, 0xc1]), Ok(vec![4]));
        assert_eq!(frame_sizes(&[]), Ok(vec![0]));
    }

    #[test]
    fn codec_strings() {
        let vpcc = [1, 0, 0, 0, 0, 10, 0x82, 1, 1, 1, 0, 0];
        assert_eq!(codec_string(&vpcc).as_deref(), Some("vp09.00.10.08.01.01.01.01.00"));
        assert_eq!(codec_string(&vpcc[..9]), None);
    }
}
