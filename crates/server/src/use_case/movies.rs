//! What an operator does with movies: the library behind `matinee movie` and `matinee package`.

use crate::catalogue::Pack;
use crate::keys::{KeyRing, imported};
use crate::secret::random_hex;
use crate::store::{AuditEntry, Movie, NewMovie, Store, retried};
use crate::use_case::content_keys;
use crate::use_case::packs::ABANDONED;
use crate::{Error, LicenseMode, policy, private, region};
use cenc::KidAndKey;
use nccp::json::Episode;
use pack::layout::PACK_JSON;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use storage::{Folder, Key, Storage, Transfer};

/// What an operator says of a movie beside its pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// Title; default: the one it was packaged with.
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
    /// Where its licenses come from; see [`check_mode`](crate::policy::check_mode).
    pub license: LicenseMode,
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
        genres: genres(details.genres)?,
        episode: details.episode.map(episode).transpose()?,
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
