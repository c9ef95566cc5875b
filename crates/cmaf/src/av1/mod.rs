//! AV1 in MP4: which bytes of a sample may be encrypted ("AV1 Codec ISO Media File Format Binding" §4: the
//! data of tiles, and nothing else; docs/protocol.md, section 9).

mod config;
mod frame_header;
mod grain_and_motion;
mod obu;
mod sequence;
mod stream;

pub(crate) use config::codec_string;
pub(crate) use stream::Av1Stream;
