//! The just-in-time origin: any range of an encrypted film, made of a clear one when it is asked for, byte
//! for byte what the packager would have written (docs/protocol.md, section 9).
//!
//! * [`SourceIndex`] knows of a clear representation where its samples lie and what of them can be encrypted.
//!   It is made once, by reading the file, and can be kept ([`SourceIndex::to_bytes`]).
//! * [`FilmKeys`] are a film's keys under some [`Encryption`]; its pack id follows from them and the source
//!   alone.
//! * [`EncryptedFilm`] is the film as it would be packaged: its `pack.json`, and for each representation an
//!   [`EncryptedTrack`], which knows where in the encrypted file everything lies, before anything is
//!   encrypted, and makes any range of it of the clear samples that the range touches.
//! * [`WholeFilm`] is the film in HLS's oldest form: each segment a file of its own, encrypted whole.
//! * [`ContentPath`] names a clear film below the sources; [`scope`] says which settings hold for it.
//!
//! Clear files are read through [`ReadAt`]; there is no other I/O.
//!
//! # Examples
//! A range of an encrypted file, of a clear film that the packager made:
//!
//! ```
//! use cenc::{CommonKey, ContentId, Label, Level, Scheme};
//! use origin::{EncryptedFilm, Encryption, FilmKeys, SourceIndex};
//! use pack::Source;
//! use packager::{Destination, PackageOptions, package};
//! use std::fs::{self, File};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let clear = folder.path().join("films/a");
//! let film = concat!(env!("CARGO_MANIFEST_DIR"), "/../../media/demo/240p.mp4");
//! let mut options = PackageOptions::new(vec![film.into()], 7, None, Destination::Directory(clear.clone()));
//! options.scheme = pack::Scheme::None;
//! package(&options, &mut ())?;
//!
//! let source = Source::from_json(&fs::read(clear.join("source.json"))?)?;
//! let common: CommonKey = "000102030405060708090a0b0c0d0e0f".parse()?;
//! let encryption = Encryption {
//!     scheme: Scheme::Cenc,
//!     level: Level::High,
//!     rotate: None,
//!     clear_lead: Duration::ZERO,
//!     content_id: "films/a".parse()?,
//!     label: Label::default(),
//!     common_key_id: "k1".to_owned(),
//! };
//! let keys = FilmKeys::derive(&source, &encryption, &common)?;
//! let files = source.pack.representations.iter().map(|r| File::open(clear.join(&r.path)));
//! let files = files.collect::<Result<Vec<_>, _>>()?;
//! let indexes = source.pack.representations.iter().zip(&files).map(|(r, file)| SourceIndex::build(file, r));
//! let indexes = indexes.collect::<Result<Vec<_>, _>>()?;
//! let encrypted = EncryptedFilm::plan(&source, &keys, &indexes)?;
//!
//! let track = &encrypted.tracks[0];
//! let mut range = Vec::new();
//! for piece in track.pieces(1_000..200_000) {
//!     range.extend(track.read(&indexes[0], &files[0], &piece)?);
//! }
//! assert_eq!(range.len(), 199_000);
//! # Ok(())
//! # }
//! ```

mod content_path;
mod encode;
mod error;
mod film;
mod header;
mod index;
mod read_at;
pub mod scope;
mod track;
mod whole;

pub use content_path::{ContentPath, WHOLE, is_revision};
pub use error::Error;
pub use film::{EncryptedFilm, Encryption, FilmKeys, MAX_KEYS};
pub use index::SourceIndex;
pub use read_at::ReadAt;
pub use track::{EncryptedTrack, Piece};
pub use whole::{WholeFilm, WholeKeys, WholeReader};
