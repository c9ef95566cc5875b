//! A file that is written from front to back. While it grows, one thread hashes it and another sends it to
//! the disk: little of either is left for its end.

use std::fs::File;
use std::io::{self, Write as _};
use std::panic;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use sha2::{Digest, Sha256};

/// Octets that are written before they are sent to the disk. Each time costs the file system an entry in its
/// journal.
const SENT_TOGETHER: u64 = 32 << 20;

/// How many bodies there are: one is filled while the other is hashed.
const BODIES: usize = 2;

/// A new file and the threads that follow it. Dropped, it waits until they have let go of the file.
#[derive(Debug)]
pub(crate) struct GrowingFile {
    file: Arc<File>,
    size: u64,
    /// Octets of `size` that were not sent to the disk yet.
    unsent: u64,
    /// Until it is finished; the one that sends until the disk has failed, too.
    hashing: Option<Following<[Vec<u8>; 2], [u8; 32]>>,
    sending: Option<Following<(), io::Result<()>>>,
    /// Bodies that are hashed.
    bodies: Receiver<Vec<u8>>,
    /// Bodies that may still be asked of the memory.
    new_bodies: usize,
}

/// A thread that takes what it is sent, until nothing comes any more.
#[derive(Debug)]
struct Following<T, R> {
    to: SyncSender<T>,
    thread: JoinHandle<R>,
}

impl<T, R> Following<T, R> {
    /// Sends nothing more, and waits until it ends.
    fn end(self) -> thread::Result<R> {
        drop(self.to);
        self.thread.join()
    }

    /// What it ends with; panics where it has.
    fn result(self) -> R {
        self.end().unwrap_or_else(|cause| panic::resume_unwind(cause))
    }
}

impl GrowingFile {
    /// Where nothing is.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = Arc::new(File::create_new(path)?);
        let (pieces, to_hash) = sync_channel::<[Vec<u8>; 2]>(BODIES);
        let (hashed, bodies) = sync_channel(BODIES);
        let hashing = thread::Builder::new().name("hash".to_owned()).spawn(move || {
            let mut hash = Sha256::new();
            for [head, body] in to_hash {
                hash.update(&head);
                hash.update(&body);
                // More than are asked for are given back to the memory.
                let _ = hashed.try_send(body);
            }
            <[u8; 32]>::from(hash.finalize())
        })?;
        let (marks, marked) = sync_channel::<()>(1);
        let sent = Arc::clone(&file);
        // What fails here is not said again when the file is synced in the end.
        let sending = thread::Builder::new()
            .name("sync".to_owned())
            .spawn(move || marked.into_iter().try_for_each(|()| sent.sync_data()))?;
        // What comes behind the header is one, too, from then on.
        let new_bodies = BODIES - 1;
        let hashing = Some(Following { to: pieces, thread: hashing });
        let sending = Some(Following { to: marks, thread: sending });
        Ok(Self { file, size: 0, unsent: 0, hashing, sending, bodies, new_bodies })
    }

    /// Octets written so far.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// A body to fill, with whatever is in it. Waits until one is hashed, so that memory holds few.
    pub(crate) fn body(&mut self) -> Vec<u8> {
        if self.new_bodies > 0 {
            self.new_bodies -= 1;
            return Vec::new();
        }
        self.bodies.recv().unwrap_or_default()
    }

    /// Writes a head, and behind it a body: the file's header, then what [`body`](Self::body) gave.
    pub(crate) fn write(&mut self, head: Vec<u8>, body: Vec<u8>) -> io::Result<()> {
        let mut file = &*self.file;
        file.write_all(&head)?;
        file.write_all(&body)?;
        let len = (head.len() + body.len()) as u64;
        self.size += len;
        self.unsent += len;
        if let Some(hashing) = &self.hashing {
            // It ends when we do, unless it panics, which is seen when it is waited for.
            let _ = hashing.to.send([head, body]);
        }
        if self.unsent >= SENT_TOGETHER {
            self.unsent = 0;
            // Where it is at it already, it comes to this later. Where it has ended, the disk has failed.
            let sent = self.sending.as_ref().map(|sending| sending.to.try_send(()));
            if let Some(Err(TrySendError::Disconnected(()))) = sent {
                return self.sent();
            }
        }
        Ok(())
    }

    /// Makes it durable; its size and SHA-256.
    pub(crate) fn finish(mut self) -> io::Result<(u64, [u8; 32])> {
        self.sent()?;
        self.file.sync_all()?;
        let hash = self.hashing.take().map(Following::result);
        Ok((self.size, hash.unwrap_or_else(|| unreachable!("it is hashed until here"))))
    }

    /// What became of what was sent to the disk; nothing more is.
    fn sent(&mut self) -> io::Result<()> {
        self.sending.take().map_or(Ok(()), Following::result)
    }
}

impl Drop for GrowingFile {
    /// Whoever removes the folder next finds nobody in it.
    fn drop(&mut self) {
        // The thread that hashes gives bodies back without waiting. What failed is not asked for any more.
        let _ = self.hashing.take().map(Following::end);
        let _ = self.sending.take().map(Following::end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Size and digest are those of what lies on the disk, however often it was sent there.
    #[test]
    fn what_is_written_is_hashed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut file = GrowingFile::create(&path).unwrap();
        for n in 0..40u8 {
            let mut body = file.body();
            body.clear();
            body.resize(usize::from(n) * 50_000, n);
            file.write(vec![n; usize::from(n % 3)], body).unwrap();
        }
        let size = file.size();
        let (written, sha256) = file.finish().unwrap();
        let content = std::fs::read(&path).unwrap();
        assert_eq!((written, size), (content.len() as u64, content.len() as u64));
        assert_eq!(sha256, <[u8; 32]>::from(Sha256::digest(&content)));
        assert!(size > SENT_TOGETHER);
        assert!(GrowingFile::create(&path).is_err(), "nothing is written over");
    }

    /// What is dropped in the middle waits for nobody.
    #[test]
    fn a_file_that_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = GrowingFile::create(&folder.path().join("file")).unwrap();
        let body = file.body();
        file.write(vec![1; 1000], body).unwrap();
        drop(file);
    }
}
