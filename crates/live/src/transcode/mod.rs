//! Further renditions of what an encoder sends, made by an ffmpeg: which they are and what it is told
//! ([`steps`], [`arguments`]), what it is given by its standard input ([`Feeder`]), and what comes of its
//! standard output ([`Renditions`]). No network and no key is between them.
//!
//! Times are those of the session, before and behind: a rendition is on the timeline where its source is, and
//! begins a segment with the same picture.

mod arguments;
mod encoder;
mod feeder;
mod renditions;
mod steps;

pub use arguments::{Means, arguments, most_held, trial};
pub use encoder::Encoder;
pub use feeder::Feeder;
pub use ladder::filters::OF_SDR;
pub use renditions::{Rendition, Renditions};
pub use steps::{Step, Unfit, steps};

/// What is added to the session's times on their way through ffmpeg, in seconds: none of them is below zero
/// then.
const ORIGIN: i64 = 10;
/// And how much earlier than they are presented pictures seem to be decoded: none may be decoded later.
const LEAD: i64 = 4;
