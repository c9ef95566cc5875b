//! Clear files that must stay what they are as long as they are read.

use super::stamp::Stamp;
use ::origin::ReadAt;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use storage::{Cached, Meta};
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How long a bucket may take for a piece: who waits for it longer has given up. The first of an answer is
/// not waited for as long (`http::origin`).
const PIECE: Duration = Duration::from_secs(60);
/// Octets that are read ahead of a bucket where a file is read to its end.
const AHEAD: u64 = 4 << 20;

/// A clear file that can be read, as long as it is the one that was looked at.
#[derive(Debug, Clone)]
pub(crate) enum ClearFile {
    /// On a local disk, open.
    File(Arc<Watched>),
    /// In a bucket, read through what is kept of it.
    Object(Arc<Cached>, Meta),
}

impl ClearFile {
    /// A range of it that can be read without waiting for a network.
    ///
    /// # Errors
    /// What the store says; [`ErrorKind::TimedOut`].
    pub(crate) async fn at_hand(&self, range: Range<u64>) -> io::Result<AtHand> {
        let (parts, meta) = match self {
            Self::File(file) => return Ok(AtHand::File(Arc::clone(file))),
            Self::Object(parts, meta) => (parts, meta),
        };
        if range.is_empty() {
            return Ok(AtHand::Bytes { at: range.start, bytes: Bytes::new() });
        }
        let read = async {
            let object = parts.get_same(meta, range.clone()).await?;
            object.bytes().await
        };
        let Ok(read) = timeout(PIECE, read).await else {
            let said = format!("{}: {parts} does not send it in {} seconds", meta.key, PIECE.as_secs());
            return Err(io::Error::new(ErrorKind::TimedOut, said));
        };
        Ok(AtHand::Bytes { at: range.start, bytes: read.map_err(io::Error::other)? })
    }

    /// The whole file for who reads it to its end on a thread that may wait.
    pub(super) fn read_on(self, runtime: Handle) -> ToTheEnd {
        ToTheEnd { file: self, runtime, ahead: Mutex::default() }
    }
}

/// What can be read of a clear file without waiting for a network.
#[derive(Debug)]
pub(crate) enum AtHand {
    /// All.
    File(Arc<Watched>),
    /// These bytes from this place on.
    Bytes { at: u64, bytes: Bytes },
}

impl ReadAt for AtHand {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        match self {
            Self::File(file) => file.read_at(offset, out),
            Self::Bytes { at, bytes } => {
                let offset = offset.checked_sub(*at).ok_or(ErrorKind::UnexpectedEof)?;
                bytes[..].read_at(offset, out)
            }
        }
    }
}

/// An open file that must stay what it is.
#[derive(Debug)]
pub(crate) struct Watched {
    file: File,
    stamp: Stamp,
}

impl Watched {
    pub(super) fn open(path: &Path, stamp: Stamp) -> io::Result<Self> {
        let this = Self { file: File::open(path)?, stamp };
        this.check()?;
        Ok(this)
    }

    fn check(&self) -> io::Result<()> {
        match Stamp::of(&self.file.metadata()?) == self.stamp {
            true => Ok(()),
            false => Err(io::Error::other("the clear file was changed or replaced")),
        }
    }
}

impl ReadAt for Watched {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, out)?;
        // Who writes into it while it is read must not get his bytes encrypted as if they were the film's.
        self.check()
    }
}

/// A clear file that is read from its beginning to its end, in many small steps.
#[derive(Debug)]
pub(super) struct ToTheEnd {
    file: ClearFile,
    runtime: Handle,
    ahead: Mutex<Option<(Range<u64>, AtHand)>>,
}

impl ToTheEnd {
    /// SHA-256 of so many octets from its beginning, hexadecimal. Waits.
    ///
    /// # Errors
    /// What reading gives; [`ErrorKind::UnexpectedEof`] where there are fewer.
    pub(super) fn sha256(&self, size: u64) -> io::Result<String> {
        let (mut digest, mut at) = (Sha256::new(), 0);
        let mut piece = vec![0; 256 << 10];
        while at < size {
            let len = piece.len().min(usize::try_from(size - at).unwrap_or(usize::MAX));
            let piece = piece.get_mut(..len).unwrap_or_default();
            self.read_at(at, piece)?;
            digest.update(&*piece);
            at += len as u64;
        }
        Ok(hex::encode(digest.finalize()))
    }
}

impl ReadAt for ToTheEnd {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let meta = match &self.file {
            ClearFile::File(file) => return file.read_at(offset, out),
            ClearFile::Object(_, meta) => meta,
        };
        let end = offset.saturating_add(out.len() as u64);
        if end > meta.size {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((range, at_hand)) = &*ahead
            && range.start <= offset
            && end <= range.end
        {
            return at_hand.read_at(offset, out);
        }
        let range = offset..end.max(offset.saturating_add(AHEAD)).min(meta.size);
        let at_hand = self.runtime.block_on(self.file.at_hand(range.clone()))?;
        let done = at_hand.read_at(offset, out);
        *ahead = Some((range, at_hand));
        done
    }
}
