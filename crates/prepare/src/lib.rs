//! From what an operator has to what the packager takes.
//!
//! The way: [`probe_file`] asks ffprobe what is in the inputs; [`plan::plan`] decides what becomes of each
//! stream and says why (pure); [`run`] does it by ffmpeg, step by step, in a [`Work`] folder that remembers
//! what is done. What comes out ([`Prepared`]) goes to `packager::package`.
//!
//! # Examples
//! A plan, from what ffprobe said:
//!
//! ```
//! use prepare::plan::{Pictures, Source, Wishes, plan};
//! use prepare::probe::Media;
//!
//! let answer = br#"{
//!     "format": {"format_name": "matroska,webm", "start_time": "0.0", "duration": "60.0"},
//!     "streams": [{"index": 0, "codec_type": "video", "codec_name": "mpeg2video", "width": 720, "height": 576,
//!         "sample_aspect_ratio": "16:15", "pix_fmt": "yuv420p", "field_order": "tt",
//!         "r_frame_rate": "25/1", "avg_frame_rate": "25/1"}]
//! }"#;
//! let media = Media::from_json(answer)?;
//! let source = Source { path: "film.mkv".into(), media, key_frames: None, holes: Vec::new() };
//! let plan = plan(&[source], &Wishes::default())?;
//! let Pictures::Encode { steps, filters, .. } = &plan.pictures[0] else { panic!("it passes") };
//! assert_eq!((steps[0].width, steps[0].height), (768, 576));
//! assert_eq!(filters[0], "bwdif=mode=send_frame");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod calls;
mod captions;
mod error;
mod ffmpeg;
mod leash;
pub mod mastering;
mod packets;
pub mod plan;
mod poster;
pub mod probe;
mod run;
mod work;

pub use ::ladder;
pub use error::Error;
pub use ffmpeg::{hdr_encoders, probe as probe_file};
pub use run::{Prepared, picture, run, thumbnails};
pub use work::Work;

/// Is told how far the steps have come, in milliseconds of the film.
pub trait Progress {
    /// A step begins; it will come to `total`.
    fn step(&mut self, name: &str, total: u64);
    /// It has come so far.
    fn at(&mut self, done: u64);
}

impl Progress for () {
    fn step(&mut self, _: &str, _: u64) {}
    fn at(&mut self, _: u64) {}
}
