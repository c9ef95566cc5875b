//! Content keys that an operator names on the command line.

use super::now;
use crate::Failure;
use cenc::KidAndKey;
use server::Config;
use server::catalogue::Pack;
use std::path::Path;

/// Reads `--key` options. Not by clap, which would quote a malformed one in its message.
pub(super) fn read(keys: &[String]) -> Result<Vec<KidAndKey>, Failure> {
    let read = |text: &String| text.parse().map_err(|e: cenc::Error| Failure::Usage(format!("--key: {e}")));
    keys.iter().map(read).collect()
}

/// Keeps given keys with a published pack, sealed, and reads the pack. All of them must be the film's.
pub(super) fn keep(config: &Config, folder: &Path, given: &[KidAndKey]) -> Result<Pack, Failure> {
    let pack = Pack::read(folder)?;
    if let Some(key) = given.iter().find(|key| !pack.keys.iter().any(|name| name.kid == key.kid)) {
        return Err(Failure::Usage(format!("--key {}: no segment of the film is under that key", key.kid)));
    }
    if !given.is_empty() {
        server::keys::open(&config.keys(), &config.public_url, &[], now())?;
        server::keys::keep_given(&config.keys(), folder, given)?;
    }
    Ok(Pack::read(folder)?)
}
