//! The work folder: what was made, by which step of what, so that it is made once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Error;

const JOURNAL: &str = "journal.json";

/// What is done.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Journal {
    /// The movie's number that was taken.
    movie: Option<u64>,
    /// The pack that was made for that number.
    #[serde(default)]
    pack: Option<String>,
    /// Of each step's result, what it was made of.
    steps: BTreeMap<String, String>,
}

/// The folder in which one film is prepared, for one process at a time.
#[derive(Debug)]
pub struct Work {
    folder: PathBuf,
    journal: Journal,
    _lock: File,
}

impl Work {
    /// Opens or makes the folder of these inputs below `parent`. What was left half-made there is removed.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Io`].
    pub fn open(parent: &Path, inputs: &[PathBuf], wanted: &str) -> Result<Self, Error> {
        let mut digest = Sha256::new_with_prefix(wanted);
        for input in inputs {
            digest.update([0]);
            digest.update(input.as_os_str().as_encoded_bytes());
        }
        let folder = parent.join(hex::encode(&digest.finalize()[..8]));
        fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        // Programs that work on it run in folders of it.
        let folder = fs::canonicalize(&folder).map_err(Error::io(&folder))?;
        let lock = folder.join("lock");
        let file = File::options().create(true).append(true).open(&lock).map_err(Error::io(&lock))?;
        if file.try_lock().is_err() {
            return Err(Error::Busy(folder));
        }
        // What cannot be read is done again.
        let journal = fs::read(folder.join(JOURNAL)).ok();
        let journal = journal.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default();
        let this = Self { folder, journal, _lock: file };
        this.sweep()?;
        Ok(this)
    }

    /// Removes what is half-made: it has hidden names.
    fn sweep(&self) -> Result<(), Error> {
        for entry in fs::read_dir(&self.folder).map_err(Error::io(&self.folder))? {
            let path = entry.map_err(Error::io(&self.folder))?.path();
            if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
                remove(&path)?;
            }
        }
        Ok(())
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The movie's number that was taken before for this film.
    pub fn movie(&self) -> Option<u64> {
        self.journal.movie
    }

    /// Remembers the movie's number; no pack was made for it yet.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn set_movie(&mut self, movie: u64) -> Result<(), Error> {
        (self.journal.movie, self.journal.pack) = (Some(movie), None);
        self.save()
    }

    /// The pack that was made before of this film, under its number.
    pub fn pack(&self) -> Option<&str> {
        self.journal.pack.as_deref()
    }

    /// Remembers the film's pack.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn set_pack(&mut self, pack: &str) -> Result<(), Error> {
        self.journal.pack = Some(pack.to_owned());
        self.save()
    }

    /// Removes the folder where nothing was done in it yet.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn leave(self) -> Result<(), Error> {
        match self.journal.movie.is_none() && self.journal.steps.is_empty() {
            true => self.remove(),
            false => Ok(()),
        }
    }

    /// Removes the folder with all that is in it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn remove(self) -> Result<(), Error> {
        fs::remove_dir_all(&self.folder).map_err(Error::io(&self.folder))
    }

    /// Makes a file or folder by a step, unless it is there and was made of the same: `said` and the inputs'
    /// sizes and times. `make` gets a temporary name.
    pub(crate) fn step(
        &mut self,
        name: &str,
        said: &[OsString],
        inputs: &[&Path],
        make: impl FnOnce(&Path) -> Result<(), Error>,
    ) -> Result<PathBuf, Error> {
        let key = key(said, inputs)?;
        let place = self.folder.join(name);
        if self.journal.steps.get(name) == Some(&key) && place.exists() {
            return Ok(place);
        }
        // First forgotten, then made: a crash between leaves nothing that is taken for another.
        if self.journal.steps.remove(name).is_some() {
            self.save()?;
        }
        remove(&place)?;
        let temporary = self.folder.join(format!(".{name}"));
        remove(&temporary)?;
        let made = make(&temporary).and_then(|()| sync(&temporary));
        if let Err(error) = made.and_then(|()| fs::rename(&temporary, &place).map_err(Error::io(&place))) {
            // Where there is no room, what else was begun takes some.
            let _ = self.sweep();
            return Err(error);
        }
        self.journal.steps.insert(name.to_owned(), key);
        self.save()?;
        Ok(place)
    }

    fn save(&self) -> Result<(), Error> {
        let (temporary, place) = (self.folder.join(".journal"), self.folder.join(JOURNAL));
        let json = serde_json::to_vec_pretty(&self.journal).map_err(|e| Error::io(&temporary)(e.into()))?;
        let written = fs::write(&temporary, json).map_err(Error::io(&place)).and_then(|()| sync(&temporary));
        let done = written.and_then(|()| fs::rename(&temporary, &place).map_err(Error::io(&place)));
        done.inspect_err(|_| drop(fs::remove_file(&temporary)))
    }
}

fn sync(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|file| file.sync_all()).map_err(Error::io(path))
}

/// Removes a file or folder, if it is there.
fn remove(path: &Path) -> Result<(), Error> {
    let done = match path.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
    match done {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(Error::io(path)),
    }
}

fn key(said: &[OsString], inputs: &[&Path]) -> Result<String, Error> {
    let mut digest = Sha256::new();
    for word in said {
        digest.update(word.as_encoded_bytes());
        digest.update([0]);
    }
    for input in inputs {
        let meta = fs::metadata(input).map_err(Error::io(*input))?;
        let time = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        digest.update(input.as_os_str().as_encoded_bytes());
        digest.update(format!("\0{}\0{}\0", meta.len(), time.unwrap_or_default().as_nanos()));
    }
    Ok(hex::encode(digest.finalize()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_made_once_of_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let input = dir.path().join("input");
        fs::write(&input, "1").unwrap();
        let made = std::cell::Cell::new(0);
        let step = |said: &str| {
            let mut work = Work::open(dir.path(), std::slice::from_ref(&input), "").unwrap();
            let place = work.step("a", &[said.into()], &[&input], |to| {
                made.set(made.get() + 1);
                fs::write(to, said).map_err(Error::io(to))
            });
            fs::read_to_string(place.unwrap()).unwrap()
        };
        assert_eq!((step("x"), step("x"), made.get()), ("x".into(), "x".into(), 1));
        assert_eq!((step("y"), made.get()), ("y".into(), 2));
        fs::write(&input, "22").unwrap();
        assert_eq!((step("y"), made.get()), ("y".into(), 3));
    }

    #[test]
    fn what_fails_leaves_nothing_and_one_works_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let mut work = Work::open(dir.path(), &[], "").unwrap();
        assert!(matches!(Work::open(dir.path(), &[], ""), Err(Error::Busy(_))));
        let failed = work.step("a", &[], &[], |to| {
            fs::write(to, "half").unwrap();
            Err(Error::Missing("ffmpeg"))
        });
        assert!(failed.is_err());
        let left = |work: &Work| fs::read_dir(work.folder()).unwrap().count();
        assert_eq!(left(&work), 1, "the lock alone");
        fs::write(work.folder().join(".b"), "left by a crash").unwrap();
        work.set_movie(7).unwrap();
        work.set_pack("p").unwrap();
        drop(work);
        // Programs that other tests start have a copy of the lock for the moment before they are themselves.
        let work = loop {
            match Work::open(dir.path(), &[], "") {
                Err(Error::Busy(_)) => std::thread::yield_now(),
                opened => break opened.unwrap(),
            }
        };
        assert_eq!((left(&work), work.movie(), work.pack()), (2, Some(7), Some("p")));
        work.remove().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
