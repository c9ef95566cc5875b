//! Where a content is, in URLs and in the catalogue.

use crate::config::VOD;
use ::origin::{ContentPath, is_revision};
use std::fmt;
use std::str::FromStr;

/// Where a content is, in URLs and in the catalogue: its client set, perhaps a revision of its keys, its path.
/// Displays as `{set}/{revision}/{path}`, as URLs have it; nothing else parses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ContentPlace {
    pub(crate) set: String,
    /// `None`: the current one.
    pub(crate) revision: Option<String>,
    pub(crate) content: ContentPath,
}

impl ContentPlace {
    /// The place of a packaged film's DRM metadata.
    pub(crate) fn of_movie(movie: u64) -> Self {
        let content = ContentPath::of_number(movie);
        Self { set: VOD.to_owned(), revision: None, content }
    }

    /// The packaged film's number, where that is what it may be.
    pub(crate) fn movie(&self) -> Option<u64> {
        let number = self.content.as_str().parse::<u64>().ok()?;
        (*self == Self::of_movie(number)).then_some(number)
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
        f.write_str(&self.content.to_url())
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
        let content = ContentPath::from_url(content).ok_or(NoContentPlace)?;
        match is_set(set) {
            true => Ok(Self { set: set.to_owned(), revision, content }),
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
        for text in ["vod/a", "vod/r0123abcd/films/a", "schools/films/Die%20Br%C3%BCcke", "vod/R0123abcd/a"] {
            assert_eq!(text.parse::<ContentPlace>().unwrap().to_string(), text);
        }
        let place: ContentPlace = "vod/r0123abcd/films/a".parse().unwrap();
        assert_eq!((place.revision.as_deref(), place.content.as_str()), (Some("r0123abcd"), "films/a"));
        for text in
            ["", "vod", "vod/", "/a", "vod/r0123abcd", "vod/r0123abcd/", "v d/a", "vod/../a", "vod/a/"]
        {
            assert_eq!(text.parse::<ContentPlace>(), Err(NoContentPlace), "{text}");
        }
    }
}
