//! A small checker of playlists: rules of RFC 8216bis that players stumble over.

use std::collections::{BTreeMap, BTreeSet};

/// A media segment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Segment {
    pub(crate) duration: f64,
    /// Offset and length; none: the whole file.
    pub(crate) range: Option<(u64, u64)>,
    pub(crate) uri: String,
    /// The `EXT-X-KEY` lines in force.
    pub(crate) keys: Vec<BTreeMap<String, String>>,
}

/// A media playlist that keeps to the rules.
#[derive(Debug, Default)]
pub(crate) struct Media {
    pub(crate) version: u32,
    pub(crate) i_frames: bool,
    pub(crate) map: Option<(String, (u64, u64))>,
    pub(crate) segments: Vec<Segment>,
}

/// `NAME=value,NAME="quoted, value"` (section 4.2); names stand once.
pub(crate) fn attributes(list: &str) -> BTreeMap<String, String> {
    let (mut found, mut rest) = (BTreeMap::new(), list);
    while !rest.is_empty() {
        let (name, value) = rest.split_once('=').unwrap_or_else(|| panic!("no attribute: {rest}"));
        assert!(name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-'), "{name}");
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or_else(|| panic!("no end of quotes: {rest}")),
            None => value.split_at(value.find(',').unwrap_or(value.len())),
        };
        assert!(!value.is_empty(), "an empty value: {rest}");
        assert!(found.insert(name.to_owned(), value.to_owned()).is_none(), "{name} twice");
        rest = after.strip_prefix(',').unwrap_or_else(|| {
            assert!(after.is_empty(), "no comma: {after}");
            ""
        });
    }
    found
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    assert!(text.starts_with("#EXTM3U\n"), "4.4.1.1: the first line");
    assert!(text.ends_with('\n') && !text.contains('\r') && !text.starts_with('\u{feff}'));
    text.lines().skip(1).inspect(|line| assert!(!line.trim().is_empty() && line.trim() == *line, "{line:?}"))
}

fn range(text: &str) -> (u64, u64) {
    let (length, offset) = text.split_once('@').expect("an offset");
    (offset.parse().unwrap(), length.parse().unwrap())
}

