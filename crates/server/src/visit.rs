//! What somebody may do who comes by a grant: part of the grant, and of the tickets that follow from it.

use nccp::MovieId;
use serde::{Deserialize, Serialize};

/// Movies that one grant may name.
pub(crate) const MOST_MOVIES: usize = 50;

/// Movies that a grant is for: JSON `"all"` or a list of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Movies {
    /// Every one that the plan includes.
    All(All),
    /// These.
    Only(Vec<MovieId>),
}

/// The word `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum All {
    /// `all`
    All,
}

impl Movies {
    /// Whether the movie is one of them.
    pub fn hold(&self, movie: MovieId) -> bool {
        match self {
            Self::All(All::All) => true,
            Self::Only(movies) => movies.contains(&movie),
        }
    }
}

/// What a device may do that registered by a grant: part of its ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// The movies.
    pub movies: Movies,
    /// Films of the account at the same time, if fewer than its plan has.
    pub streams: Option<u32>,
    /// Devices of the account, if fewer than others may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<u32>,
    /// Until when, if before the ticket's own end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// The page that it was opened in: its origin, where the grant or the browser says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}
