use drm_api::cdm::SessionId;
use nccp::{MovieId, RequestMessage};

/// A message to send.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// As it is.
    Message(RequestMessage),
    /// A license: its challenge is made when the envelope is, because it names the ticket; unless one for
    /// this ticket lies ready.
    License {
        /// The worker's session.
        session: SessionId,
        /// The film.
        movie: MovieId,
        /// Signed DRM metadata that names the keys, and may name a license server; empty: every key of the
        /// film, from the controller.
        metadata: Vec<u8>,
    },
    /// A good ticket: nothing is sent where there is one.
    Registration,
}
