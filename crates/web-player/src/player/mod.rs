//! The player: runs the engine's commands with the fetcher, the DRM worker and Media Source Extensions.

mod embedded;
mod license;
mod quality;
mod rehearsal;
mod report;
mod rights;
mod run;
mod track;
mod video;

pub use playback::{HeadAssembly, media_type, parse_index, presentation};
pub use quality::{Quality, Rung};
pub use rehearsal::rehearse;
pub use run::{Listener, Player, PlayerEvent};
