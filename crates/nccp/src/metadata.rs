//! What is told about a movie before it plays.

use crate::Error;
use crate::value::{Decimal, Seconds};
use crate::xml::Element;
use serde::{Deserialize, Serialize};

/// Title, cast, runtime and what else is known of a movie.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MovieMetadata {
    /// Title.
    pub title: String,
    /// Year of release.
    pub year: Option<u16>,
    /// Names of the cast.
    pub cast: Vec<String>,
    /// What it is about.
    pub synopsis: Option<String>,
    /// Length in seconds.
    pub runtime: f64,
    /// Age rating, as the operator writes it.
    pub rating: Option<String>,
    /// Pictures.
    pub art: Vec<Art>,
    /// Tracks to choose from.
    pub tracks: Vec<Track>,
    /// Chapters, ascending.
    pub chapters: Vec<Chapter>,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Art {
    /// Absolute, or relative to the public URL.
    pub url: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// A track of the movie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// `video`, `audio` or `text`.
    pub media_type: String,
    /// Language (BCP 47), `und` when unknown.
    pub language: Option<String>,
    /// Name for people.
    pub label: Option<String>,
}

/// A chapter.
#[derive(Debug, Clone, PartialEq)]
pub struct Chapter {
    /// Seconds from the beginning.
    pub start: f64,
    /// Its name.
    pub title: String,
}

impl MovieMetadata {
    /// Adds the elements of `moviemetadata` to `element`.
    pub(crate) fn write_into(&self, element: Element) -> Element {
        let mut out = element.text_child("title", &self.title).opt_child("year", self.year);
        if !self.cast.is_empty() {
            out = out.child(
                self.cast.iter().fold(Element::new("cast"), |cast, name| cast.text_child("person", name)),
            );
        }
        out = out
            .opt_child("synopsis", self.synopsis.as_ref())
            .text_child("runtime", Seconds(self.runtime))
            .opt_child("rating", self.rating.as_ref());
        if !self.art.is_empty() {
            out = out.child(self.art.iter().fold(Element::new("art"), |art, picture| {
                art.child(
                    Element::new("image")
                        .text_child("url", &picture.url)
                        .text_child("width", picture.width)
                        .text_child("height", picture.height),
                )
            }));
        }
        if !self.tracks.is_empty() {
            out = out.child(self.tracks.iter().fold(Element::new("tracks"), |tracks, track| {
                tracks.child(
                    Element::new("track")
                        .text_child("mediatype", &track.media_type)
                        .opt_child("language", track.language.as_ref())
                        .opt_child("label", track.label.as_ref()),
                )
            }));
        }
        if !self.chapters.is_empty() {
            out = out.child(self.chapters.iter().fold(Element::new("chapters"), |chapters, chapter| {
                chapters.child(
                    Element::new("chapter")
                        .text_child("start", Seconds(chapter.start))
                        .text_child("title", &chapter.title),
                )
            }));
        }
        out
    }

    pub(crate) fn read(element: &Element) -> Result<Self, Error> {
        let list = |name| element.first(name);
        let art = list("art").map_or(Ok(Vec::new()), |art| {
            art.all("image")
                .map(|image| {
                    Ok(Art {
                        url: image.required_text("url")?.to_owned(),
                        width: image.parsed("width")?.unwrap_or(0),
                        height: image.parsed("height")?.unwrap_or(0),
                    })
                })
                .collect()
        })?;
        let tracks = list("tracks").map_or(Ok(Vec::new()), |tracks| {
            tracks
                .all("track")
                .map(|track| {
                    Ok(Track {
                        media_type: track.required_text("mediatype")?.to_owned(),
                        language: track.child_text("language").map(str::to_owned),
                        label: track.child_text("label").map(str::to_owned),
                    })
                })
                .collect()
        })?;
        let chapters = list("chapters").map_or(Ok(Vec::new()), |chapters| {
            chapters
                .all("chapter")
                .map(|chapter| {
                    Ok(Chapter {
                        start: chapter.parsed_required::<Seconds>("start")?.0,
                        title: chapter.child_text("title").unwrap_or_default().to_owned(),
                    })
                })
                .collect()
        })?;
        Ok(Self {
            title: element.required_text("title")?.to_owned(),
            year: element
                .parsed::<Decimal>("year")?
                .map(|y| u16::try_from(y.0).map_err(|_| Error::Value("year")))
                .transpose()?,
            cast: list("cast")
                .map(|cast| cast.all("person").map(|p| p.trimmed().to_owned()).collect())
                .unwrap_or_default(),
            synopsis: element.child_text("synopsis").map(str::to_owned),
            runtime: element.parsed_required::<Seconds>("runtime")?.0,
            rating: element.child_text("rating").map(str::to_owned),
            art,
            tracks,
            chapters,
        })
    }
}
