//! What an operator does with movies: the library behind `matinee movie` and `matinee package`.

mod taking_in;

pub use taking_in::{publish, sweep_incoming};

use crate::catalogue::Pack;
use crate::keys::{KeyRing, imported};
use crate::store::{AuditEntry, Movie, NewMovie, Store, retried};
use crate::use_case::content_keys;
use crate::{Error, LicenseMode, policy, region};
use cenc::KidAndKey;
use pack::layout::PACK_JSON;
use std::path::Path;
use storage::{Key, Storage};

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
    imported::keep_given(keys, library, &key, given).await?;
    Pack::read(library, Some(&key)).await
}

/// The content keys of a film that these keys open: all, unless it was packaged for another site.
pub fn content_keys(keys: &KeyRing, pack: &Pack) -> Vec<KidAndKey> {
    let opened = pack.keys.iter().map(|name| (name.kid, content_keys::open(keys, pack, name)));
    opened.filter_map(|(kid, cek)| Some(KidAndKey { kid, cek: cek.ok()? })).collect()
}

fn key(pack: &str) -> Result<Key, Error> {
    Ok(pack.parse().map_err(storage::Error::from)?)
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
        pack: pack.name.clone(),
        policy,
        plans: details.plans,
        regions: details.regions.iter().map(|country| region::country(country)).collect::<Result<_, _>>()?,
        license: details.license,
    };
    retried!(async {
        let mut tx = store.begin().await?;
        tx.put_movie(&movie, now).await?;
        let entry = AuditEntry::operator("movie add").movie(movie.id).with("pack", movie.pack.as_str());
        tx.audit(&entry.with("policy", movie.policy.as_str())).await?;
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
