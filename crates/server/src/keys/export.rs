//! The keys for a server that certifies nobody: a folder without the CAs' secrets.

use super::file::{self, KeyKind};
use super::folder::{KeyInfo, lock};
use super::generate::generate;
use super::revoked;
use crate::{Error, private};
use std::path::Path;

/// Copies the keys to a new folder, of the CAs only the public keys. Signers' certificates that do not hold
/// much longer are made anew before.
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
