use super::attributes::Attributes;
use crate::Delivery;
use crate::protection::{self, SystemPssh};
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

fn of_system(tag: &str, pack: &Pack, key: &PackKey, system: &SystemPssh) -> String {
    Attributes::of(tag)
        .word("METHOD", method(pack.scheme))
        .quoted("URI", &format!("data:text/plain;base64,{}", system.pssh))
        .word("KEYID", format_args!("0x{}", key.kid.to_string().to_uppercase()))
        .quoted("KEYFORMAT", &system.urn)
        .quoted("KEYFORMATVERSIONS", "1")
        .line()
}

/// The lines that put a key in force from the next segment on: one for each system, and one with the address of
/// the key itself where there is one.
pub(super) fn in_force(pack: &Pack, delivery: &Delivery<'_>, label: Option<&Label>, key: &PackKey) -> String {
    let Some(protection) = &pack.protection else { return String::new() };
    let systems = protection::systems(protection, label);
    let mut lines: String = systems.iter().map(|system| of_system("EXT-X-KEY", pack, key, system)).collect();
    if let (Scheme::Cbcs, Some(url)) = (pack.scheme, delivery.key_url) {
        let line = Attributes::of("EXT-X-KEY")
            .word("METHOD", method(pack.scheme))
            .quoted("URI", &url(&key.kid))
            .word("KEYID", format_args!("0x{}", key.kid.to_string().to_uppercase()))
            .quoted("KEYFORMAT", "identity")
            .quoted("KEYFORMATVERSIONS", "1");
        lines.push_str(&line.line());
    }
    lines
}

/// The lines by which a player may ask for keys before it has read any media playlist: one for each system and
/// label, for a `pssh` has the KIDs of all periods.
pub(super) fn of_session(pack: &Pack, protection: &PackProtection, labels: &[Option<&Label>]) -> String {
    let mut lines = String::new();
    for label in labels {
        let Some(key) = protection.keys_of(*label).next() else { continue };
        for system in protection::systems(protection, *label) {
            lines.push_str(&of_system("EXT-X-SESSION-KEY", pack, key, &system));
        }
    }
    lines
}
