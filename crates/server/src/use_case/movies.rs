//! What an operator does with movies: the library behind `matinee movie` and `matinee package`.

mod taking_in;

pub use taking_in::{publish, publish_with, sweep_incoming};

use crate::catalogue::Pack;
use crate::keys::{KeyRing, imported};
use crate::store::{AuditEntry, Movie, NewMovie, Store, StoreError, retried};
use crate::use_case::content_keys;
use crate::{Error, LicenseMode, movie_number, policy, region};
use cenc::KidAndKey;
use nccp::json::Episode;
use pack::layout::PACK_JSON;
use std::path::Path;
use storage::{Key, Storage};

/// What an operator says of a movie beside its pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// Title; default: the one it was packaged with, or of what it replaces.
    pub title: Option<String>,
    /// Year of release.
    pub year: Option<u16>,
    /// Names of the cast.
    pub cast: Vec<String>,
    /// What kinds of film it is: words of the operator's, [`MOST_GENRES`] at most.
    pub genres: Vec<String>,
    /// Which episode of a series it is.
    pub episode: Option<Episode>,
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
    /// Where its licenses come from; default: the server. See [`check_mode`](crate::policy::check_mode).
    pub license: Option<LicenseMode>,
}

impl Details {
    /// A movie with what is said here. What is not said stays as it is.
    fn over(self, movie: NewMovie) -> Result<NewMovie, Error> {
        let list = |said: Vec<String>, so_far: Vec<String>| if said.is_empty() { so_far } else { said };
        let regions =
            self.regions.iter().map(|country| region::country(country)).collect::<Result<_, _>>()?;
        Ok(NewMovie {
            title: self.title.unwrap_or(movie.title),
            year: self.year.or(movie.year),
            cast: list(self.cast, movie.cast),
            genres: if self.genres.is_empty() { movie.genres } else { genres(self.genres)? },
            episode: self.episode.map(episode).transpose()?.or(movie.episode),
            synopsis: self.synopsis.or(movie.synopsis),
            rating: self.rating.or(movie.rating),
            policy: self.policy.unwrap_or(movie.policy),
            plans: list(self.plans, movie.plans),
            regions: list(regions, movie.regions),
            license: self.license.unwrap_or(movie.license),
            ..movie
        })
    }
}

/// What can be said of a movie and need not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// [`Details::year`].
    Year,
    /// [`Details::cast`].
    Cast,
    /// [`Details::genres`].
    Genres,
    /// [`Details::episode`].
    Episode,
    /// [`Details::synopsis`].
    Synopsis,
    /// [`Details::rating`].
    Rating,
    /// [`Details::plans`].
    Plans,
    /// [`Details::regions`].
    Regions,
}

impl Field {
    fn clear(self, movie: &mut NewMovie) {
        match self {
            Self::Year => movie.year = None,
            Self::Cast => movie.cast.clear(),
            Self::Genres => movie.genres.clear(),
            Self::Episode => movie.episode = None,
            Self::Synopsis => movie.synopsis = None,
            Self::Rating => movie.rating = None,
            Self::Plans => movie.plans.clear(),
            Self::Regions => movie.regions.clear(),
        }
    }
}

/// What a film may take the place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Nothing: its number must be free.
    Nothing,
    /// A movie that has the same pack: one that was added before somebody could be told.
    ItsOwn,
    /// Whatever has its number.
    Any,
}

/// A movie that was added.
#[derive(Debug, Clone, PartialEq)]
pub struct Added {
    /// The movie.
    pub movie: NewMovie,
    /// What had its number before.
    pub replaced: Option<Movie>,
}

/// A movie that was changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Edited {
    /// As it was.
    pub before: Movie,
    /// As it is.
    pub movie: NewMovie,
}

/// Genres that a movie may have.
pub const MOST_GENRES: usize = 12;
/// Characters that the name of a genre may have.
pub const LONGEST_GENRE: usize = 40;

/// Genres as they are stored: each once, whatever its case, without blanks around it.
fn genres(given: Vec<String>) -> Result<Vec<String>, Error> {
    let mut genres: Vec<String> = Vec::new();
    for genre in given {
        let genre = genre.trim();
        if genre.is_empty() || genre.chars().count() > LONGEST_GENRE || genre.chars().any(char::is_control) {
            let reason = format!("give each genre 1 to {LONGEST_GENRE} characters in one line");
            return Err(bad("genre", reason));
        }
        if !genres.iter().any(|other| other.to_lowercase() == genre.to_lowercase()) {
            genres.push(genre.to_owned());
        }
    }
    if genres.len() > MOST_GENRES {
        return Err(bad("genre", format!("a movie has at most {MOST_GENRES} genres, not {}", genres.len())));
    }
    Ok(genres)
}

