//! Files of an origin's films: encrypted when they are asked for, piece by piece.

use crate::Service;
use crate::content_place::ContentPlace;
use crate::contents::{Octets, OriginFilm, Unserved};
use crate::media_url::MediaPath;
use ::origin::scope::Form;
use ::origin::{Piece, ReadAt, SourceIndex, WholeReader};
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use pack::layout::WholePart;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use storage::{Folder, Key, Storage as _};
use tokio::task::spawn_blocking;

/// A file that can be sent.
pub(super) struct OriginFile {
    pub(super) size: u64,
    /// Names the film's bytes: another revision has another.
    pub(super) pack_id: String,
    /// Whether the URL named the revision: only then it always gives the same.
    pub(super) is_fixed: bool,
    what: What,
}

enum What {
    /// As it lies in the content's folder.
    Plain(Folder, Key),
    /// Encrypted now.
    Made(Arc<OriginFilm>, usize),
    /// Encrypted now and whole: an init segment or a segment.
    Part(Arc<OriginFilm>, usize, WholePart),
}

/// What is not served, in HTTP.
pub(super) fn refused(unserved: &Unserved) -> Response {
    let (status, text) = match unserved {
        Unserved::NotFound => (StatusCode::NOT_FOUND, "There is no such file.\n"),
        Unserved::Gone => (StatusCode::GONE, "Gone: the film has other keys now.\n"),
        Unserved::Library => {
            (StatusCode::SERVICE_UNAVAILABLE, "The library cannot be read. Try again later.\n")
        }
        Unserved::Off => (StatusCode::SERVICE_UNAVAILABLE, "This film is not served now.\n"),
    };
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// The file behind a path.
pub(super) async fn find(
    service: &Service,
    place: &ContentPlace,
    path: &MediaPath,
) -> Result<OriginFile, Unserved> {
    let film = service.content(place, Form::Own).await?;
    let file = |size, what| {
        let (pack_id, is_fixed) = (film.pack.pack_id.clone(), place.revision.is_some());
        Ok(OriginFile { size, pack_id, is_fixed, what })
    };
    if let Octets::Whole(whole) = &film.octets
        && let Some((number, part)) = film.part(&path.file)
    {
        let size = whole.size(number, part).ok_or(Unserved::NotFound)?;
        return file(size, What::Part(Arc::clone(&film), number, part));
    }
    if let Some(number) = film.representation(&path.file) {
        let size = film.pack.representations.get(number).map_or(0, |r| r.size);
        let key = path.file.parse().map_err(|_| Unserved::NotFound)?;
        return match film.octets {
            Octets::Samples(_) => file(size, What::Made(Arc::clone(&film), number)),
            Octets::Clear => file(size, What::Plain(Folder::new(&film.loaded.folder), key)),
            Octets::Whole(_) => Err(Unserved::NotFound),
        };
    }
    let (_, size) = film.loaded.beside(&path.file).ok_or(Unserved::NotFound)?;
    let key = path.file.parse().map_err(|_| Unserved::NotFound)?;
    file(size, What::Plain(Folder::new(&film.loaded.folder), key))
}

impl OriginFile {
    /// The bytes of a range. What cannot be made at all is said before the answer begins; what fails later cuts it
    /// off.
    pub(super) async fn body(self, service: &Service, range: Range<u64>) -> Result<Body, Unserved> {
        let off = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "a file cannot be made");
            Unserved::Off
        };
        let (film, number) = match &self.what {
            What::Plain(folder, key) => {
                let range = (!range.is_empty()).then_some(range);
                return match folder.get(key, range).await {
                    Ok(object) => Ok(Body::from_stream(object.body)),
                    Err(error) => Err(off(&error)),
                };
            }
            What::Made(film, number) | What::Part(film, number, _) => (Arc::clone(film), *number),
        };
        let opened = Arc::clone(&film.loaded);
        let file = spawn_blocking(move || opened.open(number)).await.map_err(|error| off(&error))?;
        let file = Arc::new(file.map_err(|error| off(&error))?);
        let work = match (&self.what, &film.octets) {
            (What::Part(_, _, part), Octets::Whole(whole)) => {
                Work::Whole(whole.read(number, *part, range).ok_or(Unserved::NotFound)?)
            }
            (What::Made(..), Octets::Samples(encrypted)) => {
                let track = encrypted.tracks.get(number).ok_or(Unserved::NotFound)?;
                let pieces = track.pieces(range).collect::<Vec<_>>().into_iter();
                let index = service.origin.index(&film.loaded, number).await?;
                Work::Pieces { film: Arc::clone(&film), number, index, pieces }
            }
            _ => return Err(Unserved::NotFound),
        };
        let Some((first, making)) = (Making { work, file }).next().await else { return Ok(Body::empty()) };
        let first = first.map_err(|error| off(&error))?;
        let rest = stream::unfold(making, async |making| {
            let (made, making) = making?.next().await?;
            if let Err(error) = &made {
                tracing::error!(%error, "a file is cut off");
            }
            Some((made, making))
        });
        Ok(Body::from_stream(futures_util::StreamExt::chain(stream::iter([Ok(first)]), rest)))
    }
}

/// An answer on its way. One piece is made at a time: memory holds a fragment, or a part of a segment.
struct Making<F> {
    work: Work,
    file: Arc<F>,
}

/// What is still to be made.
enum Work {
    /// Pieces of a representation's file.
    Pieces {
        film: Arc<OriginFilm>,
        number: usize,
        index: Arc<SourceIndex>,
        pieces: std::vec::IntoIter<Piece>,
    },
    /// Parts of a segment that is encrypted whole.
    Whole(WholeReader),
}

impl Work {
    /// The next bytes; `None` after the last.
    fn next(&mut self, file: &impl ReadAt) -> Result<Option<Vec<u8>>, ::origin::Error> {
        match self {
            Self::Whole(reader) => reader.next(file),
            Self::Pieces { film, number, index, pieces } => {
                let Some(piece) = pieces.next() else { return Ok(None) };
                let Octets::Samples(encrypted) = &film.octets else { return Ok(None) };
                let Some(track) = encrypted.tracks.get(*number) else { return Ok(None) };
                track.read(index, file, &piece).map(Some)
            }
        }
    }
}

impl<F: ReadAt + Send + Sync + 'static> Making<F> {
    /// The next bytes, and what goes on after them; nothing does after an error.
    async fn next(mut self) -> Option<(io::Result<Bytes>, Option<Self>)> {
        let made = spawn_blocking(move || {
            let made = self.work.next(&*self.file);
            (made, self)
        });
        match made.await {
            Ok((Ok(Some(bytes)), making)) => Some((Ok(Bytes::from(bytes)), Some(making))),
            Ok((Ok(None), _)) => None,
            Ok((Err(error), _)) => Some((Err(io::Error::other(error)), None)),
            Err(error) => Some((Err(io::Error::other(error)), None)),
        }
    }
}
