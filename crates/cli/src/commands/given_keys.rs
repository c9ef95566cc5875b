//! Content keys that an operator names on the command line.

use super::{block_on, now};
use crate::Failure;
use cenc::KidAndKey;
use server::catalogue::Pack;
use server::{Config, movies};

/// Reads `--key` options. Not by clap, which would quote a malformed one in its message.
pub(super) fn read(keys: &[String]) -> Result<Vec<KidAndKey>, Failure> {
    let read = |text: &String| text.parse().map_err(|e: cenc::Error| Failure::Usage(format!("--key: {e}")));
    keys.iter().map(read).collect()
}

/// Keeps given keys with a published pack, sealed, and reads the pack. All of them must be the film's.
pub(super) fn keep(config: &Config, pack: &str, given: &[KidAndKey]) -> Result<Pack, Failure> {
    block_on(keep_with(config, pack, given))
}

async fn keep_with(config: &Config, id: &str, given: &[KidAndKey]) -> Result<Pack, Failure> {
    let pack = Pack::read_folder(&config.library().join(id)).await?;
    if let Some(key) = given.iter().find(|key| !pack.keys.iter().any(|name| name.kid == key.kid)) {
        return Err(Failure::Usage(format!("--key {}: no segment of the film is under that key", key.kid)));
    }
    if given.is_empty() {
        return Ok(pack);
    }
    server::keys::open(&config.keys(), &config.public_url, &[], now())?;
    Ok(movies::keep_keys(&config.library(), &config.keys(), id, given).await?)
}