/// Characters that the name of a series may have.
const LONGEST_SERIES: usize = 120;

/// An episode as it is stored.
fn episode(given: Episode) -> Result<Episode, Error> {
    let series = given.series.trim().to_owned();
    if series.is_empty() || series.chars().count() > LONGEST_SERIES || series.chars().any(char::is_control) {
        let reason = format!("give the series a name of 1 to {LONGEST_SERIES} characters in one line");
        return Err(bad("series", reason));
    }
    Ok(Episode { series, ..given })
}

fn bad(name: &'static str, reason: String) -> Error {
    Error::Setting { name, reason }
}

/// Keeps keys that an operator gave for a published pack with it, sealed for the license servers that have
/// this folder of keys; gives the pack as it is then.
///
/// # Errors
/// [`Error::Pack`], [`Error::Storage`]; what reading the keys gives.
pub async fn keep_keys(
    library: &dyn Storage,
    keys: &Path,
    pack: &str,
    given: &[KidAndKey],
) -> Result<Pack, Error> {
    let key = key(pack)?;
    imported::keep_given(keys, library, Some(&key), given).await?;
    Pack::read(library, Some(&key)).await
}

/// The content of `keys.sealed` for a pack with keys that an operator gave, for the license servers that have
/// this folder of keys. Whoever publishes the pack puts it there before `pack.json`.
///
/// # Errors
/// What reading the keys gives.
pub fn seal_keys(keys: &Path, given: &[KidAndKey]) -> Result<Vec<u8>, Error> {
    imported::seal(keys, Vec::new(), given)
}

/// The content keys of a film that these keys open: all, unless it was packaged for another site.
pub fn content_keys(keys: &KeyRing, pack: &Pack) -> Vec<KidAndKey> {
    let opened = pack.keys.iter().map(|name| (name.kid, content_keys::open(keys, pack, name)));
    opened.filter_map(|(kid, cek)| Some(KidAndKey { kid, cek: cek.ok()? })).collect()
}

fn key(pack: &str) -> Result<Key, Error> {
    Ok(pack.parse().map_err(storage::Error::from)?)
}

/// The number that the next movie gets: none that a movie has, or had before it was removed, so that no link,
/// position or line of a log leads to another film.
///
/// # Errors
/// [`Error::Setting`] when there is none at all; [`Error::Store`].
pub async fn next_number(store: &dyn Store) -> Result<u64, Error> {
    let mut tx = store.read().await?;
    movie_number::next_in(&mut *tx).await
}

/// Why a number cannot be had.
pub fn taken(movie: &Movie) -> Error {
    let (id, title) = (movie.id, &movie.title);
    let reason = format!(
        "{id} is \"{title}\" already: `matinee movie edit {id}` changes what is told of it, --replace puts this film in \
         its place"
    );
    bad("movie", reason)
}

/// Adds a published pack's movie, where `over` lets it in place of the movie with its number: what is not
/// said of it then stays, and so do the poster that it was given and where accounts are in it. Whether its
/// policy exists is for [`Policies::check`](policy::Policies::check): the file may change any time.
///
/// # Errors
/// [`Error::Setting`] for a bad number, or one that is taken; [`Error::Store`].
pub async fn add(
    store: &dyn Store,
    pack: &Pack,
    details: Details,
    over: Over,
    now: u64,
) -> Result<Added, Error> {
    let id = nccp::MovieId::try_from(pack.movie_id)
        .map_err(|_| bad("movie", format!("{} is too large a number", pack.movie_id)))?;
    retried!(async {
        let mut tx = store.begin().await?;
        let replaced = tx.lock_movie(id.get()).await?;
        if let Some(movie) = &replaced
            && !(over == Over::Any || over == Over::ItsOwn && movie.pack == pack.name)
        {
            return Err(taken(movie));
        }
        let so_far = match replaced.clone() {
            Some(movie) => {
                NewMovie { runtime: pack.duration.as_f64(), pack: pack.name.clone(), ..movie.into() }
            }
            None => {
                let runtime = pack.duration.as_f64();
                NewMovie::new(id.get(), &*pack.title, &*pack.name, runtime, policy::DEFAULT)
            }
        };
        let movie = details.clone().over(so_far)?;
        if replaced.is_some() {
            tx.put_movie(&movie, now).await?;
        } else if !tx.add_movie(&movie, now).await? {
            // What is not there cannot be locked: another was added meanwhile, and the next run sees it.
            return Err(StoreError::Contended.into());
        }
        let entry = AuditEntry::operator("movie add").movie(movie.id).with("pack", movie.pack.as_str());
        let entry = match &replaced {
            Some(before) => entry.with("replaced", before.pack.as_str()),
            None => entry,
        };
        tx.audit(&entry.with("policy", movie.policy.as_str())).await?;
        tx.commit().await?;
        Ok(Added { movie, replaced })
    })
}

