//! What names applications, events, their sessions and their streams.

use std::fmt;
use std::str::FromStr;

/// Longest name of an application or event.
const MAX_NAME: usize = 64;

/// The name of an application or of an event: 1 to 64 letters, digits, `-` and `_`. It is a part of paths, on
/// disk and in URLs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        match (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(plain) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidName),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that cannot be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 64 letters, digits, - and _")]
pub struct InvalidName;

/// One session of an event, drawn at random: its 16 bytes are in the IVs of everything that is encrypted in
/// it and name the film that comes of it; the first four name it in URLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 16]);

impl SessionId {
    /// Eight hexadecimal digits, as in URLs.
    pub fn short(&self) -> String {
        hex::encode(&self.0[..4])
    }
}

/// All 32 hexadecimal digits.
impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for SessionId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let mut id = [0; 16];
        hex::decode_to_slice(text, &mut id).map_err(|_| InvalidName)?;
        Ok(Self(id))
    }
}

/// Which track a request of an encoder is about, by the last part of its path: segments of a track belong to
/// the header that was sent under a similar name (`init-stream0.m4s`, `chunk-stream0-00001.m4s`). What stays
/// of a name are its parts without the words that tell headers from segments, and of a segment without its
/// number.
pub fn track_name(path: &str) -> String {
    const WORDS: [&str; 8] = ["init", "header", "chunk", "seg", "segment", "fragment", "media", "part"];
    let file = path.rsplit('/').find(|part| !part.is_empty()).unwrap_or_default();
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let parts: Vec<&str> =
        stem.split(|c: char| !c.is_ascii_alphanumeric()).filter(|p| !p.is_empty()).collect();
    let is_header = parts.iter().any(|part| matches!(part.to_ascii_lowercase().as_str(), "init" | "header"));
    let mut kept: Vec<&str> = parts.clone();
    let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !is_header && kept.len() > 1 && kept.last().is_some_and(|last| is_number(last)) {
        kept.pop();
    }
    kept.retain(|part| !WORDS.contains(&part.to_ascii_lowercase().as_str()));
    kept.join("-")
}

/// The name of the header that a segment belongs to, among those that were sent; all are [`track_name`]s. It
/// is the same, or the one at the beginning or the end of the segment's, or the only one that there is.
pub fn header_of<'a>(headers: &[&'a str], segment: &str) -> Option<&'a str> {
    let only = |fits: &dyn Fn(&str) -> bool| {
        let mut fitting = headers.iter().copied().filter(|name| fits(name));
        fitting.next().filter(|_| fitting.next().is_none())
    };
    let without_number = |name: &str| {
        let rest = segment.strip_prefix(name);
        !name.is_empty() && rest.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
    };
    only(&|name| name == segment)
        .or_else(|| only(&without_number))
        .or_else(|| only(&|name| !name.is_empty() && segment.ends_with(&format!("-{name}"))))
        .or_else(|| only(&|_| true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parts_of_paths() {
        for good in ["a", "live", "school-1_B", &"x".repeat(64)] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a b", "ä", "a.b", "a?b", &"x".repeat(65)] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
        let id = SessionId([0xab; 16]);
        assert_eq!((id.short().as_str(), id.to_string().parse()), ("abababab", Ok(id)));
        assert!("abab".parse::<SessionId>().is_err());
    }

    /// What ffmpeg and the standard's examples send.
    #[test]
    fn segments_find_their_headers() {
        for (headers, segment, expected) in [
            (&["init-stream0.m4s", "init-stream1.m4s"][..], "chunk-stream1-00007.m4s", Some("stream1")),
            (&["init.mp4"], "live17.m4s", Some("")),
            (&["init_0.mp4", "init_1.mp4"], "live_1_17.m4s", Some("1")),
            (&["video-init.mp4", "audio-init.mp4"], "audio17.m4s", Some("audio")),
            (&["v/init.mp4"], "v/00017.m4s", Some("")),
            (&["init-a.mp4", "init-b.mp4"], "c-1.m4s", None),
            (&[], "c-1.m4s", None),
        ] {
            let names: Vec<_> = headers.iter().map(|name| track_name(name)).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            assert_eq!(header_of(&names, &track_name(segment)), expected, "{segment}");
        }
        assert_ne!(track_name("init-stream0.m4s"), track_name("init-stream1.m4s"));
        assert_eq!(track_name("/v.cmfv"), "v");
        assert_eq!(track_name("Streams(video1.cmfv)"), "Streams-video1");
        assert_eq!(track_name(""), "");
    }
}
