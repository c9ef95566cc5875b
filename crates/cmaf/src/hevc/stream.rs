use cenc::Scheme;

use super::config::HevcConfig;
use super::slice_header::{ParameterSets, slice_header_len, unit_type};
use crate::nal::NalUnits;
use crate::subsamples::SubsampleBuilder;
use crate::{Access, Appearance, CodedSample, Leading};

/// An HEVC stream, read sample by sample in decoding order.
pub(crate) struct HevcStream {
    sets: ParameterSets,
    length_size: usize,
}

impl HevcStream {
    /// Takes the parameter sets and the NAL length size from `hvcC`'s payload.
    pub(crate) fn new(hvcc: &[u8]) -> Result<Self, String> {
        let config = HevcConfig::parse(hvcc)?;
        let mut sets = ParameterSets::default();
        config.units.iter().try_for_each(|nal| sets.take(nal))?;
        Ok(Self { sets, length_size: config.length_size })
    }

    /// What the first sequence parameter set says of the pictures, if there is one outside the samples.
    pub(crate) fn appearance(&self) -> Appearance {
        let sps = self.sets.first_sps();
        Appearance {
            size: sps.map(|sps| sps.size),
            sar: sps.and_then(|sps| sps.sar),
            transfer: sps.and_then(|sps| sps.transfer),
            may_be_interlaced: false,
        }
    }

    /// Reads the next sample. NAL lengths, headers and slice segment headers stay clear, and so do all units
    /// that are no slices.
    pub(crate) fn sample(&mut self, sample: &[u8], scheme: Scheme) -> Result<CodedSample, String> {
        let mut builder = SubsampleBuilder::default();
        let (mut access, mut leading, mut reference) = (Access::None, None, false);
        for nal in NalUnits::new(sample, self.length_size) {
            let nal = nal?;
            builder.clear(self.length_size);
            let Some(unit) = unit_type(nal) else {
                builder.clear(nal.len());
                continue;
            };
            if nal[0] & 1 != 0 || nal[1] & 0xf8 != 0 {
                return Err("streams of several layers are not supported".to_owned());
            }
            if unit >= 32 {
                self.sets.take(nal)?;
                builder.clear(nal.len());
                continue;
            }
            let head = slice_header_len(&self.sets, nal).map_err(|what| format!("slice header: {what}"))?;
            builder.slice(head, nal.len(), scheme);
            // Table 7-1.
            match unit {
                19 | 20 => access = Access::Clean,
                16..=18 | 21 => access = Access::Open,
                6 | 7 => leading = Some(Leading::Decodable),
                8 | 9 => leading = Some(Leading::Skipped),
                _ => {}
            }
            // Up to 14, even numbers are those of pictures that no other of their layer refers to.
            reference |= unit > 14 || unit % 2 == 1;
        }
        Ok(CodedSample { subsamples: builder.finish(), access, leading, reference })
    }
}
