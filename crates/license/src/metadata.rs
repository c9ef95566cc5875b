use cenc::Kid;

use crate::cbor::{cbor_array, cbor_map};
use crate::signer::SignedByServer;
use crate::{Error, Trust, Typ, cbor};

/// System id of Matinee's `pssh` boxes: 6d617469-6e65-6580-8000-64726d000001.
pub const PSSH_SYSTEM_ID: [u8; 16] =
    [0x6d, 0x61, 0x74, 0x69, 0x6e, 0x65, 0x65, 0x80, 0x80, 0x00, 0x64, 0x72, 0x6d, 0x00, 0x00, 0x01];

/// A KID and what its key is derived from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName {
    /// The KID.
    pub kid: Kid,
    /// Generation of the common key.
    pub common_key_id: String,
    /// Label of the key.
    pub label: String,
    /// Rotation period.
    pub period: u32,
}

cbor_map!(KeyName { 1: kid, 2: common_key_id, 3: label, 4: period });

cbor_array!(KeyName);

/// What changes about a film's protection: keys, policy, where licenses come from. Signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrmMetadata {
    /// The signer's certificate, COSE octets. Left empty by who issues: the signer fills it in.
    pub signer: Vec<u8>,
    /// What the keys are for.
    pub content_id: String,
    /// The keys; at least one.
    pub keys: Vec<KeyName>,
    /// Name of the policy.
    pub policy: String,
    /// Where licenses come from; `None`: the controller.
    pub license_url: Option<String>,
    /// An embedded license.
    pub embedded_license: Option<Vec<u8>>,
    /// When it was made, Unix seconds.
    pub issued: u64,
    /// How long it may be kept, seconds.
    pub ttl: u64,
}

cbor_map!(DrmMetadata {
    0: signer,
    1: content_id,
    2: keys,
    3: policy,
    4: license_url,
    5: embedded_license,
    6: issued,
    7: ttl
});

impl DrmMetadata {
    /// Verifies metadata down to the CA.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::NotAuthentic`], [`Error::Validity`].
    pub fn verify(octets: &[u8], trust: &Trust) -> Result<Self, Error> {
        trust.verify(octets)
    }
}

impl SignedByServer for DrmMetadata {
    const TYP: Typ = Typ::DrmMetadata;

    fn signer(&self) -> &[u8] {
        &self.signer
    }

    fn issued(&self) -> u64 {
        self.issued
    }

    fn check_form(&self) -> Result<(), Error> {
        if self.keys.is_empty() { Err(Error::Malformed) } else { Ok(()) }
    }
}

/// Data of the `pssh` box in files: static and unsigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PsshData {
    /// What the keys are for.
    pub content_id: String,
    /// KIDs by rotation period, from 0; at least one.
    pub kids: Vec<Kid>,
    /// Generation of the common key.
    pub common_key_id: String,
    /// Label of the keys.
    pub label: String,
}

cbor_map!(PsshData { 1: content_id, 2: kids, 3: common_key_id, 4: label });

impl PsshData {
    /// Reads a `pssh` box's data.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn decode(octets: &[u8]) -> Result<Self, Error> {
        let data: Self = cbor::decode(octets)?;
        if data.kids.is_empty() { Err(Error::Malformed) } else { Ok(data) }
    }

    /// The data for a `pssh` box; the same for the same fields.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// The keys, named as challenges name them.
    pub fn key_names(&self) -> Vec<KeyName> {
        (0u32..)
            .zip(&self.kids)
            .map(|(period, &kid)| KeyName {
                kid,
                common_key_id: self.common_key_id.clone(),
                label: self.label.clone(),
                period,
            })
            .collect()
    }
}
