/// Why an object was refused or could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not the object's exact form: another type or algorithm, an additional or missing field, a value out of
    /// its range, an encoding that is not deterministic, trailing bytes.
    #[error("not a well-formed object of the expected type")]
    Malformed,
    /// A signature, key or wrapping did not verify. Says no more on purpose.
    #[error("not authentic")]
    NotAuthentic,
    /// The device certificate inside a challenge is malformed, not authentic or has ended.
    #[error("the device certificate is not valid")]
    Certificate,
    /// The device certificate or signer certificate is not valid at this time.
    #[error("not valid at this time")]
    Validity,
    /// Authentic, but meant for another device, another challenge or another request.
    #[error("bound to something else")]
    Binding,
    /// Issued before the latest signed time seen.
    #[error("issued in the past")]
    Stale,
    /// This module is older than the object allows.
    #[error("the DRM module is too old")]
    Module,
    /// A signer was asked for another type than its certificate names.
    #[error("this signer does not sign that type")]
    SignerType,
    /// The system's random generator failed.
    #[error("no random bytes")]
    Random,
}
