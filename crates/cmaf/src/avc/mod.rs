//! H.264 in MP4: which bytes of a sample may be encrypted (docs/protocol.md, section 9; ISO/IEC 23001-7
//! §9.5.2).

mod slice_header;
mod stream;

pub(crate) use stream::AvcStream;
