//! HEVC in MP4: which bytes of a sample may be encrypted, and what its pictures are (docs/protocol.md,
//! section 9; ISO/IEC 14496-15 §8, ISO/IEC 23001-7 §9.5.2, ITU-T H.265).

mod config;
mod parameter_sets;
mod slice_header;
mod stream;

pub(crate) use config::codec_string;
pub(crate) use stream::HevcStream;
