use drm_api::{DrmError, PolicyReason};
use license::Refusal;

/// Why the core could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A box is malformed.
    #[error(transparent)]
    Box(#[from] isobmff::Error),
    /// A protected range is malformed. (The texts of what is inside would be half a kilobyte of the module.)
    #[error("a protected range is malformed")]
    Range(#[from] cenc::Error),
    /// A box is larger than the module takes.
    #[error("`{kind}` of {size} bytes is too large")]
    TooLarge {
        /// The box.
        kind: isobmff::FourCc,
        /// The size that it claims, or the bytes held.
        size: u64,
    },
    /// `mdat` without a `moof` before it.
    #[error("`mdat` without `moof`")]
    StrayData,
    /// A protection scheme other than `cenc` and `cbcs`.
    #[error("the protection scheme `{0}` is not supported")]
    Scheme(isobmff::FourCc),
    /// A segment ended inside a box or between `moof` and the end of its samples.
    #[error("the segment ends inside a fragment")]
    Unfinished,
    /// Media before the stream's init segment.
    #[error("no init segment yet")]
    NoInit,
    /// A license object was refused.
    #[error("not an acceptable license")]
    License(#[from] license::Error),
    /// A rule of the policy was not met.
    #[error("refused by the license's policy")]
    Refused(Refusal),
    /// A license that may be old, while the wall clock is before what it said earlier.
    #[error("the clock was set back")]
    ClockSetBack,
    /// A license for a session that has no challenge out.
    #[error("no challenge is waiting for a license")]
    NoChallenge,
    /// There is no such session.
    #[error("no such session")]
    NoSession,
    /// DRM metadata without a license in it.
    #[error("no license in the DRM metadata")]
    NoLicense,
    /// Initialization data that is neither authentic DRM metadata nor well-formed `pssh` boxes.
    #[error("the DRM metadata is not authentic or malformed")]
    InitData,
    /// The system gives no random numbers.
    #[error("no randomness")]
    Random,
}

impl From<Error> for DrmError {
    fn from(error: Error) -> Self {
        match error {
            Error::License(license::Error::Module) => Self::PolicyRefused { reason: PolicyReason::Module },
            Error::License(_) => Self::LicenseInvalid,
            Error::Refused(Refusal::Expired) => Self::LicenseExpired,
            Error::Refused(Refusal::KeyLevel) => Self::PolicyRefused { reason: PolicyReason::KeyLevel },
            Error::Refused(Refusal::Output) => Self::PolicyRefused { reason: PolicyReason::Output },
            Error::ClockSetBack => Self::PolicyRefused { reason: PolicyReason::Clock },
            Error::Refused(_) => Self::PolicyRefused { reason: PolicyReason::Player },
            Error::NoChallenge | Error::NoSession | Error::NoInit | Error::NoLicense => {
                Self::State { what: error.to_string() }
            }
            Error::Random => Self::Unsupported { what: "crypto.getRandomValues".into() },
            _ => Self::Media { what: error.to_string() },
        }
    }
}
