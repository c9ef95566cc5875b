use cenc::Kid;

/// Why a document cannot be read. Each displays as one line; none repeats a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More octets than [`MAX_DOCUMENT`](crate::MAX_DOCUMENT).
    #[error("the CPIX document is too large")]
    TooLarge,
    /// It is not the XML that is read.
    #[error("the CPIX document is no XML that is read: {0}")]
    Xml(&'static str),
    /// Its root is not `CPIX` in the namespace `urn:dashif:org:cpix`.
    #[error("no CPIX document: its root is not CPIX in the namespace urn:dashif:org:cpix")]
    Root,
    /// It is of another version than 2.
    #[error("the CPIX document has version {0}; versions 2.0 to 2.4 are read")]
    Version(String),
    /// Its keys are encrypted.
    #[error(
        "the CPIX document's keys are encrypted: the private key of one of its recipients is needed (--cpix-key)"
    )]
    Encrypted,
    /// Its keys are not encrypted, or not all of them, though a private key was given to open them with.
    #[error("the CPIX document has keys that are not encrypted, and was to be opened with a private key")]
    NotEncrypted,
    /// Its keys are encrypted for others.
    #[error("the CPIX document's keys are encrypted for other recipients than this private key's")]
    OtherRecipient,
    /// Its encrypted keys have no MAC.
    #[error("the CPIX document's encrypted keys have no MAC (MACMethod, ValueMAC)")]
    NoMac,
    /// Its encrypted keys, or the keys that they are encrypted with, were changed or made with something
    /// else.
    #[error("the CPIX document's encrypted keys cannot be opened")]
    NotAuthentic,
    /// It is no certificate that keys can be encrypted for.
    #[error("no X.509 certificate in PEM of an RSA key of 2048 bits or more")]
    Certificate,
    /// It is no private key that keys can be opened with.
    #[error("no RSA private key in PEM without a password")]
    PrivateKey,
    /// There is no randomness.
    #[error("there is no randomness")]
    Random,
    /// It has no keys.
    #[error("the CPIX document has no keys")]
    NoKeys,
    /// More keys than [`MAX_KEYS`](crate::MAX_KEYS).
    #[error("the CPIX document has more than 1000 keys")]
    TooManyKeys,
    /// A key has no value.
    #[error("the CPIX document has no value for key {0}")]
    NoValue(Kid),
    /// A key stands twice.
    #[error("the CPIX document has key {0} twice")]
    Twice(Kid),
    /// Something names a key that the document does not have.
    #[error("the CPIX document has a {element} for key {kid}, which it does not have")]
    UnknownKey {
        /// Which element.
        element: &'static str,
        /// The key.
        kid: Kid,
    },
    /// Something that must be there is not, or is not what it must be.
    #[error("the CPIX document: {element} has no valid {what}")]
    Invalid {
        /// Which element.
        element: &'static str,
        /// What of it.
        what: &'static str,
    },
    /// Something that would change which key is for what, and is not understood.
    #[error("the CPIX document: {0} is not supported")]
    Unsupported(String),
    /// What a protection system is told cannot be kept.
    #[error("the CPIX document, system {system}: {what}")]
    System {
        /// The system's id.
        system: pack::SystemId,
        /// What is wrong.
        what: &'static str,
    },
}
