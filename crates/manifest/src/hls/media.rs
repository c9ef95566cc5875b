use super::attributes::Attributes;
use super::{VERSION, keys};
use crate::Delivery;
use crate::protection::key_of;
use crate::time::seconds;
use pack::{Pack, layout};
use std::fmt::Write as _;

/// The media playlist of a representation, `{ddd}/{id}.m3u8`; `None` where the pack has none of that
/// downloadable id, or it is too high.
pub fn media(pack: &Pack, downloadable_id: &str, delivery: &Delivery<'_>) -> Option<String> {
    let all = delivery.representations(pack);
    let r = all.into_iter().find(|r| r.downloadable_id == downloadable_id)?;
    let folder = r.path.rfind('/').and_then(|at| r.path.get(..=at)).unwrap_or_default();
    let file = delivery.url(folder, &r.path);
    let whole = |duration: u64| duration.div_ceil(u64::from(r.timescale));
    let target = r.segments.iter().map(|segment| whole(segment.duration)).max().unwrap_or(1).max(1);
    let mut text = head(VERSION, target);
    text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
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
        let (duration, size, offset) = (seconds(segment.duration, r.timescale), segment.size, segment.offset);
        // Writing into memory does not fail.
        let _ = write!(text, "#EXTINF:{duration},\n#EXT-X-BYTERANGE:{size}@{offset}\n{file}\n");
    }
    text.push_str("#EXT-X-ENDLIST\n");
    Some(text)
}

/// The media playlist of subtitles, `subtitles/{id}.m3u8`: WebVTT, whole. `None` where the pack has none of that
/// id.
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

fn head(version: u32, target: u64) -> String {
    format!(
        "#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
    )
}
