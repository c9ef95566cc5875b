//! What manifests say of keys: systems by their UUIDs, `pssh` boxes in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cenc::Label;
use isobmff::BoxWriter;
use pack::{PackKey, PackProtection, PsshData, SystemId};
use quick_xml::Reader;
use quick_xml::events::Event;

/// A protection system, and what it is told of a representation's keys in MPDs.
pub(crate) struct System<'a> {
    /// `urn:uuid:…`.
    pub(crate) urn: String,
    /// XML elements, as they were given.
    pub(crate) xml: Option<&'a str>,
    /// The boxes, in base64; none that `xml` may have brought already.
    pub(crate) pssh: Vec<String>,
}

/// The urn of Matinee's system, and its `pssh` in base64 for representations with this label.
pub(crate) fn ours(protection: &PackProtection, label: Option<&Label>) -> (String, String) {
    let mut out = BoxWriter::default();
    PsshData::of(protection, label).to_box().write(&mut out);
    (format!("urn:uuid:{}", SystemId::MATINEE), STANDARD.encode(out.into_bytes()))
}

/// The systems that can open representations with this label: Matinee's, then others in the order of the
/// pack. Others are told of each key by itself: under key rotation the XML is the first key's, and the boxes
/// are all.
pub(crate) fn systems<'a>(protection: &'a PackProtection, label: Option<&'a Label>) -> Vec<System<'a>> {
    let (urn, pssh) = ours(protection, label);
    let mut found = vec![System { urn, xml: None, pssh: vec![pssh] }];
    for told in protection.systems_of(label) {
        let urn = format!("urn:uuid:{}", told.system_id);
        let (xml, pssh) = (told.content_protection.as_deref(), told.pssh.as_ref().map(ToString::to_string));
        // A pack that breaks its word must not break the MPD.
        let xml = xml.filter(|xml| is_well_formed(xml));
        let pssh = pssh.filter(|_| xml.is_none_or(|xml| !xml.contains("pssh")));
        match found.iter_mut().find(|system| system.urn == urn) {
            Some(system) => {
                let new = pssh.filter(|pssh| !system.pssh.contains(pssh));
                system.pssh.extend(new);
            }
            None => found.push(System { urn, xml, pssh: pssh.into_iter().collect() }),
        }
    }
    found
}

/// Whether a text is a row of whole XML elements.
fn is_well_formed(xml: &str) -> bool {
    let mut reader = Reader::from_str(xml);
    let mut depth = 0_u32;
    loop {
        match reader.read_event() {
            Ok(Event::Start(_)) => depth += 1,
            Ok(Event::End(_)) if depth > 0 => depth -= 1,
            Ok(
                Event::Empty(_) | Event::Text(_) | Event::CData(_) | Event::Comment(_) | Event::GeneralRef(_),
            ) => {}
            Ok(Event::Eof) => return depth == 0,
            Ok(_) | Err(_) => return false,
        }
    }
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

    #[test]
    fn only_whole_elements_are_taken_over() {
        for good in ["<a/>", "<a x=\"1\">b &amp; c</a><b/>", " <m:pro xmlns:m=\"urn:x\">AA==</m:pro>\n"] {
            assert!(is_well_formed(good), "{good}");
        }
        for bad in [
            "<a>",
            "</a>",
            "<a></b>",
            "</ContentProtection><ContentProtection>",
            "<!DOCTYPE a>",
            "<?xml version=\"1.0\"?><a/>",
            "<a",
        ] {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }
}
