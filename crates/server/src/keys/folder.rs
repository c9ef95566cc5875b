//! The folder of keys as a whole: what is in it, and one writer at a time.

use super::file::{self, KeyFile, KeyKind, KeyState};
use crate::Error;
use std::fs::{self, DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// What a listing shows of a key: nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KeyInfo {
    /// What it is for.
    pub kind: KeyKind,
    /// Its name.
    pub id: String,
    /// Where it stands.
    pub state: KeyState,
    /// When it was made.
    pub created: u64,
    /// Signers: what it signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typ: Option<String>,
}

/// Lists the keys of a folder.
///
/// # Errors
/// [`Error::Io`], [`Error::Keys`], [`Error::KeysExposed`].
pub fn list(folder: &Path) -> Result<Vec<KeyInfo>, Error> {
    Ok(file::read_all(folder)?.iter().map(KeyInfo::from).collect())
}

impl From<&KeyFile> for KeyInfo {
    fn from(key: &KeyFile) -> Self {
        let (id, typ) = (key.id.clone(), key.typ.clone());
        Self { kind: key.kind, id, state: key.state, created: key.created, typ }
    }
}

/// Whether a folder has keys already.
///
/// # Errors
/// [`Error::Io`].
pub fn exist(folder: &Path) -> Result<bool, Error> {
    match fs::read_dir(folder) {
        Ok(mut entries) => {
            Ok(entries.any(|e| e.is_ok_and(|e| e.path().extension().is_some_and(|x| x == "toml"))))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Error::io(folder)(e)),
    }
}

/// Makes the folder and holds it until the file is closed: two processes that start at once make one set.
pub(super) fn lock(folder: &Path) -> Result<fs::File, Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(Error::io(folder))?;
    let lock = folder.join(".lock");
    let guard = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&lock)
        .map_err(Error::io(&lock))?;
    guard.lock().map_err(Error::io(&lock))?;
    Ok(guard)
}
