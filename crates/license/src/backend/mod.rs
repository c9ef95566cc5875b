//! What a server does for each license, by one of two libraries: aws-lc, or RustCrypto where that cannot be
//! (in wasm) or is not asked for (feature `aws-lc`). Both have the same four things, and the tests hold them
//! against each other:
//!
//! * `OaepKey`, which encrypts for the holder of an RSA key: RSAES-OAEP with SHA-256, MGF1-SHA-256 and an
//!   empty label (RFC 8017 §7.1.1), exponent 65537;
//! * `verify_es256`: ECDSA on P-256 with SHA-256, signatures as r ‖ s (RFC 9053 §2.1);
//! * `Ed25519Key`, which signs (RFC 8032);
//! * `seal_gcm`: AES-256-GCM (NIST SP 800-38D), ciphertext and tag.

#[cfg(all(feature = "aws-lc", not(target_arch = "wasm32")))]
mod aws_lc;
#[cfg(any(test, not(feature = "aws-lc"), target_arch = "wasm32"))]
mod rust_crypto;
#[cfg(all(test, feature = "aws-lc", not(target_arch = "wasm32")))]
mod tests;

#[cfg(all(feature = "aws-lc", not(target_arch = "wasm32")))]
pub(crate) use aws_lc::{Ed25519Key, OaepKey, seal_gcm, verify_es256};
#[cfg(any(not(feature = "aws-lc"), target_arch = "wasm32"))]
pub(crate) use rust_crypto::{Ed25519Key, OaepKey, seal_gcm, verify_es256};
