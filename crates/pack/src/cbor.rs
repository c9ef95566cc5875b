use ciborium::Value;

/// Deterministic CBOR (RFC 8949 §4.2.1) of a value whose maps are in the order of their encoded keys:
/// ciborium writes definite lengths and shortest integers.
pub fn deterministic_cbor(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    // Writing into memory does not fail.
    let done = ciborium::into_writer(value, &mut out);
    debug_assert!(done.is_ok());
    out
}
