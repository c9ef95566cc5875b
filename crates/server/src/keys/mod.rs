//! The site's keys: made at the first start, one file each under `{data}/keys`, loaded into a [`KeyRing`].
//!
//! A file is read and written in `file`, the folder in `folder`; `generate`, `rotate` and `revoked` change
//! it, `load` reads it into the `ring`. `boxes`, `domains` and `imported` are keys that are not the server's
//! own.

mod boxes;
mod domains;
mod export;
mod file;
mod folder;
mod generate;
pub(crate) mod imported;
mod load;
mod met;
mod revoked;
mod ring;
mod rotate;
mod seal;
#[cfg(test)]
mod tests;

pub use boxes::{BoxOrder, ProvisionedBox, provision};
pub use domains::{DomainPair, make_domains};
pub use export::export;
pub use file::{KeyKind, KeyState};
pub use folder::{KeyInfo, exist, list};
pub use generate::generate;
pub use load::{load, load_with, open};
pub use revoked::{Revoked, RevokedId, reinstate, revoke};
pub use ring::KeyRing;
pub use rotate::{retire, rotate};
pub(crate) use seal::SealKey;
