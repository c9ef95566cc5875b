//! Captions over the picture: the browser reads WebVTT and says which cues are shown; a [`Layer`] draws them.
//!
//! * `layout`: where a cue's box goes (W3C, WebVTT, 7.2); no I/O
//! * `cue`: a cue's settings and words, as the browser has read them
//! * `layer`: the elements
//! * `style`: how the viewer wants them to look
//!
//! The look itself is in the page's style sheet, which has these names: `.cue` in the layer for each cue,
//! with one `span`; `cue-yellow` and `cue-bg_yellow` for WebVTT's classes of colours; `data-voice` for who
//! speaks, and `data-voices` at the layer while it is more than one; what [`CaptionStyle::apply`] sets.

mod cue;
mod layer;
mod layout;
mod style;

pub use cue::ActiveCues;
pub use layer::Layer;
pub use style::{CaptionStyle, Colour, Edge, Font, OPACITIES, SIZES};
