//! Where a ladder stands, as the server that makes it writes it down for `matinee live show`.

use ::live::transcode::Step;
use serde::{Deserialize, Serialize};

/// How far a ladder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LadderState {
    /// It begins with the next picture, when its turn comes, or when it is tried again.
    Waiting,
    /// An ffmpeg makes it.
    Running,
    /// The ffmpeg ended, and is started again after a while.
    Failing,
    /// Nothing is made in this session any more.
    Off,
}

impl LadderState {
    /// As in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Failing => "failing",
            Self::Off => "off",
        }
    }
}

/// What is known of a ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LadderStanding {
    /// How far it is.
    pub state: LadderState,
    /// What is made now, highest first.
    pub steps: Vec<Step>,
    /// What is not made for now, because this machine was too slow for it, or ffmpeg failed with it.
    #[serde(default)]
    pub dropped: Vec<Step>,
    /// When the lowest of that is tried again, Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<u64>,
    /// How often ffmpeg ended and was started again.
    #[serde(default)]
    pub restarts: u32,
    /// Why it is not running, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when, Unix seconds.
    pub since: u64,
}
