//! A film comes into the library: looked at, copied, checked, and put there whole or not at all.

use super::key;
use crate::catalogue::Pack;
use crate::keys::imported;
use crate::secret::random_hex;
use crate::use_case::packs::ABANDONED;
use crate::{Error, private};
use cenc::KidAndKey;
use pack::layout::{PACK_JSON, SEALED_KEYS};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use storage::{Folder, Key, Storage, Transfer};

/// Puts a pack into the library, whole or not at all, where its files are those that `pack.json` names. The
/// folder stays as it is. It is copied into a folder below `intake` first, best one on the library's disk,
/// and moved from there. What is damaged in the library is put right meanwhile, and stays to be read where it
/// is not. Sealed keys there that cannot be read give way to the folder's, or go: whoever has them gives them
/// again.
///
/// # Errors
/// [`Error::Pack`]; [`Error::Storage`], also where the storage cannot say now what it has: then nothing is
/// touched.
pub async fn publish(library: &dyn Storage, intake: &Path, folder: &Path) -> Result<Pack, Error> {
    let none: &[KidAndKey] = &[];
    publish_with(library, intake, folder, (Path::new(""), none)).await
}

/// As [`publish`], with keys that an operator gave, sealed by a folder of keys: a pack that is new has them
/// before it has its `pack.json`, and is never there without them.
///
/// # Errors
/// As [`publish`]; what reading the folder of keys gives.
pub async fn publish_with(
    library: &dyn Storage,
    intake: &Path,
    folder: &Path,
    (keys, given): (&Path, &[KidAndKey]),
) -> Result<Pack, Error> {
    let named = Pack::read_folder(folder).await?;
    let key = key(&named.id)?;
    let there = There::of(library, &key, &named).await?;
    if matches!(there, There::Whole) {
        if !given.is_empty() {
            imported::keep_given(keys, library, Some(&key), given).await?;
        }
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
    if !imported::are_readable(library, &key).await? {
        tracing::warn!(pack = %key, "sealed keys that cannot be read are taken away");
        library.delete(&key.join(SEALED_KEYS).map_err(storage::Error::from)?).await?;
    }
    if let There::Damaged(names) = &there {
        // Readers go on with all else: nothing is taken away.
        for name in names {
            let (object, file) = (key.join(name).map_err(storage::Error::from)?, taken_in.0.join(name));
            if name != SEALED_KEYS || file.exists() {
                library.put_file(&object, &file, Transfer::Move).await?;
            }
        }
        if !given.is_empty() {
            imported::keep_given(keys, library, Some(&key), given).await?;
        }
    } else {
        if !given.is_empty() {
            imported::keep_given(keys, &Folder::new(&taken_in.0), None, given).await?;
        }
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
    /// The same pack, but these files are missing or damaged; its sealed keys can be among them.
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
        let mut damaged = there.damaged(library, Some(key)).await?;
        if !damaged.is_empty() && files(&there) != files(named) {
            return Ok(Self::Other);
        }
        if !imported::are_readable(library, key).await? {
            damaged.push(SEALED_KEYS.to_owned());
        }
        Ok(if damaged.is_empty() { Self::Whole } else { Self::Damaged(damaged) })
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

/// Removes what killed processes left of packs that came in: folders into which nothing was written for a
/// day. Gives how many there were.
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

/// Copies the files of a folder, each from the file that was looked at: what a symbolic link leads to, or
/// becomes one meanwhile, is refused.
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

#[cfg(test)]
mod tests {
    use super::*;

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
