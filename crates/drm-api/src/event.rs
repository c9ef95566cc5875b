use serde::{Deserialize, Serialize};

use crate::DrmError;
use crate::cdm::{KeyState, SessionId};
use crate::source::{News, SourceId};

/// What the worker says of its own accord.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Event {
    /// The module is up and waits for [`Request::Open`](crate::device::Request::Open).
    Ready {
        /// Its version.
        version: String,
    },
    /// What a session's keys are good for, after the displays have changed. While one is
    /// [`OutputRestricted`](crate::cdm::KeyStatus::OutputRestricted), streams hold what needs it.
    Keys {
        /// The session.
        session: SessionId,
        /// Each KID's state.
        keys: Vec<KeyState>,
    },
    /// What has become of a media source that the worker holds.
    Source {
        /// Which one.
        source: SourceId,
        /// What.
        news: News,
    },
    /// The worker cannot continue: the module did not load or is not the one that the server names.
    Failed {
        /// Why.
        error: DrmError,
    },
}
