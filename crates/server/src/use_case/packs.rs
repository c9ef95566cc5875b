//! What an operator does with the library as a whole, wherever it lies: look whether every pack is whole, and
//! copy packs from one storage to another. Behind `matinee storage`.

use crate::catalogue::{MAX_PACK_JSON, Pack};
use crate::{Error, private};
use futures_util::TryStreamExt as _;
use pack::layout::PACK_JSON;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;
use storage::{Key, PutMode, Storage, Transfer};

/// Nobody is still at work on a publication of which nothing was written for a day.
pub const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// What is wrong with a file of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Its name in the pack.
    pub file: String,
    /// What is wrong, in words.
    pub what: String,
}

/// What a copy did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// Objects that were sent.
    pub sent: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that were there already.
    pub there: u64,
}

/// A pack in a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Its objects with their sizes, by their names in the pack.
    pub objects: BTreeMap<String, u64>,
}

impl Listed {
    /// Bytes of all objects.
    pub fn bytes(&self) -> u64 {
        self.objects.values().sum()
    }
}

fn bad(pack: &str, reason: String) -> Error {
    Error::Pack { pack: pack.to_owned(), reason }
}

/// All packs of a storage, by id. What has no `pack.json` is none.
///
/// # Errors
/// [`Error::Storage`].
pub async fn list(storage: &dyn Storage) -> Result<Vec<Listed>, Error> {
    let mut found: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    let mut objects = storage.list(None);
    while let Some(meta) = objects.try_next().await? {
        let Some((id, name)) = meta.key.as_str().split_once('/') else { continue };
        if pack::layout::is_pack_id(id) {
            found.entry(id.to_owned()).or_default().insert(name.to_owned(), meta.size);
        }
    }
    found.retain(|_, objects| objects.contains_key(PACK_JSON));
    Ok(found.into_iter().map(|(id, objects)| Listed { id, objects }).collect())
}

/// The size and SHA-256 of each file that `pack.json` says them of.
async fn told(storage: &dyn Storage, pack: &Key) -> Result<BTreeMap<String, (u64, String)>, Error> {
    let id = pack.as_str();
    let object = storage.get(&pack.join(PACK_JSON).map_err(storage::Error::from)?, None).await?;
    if object.meta.size > MAX_PACK_JSON {
        return Err(bad(
            id,
            format!("pack.json has {} octets; {MAX_PACK_JSON} are allowed", object.meta.size),
        ));
    }
    let json = object.bytes().await?;
    let file = pack::Pack::from_json(&json).map_err(|error| bad(id, error.to_string()))?;
    if file.pack_id != id {
        return Err(bad(id, "pack.json is another pack's".to_owned()));
    }
    let poster = file.poster.clone();
    let pack = Pack::of_file(file).ok_or_else(|| bad(id, "its numbers are impossible".to_owned()))?;
    let mut all: BTreeMap<_, _> =
        pack.files().map(|(name, size, sha256)| (name, (size, sha256.to_owned()))).collect();
    if let Some(poster) = poster {
        // Nobody wrote its digest down.
        all.insert(poster, (0, String::new()));
    }
    Ok(all)
}

