use super::attributes::Attributes;
use super::{VERSION, head, keys, target, whole};
use crate::Delivery;
use crate::protection::key_of;
use crate::time::seconds;
use pack::{MediaType, Pack, Representation, Segment, layout};
use std::fmt::Write as _;

/// The media playlist of a representation, `{ddd}/{id}.m3u8`; `None` where the pack has none of that
/// downloadable id, or it is too high.
pub fn media(pack: &Pack, downloadable_id: &str, delivery: &Delivery<'_>) -> Option<String> {
    let r = find(pack, downloadable_id, delivery)?;
    if let Some(iv) = delivery.whole_iv {
        return Some(whole::write(pack, r, delivery, iv));
    }
    Some(write(pack, r, delivery, "#EXT-X-INDEPENDENT-SEGMENTS", |segment| segment.size))
}

/// The playlist of a representation's pictures that can be decoded by themselves, one of each segment
/// (section 4.4.3.6), `{ddd}/{id}.iframes.m3u8`; `None` also where the pack does not say where they end.
pub fn i_frames(pack: &Pack, downloadable_id: &str, delivery: &Delivery<'_>) -> Option<String> {
    let r = find(pack, downloadable_id, delivery).filter(|r| has_i_frames(r, delivery))?;
    let picture = |segment: &Segment| segment.first_picture.unwrap_or(segment.size);
    Some(write(pack, r, delivery, "#EXT-X-I-FRAMES-ONLY", picture))
}

/// Whether there is such a playlist.
pub(super) fn has_i_frames(r: &Representation, delivery: &Delivery<'_>) -> bool {
    // A part of a segment that is encrypted whole cannot be had by itself.
    let is_whole = delivery.whole_iv.is_some();
    !is_whole
        && r.media_type == MediaType::Video
        && r.segments.iter().all(|segment| segment.first_picture.is_some())
}

fn find<'p>(pack: &'p Pack, downloadable_id: &str, delivery: &Delivery<'_>) -> Option<&'p Representation> {
    delivery.representations(pack).into_iter().find(|r| r.downloadable_id == downloadable_id)
}

/// `octets`: how many of a segment are named, from its beginning on.
fn write(
    pack: &Pack,
    r: &Representation,
    delivery: &Delivery<'_>,
    kind: &str,
    octets: impl Fn(&Segment) -> u64,
) -> String {
    let folder = r.path.rfind('/').and_then(|at| r.path.get(..=at)).unwrap_or_default();
    let file = delivery.url(folder, &r.path);
    let mut text = head(VERSION, target(r));
    text.push_str(kind);
    text.push('\n');
    let init = format!("{}@{}", r.init_range.last - r.init_range.first + 1, r.init_range.first);
    let map = Attributes::of("EXT-X-MAP").quoted("URI", &file).quoted("BYTERANGE", &init);
    text.push_str(&map.line());
    let mut in_force = None;
    for (n, segment) in r.segments.iter().enumerate() {
        let key = pack.protection.as_ref().and_then(|protection| key_of(protection, r.label.as_ref(), n));
        if let Some(key) = key.filter(|key| in_force != Some(key.kid)) {
            text.push_str(&keys::in_force(pack, delivery, r.label.as_ref(), key));
            in_force = Some(key.kid);
        }
        let (duration, size) = (seconds(segment.duration, r.timescale), octets(segment));
        // Writing into memory does not fail.
        let _ = write!(text, "#EXTINF:{duration},\n#EXT-X-BYTERANGE:{size}@{}\n{file}\n", segment.offset);
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// The media playlist of subtitles, `subtitles/{id}.m3u8`: WebVTT, whole. `None` where the pack has none of
/// that id.
pub fn subtitles(pack: &Pack, id: &str, delivery: &Delivery<'_>) -> Option<String> {
    let subtitle = pack.subtitles.iter().find(|subtitle| subtitle.id == id)?;
    let duration = pack.duration;
    let target = duration.value.div_ceil(u64::from(duration.timescale)).max(1);
    // Fractions of seconds want version 3.
    let mut text = head(3, target);
    let file = delivery.url(&format!("{}/", layout::SUBTITLES), &subtitle.file.path);
    let duration = seconds(duration.value, duration.timescale);
    let _ = write!(text, "#EXTINF:{duration},\n{file}\n#EXT-X-ENDLIST\n");
    Some(text)
}
