//! What can keep a server from doing its work.

use crate::store::{StoreError, Transient};
use std::path::PathBuf;

/// An error of the server, in words for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration file does not parse, or says something impossible.
    #[error("{path}: {reason}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A setting has a value that it cannot have.
    #[error("{name}: {reason}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A file or folder could not be used.
    #[error("{path}: {source}")]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A key file is damaged, or a key that is needed is missing.
    #[error("keys: {0}")]
    Keys(String),
    /// A key file can be read by others than who runs this, or is theirs.
    #[error("{0}: others can read this key file, or it is another user's; run `chmod 600` and `chown` on it")]
    KeysExposed(PathBuf),
    /// The data folder can be read by others than who runs this, or is theirs.
    #[error("{0}: others can read this folder, or it is another user's; run `chmod 700` and `chown` on it")]
    FolderExposed(PathBuf),
    /// A pack in the library is missing or damaged.
    #[error("pack {pack}: {reason}")]
    Pack {
        /// The pack.
        pack: String,
        /// What is wrong.
        reason: String,
    },
    /// The site's files are not as they should be.
    #[error("site: {0}")]
    Site(String),
    /// The library cannot be read or written.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something that the operating system or library does failed.
    #[error("{0}")]
    Internal(&'static str),
}

impl Transient for Error {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }
}

impl Error {
    /// For `map_err` on file operations.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
