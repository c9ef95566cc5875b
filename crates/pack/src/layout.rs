//! Names of files in a pack, and their media types (docs/protocol.md, section 9). A pack is a folder, or what
//! stands for one in object storage: `pack.json`, `{ddd}/{id}.mp4` for each representation, `poster.jpg`
//! where there is one, `subtitles/{id}.vtt`, and `thumbnails/` with `{width}.bif`, `{n}.jpg` and
//! `sheets.vtt`.

use sha2::{Digest, Sha256};

/// Version of the file layout and of `pack.json`; part of what the pack id is made of.
pub const LAYOUT_VERSION: u32 = 1;

/// File name of a pack's description. A folder without it is no pack: it is published last.
pub const PACK_JSON: &str = "pack.json";

/// Name of the file that makes a folder with a clear film a source, of which an origin makes whatever is
/// asked for. It is written last, and says what `pack.json` says, and from what the film was made.
pub const SOURCE_JSON: &str = "source.json";

/// File name of content keys that were given, sealed by the site: the server puts it into the pack.
pub const SEALED_KEYS: &str = "keys.sealed";

/// File name of a pack's poster.
pub const POSTER: &str = "poster.jpg";

/// Folder of subtitles in a pack.
pub const SUBTITLES: &str = "subtitles";

/// Folder of thumbnails in a pack.
pub const THUMBNAILS: &str = "thumbnails";

/// Longest name of a file without its extension, and longest language tag.
const MAX_NAME: usize = 64;
const MAX_LANGUAGE: usize = 35;

/// Longest pack id. The packager's have 32 digits.
const MAX_PACK_ID: usize = 64;

/// Digits of a downloadable id.
const DOWNLOADABLE_DIGITS: usize = 10;

/// Longest extension of a file.
const MAX_EXTENSION: usize = 8;

