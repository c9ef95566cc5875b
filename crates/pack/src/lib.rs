//! A published film: its files, their names, and `pack.json`, which describes them. No I/O.
//!
//! * [`Pack`] is `pack.json`; [`Pack::from_json`] is its one reader, [`Pack::to_json`] its one writer.
//! * [`layout`] has the names of files in a pack and their media types (docs/protocol.md, section 9).
//! * [`bif`] writes and reads the file of thumbnails.
//! * [`Source`] is `source.json`, a clear film's; [`PackInputs`] is what a pack's id follows from.
//! * [`PsshData`] is what Matinee's `pssh` box carries.
//!
//! # Examples
//! What a server needs to know of a film it learns from `pack.json` alone:
//!
//! ```
//! use pack::{Error, Pack};
//!
//! let json = br#"{
//!     "version": 1, "pack_id": "8e06bcb9de7cf02a1add0e87ae9cac56", "movie_id": 7, "title": "A film",
//!     "duration": {"value": 8, "timescale": 1}, "scheme": "none", "level": "high",
//!     "representations": [{
//!         "id": "a-en-1", "downloadable_id": "1811192541", "path": "541/1811192541.mp4",
//!         "media_type": "audio", "mime_type": "audio/mp4", "codecs": "mp4a.40.2", "group": "a-en-1",
//!         "timescale": 48000, "bitrate": 96,
//!         "peak_bandwidth": 97000, "language": "en", "size": 96000, "sha256": "", "init_range": "0-799",
//!         "index_range": "800-899", "max_segment": 48000, "samples": 375, "protected_samples": 0,
//!         "segments": [{"start": 0, "duration": 192000, "offset": 900, "size": 48000}]
//!     }]
//! }"#;
//! let film = Pack::from_json(json)?;
//! assert_eq!(film.representations[0].extension(), "mp4");
//! assert_eq!(Pack::from_json(&film.to_json()?)?, film);
//!
//! let newer = br#"{"version": 2, "files": []}"#;
//! assert!(matches!(Pack::from_json(newer), Err(Error::Version { found: 2 })));
//! # Ok::<(), Error>(())
//! ```

pub mod as_text;
pub mod bif;
mod cbor;
mod json;
pub mod layout;
mod model;
mod pack_id;
mod pssh_data;
mod rates;
mod source;
mod system;

pub use cbor::deterministic_cbor;
pub use cenc::Level;
pub use json::Error;
pub use layout::LAYOUT_VERSION;
pub use model::{
    AudioProperties, AudioRole, ByteRange, Chapter, Fraction, IvRange, MediaType, Pack, PackFile, PackKey,
    PackProtection, Representation, Scheme, Segment, Subtitle, SubtitleRole, Thumbnails, VideoProperties,
};
pub use pack_id::PackInputs;
pub use pssh_data::{PsshData, SYSTEM_ID};
pub use rates::{Written, bits_per_second};
pub use source::{MadeFrom, Source, SourceTrack};
pub use system::{MAX_SIGNAL, MAX_SYSTEMS, PackSystem, SystemId, SystemPssh};
