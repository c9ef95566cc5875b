use crate::FourCc;

/// What can be wrong with a box.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A box says that it is larger than what contains it, or smaller than its header.
    #[error("`{kind}` at {offset} has an impossible size")]
    BoxSize {
        /// The box.
        kind: FourCc,
        /// Where it begins.
        offset: usize,
    },
    /// A box ends before its fields do.
    #[error("`{kind}` is cut short")]
    Truncated {
        /// The box.
        kind: FourCc,
    },
    /// A box that must be there is not.
    #[error("`{parent}` has no `{kind}`")]
    Missing {
        /// The missing box.
        kind: FourCc,
        /// What should contain it.
        parent: FourCc,
    },
    /// A box of a version that is not known.
    #[error("`{kind}` has the unknown version {version}")]
    Version {
        /// The box.
        kind: FourCc,
        /// Its version.
        version: u8,
    },
    /// A field has a value that it cannot have.
    #[error("`{kind}`: {what}")]
    Invalid {
        /// The box.
        kind: FourCc,
        /// What is wrong, in words.
        what: &'static str,
    },
}

impl Error {
    pub(crate) const fn invalid(kind: &[u8; 4], what: &'static str) -> Self {
        Self::Invalid { kind: FourCc(*kind), what }
    }
}
