//! Contents: clear films in folders below the sources, local or in a bucket, and the settings that hold for
//! each of them (docs/origin.md).

mod check;
mod clear_file;
mod digest;
mod film;
mod folder_file;
mod indexes;
mod known_files;
mod loaded;
#[cfg(test)]
mod many_titles;
mod origin;
mod publish;
mod recent;
mod revisions;
mod show;
mod sources;
mod stamp;
mod unserved;

pub use check::{Report, check};
pub(crate) use clear_file::ClearFile;
pub(crate) use film::{Octets, OriginFilm};
pub(crate) use origin::Origin;
pub use publish::{describe, describe_named, lay_out, prepare, uses_common_key};
pub(crate) use recent::Found;
pub use show::{by_path, of_server};
pub(crate) use unserved::Unserved;

/// The folder in the data folder where indexes of clear films are kept, and what made each revision.
const FILMS: &str = "origin";
/// The file with what a folder of the sources says.
const SETTINGS: &str = "matinee.toml";
