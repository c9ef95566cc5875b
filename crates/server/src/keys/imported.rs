//! Content keys that an operator gave to the packager. Nothing can be derived for them: they lie with the
//! pack that they open, sealed by the site's `seal` key, so that every server that shares keys and library
//! can license the film.

use super::file;
use super::seal::SealKey;
use crate::Error;
use crate::secret::{base64url, from_base64url};
use cenc::{Cek, Kid, KidAndKey};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// The file in a pack's folder. No URL names it.
const NAME: &str = "keys.sealed";

#[derive(Serialize, Deserialize)]
struct Sealed {
    keys: Vec<SealedKey>,
}

/// A content key as it lies with its pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SealedKey {
    /// Hex.
    kid: String,
    /// base64url of the key, sealed under its KID.
    sealed: String,
}

impl SealedKey {
    /// Whether it is the key of that name.
    pub(crate) fn is_of(&self, kid: &Kid) -> bool {
        self.kid.parse() == Ok(*kid)
    }
}

/// Keeps keys of a pack in its folder, beside those that are kept there under other KIDs, for a license
/// server with this folder of keys.
///
/// # Errors
/// [`Error::Io`], [`Error::Keys`], [`Error::KeysExposed`]; [`Error::Pack`] if what is kept cannot be read.
pub fn keep_given(keys: &Path, pack: &Path, given: &[KidAndKey]) -> Result<(), Error> {
    let seal = SealKey::of(&file::read_all(keys)?)?;
    let damaged = |reason| Error::Pack { pack: pack.display().to_string(), reason };
    let mut kept = read(pack).map_err(damaged)?;
    kept.retain(|kept| !given.iter().any(|key| kept.is_of(&key.kid)));
    for key in given {
        let sealed = seal.seal(key.cek.expose(), key.kid.as_bytes())?;
        kept.push(SealedKey { kid: key.kid.to_string(), sealed: base64url(&sealed) });
    }
    let text = serde_json::to_vec_pretty(&Sealed { keys: kept })
        .map_err(|_| Error::Internal("keys cannot be written"))?;
    file::replace(pack, NAME, &text)
}

/// The sealed keys in a pack's folder; none where there is no such file.
///
/// # Errors
/// A text that says what is wrong.
pub(crate) fn read(pack: &Path) -> Result<Vec<SealedKey>, String> {
    match fs::read(pack.join(NAME)) {
        Ok(text) => serde_json::from_slice::<Sealed>(&text)
            .map(|sealed| sealed.keys)
            .map_err(|error| format!("{NAME}: {error}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(format!("{NAME}: {error}")),
    }
}

/// The key of a KID among sealed ones; `None` where it is not there, or was sealed by another seal key.
pub(crate) fn open(keys: &[SealedKey], kid: &Kid, seal: &SealKey) -> Option<Cek> {
    let found = keys.iter().find(|key| key.is_of(kid))?;
    let key = seal.open(&from_base64url(&found.sealed)?, kid.as_bytes())?;
    Some(Cek::new(key.as_slice().try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::generate;

    fn other_of(sealed: &[SealedKey]) -> String {
        sealed.iter().find(|key| key.is_of(&Kid([2; 16]))).unwrap().sealed.clone()
    }

    /// B26: a given key is found again by whoever has the seal key, under its own KID only, and lies nowhere
    /// in clear.
    #[test]
    fn b26_given_keys_are_sealed_and_found() {
        let (keys, pack) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        generate(keys.path(), "http://localhost:8080", 1000).unwrap();
        let given =
            [[1u8; 16], [2; 16]].map(|kid| KidAndKey { kid: Kid(kid), cek: Cek::new([kid[0] + 40; 16]) });
        assert_eq!(read(pack.path()), Ok(Vec::new()));
        // One by one: what is kept already stays, and is replaced only by its own.
        for key in [&given[0], &given[1], &given[0]] {
            keep_given(keys.path(), pack.path(), std::slice::from_ref(key)).unwrap();
        }
        assert_eq!(read(pack.path()).unwrap().len(), 2);
        let text = std::fs::read_to_string(pack.path().join(NAME)).unwrap();
        assert!(!text.contains(&hex::encode([41; 16])) && !text.contains(&base64url(&[41; 16])));
        let sealed = read(pack.path()).unwrap();
        let seal = SealKey::of(&file::read_all(keys.path()).unwrap()).unwrap();
        for key in &given {
            assert_eq!(open(&sealed, &key.kid, &seal).unwrap(), key.cek);
        }
        assert!(open(&sealed, &Kid([3; 16]), &seal).is_none());
        // One key's octets under the other's KID.
        let swapped = [SealedKey { kid: Kid([1; 16]).to_string(), sealed: other_of(&sealed) }];
        assert!(open(&swapped, &Kid([1; 16]), &seal).is_none());
        let other = tempfile::tempdir().unwrap();
        generate(other.path(), "http://localhost:8080", 1000).unwrap();
        let stranger = SealKey::of(&file::read_all(other.path()).unwrap()).unwrap();
        assert!(open(&sealed, &Kid([1; 16]), &stranger).is_none());
    }
}
