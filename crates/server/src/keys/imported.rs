//! Content keys that an operator gave to the packager. Nothing can be derived for them: they lie with the
//! pack that they open, sealed by the site's `seal` key, so that every server that shares keys and library
//! can license the film.

use super::file;
use super::seal::SealKey;
use crate::Error;
use crate::secret::{base64url, from_base64url};
use cenc::{Cek, Kid, KidAndKey};
use serde::{Deserialize, Serialize};
use std::path::Path;
use storage::{Key, PutMode, Storage};

/// The object beside a pack's files. No URL names it.
const NAME: &str = pack::layout::SEALED_KEYS;
/// Its greatest size in octets: thousands of keys.
const MAX_SIZE: u64 = 1 << 20;

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

/// Keeps keys of the pack below a prefix, or of the one that the storage is, with it, beside those that are
/// kept there under other KIDs, for a license server with this folder of keys.
///
/// # Errors
/// [`Error::Io`], [`Error::Keys`], [`Error::KeysExposed`], [`Error::Storage`]; [`Error::Pack`] if what is
/// kept cannot be read.
pub(crate) async fn keep_given(
    keys: &Path,
    library: &dyn Storage,
    pack: Option<&Key>,
    given: &[KidAndKey],
) -> Result<(), Error> {
    let text = seal(keys, read(library, pack).await?, given)?;
    let key = Key::below(pack, NAME).map_err(storage::Error::from)?;
    Ok(library.put(&key, text.into(), PutMode::Overwrite).await?)
}

/// What lies with a pack that has these keys: given ones, and what else is kept already.
///
/// # Errors
/// [`Error::Io`], [`Error::Keys`], [`Error::KeysExposed`].
pub(crate) fn seal(keys: &Path, mut kept: Vec<SealedKey>, given: &[KidAndKey]) -> Result<Vec<u8>, Error> {
    let seal = SealKey::of(&file::read_all(keys)?)?;
    kept.retain(|kept| !given.iter().any(|key| kept.is_of(&key.kid)));
    for key in given {
        let sealed = seal.seal(key.cek.expose(), key.kid.as_bytes())?;
        kept.push(SealedKey { kid: key.kid.to_string(), sealed: base64url(&sealed) });
    }
    serde_json::to_vec_pretty(&Sealed { keys: kept }).map_err(|_| Error::Internal("keys cannot be written"))
}

/// The sealed keys of a pack; none where there is no such object.
///
/// # Errors
/// [`Error::Pack`] where they are damaged; [`Error::Storage`].
pub(crate) async fn read(storage: &dyn Storage, pack: Option<&Key>) -> Result<Vec<SealedKey>, Error> {
    let damaged = |reason: String| Error::Pack {
        pack: pack.map_or_else(|| storage.to_string(), Key::to_string),
        reason: format!("{NAME}{reason}"),
    };
    let key = Key::below(pack, NAME).map_err(storage::Error::from)?;
    let text = match storage.get(&key, None).await {
        Ok(object) if object.meta.size > MAX_SIZE => {
            return Err(damaged(format!(" has {} octets; {MAX_SIZE} are allowed", object.meta.size)));
        }
        Ok(object) => object.bytes().await?,
        Err(storage::Error::NotFound { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    serde_json::from_slice::<Sealed>(&text)
        .map(|sealed| sealed.keys)
        .map_err(|error| damaged(format!(": {error}")))
}

/// Whether the sealed keys of a pack can be read, or there are none.
///
/// # Errors
/// [`Error::Storage`] where that cannot be known now.
pub(crate) async fn are_readable(storage: &dyn Storage, pack: &Key) -> Result<bool, Error> {
    match read(storage, Some(pack)).await {
        Ok(_) => Ok(true),
        Err(Error::Pack { .. }) => Ok(false),
        Err(error) => Err(error),
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
    #[tokio::test]
    async fn b26_given_keys_are_sealed_and_found() {
        let (keys, library) = (tempfile::tempdir().unwrap(), storage::Memory::default());
        let pack: Key = "8e06bcb9de7cf02a1add0e87ae9cac56".parse().unwrap();
        generate(keys.path(), "http://localhost:8080", 1000).unwrap();
        let given =
            [[1u8; 16], [2; 16]].map(|kid| KidAndKey { kid: Kid(kid), cek: Cek::new([kid[0] + 40; 16]) });
        assert_eq!(read(&library, Some(&pack)).await.unwrap(), Vec::new());
        // One by one: what is kept already stays, and is replaced only by its own.
        for key in [&given[0], &given[1], &given[0]] {
            keep_given(keys.path(), &library, Some(&pack), std::slice::from_ref(key)).await.unwrap();
        }
        assert_eq!(read(&library, Some(&pack)).await.unwrap().len(), 2);
        let text = library.get(&pack.join(NAME).unwrap(), None).await.unwrap().bytes().await.unwrap();
        let text = str::from_utf8(&text).unwrap();
        assert!(!text.contains(&hex::encode([41; 16])) && !text.contains(&base64url(&[41; 16])));
        let sealed = read(&library, Some(&pack)).await.unwrap();
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
