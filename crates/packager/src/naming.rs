//! Names that follow from content: the pack id and language tags (docs/protocol.md, section 9).

use ciborium::Value;
use isolang::Language;
use pack::{LAYOUT_VERSION, Level, PackProtection, PackSystem, Scheme, deterministic_cbor};
use sha2::{Digest, Sha256};

use crate::extras::Extras;

/// Everything that changes a byte of a pack.
#[derive(Debug, Clone)]
pub(crate) struct PackInputs<'a> {
    /// Of each representation: its id, SHA-256 of its source file and the track's id in it.
    pub(crate) sources: Vec<(&'a str, [u8; 32], u32)>,
    pub(crate) scheme: Scheme,
    pub(crate) level: Level,
    /// Target length of segments in milliseconds.
    pub(crate) segment: u64,
    pub(crate) protection: Option<&'a PackProtection>,
    /// What else is told of tracks of sound that are not simply the film's: id, role, label, whether to begin
    /// with it.
    pub(crate) audio: Vec<(&'a str, String, &'a str, bool)>,
    /// Subtitles, thumbnails, chapters.
    pub(crate) extras: &'a Extras,
}

impl PackInputs<'_> {
    /// The first 16 bytes of SHA-256 over a CBOR map, as 32 hexadecimal digits.
    pub(crate) fn pack_id(&self) -> String {
        // Keys of a map in the order of their encoding: shorter first, then bytewise.
        let mut sources = self.sources.clone();
        sources.sort_by(|a, b| a.0.len().cmp(&b.0.len()).then_with(|| a.0.cmp(b.0)));
        let sources = sources.iter().map(|&(id, digest, track)| {
            (id.into(), Value::Array(vec![Value::Bytes(digest.to_vec()), track.into()]))
        });
        let (mut kids, mut names) = (Vec::new(), ["", "", ""]);
        let (mut clear_segments, mut segments_per_key) = (0, 0);
        if let Some(protection) = self.protection {
            kids = protection.keys.iter().map(|key| Value::Bytes(key.kid.0.to_vec())).collect();
            let common = protection.common_key_id.as_deref().unwrap_or_default();
            names = [protection.content_id.as_str(), common, protection.label.as_str()];
            (clear_segments, segments_per_key) = (protection.clear_segments, protection.segments_per_key);
        }
        let [content_id, common_key_id, label] = names.map(Value::from);
        let mut map = vec![
            (1.into(), LAYOUT_VERSION.into()),
            (2.into(), Value::Map(sources.collect())),
            (3.into(), self.scheme.to_string().into()),
            (4.into(), self.level.to_string().into()),
            (5.into(), self.segment.into()),
            (6.into(), clear_segments.into()),
            (7.into(), segments_per_key.into()),
            (8.into(), Value::Array(kids)),
            (9.into(), content_id),
            (10.into(), common_key_id),
            (11.into(), label),
        ];
        // What most films lack is left out, so that they keep their ids.
        let audio = self.audio.iter().map(|(id, role, label, default)| {
            Value::Array(vec![(*id).into(), role.clone().into(), (*label).into(), (*default).into()])
        });
        let more = [
            audio.collect(),
            self.extras.subtitles_id(),
            self.extras.thumbnails_id(),
            self.extras.chapters_id(),
            self.protection.iter().flat_map(|protection| &protection.systems).map(system_id).collect(),
        ];
        let present = (12..).zip(more).filter(|(_, list): &(i32, Vec<Value>)| !list.is_empty());
        map.extend(present.map(|(key, list)| (key.into(), Value::Array(list))));
        hex::encode(&Sha256::digest(deterministic_cbor(&Value::Map(map)))[..16])
    }
}

/// What the pack id says of what another system is told.
fn system_id(system: &PackSystem) -> Value {
    let pssh = system.pssh.as_ref().map(|pssh| pssh.to_box()).unwrap_or_default();
    let texts = [&system.content_protection, &system.hls_media, &system.hls_master];
    let names = [system.system_id.0.to_vec(), system.kid.0.to_vec(), pssh].map(Value::Bytes);
    let texts = texts.map(|text| Value::from(text.clone().unwrap_or_default()));
    Value::Array(names.into_iter().chain(texts).collect())
}

