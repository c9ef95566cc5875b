//! Which representations are alternatives of each other, and what tracks are called.

use pack::{AudioRole, MediaType, Representation, SubtitleRole};

/// Representations between which a player may switch freely: of one track, one codec, one dynamic range and
/// one set of keys.
pub(crate) struct Alternatives<'a> {
    /// At least one.
    pub(crate) all: Vec<&'a Representation>,
}

impl<'a> Alternatives<'a> {
    /// In the order of their first representations.
    pub(crate) fn of(representations: &[&'a Representation]) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for &r in representations {
            let fits = |other: &Self| {
                let same = |o: &&Representation| {
                    (&o.group, family(o), range(o), &o.label, o.media_type)
                        == (&r.group, family(r), range(r), &r.label, r.media_type)
                };
                other.all.iter().all(same)
            };
            match found.iter_mut().find(|other| fits(other)) {
                Some(alternatives) => alternatives.all.push(r),
                None => found.push(Self { all: vec![r] }),
            }
        }
        found
    }
}

/// Representations of one kind, by track (`group`).
pub(crate) fn tracks<'a>(all: &[&'a Representation], kind: MediaType) -> Vec<Vec<&'a Representation>> {
    let mut found: Vec<Vec<&Representation>> = Vec::new();
    for &r in all.iter().filter(|r| r.media_type == kind) {
        match found.iter_mut().find(|track| track.iter().all(|other| other.group == r.group)) {
            Some(track) => track.push(r),
            None => found.push(vec![r]),
        }
    }
    found
}

/// The codec without its profile: `avc1` of `avc1.64001F` (RFC 6381).
pub(crate) fn family(r: &Representation) -> &str {
    r.codecs.split('.').next().unwrap_or_default()
}

/// The dynamic range of pictures: `SDR`, `PQ` or `HLG`; `None` of sound.
pub(crate) fn range(r: &Representation) -> Option<&str> {
    r.video.as_ref().map(|video| video.video_range.as_str())
}

/// Whether every player shows them: H.264 that is not HDR.
pub(crate) fn is_for_all(r: &Representation) -> bool {
    matches!(family(r), "avc1" | "avc3") && range(r) == Some("SDR")
}

/// A language tag, where the language is known.
pub(crate) fn language(tag: &str) -> Option<&str> {
    (tag != "und").then_some(tag)
}

/// The name of a track for people: what it is called, or language and role.
pub(crate) fn audio_name(r: &Representation) -> String {
    let audio = r.audio.as_ref();
    let role = audio.map(|audio| audio.role).unwrap_or_default();
    let role = (role != AudioRole::Main).then(|| role.to_string());
    name(audio.and_then(|audio| audio.label.as_deref()), &r.language, role.as_deref())
}

/// As [`audio_name`], of subtitles.
pub(crate) fn subtitle_name(subtitle: &pack::Subtitle) -> String {
    let role = (subtitle.role != SubtitleRole::Subtitle).then(|| subtitle.role.to_string());
    name(subtitle.label.as_deref(), &subtitle.language, role.as_deref())
}

fn name(label: Option<&str>, language: &str, role: Option<&str>) -> String {
    match (label, role) {
        (Some(label), _) => label.to_owned(),
        (None, Some(role)) => format!("{language} ({role})"),
        (None, None) => language.to_owned(),
    }
}
