//! Who sends an event by RTMP. Times there begin anew with each connection, so one connection at a time counts: the
//! first, until it is gone or silent.

use super::events::Event;
use ::live::Name;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedMutexGuard};

/// After so many milliseconds without a sample another encoder may take its place: when an event counts as
/// interrupted, too.
const SILENCE: u64 = 5_000;
/// How long the one before may take to go.
const GOING: Duration = Duration::from_secs(10);

/// The publishers by event.
#[derive(Debug, Default)]
pub(crate) struct Publishers {
    held: Mutex<HashMap<(Name, Name), Held>>,
    next: AtomicU64,
}

#[derive(Debug, Clone)]
struct Held {
    id: u64,
    /// When it was heard, Unix milliseconds.
    heard: Arc<AtomicU64>,
    /// It has to go.
    go: Arc<Notify>,
    /// Held by who sends, so that the next one begins when the one before has left.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// Another encoder is sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy;

/// A publisher's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    all: Arc<Publishers>,
    name: (Name, Name),
    held: Held,
    _turn: OwnedMutexGuard<()>,
}

impl Publishers {
    /// The place of an event's publisher, unless another one has it and was heard lately.
    pub(crate) async fn enter(self: &Arc<Self>, event: &Event, now: u64) -> Result<Place, Busy> {
        let name = (event.app.clone(), event.name.clone());
        let held = {
            let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            let before = all.get(&name);
            if before.is_some_and(|it| now.saturating_sub(it.heard.load(Ordering::Relaxed)) < SILENCE) {
                return Err(Busy);
            }
            let turn = match before {
                Some(before) => {
                    before.go.notify_one();
                    Arc::clone(&before.turn)
                }
                None => Arc::default(),
            };
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            let held = Held { id, heard: Arc::new(AtomicU64::new(now)), go: Arc::default(), turn };
            all.insert(name.clone(), held.clone());
            held
        };
        let turn = tokio::time::timeout(GOING, Arc::clone(&held.turn).lock_owned()).await;
        match turn {
            Ok(turn) => Ok(Place { all: Arc::clone(self), name, held, _turn: turn }),
            Err(_) => {
                self.forget(&name, held.id);
                Err(Busy)
            }
        }
    }

    fn forget(&self, name: &(Name, Name), id: u64) {
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(name).is_some_and(|held| held.id == id) {
            all.remove(name);
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Place {
    /// It sends.
    pub(crate) fn heard(&self, now: u64) {
        self.held.heard.store(now, Ordering::Relaxed);
    }

    /// Ready when another one takes the place.
    pub(crate) async fn taken(&self) {
        self.held.go.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.forget(&self.name, self.held.id);
    }
}
