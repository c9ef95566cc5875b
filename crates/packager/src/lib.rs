//! Matinee's packager: MP4 or Matroska in, encrypted CMAF on-demand files out.
//!
//! The data's way: [`package`] opens the inputs (`input`, `codec`), applies their edits (`edit_list`), cuts
//! all representations at common sync samples, describes and names them (`film`, `naming`), writes them
//! fragment by fragment as `cmaf` makes them (`media_plan`), and publishes all or nothing (`publish`).
//! Samples are read from the sources when they are needed; memory holds the tables and one fragment.
//!
//! [`inspect`] looks into any MP4 file; [`decrypt`] writes a clear copy of an encrypted one;
//! [`check`](check()) says whether a pack is whole and as it must be.
//!
//! # Examples
//! The demo film, published in a library; what was packaged before is not packaged again:
//!
//! ```
//! use cenc::{CommonKey, ContentId, Label};
//! use packager::{Destination, Keys, PackageOptions, package};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let film = concat!(env!("CARGO_MANIFEST_DIR"), "/../../media/demo/240p.mp4");
//! let library = tempfile::tempdir()?;
//! let common: CommonKey = "000102030405060708090a0b0c0d0e0f".parse()?;
//! let keys = Keys::derived(common, "k1".to_owned(), ContentId::of_movie(7), Label::default());
//! let destination = Destination::Library(library.path().to_path_buf());
//! let options = PackageOptions::new(vec![film.into()], 7, Some(keys), destination);
//!
//! let published = package(&options, &mut ())?;
//! assert_eq!(published.pack.representations.len(), 2);
//! assert!(published.directory.join("pack.json").is_file());
//! assert!(package(&options, &mut ())?.already_there);
//! # Ok(())
//! # }
//! ```

mod chapters;
mod check;
mod codec;
mod decrypt;
mod document;
mod edit_list;
mod error;
mod exchange;
mod extras;
mod film;
mod fragment_crypto;
mod growing_file;
mod input;
mod inspect;
mod keys;
mod media_file;
mod media_plan;
mod naming;
mod options;
mod package;
mod progress;
mod publish;
mod sample_budget;
mod source;

pub use chapters::read_chapters;
pub use check::{Check, CheckReport, Outcome, check};
pub use cmaf::Rotation;
pub use decrypt::{Decrypted, decrypt};
pub use document::document_of;
pub use error::Error;
pub use input::says_encrypted;
pub use inspect::{
    BoxTree, FilmInspection, Groups, Inspection, KidUse, MatineeData, PsshReport, Rates,
    RepresentationReport, SampleProtection, SegmentRun, TrackReport, inspect, inspect_film,
};
pub use keys::{Keys, MAX_KEYS};
pub use options::{AudioDetails, AudioSource, Destination, PackageOptions, SubtitleSource, ThumbnailSource};
pub use package::{Published, package, package_sealed, read_pack};
pub use progress::Progress;
pub use source::ClearSource;