/// The ISO 639-2 code of a BCP 47 tag, `und` where there is none.
pub(crate) fn language_code(tag: &str) -> [u8; 3] {
    let first = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let three = match first.len() {
        2 => Language::from_639_1(&first).map(|language| language.to_639_3().to_owned()),
        3 => Some(first),
        _ => None,
    };
    three.and_then(|code| code.into_bytes().try_into().ok()).unwrap_or(*b"und")
}

/// A language tag as it is written in a pack: two letters where there are two, and the usual case.
pub(crate) fn canonical_language(tag: &str) -> String {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default().to_ascii_lowercase();
    let first = match <[u8; 3]>::try_from(first.as_bytes()) {
        Ok(code) => language_tag(code),
        Err(_) => first,
    };
    parts.fold(first, |mut tag, part| {
        let lower = part.to_ascii_lowercase();
        tag.push('-');
        match part.len() {
            2 => tag += &lower.to_ascii_uppercase(),
            4 if part.bytes().all(|b| b.is_ascii_alphabetic()) => {
                tag += &lower[..1].to_ascii_uppercase();
                tag += &lower[1..];
            }
            _ => tag += &lower,
        }
        tag
    })
}

/// The BCP 47 tag of an ISO 639-2 code: two letters where there are two.
pub(crate) fn language_tag(code: [u8; 3]) -> String {
    // The bibliographic codes of ISO 639-2, which differ from those of ISO 639-3.
    let terminology = match &code {
        b"alb" => "sqi",
        b"arm" => "hye",
        b"baq" => "eus",
        b"bur" => "mya",
        b"chi" => "zho",
        b"cze" => "ces",
        b"dut" => "nld",
        b"fre" => "fra",
        b"geo" => "kat",
        b"ger" => "deu",
        b"gre" => "ell",
        b"ice" => "isl",
        b"mac" => "mkd",
        b"mao" => "mri",
        b"may" => "msa",
        b"per" => "fas",
        b"rum" => "ron",
        b"slo" => "slk",
        b"tib" => "bod",
        b"wel" => "cym",
        other => std::str::from_utf8(other).unwrap_or("und"),
    };
    Language::from_639_3(terminology)
        .and_then(|language| language.to_639_1())
        .unwrap_or(terminology)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages() {
        assert_eq!(
            [*b"eng", *b"ger", *b"deu", *b"und", *b"haw"].map(language_tag),
            ["en", "de", "de", "und", "haw"]
        );
        assert_eq!(
            ["de", "DE-at", "zh-hant-tw", "haw", "und", "x-private"].map(language_code),
            [*b"deu", *b"deu", *b"zho", *b"haw", *b"und", *b"und"]
        );
        assert_eq!(
            ["DE", "ger-at", "ZH-hant-tw", "eng", "de-1996"].map(canonical_language),
            ["de", "de-AT", "zh-Hant-TW", "en", "de-1996"]
        );
    }

    /// A changed input changes the id; the order of the representations does not.
    #[test]
    fn pack_id_covers_its_inputs() {
        let inputs = PackInputs {
            sources: vec![("v240-100", [1; 32], 1), ("a-en-1", [1; 32], 2)],
            scheme: Scheme::None,
            level: Level::High,
            segment: 4000,
            protection: None,
            audio: Vec::new(),
            extras: &Extras::default(),
        };
        // The CBOR map written out by hand, hashed with Python's hashlib.
        assert_eq!(inputs.pack_id(), "8e06bcb9de7cf02a1add0e87ae9cac56");
        let swapped =
            PackInputs { sources: inputs.sources.iter().rev().copied().collect(), ..inputs.clone() };
        assert_eq!(swapped.pack_id(), inputs.pack_id());
        for changed in [
            PackInputs { scheme: Scheme::Cenc, ..inputs.clone() },
            PackInputs { level: Level::Low, ..inputs.clone() },
            PackInputs { segment: 4001, ..inputs.clone() },
            PackInputs { sources: vec![("v240-100", [2; 32], 1), ("a-en-1", [1; 32], 2)], ..inputs.clone() },
            PackInputs { sources: vec![("v240-100", [1; 32], 1), ("a-en-1", [1; 32], 3)], ..inputs.clone() },
            PackInputs { audio: vec![("a-en-1", "dub".to_owned(), "", true)], ..inputs.clone() },
        ] {
            assert_ne!(changed.pack_id(), inputs.pack_id());
        }
    }
}
