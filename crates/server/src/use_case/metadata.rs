//! What is told about a movie: to everybody, and to one who watched it.

use super::{Outcome, at_hand, posters};
use crate::Service;
use crate::store::{Account, Movie, Poster, Transaction};
use nccp::{Chapter, ErrorCode, MovieId, MovieMetadata, ResponseMessage, Track, UserMovieMetadata, View};

/// Viewings that the history tells of.
const HISTORY: u32 = 20;

/// `moviemetadata`: A41.
pub(crate) async fn movie(
    service: &Service,
    tx: &mut dyn Transaction,
    movie_id: MovieId,
) -> Outcome<ResponseMessage> {
    let movie = tx.movie(movie_id.get()).await?.ok_or(ErrorCode::MovieUnknown)?;
    let given = tx.poster(movie.id).await?;
    let metadata = of_movie(service, &movie, given.as_ref()).await?;
    Ok(ResponseMessage::MovieMetadata { movie_id, metadata })
}

/// Everything known of a movie, and of a poster that it was given. One whose pack is missing has no tracks,
/// and no art but that.
pub(crate) async fn of_movie(
    service: &Service,
    movie: &Movie,
    given: Option<&Poster>,
) -> Outcome<MovieMetadata> {
    let pack = at_hand::film(service, &movie.pack).await?.ok();
    let tracks = pack.as_deref().map(|pack| {
        pack.tracks()
            .into_iter()
            .map(|track| Track {
                media_type: track.media_type.to_string(),
                language: track.language.clone(),
                label: track.name.clone(),
            })
            .chain(pack.subtitles.iter().map(|subtitle| Track {
                media_type: "text".to_owned(),
                language: Some(subtitle.language.clone()),
                label: subtitle.label.clone(),
            }))
            .collect()
    });
    let chapters = pack.as_deref().map(|pack| {
        let chapter = |c: &pack::Chapter| Chapter { start: c.start as f64 / 1000.0, title: c.title.clone() };
        pack.chapters.iter().map(chapter).collect()
    });
    Ok(MovieMetadata {
        title: movie.title.clone(),
        year: movie.year,
        cast: movie.cast.clone(),
        synopsis: movie.synopsis.clone(),
        runtime: movie.runtime,
        rating: movie.rating.clone(),
        art: match given {
            Some(poster) => vec![posters::art(poster)],
            None => pack.map(|pack| pack.art.clone()).unwrap_or_default(),
        },
        tracks: tracks.unwrap_or_default(),
        chapters: chapters.unwrap_or_default(),
    })
}

/// `usermoviemetadata`: A42.
pub(crate) async fn user_movie(
    tx: &mut dyn Transaction,
    account: &Account,
    movie_id: MovieId,
) -> Outcome<ResponseMessage> {
    tx.movie(movie_id.get()).await?.ok_or(ErrorCode::MovieUnknown)?;
    let viewings = tx.viewings(account.id, movie_id.get(), HISTORY).await?;
    Ok(ResponseMessage::UserMovieMetadata(UserMovieMetadata {
        movie_id,
        position: viewings.first().map_or(0.0, |latest| latest.resume()),
        history: viewings
            .iter()
            .map(|v| View { started: v.started, seen: v.seen, position: v.position })
            .collect(),
    }))
}
