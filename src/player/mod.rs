//! The player: runs the engine's commands with the fetcher, the DRM worker and Media Source Extensions.

mod download;
mod license;
mod presentation;
mod quality;
mod rehearsal;
mod report;
mod run;
mod track;
mod video;

pub use download::{HeadAssembly, parse_index};
pub use presentation::{media_type, presentation};
pub use quality::{Quality, Rung};
pub use rehearsal::rehearse;
pub use run::{Player, PlayerEvent};
