use std::path::PathBuf;
use std::sync::Arc;

use nccp::{ErrorCode, WireError};

/// Why a box cannot continue. Clones are one error, for all whom it concerns.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The box file is not usable.
    #[error("{}: {reason}", path.display())]
    BoxFile {
        /// Where it was looked for.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: &'static str,
    },
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        source: Arc<std::io::Error>,
    },
    /// Another process runs this box.
    #[error("{}: another process runs this box", path.display())]
    Busy {
        /// The state folder.
        path: PathBuf,
    },
    /// The account that the box belonged to no longer has it: it needs a code.
    #[error("the box is not activated")]
    NotActivated,
    /// The controller refused.
    #[error("{} ({})", words(.0), .0.code)]
    Refused(WireError),
    /// Nobody answered, several times over.
    #[error("the service does not answer")]
    Unreachable,
    /// An answer that is not understood.
    #[error("the service answered something that is not understood")]
    Protocol,
    /// Something of the license, or of the film's protection, does not hold.
    #[error("the film's license or protection: {0}")]
    Drm(#[from] decryptor::Error),
    /// The license lacks the film's key.
    #[error("the license does not hold the film's key")]
    KeyMissing,
    /// Media that are not what the box can play.
    #[error("the film's files: {0}")]
    Media(#[from] isobmff::Error),
    /// The film cannot be fetched.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// An event cannot be followed any further; asked for again, there may be another session, or a film.
    #[error("the event: {0}")]
    Event(&'static str),
    /// The player program failed.
    #[error("{program}: {reason}")]
    Player {
        /// Its name.
        program: String,
        /// Its words, or the system's.
        reason: String,
    },
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers")]
    Random,
}

/// What a refusal says, and what plays where, if that is the reason.
fn words(error: &WireError) -> String {
    let films = error.playing.iter().filter_map(|playing| {
        playing.title.as_ref().map(|title| format!(" {} plays {title}.", playing.name))
    });
    films.fold(error.text.clone(), |words, film| words + &film)
}

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source: Arc::new(source) }
    }

    /// The controller's code, where it gave one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(error) => Some(error.code),
            _ => None,
        }
    }

    /// The code that an operator's receiver is told, as players in browsers tell theirs.
    pub(crate) fn report_code(&self) -> &'static str {
        match self {
            Self::Refused(error) => error.code.as_str(),
            Self::NotActivated => ErrorCode::DeviceUnknown.as_str(),
            Self::Unreachable => "NETWORK",
            Self::Engine(engine::Error::Unreachable) => "MEDIA_UNREACHABLE",
            Self::Engine(engine::Error::Refused { .. }) => "MEDIA_REFUSED",
            Self::Engine(engine::Error::FilmChanged) => "FILM_CHANGED",
            Self::Engine(engine::Error::Stuck) => "PLAYBACK_STUCK",
            Self::Engine(engine::Error::NothingToPlay) => "NOTHING_TO_PLAY",
            Self::Engine(_) | Self::Media(_) => "MEDIA",
            Self::Event(_) => "EVENT_MOVED",
            Self::Protocol => "SERVICE",
            Self::Drm(decryptor::Error::Refused(license::Refusal::Expired)) => "LICENSE_EXPIRED",
            Self::Drm(_) | Self::KeyMissing => "LICENSE_INVALID",
            Self::Player { .. } => "PLAYER",
            Self::BoxFile { .. } | Self::Io { .. } | Self::Busy { .. } | Self::Random => "STORAGE",
        }
    }

    /// Whether the same may go well a little later: nobody answered, or the service was busy.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable | Self::Event(_) | Self::Engine(engine::Error::Unreachable) => true,
            Self::Refused(error) => error.action == nccp::Action::Backoff,
            _ => false,
        }
    }

    /// Whether asking again later may help.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable | Self::Event(_) | Self::Protocol | Self::Engine(_) => true,
            Self::Refused(error) => error.action == nccp::Action::Backoff,
            _ => false,
        }
    }
}

impl From<control_client::Error<Self>> for Error {
    fn from(error: control_client::Error<Self>) -> Self {
        match error {
            control_client::Error::Refused(error) => Self::Refused(error),
            control_client::Error::Unreachable => Self::Unreachable,
            control_client::Error::NotActivated => Self::NotActivated,
            control_client::Error::Device(error) => error,
            _ => Self::Protocol,
        }
    }
}
