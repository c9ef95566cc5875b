//! `stream.mpd`: ISO/IEC 23009-1, on-demand profile; thumbnails and content protection as DASH-IF has them
//! (IOP, 6.2.6 and part 6; content protection schemes, <https://dashif.org/CPS>).

use crate::protection::{self, System};
use crate::time::{bandwidth, seconds};
use crate::track::{Alternatives, language, range};
use crate::xml::{Tag, Xml};
use crate::{Delivery, Steering};
use pack::{
    AudioRole, MediaType, Pack, Representation, Scheme, Subtitle, SubtitleRole, SystemId, Thumbnails, layout,
};

/// The protection scheme of ISO/IEC 23001-7 in ISO/IEC 23009-1, 5.8.5.2.
const MP4_PROTECTION: &str = "urn:mpeg:dash:mp4protection:2011";
/// ClearKey of W3C's Encrypted Media Extensions, as DASH-IF registers it.
const CLEAR_KEY: &str = "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e";
const ROLE: &str = "urn:mpeg:dash:role:2011";

/// The media presentation description.
pub fn mpd(pack: &Pack, delivery: &Delivery<'_>) -> String {
    let representations = delivery.representations(pack);
    let longest = representations.iter().flat_map(|r| r.segments.iter().map(|s| (s.duration, r.timescale)));
    let longest = longest
        .max_by(|(a, x), (b, y)| (u128::from(*a) * u128::from(*y)).cmp(&(u128::from(*b) * u128::from(*x))));
    let (value, timescale) = longest.unwrap_or((0, 1));
    let length = format!("PT{}S", seconds(pack.duration.value, pack.duration.timescale));
    let root = Tag::new("MPD")
        .with("xmlns", "urn:mpeg:dash:schema:mpd:2011")
        .with("xmlns:cenc", "urn:mpeg:cenc:2013")
        .maybe("xmlns:dashif", delivery.clear_key.map(|_| "https://dashif.org/CPS"))
        .with("profiles", "urn:mpeg:dash:profile:isoff-on-demand:2011")
        .with("type", "static")
        .with("mediaPresentationDuration", &length)
        .with("minBufferTime", format!("PT{}S", seconds(value, timescale)));
    let mut xml = Xml::new();
    xml.element(root, |xml| {
        xml.element(Tag::new("ProgramInformation"), |xml| xml.text(Tag::new("Title"), &pack.title));
        if let Some(Steering { server, pathways }) = delivery.steering {
            // What the server would say now, the order of the places says already.
            let tag = Tag::new("ContentSteering")
                .maybe("defaultServiceLocation", pathways.first().map(|first| &first.id))
                .with("queryBeforeStart", false);
            xml.text(tag, server);
        }
        xml.element(
            Tag::new("Period").with("id", 1).with("start", "PT0S").with("duration", &length),
            |xml| {
                let media = Alternatives::of(&representations);
                for (n, set) in media.iter().enumerate() {
                    media_set(xml, (pack, delivery), n, &media, set);
                }
                let next = media.len() + 1;
                for (n, subtitle) in pack.subtitles.iter().enumerate() {
                    text_set(xml, (pack, delivery), next + n, subtitle);
                }
                let thumbnails = pack.thumbnails.as_ref();
                if let Some(thumbnails) = thumbnails.filter(|t| delivery.sheets && !t.sheets.is_empty()) {
                    image_set(xml, delivery, next + pack.subtitles.len(), thumbnails);
                }
            },
        );
        if let Some(metadata) = delivery.drm_metadata {
            let scheme = format!("urn:uuid:{}", SystemId::MATINEE);
            xml.empty(descriptor("SupplementalProperty", &scheme, metadata));
        }
    });
    xml.finish()
}

fn descriptor(name: &'static str, scheme: &str, value: impl std::fmt::Display) -> Tag {
    Tag::new(name).with("schemeIdUri", scheme).with("value", value)
}

