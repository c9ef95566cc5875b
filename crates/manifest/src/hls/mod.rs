//! HLS: RFC 8216bis (draft-pantos-hls-rfc8216bis). Byte ranges in the files as they are.

mod attributes;
mod keys;
mod master;
mod media;

pub use master::master;
pub use media::{i_frames, media, subtitles};

/// `#EXT-X-VERSION` of playlists with `EXT-X-MAP` and without `EXT-X-I-FRAMES-ONLY` (section 8); enough for
/// `KEYFORMAT` (5), byte ranges and `EXT-X-I-FRAMES-ONLY` (4) and fractions of seconds (3).
const VERSION: u32 = 6;
