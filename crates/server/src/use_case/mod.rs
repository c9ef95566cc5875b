//! What the service does, between HTTP and the store.

pub mod accounts;
pub(crate) mod activation;
pub mod api_keys;
pub(crate) mod at_hand;
pub(crate) mod audit;
pub(crate) mod authorization;
pub(crate) mod cdns;
pub(crate) mod content_keys;
pub(crate) mod controller;
pub mod counters;
pub(crate) mod devices;
mod domain_keys;
pub(crate) mod drm_metadata;
pub(crate) mod entitlement;
pub(crate) mod grants;
pub(crate) mod individualize;
pub(crate) mod interop;
pub(crate) mod leases;
pub(crate) mod library;
pub(crate) mod license;
pub(crate) mod login;
pub(crate) mod metadata;
pub mod movies;
pub(crate) mod networks;
pub mod packs;
pub(crate) mod playable;
pub(crate) mod playback;
pub(crate) mod playlists;
pub mod posters;
pub(crate) mod registration;
pub(crate) mod rules;
pub(crate) mod sessions;
pub mod shares;
pub(crate) mod speaker;
pub(crate) mod streaming;
pub mod urls;
pub(crate) mod verify;
pub(crate) mod votes;

use crate::store::{StoreError, Transient};
use ::license as license_rules;
use nccp::{ErrorCode, WireError};

/// Why a use case did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The caller is told this code.
    Code(ErrorCode),
    /// The caller is told this code, in words of its own.
    Said(WireError),
    /// The store failed: the caller is told to try later, the operator what happened.
    Store(StoreError),
    /// Something could not be made and signed, which is nobody's fault but the server's: the caller is told
    /// to try later, the operator what happened.
    Signing {
        /// What it was, with its article.
        what: &'static str,
        /// Why.
        error: license_rules::Error,
    },
    /// A transaction lacks these films, which are far away: see [`at_hand`].
    Unread(Vec<at_hand::Unread>),
}

impl Transient for Failure {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Failure {
    /// The code for the caller; a failure of the server's own is logged.
    pub(crate) fn code(self) -> ErrorCode {
        self.told().code
    }

    /// What the caller is told; a failure of the server's own is logged.
    pub(crate) fn told(self) -> WireError {
        match self {
            Self::Code(code) => code.into(),
            Self::Said(error) => error,
            Self::Store(error) => {
                tracing::error!(%error, "the store failed");
                ErrorCode::TryLater.into()
            }
            Self::Signing { what, error } => {
                tracing::error!(%error, "{what} could not be signed");
                ErrorCode::TryLater.into()
            }
            Self::Unread(films) => {
                tracing::error!(?films, "films of the library could not be read in time");
                ErrorCode::TryLater.into()
            }
        }
    }
}

impl From<license_rules::Refusal> for Failure {
    fn from(rule: license_rules::Refusal) -> Self {
        Self::Said(refusal(rule))
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        Self::Said(error)
    }
}

/// `POLICY_REFUSED` of a film that has no picture as low as its rules want.
fn too_high() -> WireError {
    let text = "The title's rules allow only a smaller picture here than there is.".to_owned();
    WireError { text, ..ErrorCode::PolicyRefused.into() }
}

/// `POLICY_REFUSED` in words that say which rule it was.
fn refusal(refusal: license_rules::Refusal) -> WireError {
    use license_rules::Refusal;
    let text = match refusal {
        Refusal::Expired => "The time for watching this title is over.",
        Refusal::KeyLevel => "This title needs a device that keeps its keys better than this one does.",
        Refusal::Output => {
            "The title's rules do not allow this set of displays. Disconnect the second display."
        }
        Refusal::Player => "The title's rules do not allow this player.",
        _ => ErrorCode::PolicyRefused.text(),
    };
    WireError { text: text.to_owned(), ..ErrorCode::PolicyRefused.into() }
}

/// Result of a use case.
pub(crate) type Outcome<T> = std::result::Result<T, Failure>;
