//! Matinee's packager: MP4 in, encrypted CMAF on-demand files out.

mod pack;
mod text_fields;

pub use pack::{
    AudioProperties, ByteRange, Fraction, IvRange, LAYOUT_VERSION, Level, MediaType, Pack, PackKey,
    PackProtection, Representation, Scheme, Segment, VideoProperties,
};
