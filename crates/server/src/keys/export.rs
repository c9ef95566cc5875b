//! The keys for a server that certifies nobody: a folder without the CAs' secrets.

use super::file::{self, KeyKind};
use super::folder::{KeyInfo, lock};
use super::generate::generate;
use super::revoked;
use crate::{Error, private};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

/// Copies the keys to a new folder, whole or not at all, of the CAs only the public keys. Signers'
/// certificates that do not hold much longer are made anew before.
///
/// # Errors
/// [`Error::Setting`] if the folder is there already; [`Error::Keys`], [`Error::KeysExposed`], [`Error::Io`].
pub fn export(folder: &Path, to: &Path, public_url: &str, now: u64) -> Result<Vec<KeyInfo>, Error> {
    generate(folder, public_url, now)?;
    let _guard = lock(folder)?;
    if to.exists() {
        let reason = format!("{} is there already; name a new folder", to.display());
        return Err(Error::Setting { name: "folder", reason });
    }
    // Beside it, so that it gets its name in one step; what is left of an export that was cut off goes first.
    let name = to.file_name().ok_or_else(|| Error::Setting {
        name: "folder",
        reason: format!("{} names no folder", to.display()),
    })?;
    let mut half = OsString::from(".");
    half.push(name);
    half.push(".half");
    let half = to.with_file_name(half);
    remove(&half)?;
    let copied = fill(folder, &half).inspect_err(|_| {
        if let Err(error) = remove(&half) {
            tracing::error!(%error, "a part of the keys was left there");
        }
    })?;
    // An empty folder that somebody made meanwhile is replaced, any other is not.
    fs::rename(&half, to).map_err(Error::io(to))?;
    let above = to.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(above).and_then(|above| above.sync_all()).map_err(Error::io(above))?;
    Ok(copied)
}

fn fill(folder: &Path, to: &Path) -> Result<Vec<KeyInfo>, Error> {
    private::make_folder(to).map_err(Error::io(to))?;
    let mut copied = Vec::new();
    for key in file::read_all(folder)? {
        let key = match key.kind {
            KeyKind::SiteCa | KeyKind::FactoryCa => key.without_secret()?,
            _ => key,
        };
        key.write(to)?;
        copied.push(KeyInfo::from(&key));
    }
    revoked::copy(folder, to)?;
    Ok(copied)
}

/// Removes a folder with what is in it, where there is one.
fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io(folder)(error)),
        _ => Ok(()),
    }
}
