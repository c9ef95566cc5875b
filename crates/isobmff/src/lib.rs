//! The ISO base media file format boxes (ISO/IEC 14496-12, with ISO/IEC 23001-7 for common encryption) that
//! Matinee reads and writes. No I/O.
//!
//! Reading works on slices, copies little and remembers where things were, so that boxes can be rewritten in
//! place: every [`BoxRef`] knows its offset, and [`InitSegment`] and [`Fragment`] list the four-byte
//! [`Edit`]s that turn a protected file into a clear one without moving a byte. Nothing here panics on
//! malformed input or allocates more than a small multiple of the bytes it was given.
//!
//! * [`BoxHeader`]: framing of a stream of top-level boxes; [`Boxes`], [`BoxRef`]: walking inside a slice.
//! * [`InitSegment`]: `moov` with tracks, sample entries, protection and `pssh`.
//! * [`Fragment`]: `moof` with each sample's place, time, IV, key and subsamples.
//! * [`SegmentIndex`]: `sidx`, both ways. [`SampleTable`]: `stbl` of ordinary MP4 files.
//! * [`BoxWriter`], [`write_visual_entry`], [`write_audio_entry`], [`write_init`], [`write_fragment`],
//!   [`Pssh::write`]: what the packager writes.
//!
//! # Examples
//! Finding and clearing the protection of a fragment:
//!
//! ```no_run
//! # use isobmff::Subsamples;
//! # fn decrypt(kid: &[u8; 16], iv: &[u8], offset: usize, size: usize, subsamples: Subsamples<'_>) {}
//! # fn main() -> Result<(), isobmff::Error> {
//! # let (init_bytes, moof_bytes, moof_position): (Vec<u8>, Vec<u8>, u64) = Default::default();
//! let init = isobmff::InitSegment::parse(&init_bytes)?;
//! // `moof_bytes` begins with the `moof` box; `mdat` follows it.
//! let fragment = isobmff::Fragment::parse(&moof_bytes, moof_position, &init)?;
//! for track in fragment.tracks() {
//!     for sample in track.samples() {
//!         let sample = sample?;
//!         if let Some(crypto) = sample.crypto {
//!             // Offsets count from the first byte of `moof`.
//!             let (offset, size) = (sample.offset as usize, sample.size as usize);
//!             decrypt(crypto.kid(), crypto.iv, offset, size, crypto.subsamples);
//!         }
//!     }
//! }
//! let edits = fragment.edits().to_vec();
//! # let mut moof_bytes = moof_bytes;
//! for edit in edits {
//!     edit.apply(&mut moof_bytes)?;
//! }
//! # Ok(()) }
//! ```

mod boxes;
mod cursor;
mod edit;
mod error;
mod four_cc;
mod fragment;
mod init;
mod protection;
mod pssh;
mod sample_entry;
mod sample_groups;
mod sample_table;
mod segment_index;
mod write_fragment;
mod write_init;
mod write_sample_entry;
mod writer;

pub use boxes::{BoxHeader, BoxRef, Boxes};
pub use cursor::Cursor;
pub use edit::Edit;
pub use error::Error;
pub use four_cc::FourCc;
pub use fragment::{
    Fragment, FragmentSample, FragmentSamples, MAX_SAMPLES, SampleCrypto, Subsamples, TrackFragment,
};
pub use init::{EditListEntry, InitSegment, SampleDefaults, Track};
pub use protection::TrackEncryption;
pub use pssh::Pssh;
pub use sample_entry::{Protection, SampleEntry};
pub use sample_table::{SampleTable, TableSample};
pub use segment_index::{SegmentIndex, SegmentReference};
pub use write_fragment::{FragmentSpec, SampleAuxiliary, SampleSpec, write_fragment};
pub use write_init::{InitSpec, MediaHeader, ProtectionSpec, write_file_type, write_init};
pub use write_sample_entry::{write_audio_entry, write_visual_entry};
pub use writer::BoxWriter;
