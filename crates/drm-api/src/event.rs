use serde::{Deserialize, Serialize};

use crate::{DrmError, KeyState, SegmentId, SessionId, StreamId};

/// What the worker says of its own accord.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Event {
    /// The module is up and waits for [`Request::Open`](crate::Request::Open).
    Ready {
        /// Its version.
        version: String,
    },
    /// A clear fragment (`bytes`: whole `moof` and `mdat` boxes, or a segment that was encrypted
    /// [whole](crate::Request::Whole)), in order.
    Fragment {
        /// The stream.
        stream: StreamId,
        /// The segment that it belongs to.
        segment: SegmentId,
    },
    /// A stream holds fragments for which no session has the key.
    NeedKey {
        /// The stream.
        stream: StreamId,
        /// The KIDs, hex.
        kids: Vec<String>,
    },
    /// What a session's keys are good for, after the displays have changed. While one is
    /// [`OutputRestricted`](crate::KeyStatus::OutputRestricted), streams hold what needs it.
    Keys {
        /// The session.
        session: SessionId,
        /// Each KID's state.
        keys: Vec<KeyState>,
    },
    /// The worker cannot continue: the module did not load or is not the one that the server names.
    Failed {
        /// Why.
        error: DrmError,
    },
}
