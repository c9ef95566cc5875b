use core::fmt;

use serde::{Deserialize, Serialize};

/// Why the worker could not do what it was asked. Says nothing of keys, and of cryptography only that it
/// failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum DrmError {
    /// The browser lacks something: its name.
    Unsupported {
        /// For instance `crypto.subtle`.
        what: String,
    },
    /// A request could not be made or was answered with this status (0: no answer).
    Network {
        /// What was asked for, for instance `/individualize`.
        what: String,
        /// HTTP status, 0 when there was no answer.
        status: u16,
    },
    /// The module's octets are not those that the server names.
    ModuleMismatch,
    /// The individualization answer did not verify.
    IndividualizationInvalid,
    /// The license did not verify, or is not for this device, session or challenge.
    LicenseInvalid,
    /// The license's rules do not allow playback here.
    PolicyRefused {
        /// Which rule.
        reason: PolicyReason,
    },
    /// The license has ended.
    LicenseExpired,
    /// The media is malformed or protected in a way that is not supported.
    Media {
        /// What was wrong.
        what: String,
    },
    /// Device storage failed.
    Storage {
        /// `DOMException` name.
        what: String,
    },
    /// No such session or stream, or no identity is open yet.
    State {
        /// What was missing.
        what: String,
    },
    /// The stream was dropped before this was done.
    Aborted,
}

/// Which rule of a policy was not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PolicyReason {
    /// The device's key level is too low.
    KeyLevel,
    /// The displays are not allowed.
    Output,
    /// This player is not on the whitelist.
    Player,
    /// The module is too old.
    Module,
    /// The clock was set back, and the license may be old.
    Clock,
}

impl fmt::Display for DrmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported { what } => write!(f, "this browser has no {what}"),
            Self::Network { what, status: 0 } => write!(f, "{what} did not answer"),
            Self::Network { what, status } => write!(f, "{what} answered {status}"),
            Self::ModuleMismatch => f.write_str("the DRM module is not the one that the server names"),
            Self::IndividualizationInvalid => f.write_str("the individualization answer did not verify"),
            Self::LicenseInvalid => f.write_str("the license did not verify"),
            Self::PolicyRefused { reason } => {
                write!(f, "the license's rules do not allow playback here ({reason:?})")
            }
            Self::LicenseExpired => f.write_str("the license has ended"),
            Self::Media { what } => write!(f, "the media could not be decrypted: {what}"),
            Self::Storage { what } => write!(f, "device storage failed: {what}"),
            Self::State { what } => write!(f, "out of order: {what}"),
            Self::Aborted => f.write_str("dropped"),
        }
    }
}

impl core::error::Error for DrmError {}

#[cfg(test)]
mod tests {
    use crate::source::News;
    use crate::{DrmError, Event, cdm, device, source};

    #[test]
    fn messages_keep_their_form() {
        let push = cdm::Request::Push { stream: 1, whole: None, last: true };
        assert_eq!(
            serde_json::to_string(&push).unwrap(),
            r#"{"type":"push","stream":1,"whole":null,"last":true}"#
        );
        let seal =
            r#"{"type":"seal","device":null,"ticket":null,"messages":[{"name":"ping"}],"clockOffset":-2.0}"#;
        let device::Request::Seal { messages, clock_offset, .. } = serde_json::from_str(seal).unwrap() else {
            panic!("not a seal")
        };
        assert_eq!((messages[0].name.as_str(), clock_offset), ("ping", -2.0));
        let text = seal.replace(r#"[{"name":"ping"}]"#, r#""<nccp:ping/>""#);
        assert!(serde_json::from_str::<device::Request>(&text).is_err(), "text is not sealed");
        let init = cdm::Reply::Init { kids: vec!["00".into()], init_data: vec![1, 255] };
        assert_eq!(serde_json::to_string(&init).unwrap(), r#"{"init":{"kids":["00"],"initData":[1,255]}}"#);
        assert_eq!(serde_json::to_string(&cdm::Reply::Fragment).unwrap(), r#""fragment""#);
        let remove = source::Request::Remove { stream: 7, start: 0.0, end: 8.5 };
        assert_eq!(
            serde_json::to_string(&remove).unwrap(),
            r#"{"type":"remove","stream":7,"start":0.0,"end":8.5}"#
        );
        let news = r#"{"source":{"source":2,"news":{"buffered":{"stream":7,"ranges":[[0.5,2.0]]}}}}"#;
        let buffered = News::Buffered { stream: 7, ranges: vec![(0.5, 2.0)] };
        assert_eq!(serde_json::from_str::<Event>(news).unwrap(), Event::Source { source: 2, news: buffered });
        let opened = Event::Source { source: 2, news: News::Opened };
        assert_eq!(serde_json::to_string(&opened).unwrap(), r#"{"source":{"source":2,"news":"opened"}}"#);
        let failed = Event::Failed { error: DrmError::ModuleMismatch };
        assert_eq!(serde_json::to_string(&failed).unwrap(), r#"{"failed":{"error":"module-mismatch"}}"#);
    }
}
