//! `[tls]`: certificate and key for https.

use serde::Deserialize;
use std::path::PathBuf;

/// Certificate and key for https.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file: the certificate, then those between it and the CA.
    pub certificate: PathBuf,
    /// PEM file with the private key; nobody else may read it.
    pub key: PathBuf,
}
