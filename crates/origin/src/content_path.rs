use std::fmt;
use std::str::FromStr;

use cenc::ContentId;

/// Longest path of a content, in octets.
const MAX_LEN: usize = 512;
/// Names below a content, which no content may have for the last part of its path.
const RESERVED: [&str; 7] = ["drm", "range", "stream.mpd", "master.m3u8", "subtitles", "thumbnails", WHOLE];

/// The part of URLs behind a content that stands for the form whose segments are encrypted whole.
pub const WHOLE: &str = "aes128";

/// Where below the sources a content lies: names of folders, with `/` between them. A name is UTF-8 without
/// control characters and without `%`, `?`, `#` and `\`, does not begin with a dot, and is none that URLs
/// have below a content; the first is not of the form of a revision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentPath(String);

impl ContentPath {
    /// A number, which is always a path.
    pub fn of_number(number: u64) -> Self {
        Self(number.to_string())
    }

    /// The path as it is on disk.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path in URLs: octets outside 0x21–0x7E percent-encoded.
    pub fn to_url(&self) -> String {
        let mut url = String::with_capacity(self.0.len());
        for byte in self.0.bytes() {
            match byte {
                0x21..=0x7e => url.push(char::from(byte)),
                _ => url += &format!("%{byte:02X}"),
            }
        }
        url
    }

    /// Reads the form of URLs; `None` for any other than [`to_url`](Self::to_url) writes, so that each
    /// content has one URL.
    pub fn from_url(url: &str) -> Option<Self> {
        let mut bytes = Vec::with_capacity(url.len());
        let mut rest = url.as_bytes();
        while let [first, after @ ..] = rest {
            rest = after;
            match first {
                b'%' => {
                    let (digits, after) = rest.split_at_checked(2)?;
                    bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                    rest = after;
                }
                _ => bytes.push(*first),
            }
        }
        let path: Self = String::from_utf8(bytes).ok()?.parse().ok()?;
        (path.to_url() == url).then_some(path)
    }

    /// The content id of a content whose folder names none: its path in URLs.
    pub fn content_id(&self) -> Option<ContentId> {
        self.to_url().parse().ok()
    }

    /// The folders that the content lies in, from its own up to the one of all sources, which is empty.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        let parents =
            std::iter::successors(Some(&self.0[..]), |path| path.rsplit_once('/').map(|(above, _)| above));
        parents.chain(std::iter::once(""))
    }
}

/// Whether a part of a URL has the form of a revision: `r` and eight lower-case hexadecimal digits.
pub fn is_revision(part: &str) -> bool {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    part.len() == 9 && part.strip_prefix('r').is_some_and(|digits| digits.bytes().all(digit))
}

impl FromStr for ContentPath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let is_name = |name: &str| {
            !name.is_empty()
                && !name.starts_with('.')
                && !name.chars().any(|c| c.is_control() || "%?#\\".contains(c))
        };
        let last = text.rsplit('/').next().unwrap_or_default();
        if text.len() > MAX_LEN {
            Err("its path has over 512 octets")
        } else if !text.split('/').all(is_name) {
            Err("a name in its path begins with a dot, or has %, ?, #, \\ or a control character")
        } else if text.split('/').next().is_some_and(is_revision) {
            Err("its first folder has the form of a revision")
        } else if text.split('/').any(|name| name == "range") || RESERVED.contains(&last) {
            Err("its name is one that URLs have below a content")
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl fmt::Display for ContentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_and_urls() {
        let path: ContentPath = "films/Die Brücke/a".parse().unwrap();
        assert_eq!(path.to_url(), "films/Die%20Br%C3%BCcke/a");
        assert_eq!(path.content_id().unwrap().as_str(), path.to_url());
        let folders: Vec<_> = path.folders().collect();
        assert_eq!(folders, ["films/Die Brücke/a", "films/Die Brücke", "films", ""]);
        for wrong in [
            "",
            "/a",
            "a/",
            "a//b",
            "../a",
            "a/.b",
            "a%20b",
            "a?b",
            "a\nb",
            "r0123abcd/a",
            "a/drm",
            "a/aes128",
            "a/range/b",
        ] {
            assert!(wrong.parse::<ContentPath>().is_err(), "{wrong}");
        }
        for wrong in ["films%2Fa", "a%", "a%2", "a%zz", "a%C3", "a%c3%bc", "%2E%2E/a"] {
            assert_eq!(ContentPath::from_url(wrong), None, "{wrong}");
        }
    }

    proptest! {
        /// B28: one content, one URL, one content id.
        #[test]
        fn b28_each_path_has_one_url(text in "\\PC{0,12}(/[a-zü ]{0,4}){0,3}") {
            if let Ok(path) = text.parse::<ContentPath>() {
                let url = path.to_url();
                prop_assert!(url.bytes().all(|b| (0x21..=0x7e).contains(&b)));
                prop_assert_eq!(ContentPath::from_url(&url), Some(path));
            }
        }

        #[test]
        fn what_a_url_names_stays_below_the_sources(url in "[a./%2eEfFcC3\\\\]{1,16}") {
            if let Some(path) = ContentPath::from_url(&url) {
                let normal = |c| matches!(c, std::path::Component::Normal(_));
                prop_assert!(std::path::Path::new(path.as_str()).components().all(normal));
            }
        }
    }
}