/// Whether a text can be a pack's id, and so the name of its folder and a part of URLs: 1 to 64 letters,
/// digits, `-` and `_`.
pub fn is_pack_id(text: &str) -> bool {
    (1..=MAX_PACK_ID).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Whether a text can be a downloadable id: ten digits.
pub fn is_downloadable_id(text: &str) -> bool {
    text.len() == DOWNLOADABLE_DIGITS && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a text can be the extension of a media file: 1 to 8 letters and digits.
pub fn is_extension(text: &str) -> bool {
    (1..=MAX_EXTENSION).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Whether a text can be the name of a picture in a pack: letters, digits, `.`, `-` and `_`, and no `.`
/// first.
pub fn is_picture(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('.')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

/// The downloadable id of a representation, ten decimal digits: the first 8 bytes of SHA-256(pack id ‖
/// representation id), both as text, as a big-endian number modulo 10^10.
pub fn downloadable_id(pack_id: &str, representation_id: &str) -> String {
    let digest = Sha256::new().chain_update(pack_id).chain_update(representation_id).finalize();
    let number = digest.iter().take(8).fold(0u64, |value, &byte| value << 8 | u64::from(byte));
    format!("{:010}", number % 10_000_000_000)
}

/// Where a representation's file lies in the pack: `{last three digits}/{id}.{extension}`.
pub fn media_path(downloadable_id: &str, extension: &str) -> String {
    let folder = &downloadable_id[downloadable_id.len().saturating_sub(3)..];
    format!("{folder}/{downloadable_id}.{extension}")
}

/// Whether a text can be the name of a file in one of a pack's folders, without its extension: 1 to 64
/// letters, digits and `-`.
pub fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whether a text has the form of a language tag (BCP 47): parts of 1 to 8 letters and digits, the first
/// letters alone.
pub fn is_language(text: &str) -> bool {
    let first = text.split('-').next().unwrap_or_default();
    let good = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    text.len() <= MAX_LANGUAGE
        && (2..=8).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_alphabetic())
        && text.split('-').all(good)
}

/// Whether a text can be what people call a track or a chapter: 1 to 200 octets without control characters.
pub fn is_label(text: &str) -> bool {
    (1..=200).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Where a subtitle track lies in the pack.
pub fn subtitle_path(id: &str) -> String {
    format!("{SUBTITLES}/{id}.vtt")
}

/// Where all thumbnails lie in the pack, as one BIF file.
pub fn bif_path(width: u32) -> String {
    format!("{THUMBNAILS}/{width}.bif")
}

/// Where a sheet of thumbnails lies in the pack, `number` from 1.
pub fn sheet_path(number: usize) -> String {
    format!("{THUMBNAILS}/{number}.jpg")
}

/// Where it lies which thumbnail is on which sheet.
pub fn sheet_index_path() -> String {
    format!("{THUMBNAILS}/sheets.vtt")
}

/// A file of the form of a film whose segments are encrypted whole: each is a file of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WholePart {
    /// The init segment, clear: `{ddd}/{id}.init.mp4`.
    Init,
    /// A segment, by its number from 0: `{ddd}/{id}.{number}.m4s`.
    Segment(u32),
}

impl WholePart {
    /// Where it lies, of the representation with that downloadable id.
    pub fn path(self, downloadable_id: &str) -> String {
        match self {
            Self::Init => media_path(downloadable_id, "init.mp4"),
            Self::Segment(number) => media_path(downloadable_id, &format!("{number}.m4s")),
        }
    }

    /// The downloadable id and part that a path names; `None` for any other than [`path`](Self::path) writes.
    pub fn of(path: &str) -> Option<(&str, Self)> {
        let (id, what) = path.split_once('/')?.1.split_once('.')?;
        let part = match what.strip_suffix(".m4s") {
            Some(number) => Self::Segment(number.parse().ok()?),
            None => Self::Init,
        };
        (is_downloadable_id(id) && part.path(id) == path).then_some((id, part))
    }
}

/// Whether a path within a pack is one that clients may be sent to: media, subtitles, thumbnails.
pub fn is_served(path: &str) -> bool {
    let Some((folder, file)) = path.split_once('/') else { return false };
    let Some((name, extension)) = file.split_once('.') else { return false };
    match folder {
        SUBTITLES => is_name(name) && extension == "vtt",
        THUMBNAILS => is_name(name) && ["bif", "jpg", "vtt"].contains(&extension),
        _ => is_downloadable_id(name) && is_extension(extension) && name.get(7..) == Some(folder),
    }
}

/// The media type (`Content-Type`) of a pack's file by its extension.
pub fn media_type(extension: &str) -> &'static str {
    match extension {
        "mp4" | "m4s" => "video/mp4",
        "m4a" => "audio/mp4",
        "vtt" => "text/vtt; charset=utf-8",
        "bif" => "image/vnd.roku.bif",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "webp" => "image/webp",
        "json" => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's hashlib.
    #[test]
    fn downloadable_ids() {
        assert_eq!(downloadable_id("00112233445566778899aabbccddeeff", "v720-2500"), "2424053647");
        assert_eq!(media_path("1811192541", "mp4"), "541/1811192541.mp4");
    }

    #[test]
    fn parts_of_whole_segments() {
        for (path, part) in [
            ("541/1811192541.init.mp4", WholePart::Init),
            ("541/1811192541.0.m4s", WholePart::Segment(0)),
            ("541/1811192541.4294967295.m4s", WholePart::Segment(u32::MAX)),
        ] {
            assert_eq!(WholePart::of(path), Some(("1811192541", part)));
            assert_eq!(part.path("1811192541"), path);
        }
        for path in [
            "541/1811192541.mp4",
            "541/1811192541.00.m4s",
            "541/1811192541.+1.m4s",
            "541/1811192541.-1.m4s",
            "541/1811192541.4294967296.m4s",
            "541/1811192541..m4s",
            "541/1811192541.init.m4s",
            "541/1811192541.0.mp4",
            "542/1811192541.0.m4s",
            "/541/1811192541.0.m4s",
            "541/x.0.m4s",
            "",
        ] {
            assert_eq!(WholePart::of(path), None, "{path}");
        }
    }

    #[test]
    fn names_that_could_leave_the_pack_are_none() {
        for name in ["", ".", "..", "a/b", "a\\b", "ä", "a b", &"a".repeat(65)] {
            assert!(!is_pack_id(name), "{name}");
        }
        assert!(is_pack_id("0") && is_pack_id(&"f".repeat(32)));
        assert!(is_downloadable_id("1811192541") && !is_downloadable_id("181119254x"));
        assert!(
            is_extension("mp4") && !is_extension("") && !is_extension("mp4/x") && !is_extension("tar.gz")
        );
        for path in
            ["541/1811192541.mp4", "subtitles/s-de-1.vtt", "thumbnails/320.bif", "thumbnails/sheets.vtt"]
        {
            assert!(is_served(path), "{path}");
        }
        for path in [
            "pack.json",
            "poster.jpg",
            "keys/given.vtt",
            "subtitles/../pack.json",
            "subtitles/.vtt",
            "subtitles/a.vtt/b",
            "subtitles/a.b.vtt",
            "subtitles/s-de-1.json",
            "thumbnails/320.bif.vtt",
            "542/1811192541.mp4",
            "/541/1811192541.mp4",
        ] {
            assert!(!is_served(path), "{path}");
        }
        assert!(["en", "zh-Hant-TW", "und", "de-1996"].iter().all(|tag| is_language(tag)));
        assert!(
            !["", "e", "de_DE", "de-", "12", "../x", "toolonglanguage"].iter().any(|tag| is_language(tag))
        );
        assert!(is_picture("poster.jpg") && !is_picture(".hidden.jpg") && !is_picture("../poster.jpg"));
    }
}
