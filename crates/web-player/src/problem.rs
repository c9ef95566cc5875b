//! What went wrong, in words, with a way on.

use drm_api::{DrmError, PolicyReason};
use nccp::{ErrorCode, Playing, WireError};

use crate::{api, capability::Missing};

/// What the viewer can do about a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Try the same again.
    Retry,
    /// Look at the devices of the account.
    Devices,
    /// Sign in.
    SignIn,
    /// Load the page again: it is out of date.
    Reload,
    /// Choose another film.
    Library,
    /// Stop one of the account's devices that play, and play here.
    TakeOver,
}

/// A problem as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Code for support and for `playerevent`; in the form of the error table.
    pub code: String,
    /// One line.
    pub title: String,
    /// What it means.
    pub text: String,
    /// What to do.
    pub way: Way,
    /// Where films of the account play, when that is the problem.
    pub playing: Vec<Playing>,
}

impl Problem {
    fn new(code: &str, title: &str, text: &str, way: Way) -> Self {
        Self {
            code: code.to_owned(),
            title: title.to_owned(),
            text: text.to_owned(),
            way,
            playing: Vec::new(),
        }
    }

    /// Title and text in one line.
    pub fn sentence(&self) -> String {
        format!("{}. {}", self.title, self.text)
    }

    /// The service cannot be reached.
    pub fn network() -> Self {
        let text = "Check your connection. Nothing is lost: playback resumes where it stopped.";
        Self::new("NETWORK", "The service does not answer", text, Way::Retry)
    }

    /// The browser lacks something.
    pub fn unsupported(missing: &[Missing]) -> Self {
        let names: Vec<&str> = missing.iter().map(|missing| missing.name()).collect();
        let text = format!(
            "It lacks {}. A current version of Chrome, Edge, Firefox or Safari can.",
            names.join(", ")
        );
        Self::new("BROWSER_UNSUPPORTED", "This browser cannot play protected films", &text, Way::Library)
    }

    /// An answer of the controller; `text` is what the server says.
    pub fn from_code(code: ErrorCode, text: &str) -> Self {
        use ErrorCode as E;
        let (title, own, way) = match code {
            E::DeviceLimitReached => (
                "Device Limit Reached",
                "This account has as many devices as it may have. Remove one that you no longer use to continue on this device.",
                Way::Devices,
            ),
            E::RemovalLimitReached => ("Too many devices were removed", text, Way::Devices),
            E::StreamLimit => ("Playing elsewhere", text, Way::TakeOver),
            E::GrantInvalid => ("Not allowed to play here", text, Way::Retry),
            E::LoginRequired => ("Please sign in", "Your session has ended.", Way::SignIn),
            E::NotSubscribed => ("Not in your plan", "Your plan does not include this title.", Way::Library),
            E::NetworkLimit => ("Used in too many places", text, Way::Retry),
            E::RegionNotAllowed => (
                "Not available where you are",
                "It is not offered in the country that your connection comes from. If that is a VPN's or a proxy's, \
                 switch it off and try again.",
                Way::Library,
            ),
            E::MovieUnknown => ("No such title", "It may have left the library.", Way::Library),
            E::MovieNotAvailable => {
                ("Not available at the moment", "This title is not available at the moment.", Way::Library)
            }
            E::EventWaiting => ("Not begun yet", "This event has not begun yet.", Way::Retry),
            E::EventEnded => (
                "The event has ended",
                "Where there is a recording it will be in the library soon.",
                Way::Library,
            ),
            E::PolicyRefused => (
                "Not allowed on this device",
                // The server's words name the rule.
                if text.is_empty() { "The title's rules do not allow it to play here." } else { text },
                Way::Library,
            ),
            E::ChallengeInvalid | E::CertificateInvalid => (
                "The license was refused",
                "The license server did not accept this device. Trying again usually helps.",
                Way::Retry,
            ),
            E::SequenceOutOfOrder | E::NotAuthentic | E::TicketExpired | E::DeviceUnknown => (
                "This device could not be registered",
                "Registering this browser again did not help. Try again, or sign out and in.",
                Way::Retry,
            ),
            E::RenewOtherCustomer => (
                "Another account is signed in",
                "This browser was registered for another account. Sign out, and sign in again.",
                Way::SignIn,
            ),
            E::ClockSkew => (
                "The clock is wrong",
                "This device's clock differs too much from the service's. Set it, then try again.",
                Way::Retry,
            ),
            E::TryLater => ("The service is busy", "Try again in a minute.", Way::Retry),
            _ => ("The service refused", text, Way::Retry),
        };
        Self::new(code.as_str(), title, own, way)
    }

