use cenc::{Scheme, Subsample};
use h264_reader::Context;
use h264_reader::avcc::AvcDecoderConfigurationRecord;
use h264_reader::nal::pps::PicParameterSet;
use h264_reader::nal::sps::SeqParameterSet;
use h264_reader::nal::{Nal, RefNal};

use super::slice_header::slice_header_len;
use super::subsamples::SubsampleBuilder;

/// An H.264 stream, read sample by sample in decoding order: parameter sets may change on the way.
pub(crate) struct AvcStream {
    context: Context,
    length_size: usize,
}

/// What one sample is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AvcSample {
    /// Clear and protected runs, as the scheme wants them.
    pub(crate) subsamples: Vec<Subsample>,
    /// Whether it is an IDR picture.
    pub(crate) idr: bool,
    /// Whether other pictures refer to it (`nal_ref_idc` ≠ 0).
    pub(crate) reference: bool,
}

impl AvcStream {
    /// Takes the parameter sets and the NAL length size from `avcC`'s payload.
    ///
    /// # Errors
    /// In words, if it cannot be parsed.
    pub(crate) fn new(avcc: &[u8]) -> Result<Self, String> {
        let record =
            AvcDecoderConfigurationRecord::try_from(avcc).map_err(|error| format!("avcC: {error:?}"))?;
        let length_size = usize::from(record.length_size_minus_one()) + 1;
        if length_size == 3 {
            return Err("avcC: NAL lengths of 3 bytes".to_owned());
        }
        let context = record.create_context().map_err(|error| format!("avcC: {error:?}"))?;
        Ok(Self { context, length_size })
    }

    /// The first sequence parameter set, if there is one outside the samples.
    pub(crate) fn sps(&self) -> Option<&SeqParameterSet> {
        self.context.sps().next()
    }

    /// Reads the next sample. NAL lengths, headers and slice headers stay clear, and so do all units that are no
    /// slices. For cenc, as many of a slice's first bytes stay clear as make the rest a multiple of 16.
    ///
    /// # Errors
    /// In words, if NAL units or slice headers cannot be parsed.
    pub(crate) fn sample(&mut self, sample: &[u8], scheme: Scheme) -> Result<AvcSample, String> {
        let mut builder = SubsampleBuilder::default();
        let (mut idr, mut reference) = (false, false);
        let mut rest = sample;
        while !rest.is_empty() {
            let (length, after) =
                rest.split_at_checked(self.length_size).ok_or("it ends within a NAL length")?;
            let length = length.iter().fold(0, |value, &byte| value << 8 | usize::from(byte));
            let (nal, after) = after.split_at_checked(length).ok_or("a NAL unit reaches past its end")?;
            rest = after;
            builder.clear(self.length_size);
            let Some(&header) = nal.first() else { continue };
            match header & 0x1f {
                unit @ (1 | 5) => {
                    idr |= unit == 5;
                    reference |= header & 0x60 != 0;
                    let head = slice_header_len(&self.context, nal)?;
                    let body = nal.len() - head;
                    let protected = if scheme == Scheme::Cenc { body / 16 * 16 } else { body };
                    builder.clear(nal.len() - protected);
                    builder.protected(protected);
                }
                2..=4 => return Err("data partitioning is not supported".to_owned()),
                20 | 21 => return Err("scalable and multiview streams are not supported".to_owned()),
                7 => {
                    let sps = SeqParameterSet::from_bits(RefNal::new(nal, &[], true).rbsp_bits());
                    self.context.put_seq_param_set(sps.map_err(|error| format!("parameter set: {error:?}"))?);
                    builder.clear(nal.len());
                }
                8 => {
                    let pps =
                        PicParameterSet::from_bits(&self.context, RefNal::new(nal, &[], true).rbsp_bits());
                    self.context.put_pic_param_set(pps.map_err(|error| format!("parameter set: {error:?}"))?);
                    builder.clear(nal.len());
                }
                _ => builder.clear(nal.len()),
            }
        }
        Ok(AvcSample { subsamples: builder.finish(), idr, reference })
    }
}