/// Sound or pictures: `sets` are all of them, of which this is number `n`, from 0.
fn media_set(
    xml: &mut Xml,
    (pack, delivery): (&Pack, &Delivery<'_>),
    n: usize,
    sets: &[Alternatives<'_>],
    set: &Alternatives<'_>,
) {
    let Some(first) = set.all.first() else { return };
    let audio = first.audio.as_ref();
    let sizes = || set.all.iter().filter_map(|r| r.video.as_ref());
    let tag = Tag::new("AdaptationSet")
        .with("id", n + 1)
        .with("contentType", first.media_type)
        .with("mimeType", &first.mime_type)
        .maybe("lang", language(&first.language).filter(|_| first.media_type == MediaType::Audio))
        .maybe("maxWidth", sizes().map(|video| video.width).max())
        .maybe("maxHeight", sizes().map(|video| video.height).max())
        .maybe("selectionPriority", audio.filter(|audio| audio.default).map(|_| 2))
        .with("subsegmentAlignment", true)
        .with("subsegmentStartsWithSAP", 1);
    // Other codecs or keys of the same track.
    let other = |(m, other): (usize, &Alternatives<'_>)| {
        // From HDR to SDR and back is no switch that a viewer would not see.
        let like = |r: &&Representation| {
            (&r.group, r.media_type, range(r)) == (&first.group, first.media_type, range(first))
        };
        let same = other.all.iter().all(like);
        (m != n && same).then(|| (m + 1).to_string())
    };
    let others: Vec<_> = sets.iter().enumerate().filter_map(other).collect();
    xml.element(tag, |xml| {
        if pack.scheme != Scheme::None {
            content_protection(xml, (pack, delivery), first);
        }
        transfer(xml, first);
        if !others.is_empty() {
            let scheme = "urn:mpeg:dash:adaptation-set-switching:2016";
            xml.empty(descriptor("SupplementalProperty", scheme, others.join(",")));
        }
        if let Some(label) = audio.and_then(|audio| audio.label.as_deref()) {
            xml.text(Tag::new("Label"), label);
        }
        match audio {
            None => xml.empty(descriptor("Role", ROLE, "main")),
            Some(audio) => {
                if audio.role == AudioRole::Description {
                    // For people who do not see (ETSI TS 102 822-3-1, table of audio purposes).
                    let scheme = "urn:tva:metadata:cs:AudioPurposeCS:2007";
                    xml.empty(descriptor("Accessibility", scheme, 1));
                }
                xml.empty(descriptor("Role", ROLE, audio.role));
            }
        }
        set.all.iter().for_each(|r| representation(xml, delivery, r));
    });
}

/// HDR, by the codes of ISO/IEC 23091-2. Pictures in PQ look wrong to who does not know it, so that players
/// who do not are to leave them alone (ISO/IEC 23009-1, 5.8.4.8); HLG is made to be shown by all.
fn transfer(xml: &mut Xml, r: &Representation) {
    let (property, code) = match range(r) {
        Some("PQ") => ("EssentialProperty", 16),
        Some("HLG") => ("SupplementalProperty", 18),
        _ => return,
    };
    xml.empty(descriptor(property, "urn:mpeg:mpegB:cicp:TransferCharacteristics", code));
}

fn representation(xml: &mut Xml, delivery: &Delivery<'_>, r: &Representation) {
    let video = r.video.as_ref();
    let rate = video.map(|video| video.frame_rate.reduced());
    let tag = Tag::new("Representation")
        .with("id", &r.id)
        .with("codecs", &r.codecs)
        .with("bandwidth", r.peak_bandwidth)
        .maybe("width", video.map(|video| video.width))
        .maybe("height", video.map(|video| video.height))
        .maybe("frameRate", rate)
        .maybe("sar", video.map(|video| format!("{}:{}", video.sar[0], video.sar[1])))
        .maybe("audioSamplingRate", r.audio.as_ref().map(|audio| audio.sample_rate));
    xml.element(tag, |xml| {
        if let Some(configuration) = r.audio.as_ref().and_then(|audio| channels(audio.channels)) {
            let scheme = "urn:mpeg:mpegB:cicp:ChannelConfiguration";
            xml.empty(descriptor("AudioChannelConfiguration", scheme, configuration));
        }
        base_urls(xml, delivery, &r.path);
        let base = Tag::new("SegmentBase").with("timescale", r.timescale).with("indexRange", r.index_range);
        xml.element(base, |xml| xml.empty(Tag::new("Initialization").with("range", r.init_range)));
    });
}

/// Where a file can be had: whole URLs, for each has a token of its own.
fn base_urls(xml: &mut Xml, delivery: &Delivery<'_>, path: &str) {
    let Some(steering) = delivery.steering else {
        return xml.text(Tag::new("BaseURL"), &delivery.base_url(path));
    };
    for pathway in steering.pathways {
        let tag = Tag::new("BaseURL").with("serviceLocation", &pathway.id);
        xml.text(tag, &pathway.url(path));
    }
}

/// The usual loudspeakers for so many channels (ISO/IEC 23091-3, `ChannelConfiguration`).
fn channels(count: u16) -> Option<u16> {
    match count {
        1..=6 => Some(count),
        8 => Some(12),
        _ => None,
    }
}

fn content_protection(xml: &mut Xml, (pack, delivery): (&Pack, &Delivery<'_>), r: &Representation) {
    let Some(protection) = &pack.protection else { return };
    let kid = protection.keys_of(r.label.as_ref()).next().map(|key| SystemId(key.kid.0));
    let common = descriptor("ContentProtection", MP4_PROTECTION, pack.scheme);
    xml.empty(common.maybe("cenc:default_KID", kid));
    if let Some(url) = delivery.clear_key {
        xml.element(descriptor("ContentProtection", CLEAR_KEY, "ClearKey1.0"), |xml| {
            xml.text(Tag::new("dashif:Laurl").with("licenseType", "EME-1.0"), url);
        });
    }
    for System { urn, xml: given, pssh } in protection::systems(protection, r.label.as_ref()) {
        let tag = Tag::new("ContentProtection").with("schemeIdUri", urn);
        xml.element(tag, |xml| {
            if let Some(given) = given {
                xml.raw(given);
            }
            pssh.iter().for_each(|pssh| xml.text(Tag::new("cenc:pssh"), pssh));
        });
    }
}

/// WebVTT, whole.
fn text_set(xml: &mut Xml, (pack, delivery): (&Pack, &Delivery<'_>), id: usize, subtitle: &Subtitle) {
    let role = match subtitle.role {
        SubtitleRole::Subtitle => "subtitle",
        SubtitleRole::Caption => "caption",
        SubtitleRole::Forced => "forced-subtitle",
    };
    let tag = Tag::new("AdaptationSet")
        .with("id", id)
        .with("contentType", "text")
        .with("mimeType", "text/vtt")
        .maybe("lang", language(&subtitle.language))
        .maybe("selectionPriority", subtitle.default.then_some(2));
    xml.element(tag, |xml| {
        if let Some(label) = &subtitle.label {
            xml.text(Tag::new("Label"), label);
        }
        xml.empty(descriptor("Role", ROLE, role));
        if subtitle.default && subtitle.role == SubtitleRole::Subtitle {
            xml.empty(descriptor("Role", ROLE, "main"));
        }
        let duration = pack.duration;
        let rate = bandwidth(subtitle.file.size, duration.value, duration.timescale);
        xml.element(Tag::new("Representation").with("id", &subtitle.id).with("bandwidth", rate), |xml| {
            base_urls(xml, delivery, &subtitle.file.path);
        });
    });
}

/// Sheets of thumbnails: one segment each.
fn image_set(xml: &mut Xml, delivery: &Delivery<'_>, id: usize, thumbnails: &Thumbnails) {
    let Thumbnails { interval, columns, rows, width, height, .. } = *thumbnails;
    let duration = u64::from(interval) * u64::from(columns) * u64::from(rows);
    let largest = thumbnails.sheets.iter().map(|sheet| sheet.size).max().unwrap_or_default();
    // One token for the folder, for `$Number$` stands for names that each would need one.
    let query = (delivery.query)(&format!("{}/", layout::THUMBNAILS));
    let query = if query.is_empty() { query } else { format!("?{}", query.replace('$', "$$")) };
    let tag =
        Tag::new("AdaptationSet").with("id", id).with("contentType", "image").with("mimeType", "image/jpeg");
    xml.element(tag, |xml| {
        let template = Tag::new("SegmentTemplate")
            .with("media", format!("{}/$Number$.jpg{query}", layout::THUMBNAILS))
            .with("timescale", 1000)
            .with("duration", duration)
            .with("startNumber", 1);
        xml.empty(template);
        let representation = Tag::new("Representation")
            .with("id", "thumbnails")
            .with("bandwidth", bandwidth(largest, duration, 1000))
            .with("width", u64::from(width) * u64::from(columns))
            .with("height", u64::from(height) * u64::from(rows));
        xml.element(representation, |xml| {
            let scheme = "http://dashif.org/guidelines/thumbnail_tile";
            xml.empty(descriptor("EssentialProperty", scheme, format!("{columns}x{rows}")));
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loudspeakers() {
        assert_eq!([1, 2, 6, 7, 8].map(channels), [Some(1), Some(2), Some(6), None, Some(12)]);
    }
}
