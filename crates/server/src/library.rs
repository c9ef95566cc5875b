//! Opening the storage of published films, as the configuration says where it is.

use crate::config::{ByteCount, CredentialsFrom, SourcesAt, StorageSettings};
use crate::{Config, Error, secret};
use futures_util::TryStreamExt as _;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use storage::{
    AccessKey, Address, Cached, Credentials, Disk, Folder, Key, OpenFiles, Patience, S3, S3Settings, Storage,
};

/// The folder in the data folder where parts of films are kept that lie elsewhere.
const CACHE: &str = "cache";
/// The same for an origin's clear films.
const SOURCES_CACHE: &str = "sources-cache";
/// An origin's viewers wait while it reads: it gives up sooner than others.
const SOURCES_RETRIES: u32 = 2;
const SOURCES_READ: Duration = Duration::from_secs(8);

/// The storage of the library. Nothing is asked of it yet.
///
/// # Errors
/// [`Error::Setting`] where its credentials are not there; [`Error::Storage`].
pub fn open(config: &Config) -> Result<Arc<dyn Storage>, Error> {
    open_at(config, &config.storage.url)
}

/// A storage anywhere, by the other settings of the library's.
///
/// # Errors
/// As [`open`].
pub fn open_at(config: &Config, address: &Address) -> Result<Arc<dyn Storage>, Error> {
    match address {
        Address::File(folder) => Ok(Arc::new(Folder::new(config.data.join(folder)))),
        Address::S3 { bucket, prefix } => {
            let credentials = credentials(&config.storage, "storage.credentials")?;
            bucket_at(&config.storage, (bucket, prefix.as_ref()), credentials, Patience::default())
        }
    }
}

/// The bucket of an origin's clear films, if they are in one. Nothing is asked of it yet.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_sources(config: &Config) -> Result<Option<Arc<dyn Storage>>, Error> {
    let Some(SourcesAt::Bucket(settings)) = &config.origin.sources else { return Ok(None) };
    let Address::S3 { bucket, prefix } = &settings.url else { return Ok(None) };
    let credentials = credentials(settings, "origin.credentials")?;
    let patience = Patience { read: SOURCES_READ, retries: SOURCES_RETRIES, ..Patience::default() };
    bucket_at(settings, (bucket, prefix.as_ref()), credentials, patience).map(Some)
}

fn bucket_at(
    settings: &StorageSettings,
    (bucket, prefix): (&str, Option<&Key>),
    credentials: Credentials,
    patience: Patience,
) -> Result<Arc<dyn Storage>, Error> {
    let storage = S3::new(S3Settings {
        bucket: bucket.to_owned(),
        prefix: prefix.cloned(),
        endpoint: settings.endpoint.clone(),
        region: settings.region.clone(),
        path_style: settings.is_path_style(),
        credentials,
        patience,
    })?;
    Ok(Arc::new(storage))
}

/// The same for the edge, which reads much and again: through a cache where it lies elsewhere.
///
/// # Errors
/// [`Error::Io`] where the cache's folder cannot be used.
pub(crate) fn cached(config: &Config, library: &Arc<dyn Storage>) -> Result<Arc<dyn Storage>, Error> {
    if matches!(config.storage.url, Address::File(_)) {
        return Ok(Arc::clone(library));
    }
    let disk = open_disk(&config.data.join(CACHE), config.storage.cache)?;
    Ok(Arc::new(Cached::new(Arc::clone(library), disk)))
}

/// The same for files of packs, which never change: those of a local folder stay open for a moment. `media`:
/// as [`cached`] has it.
pub(crate) fn unchanging(config: &Config, media: &Arc<dyn Storage>) -> Arc<dyn Storage> {
    match &config.storage.url {
        Address::File(folder) => Arc::new(OpenFiles::new(Folder::new(config.data.join(folder)))),
        Address::S3 { .. } => Arc::clone(media),
    }
}

/// An origin's bucket, through a cache of its own.
///
/// # Errors
/// As [`cached`].
pub(crate) fn cached_sources(config: &Config, bucket: &Arc<dyn Storage>) -> Result<Arc<Cached>, Error> {
    let budget = match &config.origin.sources {
        Some(SourcesAt::Bucket(settings)) => settings.cache,
        _ => ByteCount(0),
    };
    Ok(Cached::new(Arc::clone(bucket), open_disk(&config.data.join(SOURCES_CACHE), budget)?))
}

/// `None`: nothing is kept, because that is not wanted, or because another process has the folder.
fn open_disk(folder: &Path, budget: ByteCount) -> Result<Option<Arc<Disk>>, Error> {
    if budget.0 == 0 {
        return Ok(None);
    }
    match Disk::open(folder, budget.0) {
        Ok(disk) => Ok(Some(Arc::new(disk))),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            tracing::warn!(
                folder = %folder.display(),
                "another process has the cache: films are read without one; give each server a data folder of its own"
            );
            Ok(None)
        }
        Err(error) => Err(Error::io(folder)(error)),
    }
}

/// Whether the library can be read: asks it for its first object.
///
/// # Errors
/// [`Error::Storage`], in words that say what to do.
pub async fn probe(library: &dyn Storage) -> Result<(), Error> {
    library.list(None).try_next().await?;
    Ok(())
}

/// `name`: what the setting is called.
fn credentials(settings: &StorageSettings, name: &'static str) -> Result<Credentials, Error> {
    match &settings.credentials {
        CredentialsFrom::Nobody => Ok(Credentials::Anonymous),
        CredentialsFrom::Environment => from_environment(name),
        CredentialsFrom::File(path) => {
            // What is wrong with it is said at once.
            read(path)?;
            let path = path.clone();
            Ok(Credentials::Source(Arc::new(move || read(&path).map_err(io::Error::other))))
        }
    }
}

fn read(path: &Path) -> Result<AccessKey, Error> {
    AccessKey::parse(&secret::read_file(path)?).ok_or_else(|| Error::Config {
        path: path.to_owned(),
        reason: "must have the lines aws_access_key_id = … and aws_secret_access_key = …".to_owned(),
    })
}

fn from_environment(name: &'static str) -> Result<Credentials, Error> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let (Some(id), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        let token = variable("AWS_SESSION_TOKEN").map(Into::into);
        return Ok(Credentials::Fixed(AccessKey { id, secret: secret.into(), token }));
    }
    let told_by_amazon = [
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_METADATA_ENDPOINT",
    ];
    match told_by_amazon.into_iter().any(|name| variable(name).is_some()) {
        true => Ok(Credentials::Machine),
        false => Err(Error::Setting {
            name,
            reason: "finds no AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment; set them, or name a \
                     file by \"file:PATH\""
                .to_owned(),
        }),
    }
}
