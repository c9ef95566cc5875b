use cenc::{ContentId, Kid, Label};
use ciborium::Value;
use isobmff::Pssh;

use crate::{PackProtection, deterministic_cbor};

/// Matinee's protection system id, 6d617469-6e65-6580-8000-64726d000001.
pub const SYSTEM_ID: [u8; 16] = *b"matine\x65\x80\x80\x00drm\x00\x00\x01";

/// What `pssh` carries: `{1: content id, 2: [KIDs by period], 3: common key id, 4: label}`, deterministic
/// CBOR. The common key id is empty where the key was given by the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PsshData {
    /// Content id of the key derivation.
    pub content_id: ContentId,
    /// KIDs by rotation period.
    pub kids: Vec<Kid>,
    /// Which common key; empty: the key was given.
    pub common_key_id: String,
    /// Label of the key derivation.
    pub label: Label,
}

impl PsshData {
    /// What a pack's protection says of a representation with this label.
    pub fn of(protection: &PackProtection, label: Option<&Label>) -> Self {
        Self {
            content_id: protection.content_id.clone(),
            kids: protection.keys_of(label).map(|key| key.kid).collect(),
            common_key_id: protection.common_key_id.clone().unwrap_or_default(),
            label: label.unwrap_or(&protection.label).clone(),
        }
    }

    /// The deterministic CBOR.
    pub fn to_cbor(&self) -> Vec<u8> {
        let kids = self.kids.iter().map(|kid| Value::Bytes(kid.0.to_vec())).collect();
        deterministic_cbor(&Value::Map(vec![
            (1.into(), Value::Text(self.content_id.to_string())),
            (2.into(), Value::Array(kids)),
            (3.into(), Value::Text(self.common_key_id.clone())),
            (4.into(), Value::Text(self.label.to_string())),
        ]))
    }

    /// Reads the CBOR; `None` if it is anything else. Only the deterministic form is accepted.
    pub fn from_cbor(data: &[u8]) -> Option<Self> {
        let Ok(Value::Map(map)) = ciborium::from_reader::<Value, _>(data) else { return None };
        let [
            (_, Value::Text(content)),
            (_, Value::Array(kids)),
            (_, Value::Text(key)),
            (_, Value::Text(label)),
        ] = &map[..]
        else {
            return None;
        };
        let kid = |value: &Value| Kid::try_from(value.as_bytes()?.as_slice()).ok();
        let this = Self {
            content_id: content.parse().ok()?,
            kids: kids.iter().map(kid).collect::<Option<_>>()?,
            common_key_id: key.clone(),
            label: label.parse().ok()?,
        };
        (this.to_cbor() == data).then_some(this)
    }

    /// The `pssh` box: version 1 with the KIDs.
    pub fn to_box(&self) -> Pssh {
        Pssh { system_id: SYSTEM_ID, kids: self.kids.iter().map(|kid| kid.0).collect(), data: self.to_cbor() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn system_id_and_cbor_bytes() {
        assert_eq!(hex::encode(SYSTEM_ID), "6d6174696e65658080 0064726d000001".replace(' ', ""));
        let data = PsshData {
            content_id: ContentId::of_movie(7),
            kids: vec![Kid([0xab; 16])],
            common_key_id: "k1".to_owned(),
            label: Label::default(),
        };
        // a4; 1: "movie/7"; 2: [h'ab…']; 3: "k1"; 4: "main".
        let expected = format!("a401676d6f7669652f37028150{}03626b3104646d61696e", "ab".repeat(16));
        assert_eq!(hex::encode(data.to_cbor()), expected);
        assert_eq!(PsshData::from_cbor(&data.to_cbor()), Some(data));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_refused_or_canonical(data: Vec<u8>) {
            if let Some(read) = PsshData::from_cbor(&data) {
                prop_assert_eq!(read.to_cbor(), data);
            }
        }
    }
}
