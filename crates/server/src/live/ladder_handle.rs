//! A session's side of its ladder: pictures for whoever makes it, how it does, and its end. It knows neither
//! the session nor who makes it.

use super::events::Event;
use super::ladder_standing::{LadderStanding, LadderState};
use super::lock;
use crate::Service;
use ::live::{InputSample, Rung};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::sync::RwLock;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

/// Octets of pictures, and of what each takes besides, that wait for an ffmpeg; what is more is left out, up
/// to the next key frame.
const MOST_WAITING: usize = 64 << 20;
/// What a picture takes beside its octets, at most: however small they are, not too many wait.
const BESIDE: usize = 512;
/// How long an ffmpeg has for the pictures that it has when its session ends.
pub(super) const REST: Duration = Duration::from_secs(4);
/// How long a ladder is waited for when its session ends.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);
/// And when the server stops, which must not take long.
pub(super) const WHEN_STOPPING: Duration = Duration::from_secs(2);

/// What a session's ladder is told.
#[derive(Debug)]
pub(super) enum Message {
    /// A picture of its source.
    Picture(Picture),
    /// The encoder sends several renditions itself.
    Several,
}

/// A picture on its way.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) sample: InputSample,
    pub(super) weight: Weight,
}

/// Octets that wait, until this is dropped.
#[derive(Debug)]
pub(super) struct Weight {
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

    /// Whether pictures are to be kept for whoever makes it. Who does is told where the encoder sends several
    /// renditions itself.
    pub(super) fn takes_pictures(&self, several: bool) -> bool {
        match &*lock(&self.way) {
            Way::New => true,
            Way::Open { ladder, .. } if several => {
                let _ = ladder.send(Message::Several);
                false
            }
            // Perhaps it is another one by now, of the same kind.
            Way::Open { ladder, .. } => !ladder.is_closed(),
            Way::Closed => false,
        }
    }

    /// Has it made by the task that `spawn` begins, if nobody makes it yet: of the steps that are wanted, of
    /// what it receives, and by what it says of how it does.
    pub(super) fn open(
        &self,
        service: &Arc<Service>,
        several: bool,
        spawn: impl FnOnce(Vec<Rung>, UnboundedReceiver<Message>, Arc<Mutex<Health>>) -> JoinHandle<()>,
    ) {
        let mut way = lock(&self.way);
        if !matches!(*way, Way::New) {
            return;
        }
        let (ladder, received) = unbounded_channel();
        if several {
            let _ = ladder.send(Message::Several);
        }
        *way = Way::Open { ladder, waiting: Arc::default(), skipping: false };
        let worker = spawn(self.wanted.clone(), received, Arc::clone(&self.health));
        *lock(&self.making) = Some(Making { worker, service: Arc::downgrade(service) });
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

    /// No other picture comes. Returns when those that came are made, or too late: whoever makes it is
    /// stopped then, while nothing of the session is being published.
    pub(super) async fn end(&self, event: &Event, patience: Duration, publishing: &RwLock<()>) {
        *lock(&self.way) = Way::Closed;
        let making = lock(&self.making).take();
        let Some(Making { mut worker, service }) = making else { return };
        if tokio::time::timeout(patience, &mut worker).await.is_ok() {
            return;
        }
        {
            // What it has published is on its way to the disk first; and it says nothing any more.
            let _alone = publishing.write().await;
            worker.abort();
            let _ = worker.await;
        }
        *lock(&self.health) = Health::Idle;
        let Some(service) = service.upgrade() else { return };
        let events = &service.live.events;
        let said = events.ladder(event).and_then(|standing| {
            let Some(standing) = standing else { return Ok(()) };
            let (state, steps, since) = (LadderState::Off, Vec::new(), service.clock.now());
            let over = LadderStanding { state, steps, since, reason: None, again: None, ..standing };
            events.set_ladder(event, &over)
        });
        if let Err(error) = said {
            tracing::warn!(event = %event.name, %error, "how a ladder stands cannot be written down");
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
