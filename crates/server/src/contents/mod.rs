//! Contents: clear films in folders below the sources, and the settings that hold for each of them
//! (docs/origin.md).

mod check;
mod film;
mod loaded;
mod lru;
mod origin;
mod publish;
mod show;
mod sources;
mod stamp;

pub use check::{Report, check};
pub(crate) use film::{Octets, OriginFilm};
pub(crate) use origin::{Origin, Unserved};
pub use publish::{describe, describe_named, lay_out, prepare, uses_common_key};
pub use show::{by_path, of_server};

/// The folder in the data folder where indexes of clear films are kept.
const FILMS: &str = "origin";
