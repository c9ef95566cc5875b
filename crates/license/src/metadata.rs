use cenc::Kid;
use minicbor::{Decode, Encode};

use crate::signer::SignedByServer;
use crate::{Error, Trust, Typ, cbor};

/// System id of Matinee's `pssh` boxes: 6d617469-6e65-6580-8000-64726d000001.
pub const PSSH_SYSTEM_ID: [u8; 16] =
    [0x6d, 0x61, 0x74, 0x69, 0x6e, 0x65, 0x65, 0x80, 0x80, 0x00, 0x64, 0x72, 0x6d, 0x00, 0x00, 0x01];

/// A KID and what its key is derived from.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct KeyName {
    /// The KID.
    #[cbor(n(1), with = "crate::cbor::kid")]
    pub kid: Kid,
    /// Generation of the common key.
    #[n(2)]
    pub common_key_id: String,
    /// Label of the key.
    #[n(3)]
    pub label: String,
    /// Rotation period.
    #[n(4)]
    pub period: u32,
}

/// What changes about a film's protection: keys, policy, where licenses come from. Signed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DrmMetadata {
    /// The signer's certificate, COSE octets. Left empty by who issues: the signer fills it in.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub signer: Vec<u8>,
    /// What the keys are for.
    #[n(1)]
    pub content_id: String,
    /// The keys; at least one.
    #[n(2)]
    pub keys: Vec<KeyName>,
    /// Name of the policy.
    #[n(3)]
    pub policy: String,
    /// Where licenses come from; `None`: the controller.
    #[n(4)]
    pub license_url: Option<String>,
    /// A license that comes along.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub embedded_license: Option<Vec<u8>>,
    /// When it was made, Unix seconds.
    #[n(6)]
    pub issued: u64,
    /// How long it may be kept, seconds.
    #[n(7)]
    pub ttl: u64,
}

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
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PsshData {
    /// What the keys are for.
    #[n(1)]
    pub content_id: String,
    /// KIDs by rotation period, from 0; at least one.
    #[cbor(n(2), with = "crate::cbor::kids")]
    pub kids: Vec<Kid>,
    /// Generation of the common key.
    #[n(3)]
    pub common_key_id: String,
    /// Label of the keys.
    #[n(4)]
    pub label: String,
}

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
