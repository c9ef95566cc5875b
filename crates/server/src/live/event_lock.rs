//! The lock of an event, as a session has it.

use std::fs::File;
use std::sync::{Mutex, PoisonError};

/// Held from a session's beginning until its film is there: nobody else takes the event in, or makes the film
/// of it, meanwhile.
#[derive(Debug)]
pub(super) struct EventLock(Mutex<Option<File>>);

impl EventLock {
    pub(super) const fn new(file: File) -> Self {
        Self(Mutex::new(Some(file)))
    }

    /// Takes it, for the session that follows; `None` where it is free.
    pub(super) fn take(&self) -> Option<File> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// For whoever works on another thread and cannot be stopped: it is free when that is over, too. `None`
    /// where it is free, or the system has no more files.
    pub(super) fn share(&self) -> Option<File> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(|file| file.try_clone().ok())
    }

    pub(super) fn is_free(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    /// It is free when the value is dropped: also where what was done under it fails, panics or is given up.
    pub(super) const fn until_dropped(&self) -> Held<'_> {
        Held(self)
    }
}

/// See [`EventLock::until_dropped`].
pub(super) struct Held<'a>(&'a EventLock);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever makes the film may fail in any way: the next one can try.
    #[tokio::test]
    async fn it_is_free_however_its_holder_ends() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let open = || File::options().write(true).open(&path).unwrap();
        for given_up in [false, true] {
            let file = open();
            file.try_lock().unwrap();
            let lock = std::sync::Arc::new(EventLock::new(file));
            let held = std::sync::Arc::clone(&lock);
            let (begun, begins) = tokio::sync::oneshot::channel();
            let making = tokio::spawn(async move {
                let _held = held.until_dropped();
                begun.send(()).unwrap();
                if given_up {
                    std::future::pending::<()>().await;
                }
                panic!("the film cannot be made");
            });
            begins.await.unwrap();
            if given_up {
                assert!(!lock.is_free() && open().try_lock().is_err());
                making.abort();
            }
            assert_eq!(making.await.unwrap_err().is_cancelled(), given_up);
            assert!(lock.is_free());
            open().try_lock().unwrap();
        }
    }

    /// What runs on a thread goes on when its task is given up.
    #[test]
    fn who_has_a_share_keeps_it() {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let open = || File::options().write(true).open(&path).unwrap();
        let file = open();
        file.try_lock().unwrap();
        let lock = EventLock::new(file);
        let share = lock.share().unwrap();
        drop(lock.until_dropped());
        assert!(lock.is_free() && lock.share().is_none());
        assert!(open().try_lock().is_err());
        drop(share);
        open().try_lock().unwrap();
    }
}
