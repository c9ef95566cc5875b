//! The id of a pack, which follows from everything that changes a byte of its media files (docs/protocol.md,
//! section 9).

use ciborium::Value;
use sha2::{Digest, Sha256};

use crate::{
    AudioProperties, AudioRole, Chapter, LAYOUT_VERSION, Level, PackProtection, PackSystem, Scheme, Subtitle,
    Thumbnails, deterministic_cbor,
};

/// Everything that changes a byte of a pack.
#[derive(Debug, Clone)]
pub struct PackInputs<'a> {
    /// Of each representation: its id, SHA-256 of its source file and the track's id in it.
    pub sources: Vec<(&'a str, [u8; 32], u32)>,
    /// How samples are encrypted.
    pub scheme: Scheme,
    /// Which samples are encrypted.
    pub level: Level,
    /// Target length of segments in milliseconds.
    pub segment: u64,
    /// The keys' names.
    pub protection: Option<&'a PackProtection>,
    /// The tracks of sound, in order: each with its representation's id.
    pub audio: Vec<(&'a str, &'a AudioProperties)>,
    /// Subtitles, in order.
    pub subtitles: &'a [Subtitle],
    /// Thumbnails.
    pub thumbnails: Option<&'a Thumbnails>,
    /// Chapters, in order.
    pub chapters: &'a [Chapter],
}

impl PackInputs<'_> {
    /// The first 16 bytes of SHA-256 over a CBOR map, as 32 hexadecimal digits.
    pub fn pack_id(&self) -> String {
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
        let more = [
            self.told_audio().collect(),
            self.subtitles.iter().map(subtitle).collect(),
            self.thumbnails.map(thumbnails).unwrap_or_default(),
            self.chapters.iter().map(chapter).collect(),
            self.protection.iter().flat_map(|protection| &protection.systems).map(system).collect(),
            self.told_bits().collect(),
        ];
        let present = (12..).zip(more).filter(|(_, list): &(i32, Vec<Value>)| !list.is_empty());
        map.extend(present.map(|(key, list)| (key.into(), Value::Array(list))));
        hex::encode(&Sha256::digest(deterministic_cbor(&Value::Map(map)))[..16])
    }

    /// What is told of tracks of sound beyond that they are the film's, and the first is the default.
    fn told_audio(&self) -> impl Iterator<Item = Value> {
        self.audio.iter().enumerate().filter_map(|(number, (id, audio))| {
            let plain =
                audio.role == AudioRole::Main && audio.label.is_none() && audio.default == (number == 0);
            let label = audio.label.as_deref().unwrap_or_default();
            let told = [(*id).into(), audio.role.to_string().into(), label.into(), audio.default.into()];
            (!plain).then(|| Value::Array(told.to_vec()))
        })
    }

    /// The bits of samples, where they are not 16.
    fn told_bits(&self) -> impl Iterator<Item = Value> {
        self.audio.iter().filter_map(|(id, audio)| {
            let bits = audio.bits?;
            Some(Value::Array(vec![(*id).into(), u32::from(bits).into()]))
        })
    }
}

fn digest(sha256: &str) -> Value {
    Value::Bytes(hex::decode(sha256).unwrap_or_default())
}

fn subtitle(s: &Subtitle) -> Value {
    let label = s.label.clone().unwrap_or_default();
    let (role, digest) = (s.role.to_string(), digest(&s.file.sha256));
    Value::Array(vec![s.id.clone().into(), role.into(), label.into(), s.default.into(), digest])
}

/// The digests of their files.
fn thumbnails(thumbnails: &Thumbnails) -> Vec<Value> {
    let files = [&thumbnails.bif].into_iter().chain(&thumbnails.sheets).chain(&thumbnails.sheet_index);
    files.map(|file| digest(&file.sha256)).collect()
}

fn chapter(c: &Chapter) -> Value {
    Value::Array(vec![c.start.into(), c.title.clone().into()])
}

/// What another system is told.
fn system(system: &PackSystem) -> Value {
    let pssh = system.pssh.as_ref().map(|pssh| pssh.to_box()).unwrap_or_default();
    let texts = [&system.content_protection, &system.hls_media, &system.hls_master];
    let names = [system.system_id.0.to_vec(), system.kid.0.to_vec(), pssh].map(Value::Bytes);
    let texts = texts.map(|text| Value::from(text.clone().unwrap_or_default()));
    Value::Array(names.into_iter().chain(texts).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(role: AudioRole, default: bool) -> AudioProperties {
        AudioProperties { sample_rate: 48_000, channels: 2, default, role, label: None, bits: None }
    }

    /// A changed input changes the id; the order of the representations does not, nor does plain sound.
    #[test]
    fn pack_id_covers_its_inputs() {
        let inputs = PackInputs {
            sources: vec![("v240-100", [1; 32], 1), ("a-en-1", [1; 32], 2)],
            scheme: Scheme::None,
            level: Level::High,
            segment: 4000,
            protection: None,
            audio: Vec::new(),
            subtitles: &[],
            thumbnails: None,
            chapters: &[],
        };
        // The CBOR map written out by hand, hashed with Python's hashlib.
        assert_eq!(inputs.pack_id(), "8e06bcb9de7cf02a1add0e87ae9cac56");
        let swapped =
            PackInputs { sources: inputs.sources.iter().rev().copied().collect(), ..inputs.clone() };
        assert_eq!(swapped.pack_id(), inputs.pack_id());
        let (plain, dub) = (sound(AudioRole::Main, true), sound(AudioRole::Dub, true));
        let with = |audio| PackInputs { audio: vec![("a-en-1", audio)], ..inputs.clone() };
        assert_eq!(with(&plain).pack_id(), inputs.pack_id());
        let deep = AudioProperties { bits: Some(24), ..plain.clone() };
        let chapters = [Chapter { start: 0, title: "One".to_owned() }];
        for changed in [
            PackInputs { scheme: Scheme::Cenc, ..inputs.clone() },
            PackInputs { level: Level::Low, ..inputs.clone() },
            PackInputs { segment: 4001, ..inputs.clone() },
            PackInputs { sources: vec![("v240-100", [2; 32], 1), ("a-en-1", [1; 32], 2)], ..inputs.clone() },
            PackInputs { sources: vec![("v240-100", [1; 32], 1), ("a-en-1", [1; 32], 3)], ..inputs.clone() },
            PackInputs { chapters: &chapters, ..inputs.clone() },
            with(&dub),
            with(&deep),
        ] {
            assert_ne!(changed.pack_id(), inputs.pack_id());
        }
    }
}