    /// Another device of the account took this one's place; `names` says which.
    pub fn stopped(names: &str) -> Self {
        let text = "Your plan does not allow more films at the same time, so this one stopped.";
        Self::new("STREAM_STOPPED", &format!("Playing on {names} now"), text, Way::Retry)
    }

    /// The picture or sound could not be decoded or appended.
    pub fn playback(what: &str) -> Self {
        let text = format!("The browser could not play what it received ({what}).");
        Self::new("PLAYBACK", "Playback stopped", &text, Way::Retry)
    }
}

impl From<&WireError> for Problem {
    fn from(error: &WireError) -> Self {
        Self { playing: error.playing.clone(), ..Self::from_code(error.code, &error.text) }
    }
}

impl From<&api::Error> for Problem {
    fn from(error: &api::Error) -> Self {
        match error {
            api::Error::Network => Self::network(),
            api::Error::Refused { code, message, .. } => Self::from_code(*code, message),
            api::Error::Status(401) => Self::from_code(ErrorCode::LoginRequired, ""),
            api::Error::Status(status) => {
                let text = format!("It answered with status {status}.");
                Self::new("SERVICE", "The service has a problem", &text, Way::Retry)
            }
        }
    }
}

impl From<&DrmError> for Problem {
    fn from(error: &DrmError) -> Self {
        let (code, title, way) = match error {
            DrmError::Unsupported { .. } => {
                ("BROWSER_UNSUPPORTED", "This browser cannot play protected films", Way::Library)
            }
            DrmError::Network { .. } => {
                ("INDIVIDUALIZATION", "This browser could not be set up for playback", Way::Retry)
            }
            DrmError::ModuleMismatch => {
                ("MODULE_MISMATCH", "The protection module is out of date", Way::Reload)
            }
            DrmError::IndividualizationInvalid => {
                ("INDIVIDUALIZATION", "The device certificate is not valid", Way::Retry)
            }
            DrmError::LicenseInvalid => ("LICENSE_INVALID", "The license is not valid", Way::Retry),
            DrmError::PolicyRefused { reason: PolicyReason::Module } => {
                ("POLICY_REFUSED", "This page is out of date", Way::Reload)
            }
            DrmError::PolicyRefused { .. } => ("POLICY_REFUSED", "Not allowed on this device", Way::Library),
            DrmError::LicenseExpired => ("LICENSE_EXPIRED", "The license has ended", Way::Library),
            DrmError::Media { .. } => ("MEDIA", "The film could not be decrypted", Way::Retry),
            DrmError::Storage { .. } => ("STORAGE", "Device storage failed", Way::Retry),
            _ => ("PLAYER", "The player is stuck", Way::Retry),
        };
        let text = match error {
            DrmError::Network { .. } => "The service that sets up browsers did not answer as expected. Try again.".into(),
            DrmError::PolicyRefused { reason: PolicyReason::Output } => {
                "The title's rules allow one display only. Disconnect the second one.".into()
            }
            DrmError::PolicyRefused { reason: PolicyReason::Clock } => {
                "This device's clock was set back. Correct it, or go online.".into()
            }
            DrmError::PolicyRefused { reason: PolicyReason::Module } | DrmError::ModuleMismatch => {
                "Reload the page to get the current version.".into()
            }
            DrmError::Storage { .. } => {
                "The browser cannot store this site's device keys. A private window or a full disk may be the reason."
                    .into()
            }
            other => sentence(&other.to_string()),
        };
        Self::new(code, title, &text, way)
    }
}

impl From<&engine::Error> for Problem {
    fn from(error: &engine::Error) -> Self {
        let (code, title, way) = match error {
            engine::Error::Unreachable => ("MEDIA_UNREACHABLE", "The film isn't loading", Way::Retry),
            engine::Error::Refused { .. } => ("MEDIA_REFUSED", "The media server refused", Way::Retry),
            engine::Error::FilmChanged => ("FILM_CHANGED", "The film was replaced", Way::Retry),
            engine::Error::Stuck => ("PLAYBACK_STUCK", "Playback is stuck", Way::Retry),
            engine::Error::NothingToPlay => {
                ("NOTHING_TO_PLAY", "This browser can't play this film", Way::Library)
            }
            _ => ("MEDIA", "The film is damaged", Way::Library),
        };
        Self::new(code, title, &sentence(&error.to_string()), way)
    }
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}
