//! Where a content is, in URLs and in the catalogue.

use crate::config::VOD;
use ::origin::{ContentPath, WHOLE, is_revision};
use std::fmt;
use std::str::FromStr;

/// Where a content is, in URLs and in the catalogue: its client set, perhaps a revision of its keys, its
/// path, and perhaps the form whose segments are encrypted whole. Displays as `{set}/{revision}/{path}` or
/// `{set}/{revision}/{path}/aes128`, as URLs have it; nothing else parses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ContentPlace {
    pub(crate) set: String,
    /// `None`: the current one.
    pub(crate) revision: Option<String>,
    pub(crate) content: ContentPath,
    /// Whether it is the form of HLS whose segments are encrypted whole.
    pub(crate) whole: bool,
}

impl ContentPlace {
    /// The place of a packaged film's DRM metadata.
    pub(crate) fn of_movie(movie: u64) -> Self {
        let content = ContentPath::of_number(movie);
        Self { set: VOD.to_owned(), revision: None, content, whole: false }
    }

    /// The packaged film's number, where that is what it may be.
    pub(crate) fn movie(&self) -> Option<u64> {
        let number = self.content.as_str().parse::<u64>().ok()?;
        (*self == Self::of_movie(number)).then_some(number)
    }

    /// What the catalogue calls it: the content for its set, whatever the form.
    pub(crate) fn name(&self) -> Self {
        Self { revision: None, whole: false, ..self.clone() }
    }

    /// The same content under keys of a revision.
    pub(crate) fn at(&self, revision: String) -> Self {
        Self { revision: Some(revision), ..self.clone() }
    }
}

impl fmt::Display for ContentPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.set)?;
        if let Some(revision) = &self.revision {
            write!(f, "{revision}/")?;
        }
        f.write_str(&self.content.to_url())?;
        if self.whole { write!(f, "/{WHOLE}") } else { Ok(()) }
    }
}

/// No place of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoContentPlace;

impl FromStr for ContentPlace {
    type Err = NoContentPlace;

    fn from_str(text: &str) -> Result<Self, NoContentPlace> {
        let (set, rest) = text.split_once('/').ok_or(NoContentPlace)?;
        let (revision, content) = match rest.split_once('/') {
            Some((first, rest)) if is_revision(first) => (Some(first.to_owned()), rest),
            _ => (None, rest),
        };
        // No content has that name itself.
        let of_whole = content.strip_suffix(WHOLE).and_then(|above| above.strip_suffix('/'));
        let (content, whole) = of_whole.map_or((content, false), |above| (above, true));
        let content = ContentPath::from_url(content).ok_or(NoContentPlace)?;
        match is_set(set) {
            true => Ok(Self { set: set.to_owned(), revision, content, whole }),
            false => Err(NoContentPlace),
        }
    }
}

/// Whether a text can name a client set: 1 to 32 letters, digits, hyphens and underscores.
pub(crate) fn is_set(text: &str) -> bool {
    text.len() <= 32 && pack::layout::is_pack_id(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_written_as_they_are_read() {
        for text in [
            "vod/a",
            "vod/r0123abcd/films/a",
            "schools/films/Die%20Br%C3%BCcke",
            "vod/R0123abcd/a",
            "vod/a/aes128",
            "vod/r0123abcd/films/a/aes128",
            "vod/aes128/a",
        ] {
            let place = text.parse::<ContentPlace>().unwrap();
            assert_eq!((place.to_string(), place.whole), (text.to_owned(), text.ends_with("aes128")));
        }
        let place: ContentPlace = "vod/r0123abcd/films/a".parse().unwrap();
        assert_eq!((place.revision.as_deref(), place.content.as_str()), (Some("r0123abcd"), "films/a"));
        for text in [
            "",
            "vod",
            "vod/",
            "/a",
            "vod/r0123abcd",
            "vod/r0123abcd/",
            "v d/a",
            "vod/../a",
            "vod/a/",
            "vod/aes128",
            "vod/a/aes128/aes128",
        ] {
            assert_eq!(text.parse::<ContentPlace>(), Err(NoContentPlace), "{text}");
        }
    }
}
