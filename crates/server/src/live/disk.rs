//! What of a session is written to its folder, in the order in which it was published, and by nobody who
//! holds a lock.

use super::files::{HEADER, RECORD, SEGMENTS, write_json};
use crate::Error;
use ::live::Event as Output;
use ::live::film::Record;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use storage::{Folder, PutMode, Storage as _};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Messages that wait for the disk; then encoders do.
const WAITING: usize = 64;
/// Says from which number on none was given out, of a session that can be gone on with.
const NEXT: &str = "next.json";

#[derive(Debug, Serialize, Deserialize)]
struct Next {
    next: u64,
}

/// What is to be written.
#[derive(Debug)]
pub(super) enum Write {
    /// What is known of the session.
    Record(Box<Record>),
    /// What was published.
    Outputs(Vec<Output>),
    /// Numbers below this one may be given out, when it is written.
    Reserve(u64),
    /// The process stops: no number from this one on was given out.
    Rest(u64),
    /// Nobody goes on with the session any more.
    Over,
}

/// A session's way to the disk.
#[derive(Debug)]
pub(super) struct Disk {
    /// `None` once everything is written.
    queue: Mutex<Option<mpsc::Sender<Write>>>,
    writer: tokio::sync::Mutex<Option<JoinHandle<()>>>,
    reserved: watch::Receiver<Promise>,
}

/// What the disk promises.
#[derive(Debug, Clone, Copy)]
struct Promise {
    /// Numbers below this one may be given out.
    below: u64,
    /// The last that was asked for could not be promised: the disk keeps an older promise that it does not
    /// let go, with which a later process would give out numbers again.
    refused: bool,
}

impl Disk {
    /// Of a session's folder, in which [`reserve`] wrote the same number.
    pub(super) fn new(folder: PathBuf, reserved: u64) -> Self {
        let (queue, written) = mpsc::channel(WAITING);
        let (promise, reserved) = watch::channel(Promise { below: reserved, refused: false });
        let writer = tokio::spawn(write_all(folder, written, promise));
        Self { queue: Mutex::new(Some(queue)), writer: tokio::sync::Mutex::new(Some(writer)), reserved }
    }

    fn queue(&self) -> Option<mpsc::Sender<Write>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes something behind all that was given before; waits while much does.
    pub(super) async fn write(&self, what: Write) {
        if let Some(queue) = self.queue()
            && queue.send(what).await.is_err()
        {
            tracing::error!("a session is not written to the disk any more");
        }
    }

    /// Sees to it that another number than those below `next` may be given out soon.
    pub(super) async fn ask(&self, next: u64) {
        let is_short = self.reserved.borrow().below <= next;
        if is_short {
            self.write(Write::Reserve(next.saturating_add(1))).await;
        }
    }

    /// Below which numbers may be given out: waits until `next` is one of them. All may where the disk fails
    /// and has forgotten the session: that goes on from memory then, and nobody goes on with it after this
    /// process. Where it cannot even forget, no other number may.
    pub(super) async fn reserved(&self, next: u64) -> u64 {
        // Whoever asked before may have been cut off in the middle of it.
        self.ask(next).await;
        let mut reserved = self.reserved.clone();
        // Without a writer nothing new may begin, either.
        let _ = reserved.wait_for(|promise| promise.below > next || promise.refused).await;
        self.known()
    }

    /// As [`reserved`](Self::reserved), without waiting.
    pub(super) fn known(&self) -> u64 {
        self.reserved.borrow().below
    }

    /// Nothing more is written; returns when all is.
    pub(super) async fn close(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = self.writer.lock().await.take() {
            let _ = writer.await;
        }
    }
}

/// Writes what a session gives. A disk that fails does not end the session: it goes on from memory.
async fn write_all(folder: PathBuf, mut written: mpsc::Receiver<Write>, promise: watch::Sender<Promise>) {
    let storage = Folder::new(&folder);
    while let Some(message) = written.recv().await {
        let done = match message {
            Write::Record(record) => put_json(&storage, RECORD, &record).await,
            Write::Outputs(outputs) => write_outputs(&storage, &folder, outputs).await,
            Write::Reserve(next) => {
                let before = promise.borrow().below;
                let done = match next > before {
                    true => put_json(&storage, NEXT, &Next { next }).await,
                    false => Ok(()),
                };
                promise.send_replace(match &done {
                    Ok(()) => Promise { below: next.max(before), refused: false },
                    // Numbers are given out that the disk does not know of.
                    Err(_) if forget(&folder) => Promise { below: u64::MAX, refused: false },
                    Err(_) => Promise { below: before, refused: true },
                });
                done
            }
            Write::Rest(next) => put_json(&storage, NEXT, &Next { next }).await,
            Write::Over => match forget(&folder) {
                true => Ok(()),
                false => Err(Error::Internal("a session that is over is not forgotten")),
            },
        };
        if let Err(error) = done {
            metrics::counter!("matinee_live_write_errors_total").increment(1);
            tracing::error!(%error, "a live session cannot be written; it goes on from memory");
        }
    }
}

