use serde::{Deserialize, Serialize};

use crate::SessionId;

/// What the worker answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Reply {
    /// The device identity that is now in use.
    Identity {
        /// base64 of the device certificate's COSE octets.
        certificate: String,
        /// Stable, opaque name of the identity (changes when its keys do): a registration made with another
        /// belongs to another device.
        component: String,
        /// When the certificate ends, Unix seconds.
        expires: f64,
    },
    /// A sealed envelope.
    Sealed {
        /// Its sequence number.
        sequence: f64,
        /// The body to post, UTF-8.
        body: String,
        /// Value of `X-NCCP-Signature`.
        signature: String,
    },
    /// A new session.
    Session {
        /// Its number.
        session: SessionId,
    },
    /// A license challenge.
    Challenge {
        /// base64 of its COSE octets.
        challenge: String,
        /// Where it is to be sent, where DRM metadata says so; else with the controller's next envelope.
        license_url: Option<String>,
    },
    /// The keys that a session now has.
    Keys {
        /// Each KID's state.
        keys: Vec<KeyState>,
        /// When the license ends, Unix seconds.
        expiration: Option<f64>,
        /// Highest picture height that the policy allows.
        max_height: Option<u32>,
        /// When to ask for a new license, Unix seconds.
        renew_after: Option<f64>,
        /// Playback that has started ends with the license, too.
        continuous: bool,
        /// This device keeps the license: [`Request::Load`](crate::Request::Load) finds it.
        persistent: bool,
    },
    /// A clear init segment (`bytes`) and what it said.
    Init {
        /// KIDs (hex) of the protected tracks; empty for clear media.
        kids: Vec<String>,
        /// Its pssh boxes, whole.
        init_data: Vec<u8>,
    },
    /// Done; nothing to say.
    Done,
}

/// A KID and what it is good for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyState {
    /// Hex.
    pub kid: String,
    /// May it decrypt now?
    pub status: KeyStatus,
}

/// State of a key, in EME's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeyStatus {
    /// Decrypts.
    Usable,
    /// Its license has ended.
    Expired,
    /// The displays do not allow it now.
    OutputRestricted,
}
