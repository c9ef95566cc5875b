use std::path::PathBuf;

use crate::plan::Refusal;

/// Why a film cannot be prepared. Each displays as one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// ffmpeg or ffprobe is not there.
    #[error(
        "`{0}` is not installed; install ffmpeg 5.1 or newer (Debian, Ubuntu: apt install ffmpeg; Fedora: dnf install \
         ffmpeg; macOS: brew install ffmpeg)"
    )]
    Missing(&'static str),
    /// ffprobe cannot read an input.
    #[error(
        "{}: ffmpeg cannot read it: {what}; see whether it is whole, or make MP4 or Matroska of it by the program that it is \
         from",
        path.display()
    )]
    Unreadable {
        /// The input.
        path: PathBuf,
        /// ffprobe's last words.
        what: String,
    },
    /// There is no film in the inputs.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// ffmpeg failed.
    #[error("{}: ffmpeg failed at {step}: {what}", path.display())]
    Ffmpeg {
        /// What it read.
        path: PathBuf,
        /// The step.
        step: String,
        /// Its last words.
        what: String,
    },
    /// Pictures that were to pass cannot be cut.
    #[error("{}: it has open groups of pictures", .0.display())]
    OpenGroups(PathBuf),
    /// A file of the work folder, or an input, cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Somebody else prepares the same film.
    #[error("{}: another `matinee add` is at work there; wait for it, or end it", .0.display())]
    Busy(PathBuf),
}

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
