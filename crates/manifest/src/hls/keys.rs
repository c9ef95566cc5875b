use super::attributes::Attributes;
use crate::Delivery;
use crate::protection;
use cenc::Label;
use pack::{Pack, PackKey, PackProtection, Scheme};

/// How HLS calls the scheme (section 4.4.4.4).
fn method(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::None => "NONE",
        Scheme::Cenc => "SAMPLE-AES-CTR",
        Scheme::Cbcs => "SAMPLE-AES",
    }
}

fn of_ours(
    tag: &str,
    pack: &Pack,
    protection: &PackProtection,
    label: Option<&Label>,
    key: &PackKey,
) -> String {
    let (urn, pssh) = protection::ours(protection, label);
    Attributes::of(tag)
        .word("METHOD", method(pack.scheme))
        .quoted("URI", &format!("data:text/plain;base64,{pssh}"))
        .word("KEYID", format_args!("0x{}", key.kid.to_string().to_uppercase()))
        .quoted("KEYFORMAT", &urn)
        .quoted("KEYFORMATVERSIONS", "1")
        .line()
}

/// The lines that put a key in force from the next segment on: ours, those of other systems that are told of
/// it, and, where there is one, the address at which ClearKey gets it, and that of the key itself.
pub(super) fn in_force(pack: &Pack, delivery: &Delivery<'_>, label: Option<&Label>, key: &PackKey) -> String {
    let Some(protection) = &pack.protection else { return String::new() };
    let mut lines = of_ours("EXT-X-KEY", pack, protection, label, key);
    for told in protection.systems.iter().filter(|told| told.kid == key.kid) {
        append(&mut lines, told.hls_media.as_deref());
    }
    if let Some(url) = delivery.clear_key {
        lines.push_str(&of_others(pack, key, url, CLEAR_KEY));
    }
    if let Some(url) = delivery.key_url {
        lines.push_str(&of_others(pack, key, &url(&key.kid), "identity"));
    }
    lines
}

/// EME's ClearKey, as hls.js calls it. The URI is the address of its keys.
const CLEAR_KEY: &str = "org.w3.clearkey";

fn of_others(pack: &Pack, key: &PackKey, url: &str, format: &str) -> String {
    Attributes::of("EXT-X-KEY")
        .word("METHOD", method(pack.scheme))
        .quoted("URI", url)
        .word("KEYID", format_args!("0x{}", key.kid.to_string().to_uppercase()))
        .quoted("KEYFORMAT", format)
        .quoted("KEYFORMATVERSIONS", "1")
        .line()
}

/// The lines by which a player may ask for keys before it has read any media playlist: one of ours for each
/// label, for a `pssh` has the KIDs of all periods.
pub(super) fn of_session(pack: &Pack, protection: &PackProtection, labels: &[Option<&Label>]) -> String {
    let mut lines = String::new();
    for label in labels {
        let Some(key) = protection.keys_of(*label).next() else { continue };
        lines.push_str(&of_ours("EXT-X-SESSION-KEY", pack, protection, *label, key));
        for told in protection.systems_of(*label) {
            append(&mut lines, told.hls_master.as_deref());
        }
    }
    lines
}

/// Lines as another system gave them; none twice, for the same may have been given for several keys.
fn append(lines: &mut String, given: Option<&str>) {
    for line in given.unwrap_or_default().lines() {
        if !lines.lines().any(|there| there == line) {
            lines.push_str(line);
            lines.push('\n');
        }
    }
}
