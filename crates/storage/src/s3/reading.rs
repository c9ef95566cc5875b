use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use object_store::aws::AmazonS3;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore as _};

use super::Patience;
use super::errors;

/// An object that is being read, of which the rest is asked for again when the connection breaks.
pub(super) struct Reading {
    /// One that tries nothing again: that is done here.
    pub(super) store: Arc<AmazonS3>,
    pub(super) path: Path,
    /// What is left of the range.
    pub(super) left: Range<u64>,
    /// By which it is known that the object is the same one.
    pub(super) e_tag: Option<String>,
    pub(super) patience: Patience,
    pub(super) body: BoxStream<'static, object_store::Result<Bytes>>,
}

impl Reading {
    /// The bytes. As many as the range has, or an error at their end.
    pub(super) fn stream(self) -> BoxStream<'static, object_store::Result<Bytes>> {
        let next = |reading: Option<Self>| async move {
            let mut reading = reading?;
            if reading.left.is_empty() {
                return None;
            }
            match reading.next().await {
                Ok(bytes) => Some((Ok(bytes), Some(reading))),
                Err(error) => Some((Err(error), None)),
            }
        };
        stream::unfold(Some(self), next).boxed()
    }

    async fn next(&mut self) -> object_store::Result<Bytes> {
        let mut tries = 0;
        loop {
            let mut error = match self.body.next().await {
                Some(Ok(bytes)) if bytes.is_empty() => continue,
                Some(Ok(mut bytes)) => {
                    let wanted = self.left.end - self.left.start;
                    bytes.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
                    self.left.start += bytes.len() as u64;
                    return Ok(bytes);
                }
                Some(Err(error)) => error,
                None => broken("the answer ends before its bytes do"),
            };
            // The old connection is of no use any more.
            self.body = loop {
                tries += 1;
                if tries > self.patience.retries {
                    return Err(error);
                }
                tracing::debug!(%error, at = self.left.start, "reading on from a store");
                tokio::time::sleep(pause(&self.patience, tries)).await;
                match self.open().await {
                    Ok(body) => break body,
                    Err(again) if !errors::passes(&again) => return Err(again),
                    Err(again) => error = again,
                }
            };
        }
    }

    /// The rest, by a new request.
    async fn open(&mut self) -> object_store::Result<BoxStream<'static, object_store::Result<Bytes>>> {
        let options = GetOptions {
            range: Some(GetRange::Bounded(self.left.clone())),
            if_match: self.e_tag.clone(),
            ..GetOptions::default()
        };
        let again = self.store.get_opts(&self.path, options).await?;
        match again.range == self.left {
            true => Ok(again.into_stream()),
            false => Err(broken("the store sends another range")),
        }
    }
}

fn broken(what: &'static str) -> object_store::Error {
    object_store::Error::Generic { store: "S3", source: what.into() }
}

/// How long to wait before a try: twice as long each time, within bounds.
pub(super) fn pause(patience: &Patience, tries: u32) -> Duration {
    let factor = 2u32.saturating_pow(tries.saturating_sub(1).min(16));
    patience.first_pause.saturating_mul(factor).min(patience.longest_pause)
}
