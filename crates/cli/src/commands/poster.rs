//! `matinee movie poster`.

use super::{block_on, open_existing};
use crate::args::MoviePoster;
use crate::{Failure, output};
use serde_json::json;
use server::{Config, posters};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

pub(crate) fn run(config: &Config, command: &MoviePoster) -> Result<(), Failure> {
    let movie = command.movie.get();
    let octets = match (&command.file, command.from_film) {
        (Some(file), _) => Some(read(file)?),
        (None, Some(at)) => Some(super::film_picture::at(config, movie, at)?),
        (None, None) => None,
    };
    block_on(async {
        let store = open_existing(config).await?;
        let (given, was_there) = match &octets {
            Some(octets) => (Some(posters::give(&*store, movie, octets).await?), true),
            None => (None, posters::take_away(&*store, movie).await?),
        };
        store.close().await;
        if command.json.json {
            let poster = given.as_ref().map(to_json);
            return output::json(&json!({"movie_id": movie, "poster": poster}));
        }
        output::line(&match (given, was_there) {
            (Some(poster), _) => {
                format!("Movie {movie} has a poster of {}x{} pixels now", poster.width, poster.height)
            }
            (None, true) => format!("Movie {movie} has its film's own poster again, if that has one"),
            (None, false) => format!("Movie {movie} was given no poster: nothing is changed"),
        })
    })
}

/// What is told of a poster that was given.
pub(super) fn to_json(poster: &server::store::Poster) -> serde_json::Value {
    json!({"url": posters::url(poster), "width": poster.width, "height": poster.height})
}

/// The file, as far as it is not too large for a poster.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed =
        |error: std::io::Error| Failure::Command(format!("{}: cannot read: {error}", path.display()));
    let (mut octets, most) = (Vec::new(), posters::MAX_POSTER as u64 + 1);
    File::open(path).map_err(failed)?.take(most).read_to_end(&mut octets).map_err(failed)?;
    Ok(octets)
}
