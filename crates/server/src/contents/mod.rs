//! Contents: clear films in folders below the sources, and the settings that hold for each of them
//! (docs/origin.md).

mod check;
mod film;
mod loaded;
mod lru;
mod origin;
mod place;
mod publish;
mod rules;
mod show;
mod sources;

pub use check::{Report, check};
pub(crate) use film::OriginFilm;
pub(crate) use origin::{Origin, Unserved};
pub(crate) use place::ContentPlace;
pub use publish::{describe, describe_named, lay_out, prepare, uses_common_key};
pub(crate) use rules::ContentRules;
pub use show::{by_path, of_server};

/// The folder in the data folder where indexes of clear films are kept.
const FILMS: &str = "origin";

/// Whether a text can name a client set: 1 to 32 letters, digits, hyphens and underscores.
pub(crate) fn is_set(text: &str) -> bool {
    text.len() <= 32 && pack::layout::is_pack_id(text)
}
