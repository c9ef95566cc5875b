//! What went wrong, in words, with a way on.

use drm_api::{DrmError, PolicyReason};
use localization::{intl, is_english, say};
use nccp::{ErrorCode, Playing, WireError};

use crate::{api, capability::Missing, words};

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
    /// In the words of the code's row; `text` stands in place of the row's, where it says more.
    fn new(code: &str, text: Option<&str>, way: Way) -> Self {
        let row = words::of(code);
        let text = text.filter(|text| !text.is_empty());
        Self {
            code: code.to_owned(),
            title: row.as_ref().map_or(say::service_refused(), |row| row.title).to_owned(),
            text: text.or(row.map(|row| row.text)).unwrap_or_default().to_owned(),
            way,
            playing: Vec::new(),
        }
    }

    fn titled(self, title: &str) -> Self {
        Self { title: title.to_owned(), ..self }
    }

    /// Title and text in one line.
    pub fn sentence(&self) -> String {
        format!("{}. {}", self.title, self.text)
    }

    /// Whether it goes by itself when the network is back.
    pub fn is_of_network(&self) -> bool {
        matches!(self.code.as_str(), "NETWORK" | "MEDIA_UNREACHABLE")
    }

    /// The service cannot be reached.
    pub fn network() -> Self {
        Self::new("NETWORK", None, Way::Retry)
    }

    /// The browser lacks something.
    pub fn unsupported(missing: &[Missing]) -> Self {
        let names: Vec<String> = missing.iter().map(|missing| missing.name().to_owned()).collect();
        let text = say::lacks(&intl().list(&names));
        Self::new("BROWSER_UNSUPPORTED", Some(&text), Way::Library)
    }

    /// An answer of the controller; `text` is what the server says.
    pub fn from_code(code: ErrorCode, text: &str) -> Self {
        use ErrorCode as E;
        // The server's words can name a rule, a device or a time, in English. Of these codes there is nothing
        // to name.
        let (own, way) = match code {
            E::DeviceLimitReached => (true, Way::Devices),
            E::RemovalLimitReached => (false, Way::Devices),
            E::StreamLimit => (false, Way::TakeOver),
            E::LoginRequired | E::RenewOtherCustomer => (true, Way::SignIn),
            E::NotSubscribed
            | E::RegionNotAllowed
            | E::MovieUnknown
            | E::MovieNotAvailable
            | E::EventEnded => (true, Way::Library),
            E::PolicyRefused => (false, Way::Library),
            E::EventWaiting
            | E::ChallengeInvalid
            | E::CertificateInvalid
            | E::SequenceOutOfOrder
            | E::NotAuthentic
            | E::TicketExpired
            | E::DeviceUnknown
            | E::ClockSkew
            | E::TryLater => (true, Way::Retry),
            _ => (false, Way::Retry),
        };
        Self::new(code.as_str(), (!own && is_english()).then_some(text), way)
    }

    /// Another device of the account took this one's place; `names` says which, and is empty where that is
    /// not known.
    pub fn stopped(names: &str) -> Self {
        let title = if names.is_empty() {
            say::playing_elsewhere_now().to_owned()
        } else {
            say::playing_on_now(names)
        };
        Self::new("STREAM_STOPPED", None, Way::Retry).titled(&title)
    }

    /// The picture or sound could not be decoded or appended.
    pub fn playback(what: &str) -> Self {
        let text = say::not_played(what);
        Self::new("PLAYBACK", Some(&text), Way::Retry)
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
                let text = say::answered_with(&status.to_string());
                Self::new("SERVICE", Some(&text), Way::Retry)
            }
        }
    }
}

impl From<&DrmError> for Problem {
    fn from(error: &DrmError) -> Self {
        let (code, way) = match error {
            DrmError::Unsupported { .. } => ("BROWSER_UNSUPPORTED", Way::Library),
            DrmError::Network { .. } | DrmError::IndividualizationInvalid => {
                ("INDIVIDUALIZATION", Way::Retry)
            }
            DrmError::ModuleMismatch => ("MODULE_MISMATCH", Way::Reload),
            DrmError::LicenseInvalid => ("LICENSE_INVALID", Way::Retry),
            DrmError::PolicyRefused { reason: PolicyReason::Module } => ("POLICY_REFUSED", Way::Reload),
            DrmError::PolicyRefused { .. } => ("POLICY_REFUSED", Way::Library),
            DrmError::LicenseExpired => ("LICENSE_EXPIRED", Way::Library),
            DrmError::Media { .. } => ("MEDIA", Way::Retry),
            DrmError::Storage { .. } => ("STORAGE", Way::Retry),
            _ => ("PLAYER", Way::Retry),
        };
        let text = match error {
            DrmError::PolicyRefused { reason: PolicyReason::Output } => Some(say::rule_output().to_owned()),
            DrmError::PolicyRefused { reason: PolicyReason::Clock } => Some(say::rule_clock().to_owned()),
            DrmError::PolicyRefused { reason: PolicyReason::Module } => Some(say::rule_module().to_owned()),
            DrmError::Network { .. } | DrmError::ModuleMismatch | DrmError::Storage { .. } => None,
            other => english(&other.to_string()),
        };
        let problem = Self::new(code, text.as_deref(), way);
        match error {
            DrmError::IndividualizationInvalid => problem.titled(say::certificate_invalid()),
            DrmError::Media { .. } => problem.titled(say::film_not_decrypted()),
            DrmError::PolicyRefused { reason: PolicyReason::Module } => {
                problem.titled(say::rule_module_title())
            }
            _ => problem,
        }
    }
}

impl From<&engine::Error> for Problem {
    fn from(error: &engine::Error) -> Self {
        let (code, way) = match error {
            engine::Error::Unreachable => ("MEDIA_UNREACHABLE", Way::Retry),
            engine::Error::Refused { .. } => ("MEDIA_REFUSED", Way::Retry),
            engine::Error::FilmChanged => ("FILM_CHANGED", Way::Retry),
            engine::Error::Stuck => ("PLAYBACK_STUCK", Way::Retry),
            engine::Error::NothingToPlay => ("NOTHING_TO_PLAY", Way::Library),
            _ => ("MEDIA", Way::Library),
        };
        Self::new(code, english(&error.to_string()).as_deref(), way)
    }
}

/// What the engine or the DRM module says, where the page is English as they are; else the code's own words
/// do.
fn english(text: &str) -> Option<String> {
    is_english().then(|| sentence(text))
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}
