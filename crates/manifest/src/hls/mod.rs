//! HLS: RFC 8216bis (draft-pantos-hls-rfc8216bis). Byte ranges in the files as they are, or files of their
//! own that are encrypted whole.

mod attributes;
mod keys;
mod master;
mod media;
mod whole;

pub use master::master;
pub use media::{i_frames, media, subtitles};

use pack::Representation;

/// `#EXT-X-VERSION` of playlists with `EXT-X-MAP` and without `EXT-X-I-FRAMES-ONLY` (section 8); enough for
/// `KEYFORMAT` (5), byte ranges and `EXT-X-I-FRAMES-ONLY` (4) and fractions of seconds (3).
const VERSION: u32 = 6;

/// How a media playlist of the longest segment's seconds (`target`) begins.
fn head(version: u32, target: u64) -> String {
    format!(
        "#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
    )
}

/// `#EXT-X-TARGETDURATION`: whole seconds, as long as the longest segment at least.
fn target(r: &Representation) -> u64 {
    let whole = |duration: u64| duration.div_ceil(u64::from(r.timescale));
    r.segments.iter().map(|segment| whole(segment.duration)).max().unwrap_or(1).max(1)
}
