use super::attributes::Attributes;
use super::{VERSION, head, target};
use crate::Delivery;
use crate::protection::key_of;
use crate::time::seconds;
use pack::layout::WholePart;
use pack::{Pack, Representation};
use std::fmt::Write as _;

/// The media playlist of a representation whose segments are encrypted whole, each a file of its own. Each
/// has its IV in the playlist; the key that is named before the init segment is none, so that is clear
/// (section 4.4.4.5).
pub(super) fn write(
    pack: &Pack,
    r: &Representation,
    delivery: &Delivery<'_>,
    iv: &dyn Fn(&Representation, usize) -> Option<[u8; 16]>,
) -> String {
    let folder = r.path.rfind('/').and_then(|at| r.path.get(..=at)).unwrap_or_default();
    let file = |part: WholePart| delivery.url(folder, &part.path(&r.downloadable_id));
    let mut text = head(VERSION, target(r)) + "#EXT-X-INDEPENDENT-SEGMENTS\n";
    text.push_str(&Attributes::of("EXT-X-MAP").quoted("URI", &file(WholePart::Init)).line());
    for ((n, segment), number) in r.segments.iter().enumerate().zip(0..) {
        let key = pack.protection.as_ref().and_then(|protection| key_of(protection, r.label.as_ref(), n));
        if let (Some(key), Some(iv)) = (key, iv(r, n)) {
            let url = delivery.key_url.map(|url| url(&key.kid)).unwrap_or_default();
            let tag = Attributes::of("EXT-X-KEY")
                .word("METHOD", "AES-128")
                .quoted("URI", &url)
                .word("IV", format_args!("0x{:032X}", u128::from_be_bytes(iv)));
            text.push_str(&tag.line());
        }
        let duration = seconds(segment.duration, r.timescale);
        // Writing into memory does not fail.
        let _ = write!(text, "#EXTINF:{duration},\n{}\n", file(WholePart::Segment(number)));
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}
