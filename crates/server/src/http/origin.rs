//! Files of an origin's films: encrypted when they are asked for, piece by piece.

use crate::Service;
use crate::content_place::ContentPlace;
use crate::contents::{ClearFile, Octets, OriginFilm, Unserved};
use crate::media_url::MediaPath;
use ::origin::scope::Form;
use ::origin::{ContentPath, EncryptedTrack, Piece, ReadAt as _, SourceIndex, WholeReader};
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use pack::layout::WholePart;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

#[cfg(test)]
mod slow_sources;

/// Octets of a clear file that are sent at once, and of one in a bucket, where each piece costs a request.
const CLEAR_PIECE: u64 = 256 << 10;
const CLEAR_PIECE_OF_BUCKET: u64 = 4 << 20;
/// How long after a request its answer begins, at most, with all that this takes: the look at the sources,
/// indexes that are not there yet, the first piece. Shorter than requests may take to be answered at all, so
/// that viewers get 503, and the log says why.
const FIRST: Duration = Duration::from_secs(20);

/// A file that can be sent.
pub(super) struct OriginFile {
    pub(super) size: u64,
    /// Names the film's bytes: another revision has another.
    pub(super) pack_id: String,
    /// Whether the URL named the revision: only then it always gives the same.
    pub(super) is_fixed: bool,
    content: ContentPath,
    what: What,
    begin_by: Instant,
}

/// When the answer to a request that comes now must have begun.
pub(super) fn begin_by() -> Instant {
    Instant::now() + FIRST
}

/// What is done by then; else a line for the operator, and 503.
async fn in_time<T>(
    begin_by: Instant,
    content: &ContentPath,
    work: impl Future<Output = Result<T, Unserved>>,
) -> Result<T, Unserved> {
    timeout_at(begin_by, work).await.unwrap_or_else(|_| {
        let content = content.as_str();
        let error = format!("{content}: its sources do not begin to send in {} seconds", FIRST.as_secs());
        tracing::error!(error, "a file cannot be made");
        Err(Unserved::Off)
    })
}

enum What {
    /// Beside the media, as it lies in the sources.
    Beside(Arc<OriginFilm>, usize),
    /// A representation, its samples encrypted now or clear as it lies in the sources.
    Media(Arc<OriginFilm>, usize),
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

/// The file behind a path. `begin_by`: when its first piece must be there, too.
///
/// What was begun for it and is not done by then, an index, is finished all the same, for whoever asks next.
pub(super) async fn find(
    service: &Service,
    place: &ContentPlace,
    path: &MediaPath,
    begin_by: Instant,
) -> Result<OriginFile, Unserved> {
    let film = in_time(begin_by, &place.content, service.content(place, Form::Own)).await?;
    let file = |size, what| {
        let (pack_id, is_fixed) = (film.pack.pack_id.clone(), place.revision.is_some());
        Ok(OriginFile { size, pack_id, is_fixed, content: place.content.clone(), what, begin_by })
    };
    if let Octets::Whole(whole) = &film.octets {
        if let Some((number, part)) = film.part(&path.file) {
            let size = whole.size(number, part).ok_or(Unserved::NotFound)?;
            return file(size, What::Part(Arc::clone(&film), number, part));
        }
    } else if let Some(number) = film.representation(&path.file) {
        let size = film.pack.representations.get(number).map_or(0, |r| r.size);
        return file(size, What::Media(Arc::clone(&film), number));
    }
    let (number, size) = film.loaded.beside(&path.file).ok_or(Unserved::NotFound)?;
    file(size, What::Beside(Arc::clone(&film), number))
}

impl OriginFile {
    /// The bytes of a range. What cannot be made at all is said before the answer begins; what fails later
    /// cuts it off.
    pub(super) async fn body(self, service: &Service, range: Range<u64>) -> Result<Body, Unserved> {
        let (begin_by, content) = (self.begin_by, self.content.clone());
        in_time(begin_by, &content, self.begin(service, range)).await
    }

    /// The bytes of a range, when the first of them are there.
    async fn begin(self, service: &Service, range: Range<u64>) -> Result<Body, Unserved> {
        let off = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "a file cannot be made");
            // It may be another one by now.
            service.origin.look_again(&self.content);
            Unserved::Off
        };
        let (film, number, part) = match &self.what {
            What::Beside(film, number) | What::Media(film, number) => (Arc::clone(film), *number, None),
            What::Part(film, number, part) => (Arc::clone(film), *number, Some(*part)),
        };
        let is_beside = matches!(self.what, What::Beside(..));
        let file = match is_beside {
            true => film.loaded.open_beside(number).await,
            false => film.loaded.open(number).await,
        };
        let file = file.map_err(|error| off(&error))?;
        let work = match (&film.octets, part) {
            _ if is_beside => Work::Clear(range),
            (Octets::Clear, None) => Work::Clear(range),
            (Octets::Samples(encrypted), None) => {
                let track = encrypted.tracks.get(number).ok_or(Unserved::NotFound)?;
                let pieces = track.pieces(range).collect::<Vec<_>>().into_iter();
                Work::Samples { index: service.origin.index(&film.loaded, number).await?, pieces }
            }
            (Octets::Whole(whole), Some(part)) => {
                Work::Whole(Some(whole.read(number, part, range).ok_or(Unserved::NotFound)?))
            }
            _ => return Err(Unserved::NotFound),
        };
        let mut making = Making { film, number, file, work };
        let Some(first) = making.next().await else { return Ok(Body::empty()) };
        let first = first.map_err(|error| off(&error))?;
        let rest = stream::unfold(Some(making), async |making| {
            let mut making = making?;
            match making.next().await? {
                Ok(made) => Some((Ok(made), Some(making))),
                Err(error) => {
                    tracing::error!(%error, "a file is cut off");
                    Some((Err(error), None))
                }
            }
        });
        Ok(Body::from_stream(futures_util::StreamExt::chain(stream::iter([Ok(first)]), rest)))
    }
}

