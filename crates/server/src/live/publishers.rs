//! Who sends an event by RTMP. Times there begin anew with each connection, so one connection at a time
//! counts: the first, until it is gone or silent.

use super::events::Event;
use ::live::Name;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, OwnedMutexGuard};

/// After so many milliseconds without a sample another encoder may take its place: when an event counts as
/// interrupted, too.
const SILENCE: u64 = 5_000;
/// How long the one before may take to go.
const GOING: Duration = Duration::from_secs(10);

type EventName = (Name, Name);

/// The publishers by event.
#[derive(Debug, Default)]
pub(crate) struct Publishers {
    events: Mutex<HashMap<EventName, Publishing>>,
}

/// What is known of an event that somebody sends or waits to send; there is nothing where nobody does.
#[derive(Debug, Default)]
struct Publishing {
    /// Held by who sends, so that the next one begins when the one before has left.
    turn: Arc<tokio::sync::Mutex<()>>,
    sender: Option<Sender>,
    /// Whether somebody waits until the sender has left.
    awaited: bool,
}

/// Who sends.
#[derive(Debug, Clone)]
struct Sender {
    /// When it was heard, Unix milliseconds.
    heard: Arc<AtomicU64>,
    /// It has to go.
    go: Arc<Notify>,
}

/// Another encoder is sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy;

/// Waits for a publisher's place, until it is dropped.
struct Waiting<'a> {
    all: &'a Publishers,
    name: &'a EventName,
}

/// A publisher's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    all: Arc<Publishers>,
    name: EventName,
    sender: Sender,
    _turn: OwnedMutexGuard<()>,
}

impl Publishers {
    /// The place of an event's publisher, unless another one has it and was heard lately, or waits for it.
    pub(crate) async fn enter(self: &Arc<Self>, event: &Event, now: u64) -> Result<Place, Busy> {
        let name = (event.app.clone(), event.name.clone());
        let begun = Instant::now();
        let (turn, waiting) = {
            let mut events = self.events();
            let publishing = events.entry(name.clone()).or_default();
            let is_heard = |it: &Sender| now.saturating_sub(it.heard.load(Ordering::Relaxed)) < SILENCE;
            if publishing.awaited || publishing.sender.as_ref().is_some_and(is_heard) {
                return Err(Busy);
            }
            if let Some(sender) = &publishing.sender {
                sender.go.notify_one();
            }
            publishing.awaited = true;
            (Arc::clone(&publishing.turn), Waiting { all: self, name: &name })
        };
        let turn = tokio::time::timeout(GOING, turn.lock_owned()).await.map_err(|_| Busy)?;
        let waited = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let heard = Arc::new(AtomicU64::new(now.saturating_add(waited)));
        let sender = Sender { heard, go: Arc::default() };
        self.events().entry(name.clone()).or_default().sender = Some(sender.clone());
        drop(waiting);
        Ok(Place { all: Arc::clone(self), name, sender, _turn: turn })
    }

    fn events(&self) -> MutexGuard<'_, HashMap<EventName, Publishing>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known of an event, and forgets it where nobody is left.
    fn change(&self, name: &EventName, change: impl FnOnce(&mut Publishing)) {
        let mut events = self.events();
        if let Some(publishing) = events.get_mut(name) {
            change(publishing);
            if publishing.sender.is_none() && !publishing.awaited {
                events.remove(name);
            }
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.events().values().filter(|publishing| publishing.sender.is_some()).count()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.all.change(self.name, |publishing| publishing.awaited = false);
    }
}

impl Place {
    /// It sends.
    pub(crate) fn heard(&self, now: u64) {
        self.sender.heard.store(now, Ordering::Relaxed);
    }

    /// Ready when another one takes the place.
    pub(crate) async fn taken(&self) {
        self.sender.go.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // The turn is given back behind this: whoever waits keeps the entry, and sets its own sender then.
        self.all.change(&self.name, |publishing| publishing.sender = None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn event() -> Event {
        let known = serde_json::json!({
            "movie_id": 1, "title": "Lecture", "key_sha256": "", "created": 0
        });
        Event {
            app: "school".parse().unwrap(),
            name: "lecture".parse().unwrap(),
            known: serde_json::from_value(known).unwrap(),
        }
    }

    /// Encoders that come while a silent one does not go never send beside it, and nothing is left of those
    /// that gave up waiting.
    #[tokio::test]
    async fn who_gives_up_waiting_leaves_the_place_as_it_was() {
        let (all, event) = (Arc::<Publishers>::default(), event());
        let first = all.enter(&event, 0).await.unwrap();
        assert!(matches!(all.enter(&event, SILENCE - 1).now_or_never(), Some(Err(Busy))));
        for _ in 0..3 {
            assert!(all.enter(&event, SILENCE).now_or_never().is_none(), "it sends beside the first");
        }
        first.heard(SILENCE);
        assert!(matches!(all.enter(&event, SILENCE).now_or_never(), Some(Err(Busy))));
        assert_eq!(all.count(), 1);
        drop(first);
        assert_eq!(all.count(), 0);
        assert!(all.events().is_empty());
        let second = all.enter(&event, SILENCE).await.unwrap();
        second.heard(SILENCE);
        assert_eq!(all.count(), 1);
    }

    /// The one that waits gets the place when the silent one leaves, and is known then.
    #[tokio::test]
    async fn who_waits_is_next() {
        let (all, event) = (Arc::<Publishers>::default(), event());
        let first = all.enter(&event, 0).await.unwrap();
        let leaving = async {
            first.taken().await;
            assert!(matches!(all.enter(&event, 2 * SILENCE).now_or_never(), Some(Err(Busy))));
            drop(first);
        };
        let (second, ()) = tokio::join!(all.enter(&event, SILENCE), leaving);
        assert_eq!(all.count(), 1);
        drop(second.unwrap());
        assert!(all.events().is_empty());
    }
}
