//! What ffmpeg's filters make of pictures that not every player shows: one text for films and events.

/// Whole pictures of fields: of each two fields one picture, with the time of the first.
pub const WHOLE: &str = "bwdif=mode=send_frame";

/// As [`WHOLE`], of pictures alone that say that they are made of fields; all others pass as they are.
pub const WHOLE_WHERE_INTERLACED: &str = "bwdif=mode=send_frame:deint=interlaced";

/// HDR (PQ or HLG) to SDR: to linear light of BT.709, tone-mapped, and back. Pictures of 8 bits come of it,
/// in 4:2:0, which say that they are BT.709: the last filter has to make them, for ffmpeg's scaler takes
/// another matrix and names none. Needs an ffmpeg with libzimg (`zscale`).
pub const TO_SDR: &str = "zscale=transfer=linear:npl=100,format=gbrpf32le,zscale=primaries=bt709,\
                          tonemap=tonemap=hable:desat=0,zscale=transfer=bt709:matrix=bt709:range=tv,\
                          format=yuv420p";

/// The filters of [`TO_SDR`] that not every ffmpeg has.
pub const OF_SDR: [&str; 2] = ["zscale", "tonemap"];
