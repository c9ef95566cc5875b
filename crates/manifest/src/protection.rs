//! What manifests say of keys: systems by their UUIDs, `pssh` boxes in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cenc::{Kid, Label};
use isobmff::BoxWriter;
use pack::{PackKey, PackProtection, PsshData, SYSTEM_ID};

/// A protection system and its `pssh` for a representation.
pub(crate) struct SystemPssh {
    /// `urn:uuid:…`.
    pub(crate) urn: String,
    /// The box, in base64.
    pub(crate) pssh: String,
}

/// The systems that can open representations with this label: Matinee's.
pub(crate) fn systems(protection: &PackProtection, label: Option<&Label>) -> Vec<SystemPssh> {
    let mut out = BoxWriter::default();
    PsshData::of(protection, label).to_box().write(&mut out);
    let ours =
        SystemPssh { urn: format!("urn:uuid:{}", uuid(&SYSTEM_ID)), pssh: STANDARD.encode(out.into_bytes()) };
    vec![ours]
}

/// Sixteen octets as RFC 9562 writes them.
pub(crate) fn uuid(octets: &[u8; 16]) -> String {
    let hex = Kid(*octets).to_string();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// The key of a representation's segment, from 0; none in a clear lead.
pub(crate) fn key_of<'a>(
    protection: &'a PackProtection,
    label: Option<&'a Label>,
    segment: usize,
) -> Option<&'a PackKey> {
    let segment = u64::try_from(segment).ok()?;
    if segment < u64::from(protection.clear_segments) {
        return None;
    }
    let period = segment.checked_div(u64::from(protection.segments_per_key)).unwrap_or_default();
    protection.keys_of(label).filter(|key| u64::from(key.period) <= period).max_by_key(|key| key.period)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The id that docs/protocol.md, section 9, gives.
    #[test]
    fn our_system() {
        assert_eq!(uuid(&SYSTEM_ID), "6d617469-6e65-6580-8000-64726d000001");
    }
}
