//! A bucket of S3, or of what speaks as S3 does.

mod access;
mod errors;
mod reading;
mod settings;

use std::fmt;
use std::ops::Range;
use std::path::Path as File;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{BoxStream, FuturesUnordered, StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut};
use object_store::path::Path;
use object_store::signer::{SignedUrlOptions, Signer as _};
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetRange, MultipartUpload, ObjectStore as _,
    ObjectStoreExt as _, RetryConfig,
};
use tokio::io::AsyncReadExt as _;

use self::access::Renewed;
use self::reading::{Reading, pause};
pub use self::settings::{AccessKey, Credentials, Patience, S3Settings};
use crate::storage::clamp;
use crate::{Error, Key, Meta, Object, PutMode, Storage, Transfer, Trouble};

/// Bytes of a part of a large object; what is not larger goes at once.
const PART: u64 = 8 << 20;
/// Parts that an object may have, with some to spare of S3's 10,000.
const PARTS: u64 = 9_000;
/// Parts on their way at a time: so much of a file is in memory.
const TOGETHER: usize = 3;
/// A range that ends behind this is asked for without an end: not every store reads larger numbers.
const LARGEST: u64 = 1 << 50;

/// What stores tell browsers of objects that were put there, by the ending of their names.
const MEDIA_TYPES: [(&str, &str); 8] = [
    ("bif", "application/octet-stream"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("m4s", "video/mp4"),
    ("mp4", "video/mp4"),
    ("png", "image/png"),
    ("vtt", "text/vtt"),
    ("webp", "image/webp"),
];

/// A bucket, or what is below a prefix in it. Objects are put whole; large ones in parts, which the store
/// joins when all are there, and drops where a writer says that it gives up. What a killed writer leaves of
/// parts is nothing that anybody reads; a rule of the bucket ends it (`AbortIncompleteMultipartUpload`).
pub struct S3 {
    /// Asks for little and waits little.
    reader: Arc<AmazonS3>,
    /// Sends much, and waits for that.
    writer: Arc<AmazonS3>,
    /// As the two, but each request goes out once: who asks tries again, and knows how often.
    once: Once,
    prefix: Option<Key>,
    name: String,
    patience: Patience,
}

/// Clients that try nothing again.
#[derive(Clone)]
struct Once {
    reader: Arc<AmazonS3>,
    writer: Arc<AmazonS3>,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Display for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl S3 {
    /// A bucket, which is not asked yet.
    ///
    /// # Errors
    /// [`Error::Store`] for settings that cannot be, such as an endpoint that is no URL.
    pub fn new(settings: S3Settings) -> Result<Self, Error> {
        // One provider of cryptography for the process; a second call finds the first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let S3Settings { prefix, patience, .. } = &settings;
        let name = match prefix {
            None => format!("s3://{}", settings.bucket),
            Some(prefix) => format!("s3://{}/{prefix}", settings.bucket),
        };
        let client =
            |answer: Duration, retries: u32| builder(&settings, answer, retries).build().map(Arc::new);
        let all = || -> object_store::Result<_> {
            let (reader, writer) =
                (client(patience.read, patience.retries)?, client(patience.write, patience.retries)?);
            let once = Once { reader: client(patience.read, 0)?, writer: client(patience.write, 0)? };
            Ok((reader, writer, once))
        };
        let (reader, writer, once) = all().map_err(|error| {
            let (trouble, said) = errors::of(&error);
            Error::Store { key: "/".to_owned(), doing: "open", storage: name.clone(), trouble, said }
        })?;
        Ok(Self { reader, writer, once, prefix: prefix.clone(), name, patience: patience.clone() })
    }

    fn path(&self, key: &Key) -> Path {
        match &self.prefix {
            None => Path::from(key.as_str()),
            Some(prefix) => Path::from(format!("{prefix}/{key}")),
        }
    }

    /// The key of what lies at a path; `None`: it is not ours.
    fn key(&self, path: &Path) -> Option<Key> {
        key_of(self.prefix.as_ref(), path)
    }

    /// What there is below a path. `of`: what it is called in errors.
    fn found(
        &self,
        below: Option<Path>,
        of: String,
    ) -> BoxStream<'static, Result<object_store::ObjectMeta, Error>> {
        let name = self.name.clone();
        let found = self.reader.list(below.as_ref()).map_err(move |error| {
            let (trouble, said) = errors::of(&error);
            let trouble = match error {
                object_store::Error::NotFound { .. } => Trouble::NoBucket,
                _ => trouble,
            };
            Error::Store { key: of.clone(), doing: "list", storage: name.clone(), trouble, said }
        });
        found.boxed()
    }

    fn failed(&self, key: &Key, doing: &'static str, error: &object_store::Error) -> Error {
        let (key, storage) = (key.clone(), self.name.clone());
        match (errors::of(error), error) {
            ((trouble, _), object_store::Error::NotFound { .. })
                if doing == "read" && trouble != Trouble::NoBucket =>
            {
                Error::NotFound { key, storage }
            }
            ((_, said), object_store::Error::NotFound { .. }) => {
                Error::Store { key: key.to_string(), doing, storage, trouble: Trouble::NoBucket, said }
            }
            (_, object_store::Error::AlreadyExists { .. }) => Error::AlreadyExists { key, storage },
            ((trouble, said), _) => Error::Store { key: key.to_string(), doing, storage, trouble, said },
        }
    }

    /// Creates an object where there is none. Where the store's answer is lost, it is asked again; what then
    /// is there with the same bytes is ours. A store also says that there is one while another writer is at
    /// work on it, who may give up: then it is asked again, too.
    async fn create(&self, key: &Key, data: Bytes) -> Result<(), Error> {
        let path = self.path(key);
        let (mut tries, mut is_lost) = (0, false);
        loop {
            let put =
                self.once.writer.put_opts(&path, data.clone().into(), object_store::PutMode::Create.into());
            let error = match put.await {
                Ok(_) => return Ok(()),
                Err(error @ object_store::Error::AlreadyExists { .. }) => match self.get(key, None).await {
                    Ok(there) => {
                        let may_be_ours = is_lost && there.meta.size == data.len() as u64;
                        let is_ours = may_be_ours && there.bytes().await? == data;
                        return if is_ours { Ok(()) } else { Err(self.failed(key, "write", &error)) };
                    }
                    Err(nothing) if nothing.is_not_found() => {
                        let (_, said) = errors::of(&error);
                        let (key, storage) = (key.to_string(), self.name.clone());
                        Error::Store { key, doing: "write", storage, trouble: Trouble::Failing(409), said }
                    }
                    Err(unknown) => return Err(unknown),
                },
                Err(error) if errors::passes(&error) => {
                    is_lost = true;
                    self.failed(key, "write", &error)
                }
                Err(error) => return Err(self.failed(key, "write", &error)),
            };
            if tries >= self.patience.retries {
                return Err(error);
            }
            tries += 1;
            tokio::time::sleep(pause(&self.patience, tries)).await;
        }
    }

    /// Puts a file part by part.
    async fn put_parts(&self, key: &Key, file: &File, size: u64) -> Result<(), Error> {
        let path = self.path(key);
        let failed = |error: object_store::Error| self.failed(key, "write", &error);
        let mut upload = self.writer.put_multipart(&path).await.map_err(failed)?;
        let sent = self.send_parts(key, &mut *upload, file, size).await;
        let done = match sent {
            Ok(()) => upload.complete().await.map(|_| ()).map_err(failed),
            Err(error) => Err(error),
        };
        if done.is_err() {
            // Its parts would be paid for. That it cannot be told now is no news beside what failed.
            let _ = upload.abort().await;
        }
        done
    }

    async fn send_parts(
        &self,
        key: &Key,
        upload: &mut dyn MultipartUpload,
        file: &File,
        size: u64,
    ) -> Result<(), Error> {
        let unreadable = |source| Error::Source { path: file.into(), source };
        let part = part_size(size);
        let mut source = tokio::fs::File::open(file).await.map_err(unreadable)?;
        let mut on_the_way = FuturesUnordered::new();
        let mut left = size;
        while left > 0 {
            let length = part.min(left);
            let mut data = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
            source.read_exact(&mut data).await.map_err(unreadable)?;
            left -= length;
            on_the_way.push(upload.put_part(data.into()));
            if on_the_way.len() >= TOGETHER {
                on_the_way.try_next().await.map_err(|error| self.failed(key, "write", &error))?;
            }
        }
        on_the_way
            .try_for_each(|()| async { Ok(()) })
            .await
            .map_err(|error| self.failed(key, "write", &error))
    }
}

/// The key of what lies at a path of a bucket, below a prefix; `None`: it is not below that, or no key can
/// name it.
fn key_of(prefix: Option<&Key>, path: &Path) -> Option<Key> {
    let path = path.as_ref();
    let ours = match prefix {
        None => path,
        Some(prefix) => path.strip_prefix(prefix.as_str())?.strip_prefix('/')?,
    };
    ours.parse().ok()
}

/// What the library says of an object.
fn described(key: Key, meta: &object_store::ObjectMeta) -> Meta {
    Meta { key, size: meta.size, modified: meta.last_modified.into(), e_tag: meta.e_tag.clone() }
}

fn part_size(size: u64) -> u64 {
    PART.max(size.div_ceil(PARTS).next_multiple_of(1 << 20))
}

/// A client that waits this long for an answer, or for the next bytes of one, and tries this often again.
fn builder(settings: &S3Settings, answer: Duration, retries: u32) -> AmazonS3Builder {
    let Patience { connect, first_pause, longest_pause, .. } = settings.patience;
    let mut options = ClientOptions::new()
        .with_connect_timeout(connect)
        .with_timeout_disabled()
        .with_read_timeout(answer)
        .with_allow_http(true);
    for (ending, media_type) in MEDIA_TYPES {
        options = options.with_content_type_for_suffix(ending, media_type);
    }
    let backoff = BackoffConfig { init_backoff: first_pause, max_backoff: longest_pause, base: 2. };
    // The number of tries ends them, not the time: a slow store is no reason to give up.
    let retry_timeout = answer.saturating_mul(retries + 1).saturating_add(Duration::from_secs(60));
    let retry = RetryConfig { backoff, max_retries: retries as usize, retry_timeout };
    let builder = match settings.credentials {
        Credentials::Machine => AmazonS3Builder::from_env(),
        _ => AmazonS3Builder::new(),
    };
    let mut builder = builder
        .with_bucket_name(&settings.bucket)
        .with_region(&settings.region)
        .with_virtual_hosted_style_request(!settings.path_style)
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_disable_bulk_delete(true)
        .with_client_options(options)
        .with_retry(retry);
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.with_endpoint(match settings.path_style {
            true => endpoint.clone(),
            // The library takes the host as it is.
            false => in_host(endpoint, &settings.bucket),
        });
    }
    match &settings.credentials {
        Credentials::Anonymous => builder.with_skip_signature(true),
        Credentials::Fixed(key) => {
            let builder = builder.with_access_key_id(&key.id).with_secret_access_key(key.secret.as_str());
            match &key.token {
                None => builder,
                Some(token) => builder.with_token(token.as_str()),
            }
        }
        Credentials::Source(source) => builder.with_credentials(Arc::new(Renewed::new(Arc::clone(source)))),
        Credentials::Machine => builder,
    }
}

