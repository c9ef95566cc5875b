//! Content keys that an operator names on the command line, in files (lists, CPIX documents) or on standard
//! input.

use super::{block_on, now};
use crate::Failure;
use crate::args::FilmKeys;
use cenc::{Cek, Kid, KidAndKey};
use cpix::{Document, Recipient, RecipientKey};
use server::catalogue::Pack;
use server::{Config, library, movies};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use zeroize::Zeroizing;

/// The largest file of keys that is read, in octets.
const MOST: u64 = cpix::MAX_DOCUMENT as u64;

/// The largest certificate that is read, with those that signed it, in octets.
const MOST_OF_CERTIFICATE: u64 = 1 << 16;

/// Reads all keys that are named, those of a document without what they are for.
pub(super) fn read(keys: &FilmKeys) -> Result<Vec<KidAndKey>, Failure> {
    match &keys.cpix {
        None => listed(keys),
        Some(path) => {
            let document = document(path, keys.cpix_key.as_deref())?;
            Ok(document.keys.into_iter().map(|key| key.key).collect())
        }
    }
}

/// Reads `--cpix`, with the private key of `--cpix-key` where its keys are encrypted.
pub(super) fn document(path: &Path, key: Option<&Path>) -> Result<Document, Failure> {
    if key == Some(path) {
        return Err(Failure::Usage(
            "--cpix and --cpix-key name the same file, or both standard input".to_owned(),
        ));
    }
    let key = key.map(private_key).transpose()?;
    let text = read_file("--cpix", path)?;
    parse(text.as_bytes(), key.as_ref())
        .map_err(|error| Failure::Usage(format!("--cpix {}: {error}", path.display())))
}

/// A document as it must be: encrypted where a private key is given, plain where none is.
pub(super) fn parse(octets: &[u8], key: Option<&RecipientKey>) -> Result<Document, cpix::Error> {
    match key {
        Some(key) => Document::open(octets, key),
        None => Document::parse(octets),
    }
}

/// Reads `--cpix-key`.
pub(super) fn private_key(path: &Path) -> Result<RecipientKey, Failure> {
    let text = read_file("--cpix-key", path)?;
    RecipientKey::from_pem(&text)
        .map_err(|error| Failure::Usage(format!("--cpix-key {}: {error}", path.display())))
}

/// Reads a certificate, which is no secret.
pub(super) fn certificate(option: &str, path: &Path) -> Result<Recipient, Failure> {
    let failed = |reason: &dyn std::fmt::Display| format!("{option} {}: {reason}", path.display());
    let file = File::open(path).map_err(|error| Failure::Command(failed(&error)))?;
    let mut text = String::new();
    let read = file.take(MOST_OF_CERTIFICATE).read_to_string(&mut text);
    read.map_err(|error| Failure::Command(failed(&error)))?;
    Recipient::from_pem(&text).map_err(|error| Failure::Usage(failed(&error)))
}

/// Reads `--key` and `--key-file`. Not by clap, which would quote a malformed key in its message.
pub(super) fn listed(keys: &FilmKeys) -> Result<Vec<KidAndKey>, Failure> {
    if keys.cpix_key.is_some() {
        return Err(Failure::Usage(
            "--cpix-key opens a document: name that by --cpix, or a key server by --speke".to_owned(),
        ));
    }
    let parse = |text: &str, option: &str| {
        text.parse().map_err(|e: cenc::Error| Failure::Usage(format!("{option}: {e}")))
    };
    let mut all =
        keys.keys.iter().map(|text| parse(text, "--key")).collect::<Result<Vec<KidAndKey>, Failure>>()?;
    for path in &keys.key_files {
        let text = read_file("--key-file", path)?;
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            if !line.is_empty() && !line.starts_with('#') {
                all.push(parse(line, &format!("--key-file {}, line {number}", path.display()))?);
            }
        }
    }
    Ok(all)
}

/// The same key again.
pub(super) fn copy(key: &KidAndKey) -> KidAndKey {
    KidAndKey { kid: key.kid, cek: Cek::new(*key.cek.expose()) }
}

/// The text of a file that nobody else can read, or of standard input for `-`.
pub(super) fn read_file(option: &str, path: &Path) -> Result<Zeroizing<String>, Failure> {
    let failed =
        |reason: &dyn std::fmt::Display| Failure::Command(format!("{option} {}: {reason}", path.display()));
    let input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        let file = File::open(path).map_err(|error| failed(&error))?;
        let mode = file.metadata().map_err(|error| failed(&error))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(failed(&"others can read this file of secrets; run `chmod 600` on it"));
        }
        Box::new(file)
    };
    let mut text = Zeroizing::new(String::new());
    input.take(MOST + 1).read_to_string(&mut text).map_err(|error| failed(&error))?;
    match text.len() as u64 > MOST {
        true => Err(failed(&"too large for a file of secrets")),
        false => Ok(text),
    }
}

/// Seals given keys for a pack that is about to be published, if there are any. All of them must be the
/// film's.
pub(super) fn seal(
    config: &Config,
    pack: &pack::Pack,
    given: &[KidAndKey],
) -> Result<Option<Vec<u8>>, Failure> {
    let names: Vec<Kid> = pack.protection.iter().flat_map(|p| &p.keys).map(|key| key.kid).collect();
    are_of_film(given, &names)?;
    if given.is_empty() {
        return Ok(None);
    }
    server::keys::open(&config.keys(), &config.public_url, &[], now())?;
    Ok(Some(movies::seal_keys(&config.keys(), given)?))
}

/// Whether all keys are those of a film with keys of these names.
pub(super) fn are_of_film(given: &[KidAndKey], names: &[Kid]) -> Result<(), Failure> {
    match given.iter().find(|key| !names.contains(&key.kid)) {
        Some(key) => {
            Err(Failure::Usage(format!("--key {}: no segment of the film is under that key", key.kid)))
        }
        None => Ok(()),
    }
}

/// Keeps given keys with a pack that was published before, sealed, and reads it. All of them must be the
/// film's.
pub(super) fn keep(config: &Config, pack: &str, given: &[KidAndKey]) -> Result<Pack, Failure> {
    block_on(keep_with(config, pack, given))
}

async fn keep_with(config: &Config, id: &str, given: &[KidAndKey]) -> Result<Pack, Failure> {
    let pack = movies::read(&*library::open(config)?, id).await?;
    let names: Vec<Kid> = pack.keys.iter().map(|name| name.kid).collect();
    are_of_film(given, &names)?;
    if given.is_empty() {
        return Ok(pack);
    }
    server::keys::open(&config.keys(), &config.public_url, &[], now())?;
    Ok(movies::keep_keys(&*library::open(config)?, &config.keys(), id, given).await?)
}
