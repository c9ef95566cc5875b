//! Numbers of movies: the next that is free, and those that are taken.

use super::{block_on, has_database, open};
use crate::Failure;
use server::Config;
use server::movies::{self, Over};
use server::store::Movie;

/// The number that a film gets.
pub(super) struct Number {
    pub(super) id: u64,
    /// The movie that has it so far.
    pub(super) so_far: Option<Movie>,
    /// What the film may take the place of when it is there.
    pub(super) over: Over,
}

/// The number that is asked for, or the next that is free. One that is taken is refused now, before the long
/// work, unless its movie is to be replaced.
pub(super) fn choose(
    config: &Config,
    asked: Option<nccp::MovieId>,
    replace: bool,
) -> Result<Number, Failure> {
    let Some(asked) = asked else {
        return Ok(Number { id: next(config)?, so_far: None, over: Over::Nothing });
    };
    let so_far = movie(config, asked.get())?;
    match so_far {
        Some(movie) if !replace => Err(movies::taken(&movie).into()),
        so_far => {
            let over = if replace { Over::Any } else { Over::Nothing };
            Ok(Number { id: asked.get(), so_far, over })
        }
    }
}

/// The number that an `add` took before it was cut off. Where a movie has it by now, it is this film if it
/// has the pack that was about to be added; else somebody else was faster, and the number is chosen anew.
pub(super) fn again(
    config: &Config,
    (id, pack): (u64, Option<&str>),
    asked: Option<nccp::MovieId>,
    replace: bool,
) -> Result<Number, Failure> {
    match movie(config, id)? {
        Some(other) if !replace && pack != Some(other.pack.as_str()) => choose(config, asked, replace),
        so_far => Ok(Number { id, so_far, over: if replace { Over::Any } else { Over::ItsOwn } }),
    }
}

/// The movie of this number in the catalogue. Where there is no database yet, none is made to see that.
fn movie(config: &Config, id: u64) -> Result<Option<Movie>, Failure> {
    if !has_database(config)? {
        return Ok(None);
    }
    block_on(async {
        let store = open(config).await?;
        let listed = movies::list(&*store).await?;
        store.close().await;
        Ok(listed.into_iter().find(|movie| movie.id == id))
    })
}

/// The next number that is free.
fn next(config: &Config) -> Result<u64, Failure> {
    if !has_database(config)? {
        return Ok(1);
    }
    block_on(async {
        let store = open(config).await?;
        let id = movies::next_number(&*store).await?;
        store.close().await;
        Ok(id)
    })
}

/// The number for a film that is written to a folder and published later, perhaps elsewhere: nothing is made
/// for it.
pub(super) fn for_folder(config: &Config, asked: Option<nccp::MovieId>) -> Result<Number, Failure> {
    let id = match asked {
        Some(asked) => asked.get(),
        None if config.data.exists() => choose(config, None, false)?.id,
        None => 1,
    };
    Ok(Number { id, so_far: None, over: Over::Nothing })
}