/// A service's URL with the bucket in front of its host.
fn in_host(endpoint: &str, bucket: &str) -> String {
    match endpoint.split_once("://") {
        Some((scheme, host)) => format!("{scheme}://{bucket}.{host}"),
        None => endpoint.to_owned(),
    }
}

#[async_trait]
impl Storage for S3 {
    async fn put(&self, key: &Key, data: Bytes, mode: PutMode) -> Result<(), Error> {
        match mode {
            PutMode::Create => self.create(key, data).await,
            PutMode::Overwrite => {
                let done = self.writer.put(&self.path(key), data.into()).await;
                done.map(|_| ()).map_err(|error| self.failed(key, "write", &error))
            }
        }
    }

    async fn put_file(&self, key: &Key, file: &File, _: Transfer) -> Result<(), Error> {
        let unreadable = |source| Error::Source { path: file.into(), source };
        let size = tokio::fs::metadata(file).await.map_err(unreadable)?.len();
        if size > PART {
            return self.put_parts(key, file, size).await;
        }
        let data = tokio::fs::read(file).await.map_err(unreadable)?;
        self.put(key, data.into(), PutMode::Overwrite).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object, Error> {
        if let Some(range) = range.clone().filter(Range::is_empty) {
            let size = self.head(key).await?.size;
            return Err(clamp(key, Some(range), size).err().unwrap_or(Error::Range {
                key: key.clone(),
                start: 0,
                end: 0,
                size,
            }));
        }
        let path = self.path(key);
        let asked = range.clone().map(|range| match range.end > LARGEST {
            true => GetRange::Offset(range.start),
            false => GetRange::Bounded(range),
        });
        let options = GetOptions { range: asked, ..GetOptions::default() };
        let got = match self.reader.get_opts(&path, options).await {
            Ok(got) => got,
            Err(error) => {
                let failed = self.failed(key, "read", &error);
                // Stores say in several ways that a range is not there.
                let may_be_range = matches!(failed, Error::Store { trouble: Trouble::Other, .. });
                if may_be_range && range.is_some() {
                    clamp(key, range, self.head(key).await?.size)?;
                }
                return Err(failed);
            }
        };
        let meta = described(key.clone(), &got.meta);
        let range = clamp(key, range, meta.size)?;
        let reading = Reading {
            store: Arc::clone(&self.once.reader),
            path,
            left: range.clone(),
            e_tag: meta.e_tag.clone(),
            patience: self.patience.clone(),
            body: got.into_stream(),
        };
        let (name, key) = (self.name.clone(), key.to_string());
        let body = reading.stream().map_err(move |error| {
            let (trouble, said) = errors::of(&error);
            Error::Store { key: key.clone(), doing: "read", storage: name.clone(), trouble, said }
        });
        Ok(Object { meta, range, body: body.boxed() })
    }

    async fn head(&self, key: &Key) -> Result<Meta, Error> {
        let meta = self.reader.head(&self.path(key)).await;
        let meta = meta.map_err(|error| self.failed(key, "read", &error))?;
        Ok(described(key.clone(), &meta))
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<Meta, Error>> {
        let below = match (prefix, &self.prefix) {
            (Some(prefix), _) => Some(self.path(prefix)),
            (None, Some(own)) => Some(Path::from(own.as_str())),
            (None, None) => None,
        };
        let this = Self {
            reader: Arc::clone(&self.reader),
            writer: Arc::clone(&self.writer),
            once: self.once.clone(),
            prefix: self.prefix.clone(),
            name: self.name.clone(),
            patience: self.patience.clone(),
        };
        let of = prefix.map_or_else(|| "/".to_owned(), ToString::to_string);
        let found = self.found(below, of);
        let ours = move |meta: object_store::ObjectMeta| {
            let key = this.key(&meta.location);
            async move { Ok(key.map(|key| described(key, &meta))) }
        };
        found.try_filter_map(ours).boxed()
    }

    fn unnamed(&self) -> BoxStream<'static, Result<String, Error>> {
        let below = self.prefix.as_ref().map(|own| Path::from(own.as_str()));
        let found = self.found(below, "/".to_owned());
        let prefix = self.prefix.clone();
        let other = move |meta: object_store::ObjectMeta| {
            let is_key = key_of(prefix.as_ref(), &meta.location).is_some();
            async move { Ok((!is_key).then(|| meta.location.to_string())) }
        };
        found.try_filter_map(other).boxed()
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        match self.writer.delete(&self.path(key)).await {
            Ok(()) => Ok(()),
            Err(error @ object_store::Error::NotFound { .. })
                if errors::of(&error).0 != Trouble::NoBucket =>
            {
                Ok(())
            }
            Err(error) => Err(self.failed(key, "delete", &error)),
        }
    }

    async fn signed_url(&self, key: &Key, media_type: &str, life: Duration) -> Result<Option<String>, Error> {
        let options = SignedUrlOptions::new().with_query([("response-content-type", media_type)]);
        let url = self.reader.signed_url_opts(reqwest::Method::GET, &self.path(key), life, &options).await;
        url.map(|url| Some(url.to_string())).map_err(|error| self.failed(key, "sign a URL", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> S3Settings {
        let key = AccessKey { id: "AKIA".to_owned(), secret: "very-secret".to_owned().into(), token: None };
        S3Settings {
            bucket: "films".to_owned(),
            prefix: Some("a/b".parse().expect("a key")),
            endpoint: Some("http://127.0.0.1:1".to_owned()),
            region: "eu-central-1".to_owned(),
            path_style: true,
            credentials: Credentials::Fixed(key),
            patience: Patience::default(),
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let settings = settings();
        assert!(!format!("{settings:?}").contains("very-secret"));
        let store = S3::new(settings).expect("settings that can be");
        assert_eq!(store.to_string(), "s3://films/a/b");
        assert!(!format!("{store:?} {store:#?}").contains("very-secret"));
    }

    #[test]
    fn parts_are_few_enough() {
        assert_eq!(part_size(PART + 1), PART);
        for size in [1u64 << 30, 1 << 40, 5 << 40] {
            assert!(size.div_ceil(part_size(size)) <= PARTS, "{size}");
        }
    }

    #[test]
    fn keys_are_below_the_prefix() {
        let store = S3::new(settings()).expect("settings that can be");
        let key: Key = "c/d.mp4".parse().expect("a key");
        assert_eq!(store.path(&key).as_ref(), "a/b/c/d.mp4");
        assert_eq!(store.key(&store.path(&key)), Some(key));
        for path in ["a/bc/d", "a", "c/d.mp4", "a/b"] {
            assert_eq!(store.key(&Path::from(path)), None, "{path}");
        }
        assert_eq!(in_host("https://s3.example", "films"), "https://films.s3.example");
    }
}
