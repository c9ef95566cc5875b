//! The players that are compared.

use serde::Serialize;

/// A player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Contender {
    /// Ours, protected: license round trip included. The click comes out of nowhere, as a finger's.
    Matinee,
    /// Ours, when the pointer has rested on the title for [`crate::REST`]: long enough that the manifest was
    /// asked for.
    MatineeRested,
    /// Shaka Player with ClearKey by EME, the key in the page.
    Shaka,
    /// hls.js with AES-128, the key by a request.
    Hls,
}

impl Contender {
    pub(crate) const ALL: [Self; 4] = [Self::Matinee, Self::MatineeRested, Self::Shaka, Self::Hls];

    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Self::Matinee | Self::MatineeRested)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Matinee => "Matinee",
            Self::MatineeRested => "Matinee, pointer rested",
            Self::Shaka => "Shaka Player, ClearKey",
            Self::Hls => "hls.js, AES-128",
        }
    }
}
