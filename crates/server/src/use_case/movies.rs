//! What an operator does with movies: the library behind `matinee movie` and `matinee package`.

use crate::catalogue::Pack;
use crate::store::{Movie, NewMovie, Store, retried};
use crate::{Error, LicenseMode, policy, region};
use std::path::{Path, PathBuf};

/// What an operator says of a movie beside its pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// Title; default: the one it was packaged with.
    pub title: Option<String>,
    /// Year of release.
    pub year: Option<u16>,
    /// Names of the cast.
    pub cast: Vec<String>,
    /// What it is about.
    pub synopsis: Option<String>,
    /// Age rating.
    pub rating: Option<String>,
    /// Name of its policy; default: [`policy::DEFAULT`].
    pub policy: Option<String>,
    /// Plans that may play it; empty: every plan but `none`.
    pub plans: Vec<String>,
    /// Countries (ISO 3166-1 alpha-2) from which it may be watched; empty: all that the server allows.
    pub regions: Vec<String>,
    /// Where its licenses come from; see [`check_mode`](crate::policy::check_mode).
    pub license: LicenseMode,
}

fn bad(name: &'static str, reason: String) -> Error {
    Error::Setting { name, reason }
}

/// Puts a pack into the library, whole or not at all. With `keep` the folder stays where it was too.
///
/// # Errors
/// [`Error::Pack`], [`Error::Io`].
pub fn publish(library: &Path, folder: &Path, keep: bool) -> Result<Pack, Error> {
    let pack = Pack::read(folder)?;
    let target = library.join(&pack.id);
    std::fs::create_dir_all(library).map_err(Error::io(library))?;
    // Equal ids are equal files: what is there is as good, unless it is damaged.
    if Pack::read(&target).is_ok_and(|there| there.id == pack.id) {
        if !keep && !same_folder(folder, &target) {
            std::fs::remove_dir_all(folder).map_err(Error::io(folder))?;
        }
        return Pack::read(&target);
    }
    if keep || std::fs::rename(folder, &target).is_err() {
        let half = library.join(format!(".{}.half", pack.id));
        remove_folder(&half)?;
        copy(folder, &half)?;
        remove_folder(&target)?;
        std::fs::rename(&half, &target).map_err(Error::io(&target))?;
        if !keep {
            std::fs::remove_dir_all(folder).map_err(Error::io(folder))?;
        }
    }
    Pack::read(&target)
}

fn same_folder(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

fn remove_folder(folder: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io(folder)(e)),
        _ => Ok(()),
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    std::fs::create_dir(to).map_err(Error::io(to))?;
    for entry in std::fs::read_dir(from).map_err(Error::io(from))? {
        let entry = entry.map_err(Error::io(from))?;
        let target: PathBuf = to.join(entry.file_name());
        if entry.file_type().map_err(Error::io(entry.path()))?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target).map_err(Error::io(&target))?;
        }
    }
    Ok(())
}

/// Adds a published pack's movie, or replaces the movie with its number. Whether its policy exists is for
/// [`Policies::check`](policy::Policies::check): the file may change any time.
///
/// # Errors
/// [`Error::Setting`] for a bad number; [`Error::Store`].
pub async fn add(store: &dyn Store, pack: &Pack, details: Details, now: u64) -> Result<NewMovie, Error> {
    let policy = details.policy.unwrap_or_else(|| policy::DEFAULT.to_owned());
    let id = nccp::MovieId::try_from(pack.movie_id)
        .map_err(|_| bad("movie", format!("{} is too large a number", pack.movie_id)))?;
    let movie = NewMovie {
        id: id.get(),
        title: details.title.unwrap_or_else(|| pack.title.clone()),
        year: details.year,
        cast: details.cast,
        synopsis: details.synopsis,
        rating: details.rating,
        runtime: pack.duration.as_f64(),
        pack: pack.id.clone(),
        policy,
        plans: details.plans,
        regions: details.regions.iter().map(|country| region::country(country)).collect::<Result<_, _>>()?,
        license: details.license,
    };
    retried!(async {
        let mut tx = store.begin().await?;
        tx.put_movie(&movie, now).await?;
        tx.commit().await
    })?;
    Ok(movie)
}

/// Every movie, by title.
///
/// # Errors
/// [`Error::Store`].
pub async fn list(store: &dyn Store) -> Result<Vec<Movie>, Error> {
    Ok(store.read().await?.movies().await?)
}

/// A movie.
///
/// # Errors
/// [`Error::Setting`] when there is none of that number; [`Error::Store`].
pub async fn find(store: &dyn Store, id: u64) -> Result<Movie, Error> {
    let movie = store.read().await?.movie(id).await?;
    movie.ok_or_else(|| bad("movie", format!("there is no movie {id}")))
}

/// Forgets a movie, and its files where no other movie has them.
///
/// # Errors
/// As [`find`]; [`Error::Io`].
pub async fn remove(store: &dyn Store, library: &Path, id: u64) -> Result<(), Error> {
    let movie = find(store, id).await?;
    let shared = retried!(async {
        let mut tx = store.begin().await?;
        tx.remove_movie(id).await?;
        let shared = tx.movies().await?.iter().any(|other| other.pack == movie.pack);
        tx.commit().await?;
        Ok::<_, Error>(shared)
    })?;
    if shared { Ok(()) } else { remove_folder(&library.join(&movie.pack)) }
}
