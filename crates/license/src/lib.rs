//! Device certificates, challenges, licenses, policies and DRM metadata as COSE. No I/O.
//!
//! Format: `docs/protocol.md` §6 (COSE_Sign1, RFC 9052; deterministic CBOR, RFC 8949 §4.2.1). Everything
//! signed is checked on the received octets, and only the one deterministic form of an object is read: no
//! other encodings, duplicate or unknown labels, trailing bytes.
//!
//! * Both sides: [`Trust`] (public URL and CA keys), the objects themselves, [`Policy::check`].
//! * A device: [`IndividualizationRequest`] and [`Challenge`] give a [`ToBeSigned`] whose signature may come
//!   later (WebCrypto); [`Individualization::verify`]; [`VerifiedLicense::verify`], then
//!   [`kek_ciphertext`](VerifiedLicense::kek_ciphertext) and [`unwrap`](VerifiedLicense::unwrap). Feature
//!   `software`: the same with keys in Rust.
//! * Licenses that come along with DRM metadata: bound to a [`DomainEpoch`],
//!   [`VerifiedLicense::verify_embedded`].
//! * A server (feature `issue`): `SiteCa`, `Signer`, [`IndividualizationRequest`]'s and [`Challenge`]'s
//!   `verify`. Feature `aws-lc`: the same by that library, natively.
//!
//! # Examples
//! A site signs what it says of a film's protection; who trusts its CA reads it (features `issue`, and none):
//! ```
//! use license::{DrmMetadata, Error, KeyName, SiteCa, Trust, Typ};
//!
//! let (site, now) = ("https://films.example", 1_790_000_000);
//! let ca = SiteCa::generate()?;
//! let signer = ca.new_signer(site, Typ::DrmMetadata, "metadata-1", now, now + 86_400)?;
//! let key = KeyName {
//!     kid: cenc::Kid([7; 16]),
//!     common_key_id: "ck-1".into(),
//!     label: "main".into(),
//!     period: 0,
//! };
//! let mut octets = signer.sign_metadata(DrmMetadata {
//!     signer: Vec::new(), // filled in
//!     content_id: "movie/7".into(),
//!     keys: vec![key.clone()],
//!     policy: "24h".into(),
//!     license_url: None,
//!     embedded_license: None,
//!     issued: now,
//!     ttl: 600,
//! })?;
//!
//! let trust = Trust::new(site, &[ca.public_key()])?;
//! assert_eq!(DrmMetadata::verify(&octets, &trust)?.keys, [key]);
//! if let Some(octet) = octets.last_mut() {
//!     *octet ^= 1;
//! }
//! assert_eq!(DrmMetadata::verify(&octets, &trust), Err(Error::NotAuthentic));
//! # Ok::<(), Error>(())
//! ```

#[cfg(feature = "issue")]
mod backend;
mod cbor;
mod challenge;
mod cose;
mod device;
mod domain;
mod error;
#[cfg(feature = "issue")]
mod issue;
mod keys;
mod license;
mod metadata;
mod policy;
mod signer;
#[cfg(feature = "software")]
mod software;
mod typ;
mod version;
#[cfg(test)]
mod wycheproof;

#[cfg(feature = "issue")]
pub use challenge::VerifiedChallenge;
pub use challenge::{Challenge, Display};
pub use cose::ToBeSigned;
#[cfg(feature = "issue")]
pub use device::CheckedDevice;
pub use device::{DeviceCertificate, Individualization, IndividualizationRequest, KeyLevel};
#[cfg(feature = "issue")]
pub use domain::Recipient;
pub use domain::{DOMAIN_KEY_NONCE, Domain, DomainEpoch, EPOCH_SECONDS, split_domain_key};
pub use error::Error;
#[cfg(feature = "issue")]
pub use issue::{BoxIdentity, Grant, IndividualizationGrant, Signer, SiteCa};
#[cfg(feature = "issue")]
pub use keys::SigningPoint;
pub use keys::{RsaModulus, SigningPublicKey};
pub use license::{Expected, License, VerifiedLicense, WrappedKey};
pub use metadata::{DrmMetadata, KeyName, PSSH_SYSTEM_ID, PsshData};
pub use policy::{Check, Output, Player, Policy, Refusal, Situation};
pub use signer::{SignerCertificate, Trust};
#[cfg(feature = "software")]
pub use software::{SoftwareRsaKey, SoftwareSigningKey};
pub use typ::Typ;
pub use version::Version;

use sha2::{Digest, Sha256};

/// Octets of the largest object that is read at all (a challenge may have 16 KiB; a license with many periods
/// more).
pub const MAX_OBJECT: usize = 256 * 1024;

/// SHA-256, as challenges, licenses and tickets name things.
pub fn sha256(octets: &[u8]) -> [u8; 32] {
    Sha256::digest(octets).into()
}

/// 16 fresh random bytes, for nonces and license ids.
///
/// # Errors
/// [`Error::Random`] if the system gives none.
pub fn nonce() -> Result<[u8; 16], Error> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|_| Error::Random)?;
    Ok(nonce)
}
