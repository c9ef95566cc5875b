use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt as _;

use crate::{Error, Key, Meta, Storage};

/// Objects that no reader finds: those below a first part that `is_ours` takes for a publication's, which has
/// no object named `last`, and of which nothing was written for so long that nobody can still be at work on
/// it. By that first part.
///
/// # Errors
/// What the storage says.
pub async fn leftovers(
    storage: &dyn Storage,
    last: &str,
    is_ours: impl Fn(&str) -> bool,
    older_than: Duration,
) -> Result<BTreeMap<String, Vec<Meta>>, Error> {
    let mut found: BTreeMap<String, Vec<Meta>> = BTreeMap::new();
    let mut objects = storage.list(None);
    while let Some(meta) = objects.try_next().await? {
        let parts: Vec<&str> = meta.key.parts().collect();
        if parts.len() > 1 && is_ours(parts[0]) {
            found.entry(parts[0].to_owned()).or_default().push(meta);
        }
    }
    found.retain(|first, objects| {
        let is_whole = objects.iter().any(|meta| meta.key.as_str() == format!("{first}/{last}"));
        !is_whole && objects.iter().all(|meta| is_old(meta.modified, older_than))
    });
    Ok(found)
}

/// Removes [`leftovers`], and what lies beside objects ([`Storage::tidy`]). What became whole meanwhile is
/// left alone, and so is a publication that goes on: each object is looked at again before it goes, and where
/// one was written lately the others stay, too. Gives what was removed.
///
/// # Errors
/// What the storage says.
pub async fn sweep(
    storage: &dyn Storage,
    last: &str,
    is_ours: impl Fn(&str) -> bool,
    older_than: Duration,
) -> Result<Vec<Meta>, Error> {
    storage.tidy(older_than).await?;
    let mut removed = Vec::new();
    for (first, objects) in leftovers(storage, last, is_ours, older_than).await? {
        let last: Key = format!("{first}/{last}").parse()?;
        if head(storage, &last).await?.is_some() {
            continue;
        }
        for meta in objects {
            let Some(now) = head(storage, &meta.key).await? else { continue };
            if !is_old(now.modified, older_than) {
                break;
            }
            storage.delete(&meta.key).await?;
            removed.push(meta);
        }
    }
    Ok(removed)
}

/// What was written in the future was not written long ago.
fn is_old(modified: SystemTime, older_than: Duration) -> bool {
    SystemTime::now().duration_since(modified).is_ok_and(|age| age >= older_than)
}

/// What is known of an object; `None`: there is none.
async fn head(storage: &dyn Storage, key: &Key) -> Result<Option<Meta>, Error> {
    match storage.head(key).await {
        Ok(meta) => Ok(Some(meta)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
