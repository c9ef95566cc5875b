//! The client of the controller: one queue per device, so that waiting messages go in one POST
//! (docs/protocol.md §2).

mod client;
mod exchange;
mod license;
mod opening;

pub use client::{Ask, Control, Identity};
pub use exchange::machine_name;
pub use license::Licensed;
pub use opening::{Opened, Opening};

use drm_api::DrmError;
use nccp::{ErrorCode, WireError};

use crate::problem::Problem;

/// Why a message was not answered as it should be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The controller's own error.
    #[error("{}", .0.text)]
    Wire(WireError),
    /// No answer, several times over.
    #[error("the service did not answer")]
    Network,
    /// An answer that was not understood.
    #[error("the service answered something that is not understood")]
    Protocol,
    /// The DRM worker could not do its part.
    #[error("{0}")]
    Drm(#[from] DrmError),
}

impl Error {
    /// The controller's code, where it gave one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Wire(error) => Some(error.code),
            _ => None,
        }
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        match error {
            Error::Wire(error) => Self::from_code(error.code, &error.text),
            Error::Network | Error::Protocol => Self::network(),
            Error::Drm(error) => Self::from(error),
        }
    }
}
