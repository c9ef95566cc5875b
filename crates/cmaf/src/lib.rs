//! Samples in, encrypted CMAF fragments, headers and indexes out (ISO/IEC 23000-19; docs/protocol.md, section
//! 9). No I/O: the packager calls it for files, and so can whatever makes the same bytes on request or live.
//!
//! * [`cut_videos`] and [`cut_audio`] plan segments over a ladder at common sync samples, [`cut_fragments`]
//!   fragments within a segment.
//! * [`Track`] makes the header (`ftyp`, `moov`); [`FragmentMaker`] makes fragments (`moof`, `mdat`), one
//!   after the other; [`fragment_head`] makes what stands in front of samples that were looked into before;
//!   [`segment_index`] makes the `sidx`.
//! * [`Protection`] says how a track is encrypted, [`KeyPlan`] which key protects which segment.
//! * [`VideoStream`] finds what of a coded picture may be encrypted, for each codec of [`VideoConfig`].
//! * [`AacConfig`], [`opus_configuration`]: what the configurations of sound say; [`Bits`] reads them.
//!
//! All times are in the track's own ticks, on the film's timeline, which begins at 0.
//!
//! # Examples
//! Two frames of sound, encrypted under one key:
//!
//! ```
//! use cenc::{AesCipher, Cek, Iv, Kid, Level, Scheme};
//! use cmaf::{FragmentMaker, KeyPlan, PeriodKey, Position, Protection, Sample, Track};
//! use isobmff::{MediaHeader, Pssh};
//!
//! let track = Track {
//!     timescale: 48_000,
//!     language: *b"eng",
//!     media: MediaHeader::Audio,
//!     // An `mp4a` box as the source has it.
//!     entry: b"\0\0\0\x24mp4a\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\x02\0\x10\0\0\0\0\xbb\x80\0\0",
//!     video: None,
//!     priming: 0,
//! };
//! let keys = [PeriodKey { kid: Kid([1; 16]), cipher: AesCipher::new(&Cek::new([2; 16])) }];
//! let protection = Protection {
//!     scheme: Scheme::Cenc,
//!     level: Level::High,
//!     plan: KeyPlan::ONE_KEY,
//!     keys: &keys,
//!     base_iv: Iv::from_u64(3),
//!     pssh: vec![Pssh { system_id: [4; 16], kids: vec![[1; 16]], data: Vec::new() }],
//! };
//! let header = track.header(2048, Some(&protection));
//! assert_eq!(&header[4..8], b"ftyp");
//!
//! let frame = |time| Sample { size: 300, duration: 1024, time, sync: true };
//! let mut fragments = FragmentMaker::new(track, Some(&protection), Position::first(0))?;
//! let fragment = fragments.make(0, &[frame(0), frame(1024)], &[0x55; 600], true)?;
//! assert_eq!(&fragment[4..8], b"moof");
//! assert!(!fragment.ends_with(&[0x55; 16]));
//! # Ok::<(), cmaf::Error>(())
//! ```

mod aac;
mod av1;
mod avc;
mod bits;
mod coded_sample;
mod cut;
mod error;
mod fragment;
mod fragment_head;
mod hevc;
mod key_plan;
mod nal;
mod opus;
mod position;
mod protection;
mod sample;
mod segment_index;
mod subsamples;
pub mod timeline;
mod track;
mod video;
mod vp9;

pub use aac::{AacConfig, read_esds, write_esds};
pub use bits::Bits;
pub use coded_sample::{Access, Appearance, CodedSample, Leading};
pub use cut::{CutError, Timed, cut_audio, cut_fragments, cut_videos, earliest, join_short_end};
pub use error::Error;
pub use fragment::FragmentMaker;
pub use fragment_head::{FragmentHead, fragment_head};
pub use key_plan::{KeyPlan, Rotation};
pub use opus::{OPUS_RATE, opus_configuration, opus_samples};
pub use position::Position;
pub use protection::{PeriodKey, Protection};
pub use sample::Sample;
pub use segment_index::{segment_index, segment_index_len};
pub use track::Track;
pub use video::{VideoConfig, VideoStream};
pub use vp9::vp9_configuration;
