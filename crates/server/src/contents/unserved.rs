use crate::Error;

/// Why a content is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unserved {
    /// There is no such content, or no such set.
    NotFound,
    /// There is, and what is asked for is of keys that it has no more.
    Gone,
    /// It cannot be served now; the reason is in the log.
    Off,
    /// The library of packs cannot be read.
    Library,
}

impl Unserved {
    /// The error of the content that the catalogue calls by this name.
    pub(crate) fn of(&self, name: &str) -> Error {
        let reason = match self {
            Self::NotFound => "there is no such content, or no such set",
            Self::Gone => "its keys are retired",
            Self::Off | Self::Library => "the content is not served; the log says why",
        };
        Error::Pack { pack: name.to_owned(), reason: reason.to_owned() }
    }
}
