//! Opening the storage of published films, as the configuration says where it is.

use crate::config::{CredentialsFrom, StorageSettings};
use crate::{Config, Error, secret};
use futures_util::TryStreamExt as _;
use std::io;
use std::path::Path;
use std::sync::Arc;
use storage::{AccessKey, Address, Cached, Credentials, Disk, Folder, Patience, S3, S3Settings, Storage};

/// The folder in the data folder where parts of films are kept that lie elsewhere.
const CACHE: &str = "cache";

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
    let (bucket, prefix) = match address {
        Address::File(folder) => return Ok(Arc::new(Folder::new(config.data.join(folder)))),
        Address::S3 { bucket, prefix } => (bucket.clone(), prefix.clone()),
    };
    let settings = &config.storage;
    let storage = S3::new(S3Settings {
        bucket,
        prefix,
        endpoint: settings.endpoint.clone(),
        region: settings.region.clone(),
        path_style: settings.is_path_style(),
        credentials: credentials(settings)?,
        patience: Patience::default(),
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
    let folder = config.data.join(CACHE);
    let disk = match config.storage.cache.0 {
        0 => None,
        budget => match Disk::open(&folder, budget) {
            Ok(disk) => Some(Arc::new(disk)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tracing::warn!(
                    folder = %folder.display(),
                    "another process has the cache: films are read without one; give each server a data folder of its own"
                );
                None
            }
            Err(error) => return Err(Error::io(&folder)(error)),
        },
    };
    Ok(Arc::new(Cached::new(Arc::clone(library), disk)))
}

/// Whether the library can be read: asks it for its first object.
///
/// # Errors
/// [`Error::Storage`], in words that say what to do.
pub async fn probe(library: &dyn Storage) -> Result<(), Error> {
    library.list(None).try_next().await?;
    Ok(())
}

fn credentials(settings: &StorageSettings) -> Result<Credentials, Error> {
    match &settings.credentials {
        CredentialsFrom::Nobody => Ok(Credentials::Anonymous),
        CredentialsFrom::Environment => from_environment(),
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

fn from_environment() -> Result<Credentials, Error> {
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
            name: "storage.credentials",
            reason: "finds no AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment; set them, or name a \
                     file by \"file:PATH\""
                .to_owned(),
        }),
    }
}
