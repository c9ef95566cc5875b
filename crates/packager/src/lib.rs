//! Matinee's packager: MP4 in, encrypted CMAF on-demand files out.
//!
//! The data's way: [`package`] opens the inputs (`input`, `codec`), applies their edits (`timeline`), cuts
//! all representations at common sync samples (`segments`), describes and names them (`film`, `naming`),
//! encrypts and writes them fragment by fragment (`avc`, `write_media`), and publishes all or nothing
//! (`publish`). Samples are read from the sources when they are needed; memory holds the tables and one
//! fragment.
//!
//! [`inspect`] looks into any MP4 file; [`decrypt`] writes a clear copy of an encrypted one.

mod avc;
mod codec;
mod decrypt;
mod error;
mod film;
mod fragment_crypto;
mod input;
mod inspect;
mod key_plan;
mod keys;
mod media_file;
mod naming;
mod package;
mod progress;
mod publish;
mod segments;
mod timeline;
mod write_media;

pub use decrypt::{Decrypted, decrypt};
pub use error::Error;
pub use inspect::{BoxTree, Inspection, KidUse, MatineeData, PsshReport, SegmentRun, TrackReport, inspect};
pub use key_plan::{MAX_KEYS, Rotation};
pub use keys::Keys;
pub use package::{Destination, PackageOptions, Published, package, read_pack};
pub use progress::Progress;
