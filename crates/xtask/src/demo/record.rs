//! What earlier demos left in the data folder, `demo.json`: the account's password and which films are
//! protected.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::Error;

/// Options of `matinee package`, and the file that follows them.
pub(super) type Extra = (Vec<&'static str>, PathBuf);

/// A film to protect.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Film {
    /// Its id.
    pub(super) movie: u64,
    /// Its title.
    pub(super) title: String,
    /// Its files, one for each size.
    pub(super) files: Vec<PathBuf>,
    /// What goes with it.
    pub(super) extras: Vec<Extra>,
    /// SHA-256 over the files' bytes, hex.
    digest: String,
}

impl Film {
    /// A film with a known id.
    pub(super) fn new(movie: u64, title: &str, files: &[PathBuf], extras: Vec<Extra>) -> Result<Self, Error> {
        let all = files.iter().chain(extras.iter().map(|(_, file)| file));
        let digest = hex::encode(digest(all)?);
        Ok(Self { movie, title: title.to_owned(), files: files.to_vec(), extras, digest })
    }

    /// A user's own film: its id comes from its bytes (eight digits, so that it cannot be the demo's), its
    /// title from the first file's name.
    pub(super) fn of_user(files: &[PathBuf]) -> Result<Self, Error> {
        let digest = digest(files)?;
        let number = digest[..4].iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let stem = files.first().and_then(|file| file.file_stem()).unwrap_or_default();
        let title = stem.to_string_lossy().replace('_', " ");
        let movie = 10_000_000 + number % 50_000_000;
        Ok(Self { movie, title, files: files.to_vec(), extras: Vec::new(), digest: hex::encode(digest) })
    }
}

/// SHA-256 over the files, each with its length before it.
fn digest<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> Result<Vec<u8>, Error> {
    let mut sha = Sha256::new();
    for path in files {
        let mut file = File::open(path).map_err(Error::file(path))?;
        let length = file.metadata().map_err(Error::file(path))?.len();
        sha.update(length.to_be_bytes());
        let mut buffer = vec![0; 1 << 16];
        loop {
            match file.read(&mut buffer).map_err(Error::file(path))? {
                0 => break,
                length => sha.update(&buffer[..length]),
            }
        }
    }
    Ok(sha.finalize().to_vec())
}

/// `demo.json`, readable by its owner only.
#[derive(Debug)]
pub(super) struct Record {
    path: PathBuf,
    content: Content,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    password: Option<String>,
    /// Whether the account was made.
    #[serde(default)]
    account: bool,
    /// Digest of the source by movie id.
    films: BTreeMap<u64, String>,
}

impl Record {
    /// Reads it, or begins a new one.
    pub(super) fn open(data: &Path) -> Result<Self, Error> {
        let path = data.join("demo.json");
        let content = match std::fs::read(&path) {
            Ok(json) => serde_json::from_slice(&json)
                .map_err(|error| Error::Content { path: path.clone(), problem: error.to_string() })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Content::default(),
            Err(error) => return Err(Error::file(&path)(error)),
        };
        Ok(Self { path, content })
    }

    /// The account's password, made up and kept when first asked for.
    pub(super) fn password(&mut self) -> Result<String, Error> {
        if let Some(password) = &self.content.password {
            return Ok(password.clone());
        }
        let password = new_password()?;
        self.content.password = Some(password.clone());
        self.save()?;
        Ok(password)
    }

    pub(super) fn has_account(&self) -> bool {
        self.content.account
    }

    pub(super) fn set_account(&mut self) -> Result<(), Error> {
        self.content.account = true;
        self.save()
    }

    /// Whether the film was protected from the same bytes.
    pub(super) fn has(&self, film: &Film) -> bool {
        self.content.films.get(&film.movie) == Some(&film.digest)
    }

    pub(super) fn add(&mut self, film: &Film) -> Result<(), Error> {
        self.content.films.insert(film.movie, film.digest.clone());
        self.save()
    }

    fn save(&self) -> Result<(), Error> {
        let json = serde_json::to_vec_pretty(&self.content)
            .map_err(|error| Error::Content { path: self.path.clone(), problem: error.to_string() })?;
        let fresh = self.path.with_extension("json.new");
        let mut file = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)
            .map_err(Error::file(&fresh))?;
        file.write_all(&json).and_then(|()| file.sync_all()).map_err(Error::file(&fresh))?;
        std::fs::rename(&fresh, &self.path).map_err(Error::file(&self.path))
    }
}

/// A password that can be typed: four groups of four, 80 bits.
fn new_password() -> Result<String, Error> {
    let source = Path::new("/dev/urandom");
    let mut random = [0; 16];
    File::open(source).and_then(|mut file| file.read_exact(&mut random)).map_err(Error::file(source))?;
    Ok(spell(random))
}

/// Five bits of each byte as a letter or figure that is not easily mistaken for another.
fn spell(random: [u8; 16]) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letters = random.map(|byte| char::from(LETTERS[usize::from(byte & 31)]));
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_record_survives_and_is_private() {
        let data = tempfile::tempdir().unwrap();
        let source = data.path().join("my_film.mp4");
        std::fs::write(&source, "one").unwrap();
        let film = Film::of_user(std::slice::from_ref(&source)).unwrap();
        assert_eq!(film.title, "my film");
        assert!((10_000_000..60_000_000).contains(&film.movie));

        let mut record = Record::open(data.path()).unwrap();
        assert!(!record.has(&film) && !record.has_account());
        record.add(&film).unwrap();
        let password = record.password().unwrap();
        record.set_account().unwrap();
        let mut again = Record::open(data.path()).unwrap();
        assert!(again.has(&film) && again.has_account());
        assert_eq!(again.password().unwrap(), password);
        let mode = data.path().join("demo.json").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        std::fs::write(&source, "two").unwrap();
        assert!(!again.has(&Film::of_user(&[source]).unwrap()));
    }

    #[test]
    fn passwords_differ_and_can_be_typed() {
        let (one, two) = (new_password().unwrap(), new_password().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 19);
        assert_eq!(spell([0; 16]), "aaaa-aaaa-aaaa-aaaa");
    }
}
