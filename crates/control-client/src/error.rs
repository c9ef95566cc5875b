use nccp::{ErrorCode, WireError, json::ErrorBody};

/// Why somebody who asked was not answered as they should be, after what could be tried was tried. `E` is
/// what the device's own part can fail with: its keys, its storage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E> {
    /// The controller, or a license server, refused.
    #[error("{}", .0.text)]
    Refused(WireError),
    /// Nobody answered, several times over.
    #[error("the service did not answer")]
    Unreachable,
    /// An answer that was not understood.
    #[error("the service answered something that is not understood")]
    Protocol,
    /// The device belongs to no account, and only a code can change that.
    #[error("the device is not activated")]
    NotActivated,
    /// The device could not do its part.
    #[error("{0}")]
    Device(E),
}

impl<E> Error<E> {
    /// The code of a refusal.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(error) => Some(error.code),
            _ => None,
        }
    }
}

/// A license server's refusal, in the form of the JSON routes (`docs/protocol.md`, §1): it uses the same
/// table.
impl<E> From<ErrorBody> for Error<E> {
    fn from(body: ErrorBody) -> Self {
        let code = body.code();
        let (text, playing) = (body.error.message, body.error.playing);
        Self::Refused(WireError { code, action: code.action(), text, playing })
    }
}

/// Why there is no challenge.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError<E> {
    /// The DRM metadata that should name the keys is malformed or not authentic. The client asks for every
    /// key of the film instead.
    #[error("the DRM metadata is malformed or not authentic")]
    Metadata,
    /// The device could not make one.
    #[error("{0}")]
    Device(E),
}