/// Reads a media playlist of a whole film. Ranges are contiguous, and lie in files of `size`.
pub(crate) fn media(text: &str, size: u64) -> Media {
    let mut found = Media::default();
    let (mut target, mut ended, mut vod, mut independent) = (None, false, false, false);
    let (mut duration, mut bytes) = (None, None);
    let (mut keys, mut key_run): (Vec<BTreeMap<_, _>>, bool) = (Vec::new(), false);
    let mut needs = 1;
    for line in lines(text) {
        assert!(!ended, "nothing follows EXT-X-ENDLIST here");
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        if tag != "#EXT-X-KEY" {
            key_run = false;
        }
        match tag {
            "#EXT-X-VERSION" => {
                assert_eq!(found.version, 0, "4.4.1.2: once");
                found.version = value.parse().unwrap();
            }
            "#EXT-X-TARGETDURATION" => assert!(target.replace(value.parse::<u64>().unwrap()).is_none()),
            "#EXT-X-MEDIA-SEQUENCE" => assert!(found.segments.is_empty() && value == "0"),
            "#EXT-X-PLAYLIST-TYPE" => vod = value == "VOD",
            "#EXT-X-INDEPENDENT-SEGMENTS" => independent = true,
            "#EXT-X-I-FRAMES-ONLY" => {
                needs = needs.max(4);
                found.i_frames = true;
            }
            "#EXT-X-MAP" => {
                let map = attributes(value);
                needs = needs.max(6);
                found.map = Some((map["URI"].clone(), range(&map["BYTERANGE"])));
            }
            "#EXT-X-KEY" => {
                let key = attributes(value);
                assert!(
                    ["SAMPLE-AES", "SAMPLE-AES-CTR"].contains(&key["METHOD"].as_str())
                        && key.contains_key("URI")
                );
                if key.contains_key("KEYFORMAT") || key.contains_key("KEYFORMATVERSIONS") {
                    needs = needs.max(5);
                }
                if !key_run {
                    keys.clear();
                }
                key_run = true;
                assert!(
                    keys.iter().all(|other| other["KEYFORMAT"] != key["KEYFORMAT"]),
                    "4.4.4.4: one of a format"
                );
                keys.push(key);
            }
            "#EXTINF" => {
                let number = value.strip_suffix(',').expect("4.4.4.1: a comma");
                if number.contains('.') {
                    needs = needs.max(3);
                }
                duration = Some(number.parse::<f64>().unwrap());
            }
            "#EXT-X-BYTERANGE" => {
                needs = needs.max(4);
                bytes = Some(range(value));
            }
            "#EXT-X-ENDLIST" => ended = true,
            uri => {
                assert!(!uri.starts_with('#'), "an unknown tag: {uri}");
                let duration = duration.take().expect("4.4.4.1: each segment has an EXTINF");
                assert!(duration > 0.0 && duration <= target.expect("4.4.3.1") as f64, "{duration}");
                let bytes = bytes.take();
                if let Some((offset, length)) = bytes {
                    assert!(length > 0 && offset + length <= size, "{offset}+{length} of {size}");
                    if let Some(Segment { range: Some((before, many)), uri: file, .. }) =
                        found.segments.last()
                    {
                        let follows =
                            if found.i_frames { before + many <= offset } else { before + many == offset };
                        assert!(file != uri || follows, "in order, and of whole segments without a gap");
                    }
                }
                found.segments.push(Segment {
                    duration,
                    range: bytes,
                    uri: uri.to_owned(),
                    keys: keys.clone(),
                });
            }
        }
    }
    assert!(ended && vod && target.is_some() && !found.segments.is_empty());
    assert!(found.version >= needs, "8: version {} where {needs} is needed", found.version);
    assert!(
        found.map.is_none() || independent || found.i_frames,
        "segments begin with sync samples, and that is said"
    );
    if let (Some((file, (offset, length))), Some(first)) = (&found.map, found.segments.first()) {
        assert!(*file == first.uri && *offset == 0 && *length > 0);
        assert!(first.range.is_some_and(|(begin, _)| begin >= offset + length));
    }
    found
}

/// A multivariant playlist that keeps to the rules.
#[derive(Debug, Default)]
pub(crate) struct Master {
    pub(crate) variants: Vec<(BTreeMap<String, String>, String)>,
    pub(crate) renditions: Vec<BTreeMap<String, String>>,
    pub(crate) session_keys: Vec<BTreeMap<String, String>>,
    pub(crate) i_frames: Vec<BTreeMap<String, String>>,
    pub(crate) steering: Option<BTreeMap<String, String>>,
}

