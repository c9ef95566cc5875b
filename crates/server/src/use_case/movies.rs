//! What an operator does with movies: the library behind `matinee movie` and `matinee package`.

use crate::catalogue::Pack;
use crate::keys::{KeyRing, imported};
use crate::secret::random_hex;
use crate::store::{AuditEntry, Movie, NewMovie, Store, retried};
use crate::use_case::content_keys;
use crate::use_case::packs::ABANDONED;
use crate::{Error, LicenseMode, policy, private, region};
use cenc::KidAndKey;
use pack::layout::PACK_JSON;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use storage::{Folder, Key, Storage, Transfer};

/// What an operator says of a movie beside its pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// Title; default: the one it was packaged with, or of what it replaces.
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

fn bad(name: &'static str, reason: String) -> Error {
    Error::Setting { name, reason }
}

/// Puts a pack into the library, whole or not at all, where its files are those that `pack.json` names. The
/// folder stays as it is. It is copied into a folder below `intake` first, best one on the library's disk, and
/// moved from there. What is damaged in the library is put right meanwhile, and stays to be read where it is not.
///
/// # Errors
/// [`Error::Pack`]; [`Error::Storage`], also where the storage cannot say now what it has: then nothing is touched.
pub async fn publish(library: &dyn Storage, intake: &Path, folder: &Path) -> Result<Pack, Error> {
    let named = Pack::read_folder(folder).await?;
    let key = key(&named.id)?;
    let there = There::of(library, &key, &named).await?;
    if matches!(there, There::Whole) {
        return Pack::read(library, Some(&key)).await;
    }
    if let Err(error) = sweep_incoming(intake).await {
        tracing::warn!(%error, "cannot remove what is not needed any more");
    }
    let taken_in = Incoming(intake.join(format!("{INCOMING}{}", random_hex::<8>())));
    take_in(folder, &taken_in.0).await?;
    // What is checked is what is published, whatever somebody does to the folder meanwhile.
    let pack = Pack::read_folder(&taken_in.0).await?;
    if pack.id != named.id || files(&pack) != files(&named) {
        let reason = "pack.json changed while it was read".to_owned();
        return Err(Error::Pack { pack: named.id, reason });
    }
    pack.verify(&Folder::new(&taken_in.0), None).await?;
    if let There::Damaged(names) = &there {
        // Readers go on with all else: nothing is taken away.
        for name in names {
            let object = key.join(name).map_err(storage::Error::from)?;
            library.put_file(&object, &taken_in.0.join(name), Transfer::Move).await?;
        }
    } else {
        if matches!(there, There::Other) {
            library.delete(&key.join(PACK_JSON).map_err(storage::Error::from)?).await?;
        }
        storage::publish(library, Some(&key), &taken_in.0, PACK_JSON, Transfer::Move).await?;
    }
    Pack::read(library, Some(&key)).await
}

/// What the library has under a pack's id.
enum There {
    /// No `pack.json`: no pack.
    Nothing,
    /// Equal ids are equal files: as good as the one that comes.
    Whole,
    /// The same pack, but these files are missing or damaged.
    Damaged(Vec<String>),
    /// A `pack.json` that is damaged itself, or another's.
    Other,
}

impl There {
    /// # Errors
    /// [`Error::Storage`] where that cannot be known now.
    async fn of(library: &dyn Storage, key: &Key, named: &Pack) -> Result<Self, Error> {
        match library.head(&key.join(PACK_JSON).map_err(storage::Error::from)?).await {
            Ok(_) => {}
            Err(error) if error.is_not_found() => return Ok(Self::Nothing),
            Err(error) => return Err(error.into()),
        }
        let there = match Pack::described(library, Some(key)).await {
            Ok((there, _)) => there,
            Err(Error::Pack { .. }) => return Ok(Self::Other),
            Err(error) => return Err(error),
        };
        if there.id != named.id {
            return Ok(Self::Other);
        }
        let damaged = there.damaged(library, Some(key)).await?;
        Ok(match (damaged.is_empty(), files(&there) == files(named)) {
            (true, _) => Self::Whole,
            (false, true) => Self::Damaged(damaged),
            (false, false) => Self::Other,
        })
    }
}

/// What `pack.json` says of the files.
fn files(pack: &Pack) -> Vec<(String, u64, &str)> {
    pack.files().collect()
}

/// How the names of folders begin into which packs are copied.
const INCOMING: &str = ".incoming-";

/// A folder for a pack that comes in: no object, and gone in the end.
struct Incoming(PathBuf);

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(folder = %self.0.display(), %error, "cannot remove what is not needed any more");
        }
    }
}

/// Removes what killed processes left of packs that came in: folders into which nothing was written for a day.
/// Gives how many there were.
///
/// # Errors
/// [`Error::Io`].
pub async fn sweep_incoming(intake: &Path) -> Result<usize, Error> {
    let folder = intake.to_owned();
    let sweep = move || remove_incoming(&folder).map_err(Error::io(&folder));
    tokio::task::spawn_blocking(sweep).await.unwrap_or(Err(Error::Internal("a folder could not be swept")))
}