/// Changes what is said of a movie: what `details` say, and what is not to be said any more. All else stays.
///
/// # Errors
/// As [`find`]; [`Error::Setting`] for a region that is none.
pub async fn edit(
    store: &dyn Store,
    id: u64,
    details: Details,
    cleared: &[Field],
    now: u64,
) -> Result<Edited, Error> {
    retried!(async {
        let mut tx = store.begin().await?;
        let before = tx.lock_movie(id).await?.ok_or_else(|| unknown(id))?;
        let mut movie = details.clone().over(before.clone().into())?;
        cleared.iter().for_each(|field| field.clear(&mut movie));
        tx.put_movie(&movie, now).await?;
        let entry = AuditEntry::operator("movie edit").movie(id).with("policy", movie.policy.as_str());
        tx.audit(&entry.with("license", movie.license.to_string())).await?;
        tx.commit().await?;
        Ok(Edited { before, movie })
    })
}

pub(crate) fn unknown(id: u64) -> Error {
    bad("movie", format!("there is no movie {id}"))
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
    movie.ok_or_else(|| unknown(id))
}

/// Forgets a movie, with the links to it, and its files where no other movie has them. No later movie gets
/// its number by itself.
///
/// # Errors
/// As [`find`]; [`Error::Storage`].
pub async fn remove(store: &dyn Store, library: &dyn Storage, id: u64) -> Result<(), Error> {
    let movie = find(store, id).await?;
    let shared = retried!(async {
        let mut tx = store.begin().await?;
        tx.remove_movie(id).await?;
        tx.audit(&AuditEntry::operator("movie remove").movie(id)).await?;
        let shared = tx.movies().await?.iter().any(|other| other.pack == movie.pack);
        tx.commit().await?;
        Ok::<_, Error>(shared)
    })?;
    // Sources are the operator's.
    if !shared && pack::layout::is_pack_id(&movie.pack) {
        storage::unpublish(library, &key(&movie.pack)?, PACK_JSON).await?;
    }
    Ok(())
}

/// The published pack of this id.
///
/// # Errors
/// [`Error::Pack`], [`Error::Storage`].
pub async fn read(library: &dyn Storage, pack: &str) -> Result<Pack, Error> {
    Pack::read(library, Some(&key(pack)?)).await
}

/// Takes back a pack that the catalogue does not know.
///
/// # Errors
/// [`Error::Storage`].
pub async fn unpublish(library: &dyn Storage, pack: &str) -> Result<(), Error> {
    Ok(storage::unpublish(library, &key(pack)?, PACK_JSON).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn genres_are_stored_once_and_are_short() {
        let stored = |given: &[&str]| genres(given.iter().map(|&genre| genre.to_owned()).collect());
        assert_eq!(stored(&[" Drama ", "drama", "Krimi"]).unwrap(), ["Drama", "Krimi"]);
        assert_eq!(stored(&[]).unwrap(), [""; 0]);
        let long = "x".repeat(LONGEST_GENRE + 1);
        for wrong in ["", "  ", "a\nb", long.as_str()] {
            assert!(stored(&[wrong]).is_err(), "{wrong:?}");
        }
        assert!(stored(&[&long[1..]]).is_ok());
        let many: Vec<String> = (0..=MOST_GENRES).map(|n| n.to_string()).collect();
        assert!(genres(many).unwrap_err().to_string().contains("at most 12"));
    }

    #[test]
    fn a_series_has_a_name_in_one_line() {
        let named = |series: &str| episode(Episode { series: series.into(), season: 1, number: 2 });
        assert_eq!(named(" Signs ").unwrap(), Episode { series: "Signs".into(), season: 1, number: 2 });
        for wrong in ["", " ", "a\nb", "x".repeat(LONGEST_SERIES + 1).as_str()] {
            assert!(named(wrong).is_err(), "{wrong:?}");
        }
    }
}
