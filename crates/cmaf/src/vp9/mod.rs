//! VP9 in MP4: which bytes of a sample may be encrypted ("VP Codec ISO Media File Format Binding": all but
//! the uncompressed header of each frame; docs/protocol.md, section 9).

mod header;
mod stream;

pub use stream::vp9_configuration;
pub(crate) use stream::{Vp9Stream, codec_string};
