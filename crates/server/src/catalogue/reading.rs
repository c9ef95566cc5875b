//! A pack from the storage in which it lies: what `pack.json` says, and whether its files are there.

use super::pack::Pack;
use crate::Error;
use crate::keys::imported;
use futures_util::{StreamExt as _, TryStreamExt as _, future, stream};
use nccp::Art;
use pack::{Pack as PackFile, layout};
use sha2::{Digest as _, Sha256};
use std::path::Path;
use storage::{Folder, Key, Storage};

/// Longest `pack.json` that is read, in octets: some hundred hours of film.
pub(crate) const MAX_PACK_JSON: u64 = 64 << 20;

/// The first octets of a picture, among which its size is said, behind whatever a camera wrote before it.
const PICTURE_HEAD: u64 = 256 << 10;

/// Files of a pack that are asked for at the same time.
const HEADS: usize = 16;

impl Pack {
    /// Reads the pack below a prefix, or the one that the storage is, and checks that its files are there.
    ///
    /// # Errors
    /// [`Error::Pack`] where something is missing or not what it should be; [`Error::Storage`] where that
    /// cannot be known now.
    pub async fn read(storage: &dyn Storage, prefix: Option<&Key>) -> Result<Self, Error> {
        let failed = |error: storage::Error| unread(storage, prefix, error);
        let (mut pack, poster) = Self::described(storage, prefix).await?;
        if let Some(name) = poster {
            let key = Key::below(prefix, &name).map_err(|e| failed(e.into()))?;
            let url = format!("/art/{}/{name}", pack.id);
            pack.art = picture(storage, key, url).await.map_err(failed)?.into_iter().collect();
        }
        pack.given_keys = imported::read(storage, prefix).await?;
        let told: Vec<(Key, u64)> = pack
            .files()
            .map(|(name, told, _)| Ok((Key::below(prefix, &name).map_err(|e| failed(e.into()))?, told)))
            .collect::<Result<_, Error>>()?;
        let heads = told.into_iter().map(|(key, told)| async move {
            let size = storage.head(&key).await.map_err(|error| unread(storage, prefix, error))?.size;
            match size == told {
                true => Ok(()),
                false => Err(bad(storage, prefix, format!("{key} has {size} octets, not {told}"))),
            }
        });
        stream::iter(heads).buffered(HEADS).try_for_each(|()| future::ready(Ok(()))).await?;
        Ok(pack)
    }

    /// What `pack.json` says, and the poster's name: whether the files are there is not asked.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) async fn described(
        storage: &dyn Storage,
        prefix: Option<&Key>,
    ) -> Result<(Self, Option<String>), Error> {
        let failed = |error: storage::Error| unread(storage, prefix, error);
        let wrong = |reason: String| bad(storage, prefix, reason);
        let key = Key::below(prefix, layout::PACK_JSON).map_err(|e| failed(e.into()))?;
        let json = storage.get(&key, None).await.map_err(failed)?;
        if json.meta.size > MAX_PACK_JSON {
            return Err(wrong(format!(
                "pack.json has {} octets; {MAX_PACK_JSON} are allowed",
                json.meta.size
            )));
        }
        let json = json.bytes().await.map_err(failed)?;
        let file = PackFile::from_json(&json).map_err(|e| wrong(e.to_string()))?;
        let poster = file.poster.clone();
        let pack = Self::of_file(file)
            .ok_or_else(|| wrong("pack.json has numbers that a manifest cannot carry".to_owned()))?;
        Ok((pack, poster))
    }

    /// Checks that the files of the pack below a prefix, or of the one that the storage is, are those that
    /// `pack.json` names, by their digests. Reads all of them.
    ///
    /// # Errors
    /// [`Error::Pack`], [`Error::Storage`].
    pub async fn verify(&self, storage: &dyn Storage, prefix: Option<&Key>) -> Result<(), Error> {
        for (name, _, sha256) in self.files() {
            let key = Key::below(prefix, &name).map_err(storage::Error::from)?;
            if digest(storage, &key).await? != sha256 {
                let reason = format!("{name} is not the file that pack.json names: its SHA-256 is another");
                return Err(Error::Pack { pack: self.id.clone(), reason });
            }
        }
        Ok(())
    }

    /// The names of the files that are missing, or are not those that `pack.json` names. Reads all of them.
    ///
    /// # Errors
    /// [`Error::Storage`] where that cannot be known now.
    pub(crate) async fn damaged(
        &self,
        storage: &dyn Storage,
        prefix: Option<&Key>,
    ) -> Result<Vec<String>, Error> {
        let mut damaged = Vec::new();
        for (name, _, sha256) in self.files() {
            let key = Key::below(prefix, &name).map_err(storage::Error::from)?;
            match digest(storage, &key).await {
                Ok(found) if found == sha256 => {}
                Ok(_) => damaged.push(name),
                Err(error) if error.is_not_found() => damaged.push(name),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(damaged)
    }

    /// As [`Pack::read`], of the pack in a folder.
    ///
    /// # Errors
    /// As [`Pack::read`].
    pub async fn read_folder(folder: &Path) -> Result<Self, Error> {
        Self::read(&Folder::new(folder), None).await
    }
}

fn bad(storage: &dyn Storage, prefix: Option<&Key>, reason: String) -> Error {
    Error::Pack { pack: prefix.map_or_else(|| storage.to_string(), Key::to_string), reason }
}

/// What a storage's error says of a pack: that it is not there, or that this cannot be known now.
fn unread(storage: &dyn Storage, prefix: Option<&Key>, error: storage::Error) -> Error {
    match error {
        storage::Error::NotFound { .. } | storage::Error::Range { .. } | storage::Error::Key(_) => {
            bad(storage, prefix, error.to_string())
        }
        error => Error::Storage(error),
    }
}

/// The SHA-256 of an object, hexadecimal.
async fn digest(storage: &dyn Storage, key: &Key) -> Result<String, storage::Error> {
    let mut digest = Sha256::new();
    let mut body = storage.get(key, None).await?.body;
    while let Some(piece) = body.try_next().await? {
        digest.update(&piece);
    }
    Ok(hex::encode(digest.finalize()))
}

/// A picture as clients are told of it; `None` where it is none, or there is none.
async fn picture(storage: &dyn Storage, key: Key, url: String) -> Result<Option<Art>, storage::Error> {
    let head = match storage.get(&key, Some(0..PICTURE_HEAD)).await {
        Ok(object) => object.bytes().await?,
        Err(storage::Error::NotFound { .. } | storage::Error::Range { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let art = |size: imagesize::ImageSize| {
        Some(Art { url, width: u32::try_from(size.width).ok()?, height: u32::try_from(size.height).ok()? })
    };
    Ok(imagesize::blob_size(&head).ok().and_then(art))
}