fn remove_incoming(intake: &Path) -> io::Result<usize> {
    let entries = match fs::read_dir(intake) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let (now, mut count) = (SystemTime::now(), 0);
    for entry in entries {
        let entry = entry?;
        let is_ours = entry.file_name().as_encoded_bytes().starts_with(INCOMING.as_bytes());
        if !is_ours || !entry.file_type()?.is_dir() {
            continue;
        }
        // It may be gone by now.
        let Ok(newest) = newest(&entry.path()) else { continue };
        // What was written in the future was not written long ago.
        if now.duration_since(newest).is_ok_and(|age| age >= ABANDONED) {
            fs::remove_dir_all(entry.path())?;
            count += 1;
        }
    }
    Ok(count)
}

/// When something was written to a folder, or to what is in it.
fn newest(path: &Path) -> io::Result<SystemTime> {
    let meta = fs::symlink_metadata(path)?;
    let mut latest = meta.modified()?;
    if meta.is_dir() {
        for entry in fs::read_dir(path)? {
            latest = latest.max(newest(&entry?.path())?);
        }
    }
    Ok(latest)
}

/// Copies the files of a folder, each from the file that was looked at: what a symbolic link leads to, or becomes
/// one meanwhile, is refused.
async fn take_in(folder: &Path, to: &Path) -> Result<(), Error> {
    let files = storage::files(folder).await?;
    let (folder, to) = (folder.to_owned(), to.to_owned());
    let copy = move || {
        private::make_folder(&to).map_err(Error::io(&to))?;
        for (name, path) in files {
            let key: Key = name.parse().map_err(storage::Error::from)?;
            let (mut file, _) = Folder::new(&folder).open_file(&key)?;
            let copy = to.join(&name);
            if let Some(above) = copy.parent() {
                fs::create_dir_all(above).map_err(Error::io(above))?;
            }
            let mut copied = File::create_new(&copy).map_err(Error::io(&copy))?;
            io::copy(&mut file, &mut copied).map_err(Error::io(path))?;
        }
        Ok(())
    };
    tokio::task::spawn_blocking(copy).await.unwrap_or(Err(Error::Internal("a pack could not be copied")))
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

/// The number that the next movie gets beside those that are taken: one more than the highest, or the lowest that is free where there is none
/// above it.
///
/// # Errors
/// [`Error::Setting`] when there is none at all.
pub fn next_free(taken: impl IntoIterator<Item = u64>) -> Result<u64, Error> {
    let taken: BTreeSet<u64> = taken.into_iter().collect();
    let above = taken.last().map_or(Some(1), |highest| highest.checked_add(1));
    let is_number = |id: &u64| nccp::MovieId::try_from(*id).is_ok();
    let below = || (1..).zip(&taken).find(|(id, taken)| id != *taken).map(|(id, _)| id);
    above.filter(is_number).or_else(below).ok_or_else(|| bad("movie", "no number is free".to_owned()))
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

/// Adds a published pack's movie, where `over` lets it in place of the movie with its number: what is not said of it
/// then stays, and so do the poster that it was given and where accounts are in it. Whether its policy exists is for
/// [`Policies::check`](policy::Policies::check): the file may change any time.
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
            None => NewMovie {
                id: id.get(),
                title: pack.title.clone(),
                year: None,
                cast: Vec::new(),
                synopsis: None,
                rating: None,
                runtime: pack.duration.as_f64(),
                pack: pack.name.clone(),
                policy: policy::DEFAULT.to_owned(),
                plans: Vec::new(),
                regions: Vec::new(),
                license: LicenseMode::default(),
            },
        };
        let movie = details.clone().over(so_far)?;
        tx.put_movie(&movie, now).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_from_the_highest() {
        let next = |ids: &[u64]| next_free(ids.iter().copied()).unwrap();
        assert_eq!((next(&[]), next(&[1, 2]), next(&[60_027_274, 5])), (1, 3, 60_027_275));
        // No number is above the highest that there can be.
        let highest = (1 << 53) - 1;
        assert_eq!((next(&[highest]), next(&[1, 2, 4, highest]), next(&[1, 2, highest])), (1, 3, 3));
    }

    /// What was written to lately is somebody's, however old its folder is.
    #[tokio::test]
    async fn what_came_in_and_was_left_is_swept() {
        let intake = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - 2 * ABANDONED;
        for (name, is_old) in [(".incoming-left", true), (".incoming-busy", false), ("541", true)] {
            let folder = intake.path().join(name);
            fs::create_dir(&folder).unwrap();
            let file = File::create(folder.join("1.mp4")).unwrap();
            if is_old {
                file.set_modified(old).unwrap();
            }
            File::open(&folder).unwrap().set_modified(old).unwrap();
        }
        assert_eq!(sweep_incoming(intake.path()).await.unwrap(), 1);
        assert_eq!(sweep_incoming(&intake.path().join("none")).await.unwrap(), 0);
        let mut left: Vec<_> =
            fs::read_dir(intake.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".incoming-busy", "541"]);
    }
}
