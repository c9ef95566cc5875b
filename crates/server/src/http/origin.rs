//! Files of an origin's films: encrypted when they are asked for, piece by piece.

use crate::Service;
use crate::content_place::ContentPlace;
use crate::contents::{OriginFilm, Unserved};
use crate::media_url::MediaPath;
use ::origin::scope::Form;
use ::origin::{Piece, ReadAt, SourceIndex};
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
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
    if let Some(number) = film.representation(&path.file) {
        let size = film.pack.representations.get(number).map_or(0, |r| r.size);
        if film.encrypted.is_some() {
            return file(size, What::Made(Arc::clone(&film), number));
        }
        let key = path.file.parse().map_err(|_| Unserved::NotFound)?;
        return file(size, What::Plain(Folder::new(&film.loaded.folder), key));
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
        let (film, number) = match self.what {
            What::Plain(folder, key) => {
                let range = (!range.is_empty()).then_some(range);
                return match folder.get(&key, range).await {
                    Ok(object) => Ok(Body::from_stream(object.body)),
                    Err(error) => Err(off(&error)),
                };
            }
            What::Made(film, number) => (film, number),
        };
        let index = service.origin.index(&film.loaded, number).await?;
        let opened = Arc::clone(&film.loaded);
        let file = spawn_blocking(move || opened.open(number)).await.map_err(|error| off(&error))?;
        let file = Arc::new(file.map_err(|error| off(&error))?);
        let pieces = match film.encrypted.as_ref().and_then(|encrypted| encrypted.tracks.get(number)) {
            Some(track) => track.pieces(range).collect::<Vec<_>>().into_iter(),
            None => return Err(Unserved::NotFound),
        };
        let mut making = Making { film, number, index, file, pieces };
        let Some(first) = making.next().await else { return Ok(Body::empty()) };
        let first = first.map_err(|error| off(&error))?;
        let rest = stream::unfold(making, async |mut making| {
            let made = making.next().await?;
            if let Err(error) = &made {
                tracing::error!(%error, "a file is cut off");
            }
            Some((made, making))
        });
        Ok(Body::from_stream(futures_util::StreamExt::chain(stream::iter([Ok(first)]), rest)))
    }
}

/// An answer on its way. One piece is made at a time: memory holds a fragment.
struct Making<F> {
    film: Arc<OriginFilm>,
    number: usize,
    index: Arc<SourceIndex>,
    file: Arc<F>,
    pieces: std::vec::IntoIter<Piece>,
}

impl<F: ReadAt + Send + Sync + 'static> Making<F> {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        let piece = self.pieces.next()?;
        let (film, number) = (Arc::clone(&self.film), self.number);
        let (index, file) = (Arc::clone(&self.index), Arc::clone(&self.file));
        let made = spawn_blocking(move || {
            let tracks = film.encrypted.as_ref().map_or(&[][..], |encrypted| &encrypted.tracks);
            let track = tracks.get(number).ok_or_else(|| io::Error::other("no such track"))?;
            track.read(&index, &*file, &piece).map_err(io::Error::other)
        });
        let made = made.await.map_err(io::Error::other).and_then(|made| made);
        Some(made.map(Bytes::from))
    }
}
