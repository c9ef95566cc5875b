use std::io;

/// Why nothing can be made of a source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The clear file cannot be read, or ends too early.
    #[error("the clear file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The clear file is not what `source.json` says, or not of the packager's form.
    #[error("the clear file is not what source.json says: {0}")]
    Source(String),
    /// An index file that is damaged, or of another file.
    #[error("the index is damaged, or of another file")]
    Index,
    /// Settings that cannot be.
    #[error("{0}")]
    Setting(&'static str),
    /// Two representations would be encrypted with the same counters.
    #[error("{a} and {b} would be encrypted with the same IVs")]
    IvOverlap {
        /// A representation.
        a: String,
        /// Another.
        b: String,
    },
    /// Boxes that cannot be read.
    #[error("the clear file is not what source.json says: {0}")]
    Boxes(#[from] isobmff::Error),
    /// Samples that cannot be encrypted.
    #[error("the clear file cannot be encrypted: {0}")]
    Cmaf(#[from] cmaf::Error),
    /// A name that is too long.
    #[error(transparent)]
    Cenc(#[from] cenc::Error),
}

pub(crate) fn source(what: impl Into<String>) -> Error {
    Error::Source(what.into())
}
