//! Components that nobody trusts any more: `{data}/keys/revoked`, one a line. It lies beside the keys because
//! it is read, watched and shared between servers as they are.

use super::file;
use super::folder::lock;
use crate::Error;
use license::{DeviceCertificate, sha256};
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;
use std::str::FromStr;

const FILE: &str = "revoked";

/// Copies the list to another folder of keys; nothing where there is none.
pub(super) fn copy(folder: &Path, to: &Path) -> Result<(), Error> {
    match fs::read(folder.join(FILE)) {
        Ok(list) => file::replace(to, FILE, &list),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io(folder.join(FILE))(error)),
    }
}

/// What a line names: a certificate's component id, or its signing key by the first 16 octets of its SHA-256.
/// Hex in texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RevokedId([u8; 16]);

impl RevokedId {
    /// The id of a signing key: what the database knows of a device.
    pub fn of_key(key: &[u8]) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&sha256(key)[..16]);
        Self(id)
    }

    /// Whether it is this component's, or this key's (P-256, compressed).
    pub(crate) fn names(&self, component: [u8; 16], key: &[u8]) -> bool {
        self.0 == component || *self == Self::of_key(key)
    }
}

impl FromStr for RevokedId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut id = [0; 16];
        hex::decode_to_slice(text, &mut id).map(|()| Self(id)).map_err(|_| Error::Setting {
            name: "component",
            reason: format!("\"{text}\" is not 32 hexadecimal digits"),
        })
    }
}

impl fmt::Display for RevokedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// All that are refused, each with the operator's note.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Revoked(BTreeMap<RevokedId, String>);

impl Revoked {
    /// Reads the list of a key folder; none where there is no file.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Keys`] for a line that is not understood: it may be somebody who should be
    /// refused.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            read => read.map_err(Error::io(&path))?,
        };
        let mut list = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (id, note) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let id = id.parse().map_err(|_| {
                let (path, number) = (path.display(), number + 1);
                Error::Keys(format!("{path}: line {number} does not begin with 32 hexadecimal digits"))
            })?;
            list.insert(id, note.trim_start_matches(['#', ' ']).to_owned());
        }
        Ok(Self(list))
    }

    fn write(&self, folder: &Path) -> Result<(), Error> {
        let mut text =
            String::from("# Components that get no certificate, registration, ticket or license.\n");
        for (id, note) in &self.0 {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{id} # {note}");
        }
        file::replace(folder, FILE, text.as_bytes())
    }

    /// Whether these are a refused component's. `key` is its P-256 key, compressed.
    pub(crate) fn holds(&self, component: [u8; 16], key: &[u8]) -> bool {
        !self.0.is_empty()
            && (self.0.contains_key(&RevokedId(component)) || self.0.contains_key(&RevokedId::of_key(key)))
    }

    /// Whether this certificate is a refused component's.
    pub(crate) fn holds_certificate(&self, certificate: &DeviceCertificate) -> bool {
        self.holds(certificate.component, certificate.signing_key.as_bytes())
    }

    /// Each with its note.
    pub fn iter(&self) -> impl Iterator<Item = (&RevokedId, &str)> {
        self.0.iter().map(|(id, note)| (id, note.as_str()))
    }
}

/// Refuses a component from now on; false if it was refused already. Running servers notice within half a
/// minute, or on SIGHUP.
///
/// # Errors
/// As [`Revoked::read`].
pub fn revoke(folder: &Path, id: RevokedId, note: &str) -> Result<bool, Error> {
    let _guard = lock(folder)?;
    let mut list = Revoked::read(folder)?;
    let note = note.replace(char::is_control, " ");
    let is_new = list.0.insert(id, note).is_none();
    list.write(folder).map(|()| is_new)
}

/// Takes a component off the list; false if it was not on it.
///
/// # Errors
/// As [`Revoked::read`].
pub fn reinstate(folder: &Path, id: RevokedId) -> Result<bool, Error> {
    let _guard = lock(folder)?;
    let mut list = Revoked::read(folder)?;
    let was_there = list.0.remove(&id).is_some();
    list.write(folder).map(|()| was_there)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_kept_with_its_notes_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert_eq!(Revoked::read(folder).unwrap(), Revoked::default());
        let (a, b) = (RevokedId([0xAB; 16]), RevokedId::of_key(&[2; 33]));
        assert!(revoke(folder, a, "stolen\nlaptop").unwrap() && revoke(folder, b, "").unwrap());
        assert!(!revoke(folder, a, "stolen laptop").unwrap());
        let list = Revoked::read(folder).unwrap();
        let of_a = list.iter().find(|(id, _)| **id == a);
        assert_eq!((list.iter().count(), of_a.map(|(_, note)| note)), (2, Some("stolen laptop")));
        assert!(
            list.holds([0xAB; 16], &[3; 33])
                && list.holds([0; 16], &[2; 33])
                && !list.holds([0; 16], &[3; 33])
        );
        assert!(reinstate(folder, a).unwrap() && !reinstate(folder, a).unwrap());
        assert!(!Revoked::read(folder).unwrap().holds([0xAB; 16], &[3; 33]));
        fs::write(folder.join(FILE), "# why\n\nabab stolen\n").unwrap();
        assert!(Revoked::read(folder).unwrap_err().to_string().contains("line 3"));
    }
}
