//! Numbers of movies: the next that is free, and those that are taken.

use super::{block_on, open};
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

/// The number that is asked for, or the next that is free. One that is taken is refused now, before the long work,
/// unless its movie is to be replaced.
pub(super) fn choose(
    config: &Config,
    asked: Option<nccp::MovieId>,
    replace: bool,
) -> Result<Number, Failure> {
    let listed = list(config)?;
    let Some(asked) = asked else {
        let id = movies::next_free(listed.iter().map(|movie| movie.id))?;
        return Ok(Number { id, so_far: None, over: Over::Nothing });
    };
    let so_far = listed.into_iter().find(|movie| movie.id == asked.get());
    match so_far {
        Some(movie) if !replace => Err(movies::taken(&movie).into()),
        so_far => {
            let over = if replace { Over::Any } else { Over::Nothing };
            Ok(Number { id: asked.get(), so_far, over })
        }
    }
}

/// The number that an `add` took before it was cut off: it was free then, so a movie that has it with the same pack is
/// this film.
pub(super) fn again(config: &Config, id: u64, replace: bool) -> Result<Number, Failure> {
    let so_far = list(config)?.into_iter().find(|movie| movie.id == id);
    Ok(Number { id, so_far, over: if replace { Over::Any } else { Over::ItsOwn } })
}

/// The movies of the catalogue. Where there is no database yet, none is made to see that.
fn list(config: &Config) -> Result<Vec<Movie>, Failure> {
    if config.database.server_url()?.is_none() && !config.database().exists() {
        return Ok(Vec::new());
    }
    block_on(async {
        let store = open(config).await?;
        let listed = movies::list(&*store).await?;
        store.close().await;
        Ok(listed)
    })
}

/// The number for a film that is written to a folder and published later, perhaps elsewhere: nothing is made for it.
pub(super) fn for_folder(config: &Config, asked: Option<nccp::MovieId>) -> Result<Number, Failure> {
    let id = match asked {
        Some(asked) => asked.get(),
        None if config.data.exists() => choose(config, None, false)?.id,
        None => 1,
    };
    Ok(Number { id, so_far: None, over: Over::Nothing })
}
