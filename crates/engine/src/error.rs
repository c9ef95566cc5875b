//! Why playback cannot continue.

/// What the engine gives up on. Everything else it retries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The manifest names no representation for any track.
    #[error("the manifest offers nothing that can be played")]
    NothingToPlay,
    /// A refreshed manifest names other files than the one that is playing.
    #[error("the film changed on the server while it was playing")]
    FilmChanged,
    /// The edge refused freshly signed URLs.
    #[error("the media server refused the request with status {status}")]
    Refused {
        /// HTTP status, 400 or 403.
        status: u16,
    },
    /// No CDN delivered and the buffer has been dry for [`crate::Config::dry_limit`].
    #[error("no media server can be reached")]
    Unreachable,
    /// The playhead hangs with data ahead, and neither nudges nor fetching the place again helped.
    #[error("the picture does not move although it is there")]
    Stuck,
    /// A segment that could not be decrypted, and was the same when it was fetched again.
    #[error("a part of the film could not be decrypted, and coming anew it was damaged again")]
    Damaged,
    /// An index that names no segment, or bytes outside its file.
    #[error("the index of a representation is not usable")]
    BadIndex,
}
