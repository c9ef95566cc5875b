//! What players tell of themselves in the query (CMCD, CTA-5004), which this server passes over
//! (docs/cdn.md).

use std::borrow::Cow;

/// Octets of what a player tells at most.
const MOST_TOLD: usize = 2048;

/// A query without what players tell of themselves there, and that. It may stand anywhere, once, and is
/// neither signed nor believed: whatever else is added makes a URL bad.
pub(crate) fn without_told(query: &str) -> (Cow<'_, str>, Option<&str>) {
    let is_told = |part: &&str| part.starts_with("CMCD=");
    let mut all = query.split('&').filter(is_told);
    match (all.next(), all.next()) {
        (Some(told), None) if told.len() <= MOST_TOLD => {
            let rest: Vec<&str> = query.split('&').filter(|part| !is_told(part)).collect();
            (Cow::Owned(rest.join("&")), told.strip_prefix("CMCD="))
        }
        _ => (Cow::Borrowed(query), None),
    }
}
