//! Live: an encoder's stream in, encrypted CMAF segments and their parts in a window out (docs/protocol.md,
//! section 13). No I/O; the clock is passed in.
//!
//! * [`Ingest`] reads fragmented MP4 that comes in pieces of any size: headers and samples. [`FlvIngest`] has
//!   the same of the media messages of RTMP.
//! * [`Broadcast`] is a session of an event: it puts the tracks of encoders on one timeline, cuts them into
//!   segments of the same numbers, encrypts, and keeps the window.
//! * [`Settings`] is what `application.toml` and `event.toml` say; [`Keys`] are a session's, by period.
//! * [`index`], [`hls`] and [`dash`] are what players are told of a session.
//! * [`film`] makes what packs need of a session that is over.
//! * [`transcode`] is what an ffmpeg that makes further renditions is told and given;
//!   [`Broadcast::open_made`] takes them.
//! * [`Left`] is what is on the disk of a session whose process is gone: [`Broadcast::resume`] goes on with
//!   it.
//!
//! # Examples
//! An event's settings stand over those of its application:
//!
//! ```
//! use live::Settings;
//! use std::time::Duration;
//!
//! let (settings, _) = Settings::read(Some("window = \"1h\""), Some("window = \"2m\"")).unwrap();
//! assert_eq!(settings.window, Duration::from_secs(120));
//! ```

mod broadcast;
pub mod dash;
pub mod film;
pub mod hls;
pub mod index;
mod ingest;
mod keys;
mod lives;
mod names;
mod output;
mod record;
mod settings;
mod source;
pub mod transcode;
mod window;

pub use broadcast::{Broadcast, Event, Handle, Left, OpenError, Representation, ResumeError, Run};
pub use ingest::{FlvIngest, FlvIngestError, FlvInput, Header, Ingest, IngestError, Input, InputSample};
pub use keys::{AHEAD, Keys};
pub use ladder::Rung;
pub use lives::{InvalidLives, Life, Lives};
pub use names::{InvalidName, Name, SessionId, header_of, track_name};
pub use settings::{Encryption, Rotate, SetBy, Settings, SettingsError};
pub use source::{Kind, Source, SourceError};
pub use window::{Part, Segment, SegmentEntry, Window};
