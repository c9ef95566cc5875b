//! The files of `docs/vectors`, as they are read and written.
#![allow(missing_docs)]

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Octets, in the files as hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);

impl Hex {
    pub fn array<const N: usize>(&self) -> [u8; N] {
        self.0.as_slice().try_into().unwrap()
    }
}

impl<T: AsRef<[u8]>> From<T> for Hex {
    fn from(octets: T) -> Self {
        Self(octets.as_ref().to_vec())
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        hex::decode(String::deserialize(deserializer)?).map(Self).map_err(serde::de::Error::custom)
    }
}

/// `site.json`: who signs.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct SiteFile {
    pub about: String,
    pub public_url: String,
    pub controller_url: String,
    /// The moment at which everything happens, Unix seconds.
    pub now: u64,
    pub ca: KeyPair,
    pub factory_ca: KeyPair,
    pub signers: Vec<SignerEntry>,
}

/// An Ed25519 key pair.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyPair {
    pub seed: Hex,
    pub public_key: Hex,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct SignerEntry {
    pub typ: String,
    pub id: String,
    pub seed: Hex,
    pub public_key: Hex,
    pub not_before: u64,
    pub not_after: u64,
    pub certificate: Hex,
}

/// `device.json`: a browser's identity, and how it got it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceFile {
    pub about: String,
    /// P-256 scalar.
    pub signing_key: Hex,
    /// Compressed point.
    pub signing_public_key: Hex,
    pub rsa_key_pkcs8: Hex,
    pub rsa_modulus: Hex,
    pub device_id: String,
    pub ticket: String,
    pub request: RequestEntry,
    pub answer: AnswerEntry,
    pub certificate: CertificateEntry,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct RequestEntry {
    pub key_level: u8,
    pub description: String,
    pub module_version: String,
    pub time: u64,
    pub nonce: Hex,
    pub octets: Hex,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerEntry {
    pub module_url: String,
    pub module_sha256: Hex,
    pub oldest_module: String,
    pub time: u64,
    pub octets: Hex,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct CertificateEntry {
    pub component: Hex,
    pub issued: u64,
    pub expires: u64,
    pub octets: Hex,
}

/// `envelopes.json`: requests to the controller with their signatures.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvelopesFile {
    pub about: String,
    pub envelopes: Vec<EnvelopeEntry>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvelopeEntry {
    pub name: String,
    pub sequence: u64,
    pub time: u64,
    /// `X-CTicket`.
    pub ticket: Option<String>,
    /// The request's body.
    pub body: String,
    pub body_sha256: Hex,
    pub ticket_sha256: Hex,
    /// What is signed: five lines.
    pub signing_input: String,
    /// `X-NCCP-Signature`, base64url.
    pub signature: String,
}

/// `license.json`: a challenge, and the license that answers it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct LicenseFile {
    pub about: String,
    pub challenge: ChallengeEntry,
    pub license: LicenseEntry,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct ChallengeEntry {
    pub stream_id: u64,
    pub keys: Vec<KeyNameEntry>,
    /// The key pair that was made for this challenge.
    pub rsa_key_pkcs8: Hex,
    pub rsa_modulus: Hex,
    pub nonce: Hex,
    pub time: u64,
    pub module_version: String,
    pub player_release: Hex,
    pub display: u8,
    pub sequence: u64,
    /// What the device's signing key signs: the octets of the `Sig_structure`.
    pub sig_structure: Hex,
    pub octets: Hex,
    pub sha256: Hex,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyNameEntry {
    pub kid: Hex,
    pub common_key_id: String,
    pub label: String,
    pub period: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct LicenseEntry {
    pub id: Hex,
    pub content_id: String,
    pub device_id: Option<String>,
    pub challenge_sha256: Option<Hex>,
    pub issued: u64,
    pub policy: PolicyEntry,
    /// The KEK under RSAES-OAEP.
    pub kek_ciphertext: Hex,
    pub kek: Hex,
    pub keys: Vec<LicensedKey>,
    pub oldest_module: String,
    pub domain: Option<DomainEntry>,
    pub octets: Hex,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct LicensedKey {
    pub kid: Hex,
    pub cek: Hex,
    pub wrapped: Hex,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyEntry {
    pub name: String,
    pub not_after: Option<u64>,
    pub play_until: Option<u64>,
    pub check: u8,
    pub persistent: bool,
    pub renew_after: Option<u64>,
    pub key_level: u8,
    pub output_digital: u8,
    pub output_analog: u8,
    pub max_height: Option<u32>,
    pub players: Option<Vec<PlayerEntry>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlayerEntry {
    pub origin: String,
    pub release: Option<Hex>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DomainEntry {
    pub domain: String,
    pub number: u64,
    pub epoch: u64,
}

/// `domain-key.json`: a domain's private key, sealed for the device.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct DomainKeyFile {
    pub about: String,
    pub domain: DomainEntry,
    pub rsa_key_pkcs8: Hex,
    pub rsa_modulus: Hex,
    pub device_id: String,
    /// The AES-256-GCM key K.
    pub aes_key: Hex,
    pub nonce: Hex,
    pub additional_data: Hex,
    pub sealed: Hex,
}

/// `drm-metadata.json`: DRM metadata with an embedded license for the domain of `domain-key.json`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct MetadataFile {
    pub about: String,
    pub content_id: String,
    pub keys: Vec<KeyNameEntry>,
    pub policy: String,
    pub license_url: Option<String>,
    pub embedded_license: LicenseEntry,
    pub issued: u64,
    pub ttl: u64,
    pub octets: Hex,
    /// The data of the file's `pssh` box.
    pub pssh_data: Hex,
}

/// `content-keys.json`: what follows from a common key.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct ContentKeysFile {
    pub about: String,
    pub common_key: Hex,
    pub common_key_id: String,
    pub content_id: String,
    pub label: String,
    pub periods: Vec<PeriodEntry>,
    pub ivs: Vec<IvEntry>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct PeriodEntry {
    pub period: u32,
    pub kid: Hex,
    pub cek: Hex,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct IvEntry {
    pub representation_id: String,
    pub pack_id: String,
    pub cenc: Hex,
    pub cbcs: Hex,
}

/// `box.json`: a box file, in the form that boxes read.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct BoxFile {
    pub version: u32,
    pub public_url: String,
    pub controller_url: String,
    pub ca_keys: Vec<String>,
    pub model: String,
    pub serial: String,
    pub certificate: String,
    pub signing_key: String,
    pub rsa_key: String,
}

/// Where a file is.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/vectors").join(name)
}