pub(crate) fn master(text: &str) -> Master {
    let (mut found, mut version, mut stream) = (Master::default(), 1, None);
    for line in lines(text) {
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        assert!(stream.is_none() || !tag.starts_with('#'), "4.4.6.2: the URI follows at once");
        match tag {
            "#EXT-X-VERSION" => version = value.parse().unwrap(),
            "#EXT-X-INDEPENDENT-SEGMENTS" => {}
            "#EXT-X-STREAM-INF" => stream = Some(attributes(value)),
            "#EXT-X-MEDIA" => found.renditions.push(attributes(value)),
            "#EXT-X-I-FRAME-STREAM-INF" => found.i_frames.push(attributes(value)),
            "#EXT-X-CONTENT-STEERING" => {
                let tag = attributes(value);
                assert!(tag.contains_key("SERVER-URI"), "4.4.6.6");
                assert!(found.steering.replace(tag).is_none(), "4.4.6.6: once");
            }
            "#EXT-X-SESSION-DATA" => {
                let data = attributes(value);
                assert!(
                    data.contains_key("DATA-ID") && data.contains_key("VALUE") != data.contains_key("URI")
                );
            }
            "#EXT-X-SESSION-KEY" => {
                assert!(version >= 5);
                found.session_keys.push(attributes(value));
            }
            uri => {
                assert!(!uri.starts_with('#'), "an unknown tag: {uri}");
                found.variants.push((stream.take().expect("a variant"), line.to_owned()));
            }
        }
    }
    let Master { variants, renditions, session_keys, i_frames, steering } = &found;
    if let Some(first) = steering.as_ref().and_then(|tag| tag.get("PATHWAY-ID")) {
        let is_there = variants.iter().any(|(variant, _)| variant.get("PATHWAY-ID") == Some(first));
        assert!(is_there, "4.4.6.6: the pathway to begin with has variants");
    }
    for pictures in i_frames {
        let number = |name: &str| pictures[name].parse::<u64>().unwrap();
        assert!(number("BANDWIDTH") >= number("AVERAGE-BANDWIDTH") && number("AVERAGE-BANDWIDTH") > 0);
        assert!(pictures.contains_key("URI"), "4.4.6.3: the URI is an attribute");
        let absent = ["FRAME-RATE", "AUDIO", "SUBTITLES", "CLOSED-CAPTIONS"];
        assert!(absent.iter().all(|name| !pictures.contains_key(*name)), "4.4.6.3: not of pictures alone");
    }
    assert!(!variants.is_empty() && stream.is_none());
    for (variant, _) in variants {
        let number = |name: &str| variant[name].parse::<u64>().unwrap();
        assert!(number("BANDWIDTH") >= number("AVERAGE-BANDWIDTH") && number("AVERAGE-BANDWIDTH") > 0);
        assert!(variant.contains_key("CODECS"));
        assert_eq!(variant.contains_key("RESOLUTION"), variant.contains_key("FRAME-RATE"));
        for kind in ["AUDIO", "SUBTITLES"] {
            let Some(group) = variant.get(kind) else { continue };
            let of = |r: &&BTreeMap<String, String>| r["TYPE"] == kind && r["GROUP-ID"] == *group;
            assert!(renditions.iter().any(|r| of(&r)), "4.4.6.2: the group {group} is there");
        }
    }
    let (mut names, mut defaults, mut chosen) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for r in renditions {
        let group = (r["TYPE"].clone(), r["GROUP-ID"].clone());
        assert!(names.insert((group.clone(), r["NAME"].clone())), "4.4.6.1.1: names differ");
        let automatic = r["AUTOSELECT"] == "YES";
        if r["DEFAULT"] == "YES" {
            assert!(automatic && defaults.insert(group.clone()), "4.4.6.1.1: one default");
        }
        assert!(r["TYPE"] == "SUBTITLES" || !r.contains_key("FORCED"), "FORCED is of subtitles");
        let kind =
            (group, r.get("LANGUAGE").cloned(), r.get("CHARACTERISTICS").cloned(), r.get("FORCED").cloned());
        assert!(!automatic || chosen.insert(kind), "4.4.6.1.1: what is chosen automatically is distinct");
    }
    let keys: BTreeSet<_> = session_keys.iter().map(|key| (&key["URI"], &key["KEYFORMAT"])).collect();
    assert_eq!(keys.len(), session_keys.len(), "4.4.6.4: none twice");
    found
}

/// The checker finds what it is for.
#[test]
fn broken_playlists_are_found() {
    let good = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n\
                #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"a\",BYTERANGE=\"9@0\"\n#EXTINF:4.0,\n#EXT-X-BYTERANGE:5@9\na\n\
                #EXTINF:4.0,\n#EXT-X-BYTERANGE:5@14\na\n#EXT-X-ENDLIST\n";
    assert_eq!(media(good, 19).segments.len(), 2);
    for (from, to) in [
        ("#EXTM3U\n", ""),
        ("VERSION:6", "VERSION:5"),
        ("DURATION:4", "DURATION:3"),
        ("5@14", "5@15"),
        ("5@14", "6@14"),
        ("#EXT-X-ENDLIST\n", ""),
        ("#EXT-X-BYTERANGE:5@9\na", "#EXT-X-BYTERANGE:5@8\na"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        assert!(std::panic::catch_unwind(|| media(&bad, 19)).is_err(), "{from} to {to}");
    }
}