async fn put_json(storage: &Folder, name: &str, value: &(impl Serialize + Sync)) -> Result<(), Error> {
    let json = serde_json::to_vec_pretty(value).map_err(|_| Error::Internal("no JSON could be written"))?;
    let key = name.parse().map_err(storage::Error::from)?;
    Ok(storage.put(&key, json.into(), PutMode::Overwrite).await?)
}

async fn write_outputs(storage: &Folder, folder: &Path, outputs: Vec<Output>) -> Result<(), Error> {
    for output in outputs {
        match output {
            Output::Header { representation, bytes } => {
                let key = format!("{representation}/{HEADER}").parse().map_err(storage::Error::from)?;
                storage.put(&key, bytes, PutMode::Create).await?;
            }
            Output::Segment { representation, entry, bytes } => {
                let key =
                    format!("{representation}/{}.m4s", entry.number).parse().map_err(storage::Error::from)?;
                storage.put(&key, bytes, PutMode::Create).await?;
                // On a line of its own: the one before may have been cut off.
                let mut line = vec![b'\n'];
                serde_json::to_writer(&mut line, &entry)
                    .map_err(|_| Error::Internal("no JSON could be written"))?;
                line.push(b'\n');
                // Whole lines, one after another: what is cut off at the end is no line.
                let path = folder.join(&representation).join(SEGMENTS);
                let append = File::options().create(true).append(true).open(&path);
                append.and_then(|mut file| file.write_all(&line)).map_err(Error::io(&path))?;
            }
            Output::Lost { .. } => {}
        }
    }
    Ok(())
}

/// Writes down that a process gives out no number from `next` on, before it gives out any.
///
/// # Errors
/// [`Error::Io`].
pub(super) fn reserve(folder: &Path, next: u64) -> Result<(), Error> {
    write_json(&folder.join(NEXT), &Next { next })
}

/// From which number on none was given out; `None` where nobody can go on with the session.
///
/// # Errors
/// [`Error::Io`], [`Error::Config`].
pub(super) fn next(folder: &Path) -> Result<Option<u64>, Error> {
    let path = folder.join(NEXT);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Io { path, source }),
    };
    match serde_json::from_slice::<Next>(&text) {
        Ok(Next { next }) => Ok(Some(next)),
        Err(error) => Err(Error::Config { path, reason: error.to_string() }),
    }
}

/// Sees to it that nobody goes on with the session; whether that is so.
fn forget(folder: &Path) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    let path = folder.join(NEXT);
    let forgotten = match fs::remove_file(&path) {
        Ok(()) => File::open(folder).and_then(|folder| folder.sync_all()),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = &forgotten {
        tracing::error!(path = %path.display(), %error, "a file cannot be removed");
    }
    forgotten.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers are given out when the disk has them. Where it fails all are, and nobody goes on with the
    /// session.
    #[tokio::test]
    async fn numbers_are_promised_by_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session");
        fs::create_dir(&path).unwrap();
        reserve(&path, 5).unwrap();
        let disk = Disk::new(path.clone(), 5);
        assert_eq!((disk.reserved(4).await, next(&path).unwrap()), (5, Some(5)));
        assert_eq!((disk.reserved(5).await, next(&path).unwrap()), (6, Some(6)));
        disk.write(Write::Rest(6)).await;
        disk.close().await;
        assert_eq!(next(&path).unwrap(), Some(6));
        // After its end there are no others.
        assert_eq!(disk.reserved(9).await, 6);
        // A file where the folder was: nothing can be written.
        let disk = Disk::new(path.clone(), 6);
        fs::remove_dir_all(&path).unwrap();
        fs::write(&path, b"").unwrap();
        assert_eq!(disk.reserved(6).await, u64::MAX);
        disk.close().await;
    }

    /// A disk that neither keeps a new promise nor lets the old one go: what it says later would be given out
    /// twice.
    #[tokio::test]
    async fn no_number_is_given_out_that_could_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NEXT);
        let disk = Disk::new(folder.path().to_owned(), 5);
        fs::create_dir(&path).unwrap();
        assert_eq!((disk.reserved(7).await, disk.known()), (5, 5));
        // It works again.
        fs::remove_dir(&path).unwrap();
        while disk.reserved(7).await < 8 {}
        assert_eq!(next(folder.path()).unwrap(), Some(8));
        disk.close().await;
    }

    #[tokio::test]
    async fn a_session_that_is_over_is_not_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        reserve(folder.path(), 1).unwrap();
        let disk = Disk::new(folder.path().to_owned(), 1);
        disk.write(Write::Over).await;
        disk.close().await;
        assert_eq!(next(folder.path()).unwrap(), None);
        fs::write(folder.path().join(NEXT), b"{").unwrap();
        assert!(next(folder.path()).is_err());
    }
}
