//! Ladders: further renditions that an ffmpeg makes here of what an encoder sends. It reads pictures from its
//! standard input and writes renditions to its standard output, so that neither a network nor a key is
//! between them, and it ends when this process does, however that ends.

mod ffmpeg;
mod rungs;
mod standing;
mod under_way;
mod worker;

pub use ffmpeg::unfit;
pub use standing::{LadderStanding, LadderState};

use super::session::{Session, lock};
use crate::Service;
use ::live::{InputSample, Rung};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use worker::Worker;

/// Octets of pictures, and of what each takes besides, that wait for an ffmpeg; what is more is left out, up
/// to the next key frame.
const MOST_WAITING: usize = 64 << 20;
/// What a picture takes beside its octets, at most: however small they are, not too many wait.
const BESIDE: usize = 512;
/// How long an ffmpeg has for the pictures that it has when its session ends.
const REST: Duration = Duration::from_secs(4);
/// How long a ladder is waited for when its session ends.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);
/// And when the server stops, which must not take long.
pub(super) const WHEN_STOPPING: Duration = Duration::from_secs(2);

/// What a session's ladder is told.
#[derive(Debug)]
enum Message {
    /// A picture of its source.
    Picture(Picture),
    /// The encoder sends several renditions itself.
    Several,
}

/// A picture on its way.
#[derive(Debug)]
struct Picture {
    sample: InputSample,
    weight: Weight,
}

/// Octets that wait, until this is dropped.
#[derive(Debug)]
struct Weight {
    octets: usize,
    all: Arc<AtomicUsize>,
}

impl Weight {
    /// `None`: there is too much already.
    fn of(octets: usize, all: &Arc<AtomicUsize>) -> Option<Self> {
        let before = all.fetch_add(octets, Ordering::Relaxed);
        let weight = Self { octets, all: Arc::clone(all) };
        (before.saturating_add(octets) <= MOST_WAITING).then_some(weight)
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.all.fetch_sub(self.octets, Ordering::Relaxed);
    }
}

/// How a session tells its ladder of pictures.
#[derive(Debug)]
enum Way {
    /// Nothing was sent yet.
    New,
    /// To whoever makes it. Where pictures had to be left out, those up to the next key frame are, too.
    Open { ladder: UnboundedSender<Message>, waiting: Arc<AtomicUsize>, skipping: bool },
    /// The session is over, or nothing can be made.
    Closed,
}

/// How a session's ladder does, for who counts those of all sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// Nothing is to be made: there is no picture, or none that renditions are made of.
    Idle,
    /// An ffmpeg makes it.
    Running,
    /// It is to be made, and is not, or not any more.
    Missing,
}

/// Whoever makes it, and for whom.
#[derive(Debug)]
struct Making {
    worker: JoinHandle<()>,
    service: Weak<Service>,
    session: Weak<Session>,
}

/// A session's ladder.
#[derive(Debug)]
pub(super) struct Ladder {
    wanted: Vec<Rung>,
    way: Mutex<Way>,
    making: Mutex<Option<Making>>,
    health: Arc<Mutex<Health>>,
}

impl Ladder {
    /// Of the steps that are wanted; none: nothing is made.
    pub(super) fn new(wanted: Vec<Rung>) -> Self {
        Self {
            wanted,
            way: Mutex::new(Way::New),
            making: Mutex::default(),
            health: Arc::new(Mutex::new(Health::Idle)),
        }
    }

    /// Whether one is to be made.
    pub(super) fn is_wanted(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// How it does.
    pub(super) fn health(&self) -> Health {
        *lock(&self.health)
    }

    /// An encoder takes part in the session: where it sends one rendition of pictures, a ladder is made of it
    /// from its first picture on.
    pub(super) fn begin(&self, service: &Arc<Service>, session: &Arc<Session>) {
        if !self.is_wanted() || session.has_ended() {
            return;
        }
        let (first, several) = session.read(|broadcast| {
            let mut sent = broadcast.different_pictures();
            let first = sent.next().map(|r| (r.id().to_owned(), r.source().clone()));
            (first, sent.next().is_some())
        });
        let Some((id, source)) = first else { return };
        match &*lock(&self.way) {
            Way::New => {}
            Way::Open { ladder, .. } if several => {
                let _ = ladder.send(Message::Several);
                return;
            }
            // Perhaps it is another one by now, of the same kind.
            Way::Open { ladder, .. } if !ladder.is_closed() => {}
            Way::Open { .. } | Way::Closed => return,
        }
        // Before `way` is locked again: who publishes has the session first, and that then.
        session.change(|broadcast| broadcast.watch(&id));
        let mut way = lock(&self.way);
        if !matches!(*way, Way::New) {
            return;
        }
        let (ladder, received) = unbounded_channel();
        if several {
            let _ = ladder.send(Message::Several);
        }
        *way = Way::Open { ladder, waiting: Arc::default(), skipping: false };
        let worker = self.worker(service, session, source, received);
        let (service, session) = (Arc::downgrade(service), Arc::downgrade(session));
        *lock(&self.making) = Some(Making { worker: tokio::spawn(worker.run()), service, session });
    }

    fn worker(
        &self,
        service: &Arc<Service>,
        session: &Arc<Session>,
        source: ::live::Source,
        received: UnboundedReceiver<Message>,
    ) -> Worker {
        Worker::new(service, session, (source, self.wanted.clone()), received, Arc::clone(&self.health))
    }

    /// Pictures of its source, as they were published. Never waits.
    pub(super) fn give(&self, pictures: Vec<InputSample>) {
        if pictures.is_empty() {
            return;
        }
        let mut way = lock(&self.way);
        let Way::Open { ladder, waiting, skipping } = &mut *way else { return };
        for sample in pictures {
            if *skipping && !sample.sync {
                continue;
            }
            let weight = Weight::of(sample.data.len().saturating_add(BESIDE), waiting);
            *skipping = weight.is_none();
            if let Some(weight) = weight {
                // Where nothing can be made nobody listens.
                let _ = ladder.send(Message::Picture(Picture { sample, weight }));
            }
        }
    }

    /// No other picture comes. Returns when those that came are made, or too late.
    pub(super) async fn end(&self, patience: Duration) {
        *lock(&self.way) = Way::Closed;
        let making = lock(&self.making).take();
        let Some(Making { mut worker, service, session }) = making else { return };
        if tokio::time::timeout(patience, &mut worker).await.is_ok() {
            return;
        }
        let Some((service, session)) = service.upgrade().zip(session.upgrade()) else {
            return worker.abort();
        };
        {
            // What it has published is on its way to the disk first; and it says nothing any more.
            let _alone = session.alone().await;
            worker.abort();
            let _ = worker.await;
        }
        *lock(&self.health) = Health::Idle;
        let events = &service.live.events;
        let said = events.ladder(&session.event).and_then(|standing| {
            let Some(standing) = standing else { return Ok(()) };
            let (state, steps, since) = (LadderState::Off, Vec::new(), service.clock.now());
            let over = LadderStanding { state, steps, since, reason: None, again: None, ..standing };
            events.set_ladder(&session.event, &over)
        });
        if let Err(error) = said {
            tracing::warn!(event = %session.event.name, %error, "how a ladder stands cannot be written down");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded() {
        let all = Arc::<AtomicUsize>::default();
        let first = Weight::of(MOST_WAITING, &all).unwrap();
        assert!(Weight::of(1, &all).is_none());
        assert_eq!(all.load(Ordering::Relaxed), MOST_WAITING);
        drop(first);
        assert!(Weight::of(1, &all).is_some());
        assert_eq!(all.load(Ordering::Relaxed), 0);
    }
}
