//! The device: its identity, envelopes that it signs, domain keys that were sealed for it.

use serde::{Deserialize, Serialize};

/// What the page asks of the device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Request {
    /// Loads this profile's device identity for an account, making and individualizing one where there is
    /// none or its certificate has run out. Answer: [`Reply::Identity`].
    Open {
        /// `account` of `/api/library`: keys the identity.
        account: String,
        /// SHA-256 of the app's wasm, hex; empty when unknown. Goes into challenges.
        release: String,
    },
    /// Individualizes again with the same device keys, after the server refused the certificate.
    /// Answer: [`Reply::Identity`].
    Individualize,
    /// Forgets this account's device keys and makes new ones: a new device. Answer: [`Reply::Identity`].
    ResetIdentity,
    /// Seals control messages: gives the next sequence number, writes the envelope, signs it. What is no
    /// message of the protocol is refused: no text of the page's is signed but as a value within one. Answer:
    /// [`Reply::Sealed`].
    Seal {
        /// Device id, once there is one.
        device: Option<String>,
        /// Ticket that the envelope goes with.
        ticket: Option<String>,
        /// The messages, 1 to 16, each an element of its name.
        messages: Vec<Element>,
        /// Server's clock minus this clock, seconds.
        clock_offset: f64,
    },
    /// Takes a domain's private key, as a registration brought it; licenses in DRM metadata need it.
    /// Answer: [`Reply::Done`].
    KeepDomainKey {
        /// Device id of the registration.
        device: String,
        /// The domain.
        domain: String,
        /// The epoch.
        epoch: f64,
        /// The sealed key.
        #[serde(with = "serde_bytes")]
        key: Vec<u8>,
    },
}

/// An element of a control message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    /// Its local name.
    pub name: String,
    /// Names and values of its attributes.
    #[serde(default)]
    pub attributes: Vec<(String, String)>,
    /// Its own text.
    #[serde(default)]
    pub text: String,
    /// The elements in it, behind its text.
    #[serde(default)]
    pub children: Vec<Element>,
}

/// What the device answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Reply {
    /// The device identity that is now in use.
    Identity {
        /// The device certificate's COSE octets.
        #[serde(with = "serde_bytes")]
        certificate: Vec<u8>,
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
    /// Done; nothing to say.
    Done,
}
