//! DASH manifests and HLS playlists of published films, for players of others (docs/delivery.md). Pure: from
//! [`pack`]'s model to text.
//!
//! * [`dash::mpd`]: `stream.mpd`, ISO/IEC 23009-1, on-demand profile.
//! * [`hls::master`], [`hls::media`], [`hls::i_frames`], [`hls::subtitles`]: `master.m3u8` and what it names,
//!   RFC 8216bis.
//! * [`Delivery`]: what is written beside what the pack says: tokens, and where keys can be had.
//!
//! All that a `sidx` says (offsets, sizes, durations) `pack.json` has from the packager, and where each
//! segment's first picture ends, so no media file is read.
//!
//! # Examples
//! ```
//! let film = pack::Pack::from_json(br#"{
//!     "version": 1, "pack_id": "8e06bcb9de7cf02a1add0e87ae9cac56", "movie_id": 7, "title": "A film",
//!     "duration": {"value": 4, "timescale": 1}, "scheme": "none", "level": "high",
//!     "representations": [{
//!         "id": "a-en-1", "downloadable_id": "1811192541", "path": "541/1811192541.mp4",
//!         "media_type": "audio", "mime_type": "audio/mp4", "codecs": "mp4a.40.2", "group": "a-en-1",
//!         "timescale": 48000, "bitrate": 96, "peak_bandwidth": 97000, "language": "en", "size": 48900,
//!         "sha256": "", "init_range": "0-799", "index_range": "800-899", "max_segment": 48000,
//!         "samples": 188, "protected_samples": 0,
//!         "segments": [{"start": 0, "duration": 192000, "offset": 900, "size": 48000}]
//!     }]
//! }"#)?;
//! let query = |path: &str| format!("token-of={path}");
//! let playlist = manifest::hls::media(&film, "1811192541", &manifest::Delivery::new(&query));
//! assert!(playlist.is_some_and(|text| text.contains("#EXTINF:4.0,\n#EXT-X-BYTERANGE:48000@900\n")));
//! # Ok::<(), pack::Error>(())
//! ```

pub mod dash;
mod delivery;
pub mod hls;
mod protection;
mod time;
mod track;
mod xml;

pub use delivery::{Delivery, Pathway, Steering, WholeIv};
