use cenc::{Level, Subsample};

use crate::subsamples::SubsampleBuilder;

/// What a stream says of its pictures, where it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Appearance {
    /// Width and height in samples, as they are shown (cropped).
    pub size: Option<(u32, u32)>,
    /// Sample aspect ratio, width to height.
    pub sar: Option<[u32; 2]>,
    /// Transfer characteristics by ITU-T H.273.
    pub transfer: Option<u8>,
    /// Whether pictures may be coded as fields, or as frames of two fields (H.264: `frame_mbs_only_flag` is
    /// 0).
    pub may_be_interlaced: bool,
}

/// Whether decoding can begin with a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It cannot.
    None,
    /// Nothing after it refers to anything before it.
    Clean,
    /// Pictures that are shown before it may refer to what is before it: a CRA or BLA picture of HEVC.
    Open,
}

/// A picture that is decoded after a random access point and shown before it (HEVC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leading {
    /// It can be decoded when decoding begins there (RADL).
    Decodable,
    /// It cannot, and decoders skip it then (RASL).
    Skipped,
}

/// What one sample is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodedSample {
    /// Clear and protected runs, as the scheme wants them.
    pub subsamples: Vec<Subsample>,
    /// Whether decoding can begin with it.
    pub access: Access,
    /// Whether it is a leading picture.
    pub leading: Option<Leading>,
    /// Whether other pictures may refer to it.
    pub reference: bool,
}

impl CodedSample {
    /// What of the sample, which has `len` bytes, a level protects.
    pub fn protected(self, level: Level, is_sync: bool, len: usize) -> Vec<Subsample> {
        let protect = match level {
            Level::High => true,
            Level::Medium => is_sync || self.reference,
            Level::Low => is_sync,
        };
        if protect {
            return self.subsamples;
        }
        let mut clear = SubsampleBuilder::default();
        clear.clear(len);
        clear.finish()
    }
}