/// An answer on its way. One piece is made at a time: memory holds a fragment, or a part of a segment.
struct Making {
    film: Arc<OriginFilm>,
    number: usize,
    file: ClearFile,
    work: Work,
}

/// What is left to be made.
enum Work {
    /// A range of the clear file.
    Clear(Range<u64>),
    /// Pieces of a representation's file.
    Samples { index: Arc<SourceIndex>, pieces: std::vec::IntoIter<Piece> },
    /// Parts of a segment that is encrypted whole; `None` after the last.
    Whole(Option<WholeReader>),
}

impl Making {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        match &mut self.work {
            Work::Clear(left) => {
                let most = match self.file {
                    ClearFile::File(_) => CLEAR_PIECE,
                    ClearFile::Object(..) => CLEAR_PIECE_OF_BUCKET,
                };
                let piece = left.start..left.end.min(left.start.saturating_add(most));
                left.start = piece.end;
                (!piece.is_empty()).then_some(())?;
                Some(self.clear(piece).await)
            }
            Work::Samples { index, pieces } => {
                let (index, piece) = (Arc::clone(index), pieces.next()?);
                Some(self.encrypted(index, piece).await)
            }
            Work::Whole(left) => loop {
                let mut reader = left.take()?;
                let clear = reader.clear_range()?;
                let made = match self.file.at_hand(clear).await {
                    Ok(at_hand) => spawn_blocking(move || (reader.next(&at_hand), reader)).await,
                    Err(error) => return Some(Err(error)),
                };
                match made {
                    Ok((Ok(Some(bytes)), reader)) => {
                        *left = Some(reader);
                        // There are none of what stands before the range.
                        if !bytes.is_empty() {
                            return Some(Ok(Bytes::from(bytes)));
                        }
                    }
                    Ok((Ok(None), _)) => return None,
                    Ok((Err(error), _)) => return Some(Err(io::Error::other(error))),
                    Err(error) => return Some(Err(io::Error::other(error))),
                }
            },
        }
    }

    async fn clear(&self, range: Range<u64>) -> io::Result<Bytes> {
        let at_hand = self.file.at_hand(range.clone()).await?;
        let read = spawn_blocking(move || {
            let mut bytes = vec![0; usize::try_from(range.end - range.start).map_err(io::Error::other)?];
            at_hand.read_at(range.start, &mut bytes).map(|()| Bytes::from(bytes))
        });
        read.await.map_err(io::Error::other)?
    }

    async fn encrypted(&self, index: Arc<SourceIndex>, piece: Piece) -> io::Result<Bytes> {
        let (film, number) = (Arc::clone(&self.film), self.number);
        let clear = track(&film, number)?.clear_range(&index, &piece);
        let at_hand = self.file.at_hand(clear).await?;
        let made = spawn_blocking(move || {
            let track = track(&film, number)?;
            track.read(&index, &at_hand, &piece).map(Bytes::from).map_err(io::Error::other)
        });
        made.await.map_err(io::Error::other)?
    }
}

fn track(film: &OriginFilm, number: usize) -> io::Result<&EncryptedTrack> {
    let tracks = match &film.octets {
        Octets::Samples(encrypted) => &encrypted.tracks[..],
        Octets::Clear | Octets::Whole(_) => &[],
    };
    tracks.get(number).ok_or_else(|| io::Error::other("no such track"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    /// Steps that are in time each are not together: sources that are slow twice take the time once.
    #[tokio::test(start_paused = true)]
    async fn all_steps_share_one_time() {
        let content: ContentPath = "films/a".parse().unwrap();
        let (came, begin_by) = (Instant::now(), begin_by());
        let step = || async {
            sleep(FIRST / 4 * 3).await;
            Ok::<_, Unserved>(7)
        };
        assert_eq!(in_time(begin_by, &content, step()).await, Ok(7));
        assert_eq!(in_time(begin_by, &content, step()).await, Err(Unserved::Off));
        // The clock is the test's.
        assert!((FIRST..FIRST * 5 / 4).contains(&came.elapsed()));
        let refused = async { Err::<(), _>(Unserved::Gone) };
        assert_eq!(in_time(begin_by, &content, refused).await, Err(Unserved::Gone));
    }
}