/// What is wrong with a pack: reads all of it. `at` is told of bytes that were read.
///
/// # Errors
/// [`Error::Storage`] where the storage itself fails, not where objects are missing or damaged.
pub async fn check(
    storage: &dyn Storage,
    pack: &Listed,
    at: &mut (dyn FnMut(u64) + Send),
) -> Result<Vec<Problem>, Error> {
    let key: Key = pack.id.parse().map_err(storage::Error::from)?;
    let problem = |file: &str, what: String| Problem { file: file.to_owned(), what };
    let told = match told(storage, &key).await {
        Ok(told) => told,
        Err(Error::Pack { reason, .. }) => return Ok(vec![problem(PACK_JSON, reason)]),
        Err(error) => return Err(error),
    };
    let mut problems = Vec::new();
    for (name, (size, sha256)) in told {
        match pack.objects.get(&name) {
            None => problems.push(problem(&name, "is missing".to_owned())),
            Some(_) if sha256.is_empty() => {}
            Some(there) if *there != size => {
                problems.push(problem(&name, format!("has {there} octets, not {size}")));
            }
            Some(_) => {
                let object = key.join(&name).map_err(storage::Error::from)?;
                match digest(storage, &object, &mut std::io::sink(), at).await {
                    Ok(found) if found == sha256 => {}
                    Ok(_) => problems.push(problem(&name, "is damaged: its SHA-256 is another".to_owned())),
                    Err(Error::Storage(error)) if error.is_not_found() => {
                        problems.push(problem(&name, "is missing".to_owned()));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Ok(problems)
}

/// The SHA-256 of an object, which is written somewhere meanwhile.
async fn digest(
    storage: &dyn Storage,
    key: &Key,
    to: &mut (dyn std::io::Write + Send),
    at: &mut (dyn FnMut(u64) + Send),
) -> Result<String, Error> {
    let mut digest = Sha256::new();
    let mut body = storage.get(key, None).await?.body;
    while let Some(piece) = body.try_next().await? {
        digest.update(&piece);
        to.write_all(&piece).map_err(Error::io(Path::new(key.as_str())))?;
        at(piece.len() as u64);
    }
    Ok(hex::encode(digest.finalize()))
}

/// Copies a pack: first all other objects, `pack.json` last, each checked by its digest on the way. What is
/// there in the same size is not sent again, so a copy that was cut off goes on; with `verify` it is read and
/// compared first. Small objects without a digest, such as sealed keys and posters, are always compared: they
/// change. `work` is a local folder with room for the largest file.
///
/// # Errors
/// [`Error::Pack`] where the source is damaged, or what was sent does not stay; [`Error::Storage`].
pub async fn copy(
    (from, to): (&dyn Storage, &dyn Storage),
    pack: &Listed,
    verify: bool,
    work: &Path,
    at: &mut (dyn FnMut(u64) + Send),
) -> Result<Copied, Error> {
    let key: Key = pack.id.parse().map_err(storage::Error::from)?;
    let told = told(from, &key).await?;
    let there = sizes(to, &key).await?;
    let mut copied = Copied::default();
    let others = pack.objects.iter().filter(|(name, _)| *name != PACK_JSON);
    for (name, size) in others {
        let object = key.join(name).map_err(storage::Error::from)?;
        let sha256 = told.get(name).map(|(_, sha256)| &sha256[..]).filter(|sha256| !sha256.is_empty());
        if there.get(object.as_str()) == Some(size) {
            let is_same = match sha256 {
                Some(sha256) if verify => {
                    digest(to, &object, &mut std::io::sink(), &mut |_| {}).await? == sha256
                }
                Some(_) => true,
                None if verify || *size <= SMALL => is_equal(from, to, &object).await?,
                None => true,
            };
            if is_same {
                copied.there += 1;
                at(*size);
                continue;
            }
        }
        private::make_folder(work).map_err(Error::io(work))?;
        let mut file = tempfile::NamedTempFile::new_in(work).map_err(Error::io(work))?;
        let found = digest(from, &object, file.as_file_mut(), at).await?;
        file.as_file_mut().flush().map_err(Error::io(work))?;
        if sha256.is_some_and(|sha256| sha256 != found) {
            return Err(bad(
                &pack.id,
                format!("{name} is damaged where it is copied from: its SHA-256 is another"),
            ));
        }
        to.put_file(&object, file.path(), Transfer::Copy).await?;
        if to.head(&object).await?.size != *size {
            return Err(bad(&pack.id, format!("{name} did not arrive whole; copy it again")));
        }
        copied.sent += 1;
        copied.bytes += size;
    }
    copy_last((from, to), pack, &key, &mut copied, at).await?;
    Ok(copied)
}

/// Objects of a pack without a digest are compared up to this many bytes, whatever was asked for.
const SMALL: u64 = 1 << 20;

/// Copies `pack.json`, when all else is there. One that is there and says the same stays; another one is
/// damaged, or of another title.
async fn copy_last(
    (from, to): (&dyn Storage, &dyn Storage),
    pack: &Listed,
    key: &Key,
    copied: &mut Copied,
    at: &mut (dyn FnMut(u64) + Send),
) -> Result<(), Error> {
    let last = key.join(PACK_JSON).map_err(storage::Error::from)?;
    // Looked at again, for somebody may have swept meanwhile what this copy took for there.
    let there = sizes(to, key).await?;
    for (name, size) in pack.objects.iter().filter(|(name, _)| *name != PACK_JSON) {
        if there.get(key.join(name).map_err(storage::Error::from)?.as_str()) != Some(size) {
            let reason =
                format!("{name} was removed or changed meanwhile where it is copied to; copy it again");
            return Err(bad(&pack.id, reason));
        }
    }
    let json = from.get(&last, None).await?.bytes().await?;
    let size = json.len() as u64;
    let is_there = there.contains_key(last.as_str());
    if is_there && is_equal(from, to, &last).await? {
        copied.there += 1;
        at(size);
        return Ok(());
    }
    let mode = if is_there { PutMode::Overwrite } else { PutMode::Create };
    match to.put(&last, json, mode).await {
        Ok(()) => {
            copied.sent += 1;
            copied.bytes += size;
        }
        Err(storage::Error::AlreadyExists { .. }) => copied.there += 1,
        Err(error) => return Err(error.into()),
    }
    at(size);
    Ok(())
}

/// The objects below a key with their sizes.
async fn sizes(storage: &dyn Storage, key: &Key) -> Result<BTreeMap<String, u64>, Error> {
    let all = storage.list(Some(key)).map_ok(|meta| (meta.key.as_str().to_owned(), meta.size));
    Ok(all.try_collect().await?)
}

/// Whether two storages have the same bytes under a key.
async fn is_equal(one: &dyn Storage, other: &dyn Storage, key: &Key) -> Result<bool, Error> {
    let one = digest(one, key, &mut std::io::sink(), &mut |_| {}).await?;
    Ok(digest(other, key, &mut std::io::sink(), &mut |_| {}).await? == one)
}

/// Whether the first part of an object's name can only be that of a pack that the packager made, or began to
/// make.
fn is_ours(first: &str) -> bool {
    first.len() == 32 && first.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// What publications left that were broken off more than a day ago: objects and bytes by pack id. Not what is
/// left of the packs that movies have (`kept`): those lost their `pack.json`, and can be mended.
///
/// # Errors
/// [`Error::Storage`].
pub async fn leftovers(
    storage: &dyn Storage,
    kept: &BTreeSet<String>,
) -> Result<BTreeMap<String, (usize, u64)>, Error> {
    let is_left = |first: &str| is_ours(first) && !kept.contains(first);
    let found = storage::leftovers(storage, PACK_JSON, is_left, ABANDONED).await?;
    let sum =
        |objects: &Vec<storage::Meta>| (objects.len(), objects.iter().map(|meta| meta.size).sum::<u64>());
    Ok(found.iter().map(|(id, objects)| (id.clone(), sum(objects))).collect())
}

/// Removes [`leftovers`]; gives how many objects there were.
///
/// # Errors
/// [`Error::Storage`].
pub async fn sweep(storage: &dyn Storage, kept: &BTreeSet<String>) -> Result<usize, Error> {
    let is_left = |first: &str| is_ours(first) && !kept.contains(first);
    Ok(storage::sweep(storage, PACK_JSON, is_left, ABANDONED).await?.len())
}
