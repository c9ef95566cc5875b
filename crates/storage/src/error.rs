use std::path::PathBuf;

use crate::{InvalidKey, Key, Trouble};

/// Why a storage does not do what it was asked for. Each displays as one line that names the object and,
/// where that is not plain, what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such object.
    #[error("{key}: there is no such object in {storage}")]
    NotFound {
        /// Its key.
        key: Key,
        /// The storage.
        storage: String,
    },
    /// The object was to be created, and there is one already.
    #[error("{key}: already there in {storage}; remove it or choose another name")]
    AlreadyExists {
        /// Its key.
        key: Key,
        /// The storage.
        storage: String,
    },
    /// A range begins at or behind the end of the object, or is empty.
    #[error("{key}: no bytes from {start} to {end}: the object has {size}")]
    Range {
        /// The object.
        key: Key,
        /// The first byte that was asked for.
        start: u64,
        /// The byte behind the last.
        end: u64,
        /// How many there are.
        size: u64,
    },
    /// Another object was put in its place since it was looked at.
    #[error("{key}: was changed or replaced in {storage} since it was looked at")]
    Changed {
        /// Its key.
        key: Key,
        /// The storage.
        storage: String,
    },
    /// The system failed.
    #[error("{key}: cannot {doing} in {storage}: {source}; check that it is there, writable and not full")]
    Io {
        /// The object; the prefix of a list.
        key: String,
        /// What was tried: "read", "write", ….
        doing: &'static str,
        /// The storage.
        storage: String,
        /// The reason.
        source: std::io::Error,
    },
    /// The service behind the storage does not do it.
    #[error("{key}: cannot {doing} in {storage}: {trouble}{}", in_brackets(.said))]
    Store {
        /// The object; the prefix of a list.
        key: String,
        /// What was tried: "read", "write", ….
        doing: &'static str,
        /// The storage.
        storage: String,
        /// What is the matter, and what to do.
        trouble: Trouble,
        /// What the service said, in one line; may be empty.
        said: String,
    },
    /// A local file that is to be stored cannot be read.
    #[error("{}: cannot read: {source}", path.display())]
    Source {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A name that no object can have.
    #[error(transparent)]
    Key(#[from] InvalidKey),
}

impl Error {
    /// Whether it says that there is no such object.
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

fn in_brackets(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(" ({said})") }
}
