//! Protection system data.

use cenc::Kid;
use pack::{PsshData, SYSTEM_ID};
use serde::Serialize;

/// A `pssh` box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PsshReport {
    /// System id, hexadecimal.
    pub system_id: String,
    /// KIDs, hexadecimal.
    pub kids: Vec<String>,
    /// Matinee's own data, decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matinee: Option<MatineeData>,
    /// Data of other systems, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

/// What Matinee's `pssh` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatineeData {
    /// Content id of the key derivation.
    pub content_id: String,
    /// KIDs by rotation period.
    pub kids: Vec<String>,
    /// Common key; empty: the key was given.
    pub common_key_id: String,
    /// Label of the key derivation.
    pub label: String,
}

impl From<&isobmff::Pssh> for PsshReport {
    fn from(pssh: &isobmff::Pssh) -> Self {
        let own = PsshData::from_cbor(&pssh.data).filter(|_| pssh.system_id == SYSTEM_ID);
        Self {
            system_id: hex::encode(pssh.system_id),
            kids: pssh.kids.iter().map(hex::encode).collect(),
            data: own.is_none().then(|| hex::encode(&pssh.data)),
            matinee: own.map(|own| MatineeData {
                content_id: own.content_id.to_string(),
                kids: own.kids.iter().map(Kid::to_string).collect(),
                common_key_id: own.common_key_id,
                label: own.label.to_string(),
            }),
        }
    }
}
