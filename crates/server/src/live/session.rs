//! A session: what encoders send goes through the core and to the disk, and players wait for it.

use super::disk::{self, Disk, Write};
use super::event_lock::EventLock;
use super::events::{Event, Events, Standing};
use super::files::{RECORD, write_json};
use super::ladder_handle::{Ladder, PATIENCE, WHEN_STOPPING};
use super::left::Resumed;
use super::live_pack::live_pack;
use super::lock;
use crate::secret::random;
use crate::{Error, Service, private};
use ::live::film::Record;
use ::live::{Broadcast, Event as Output, Handle, InputSample, Keys, OpenError, SessionId, Source};
use axum::body::Bytes;
use cenc::CommonKey;
use nccp::EventState;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use storage::{Folder, Storage as _};
use tokio::sync::{RwLock, RwLockWriteGuard, watch};

/// After how many milliseconds without a sample a session counts as interrupted.
const SILENCE: u64 = 5_000;
/// Numbers that a new session may give out before the disk has more: sound that waits for pictures comes at
/// once.
const FIRST_NUMBERS: u64 = 5;
/// Numbers that the disk has ahead of the next: a request with a whole segment may begin two.
const AHEAD: u64 = 2;
/// Segments that begin with one request, at most; what is more is part of the last of them.
const AT_ONCE: u64 = 64;

/// A session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) event: Event,
    /// Players that its settings name.
    pub(crate) players: Vec<String>,
    broadcast: Mutex<Broadcast>,
    changed: watch::Sender<u64>,
    disk: Disk,
    /// Held while something is on its way to the disk, and by whoever closes that, alone: nothing gets lost
    /// between.
    publishing: RwLock<()>,
    folder: PathBuf,
    /// What of it was told to the catalogue: representations and periods.
    told: Mutex<(usize, u32)>,
    /// How many of the encoders' runs have a time of day in what is written down.
    dated: AtomicUsize,
    /// Requests of encoders.
    requests: AtomicUsize,
    /// Whether encoders are heard no more: it is about to end. Written with the broadcast locked.
    is_shut: AtomicBool,
    /// When it ended, Unix milliseconds; 0: it has not.
    ended: AtomicU64,
    /// Whether somebody makes its film, or has tried to.
    closing: AtomicBool,
    /// Held until the film is there.
    pub(super) lock: EventLock,
    /// Renditions that are made here.
    pub(super) ladder: Ladder,
}

/// Why nothing more is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed;

impl Session {
    pub(super) fn begin(
        service: &Service,
        events: &Events,
        event: &Event,
        lock_file: File,
    ) -> Result<Self, Error> {
        let (app, name) = (&event.app, &event.name);
        let (settings, set_by) = events.settings(app, name)?;
        let session = SessionId(random());
        let keys = match settings.encryption.enabled {
            false => None,
            true => {
                let ring = service.keys();
                let (id, common) = match &settings.encryption.common_key {
                    None => ring.active_common_key(),
                    Some(id) => {
                        let common = ring.common_key(id);
                        (&id[..], common.ok_or_else(|| Error::Keys(format!("there is no common key {id}")))?)
                    }
                };
                let content = match &settings.encryption.content_id {
                    Some(content) => content.clone(),
                    None => format!("live/{app}/{name}/{}", session.short())
                        .parse()
                        .map_err(|_| Error::Internal("a content id is not visible ASCII"))?,
                };
                let encryption = &settings.encryption;
                let how = (encryption.scheme, encryption.level);
                let common = CommonKey::new(*common.expose());
                Some(Keys::new(common, id.to_owned(), content, how, settings.segments_per_key()))
            }
        };
        let folder = events.folder(app, name).join(session.to_string());
        private::make_folder(&folder).map_err(Error::io(&folder))?;
        let state = Standing {
            state: EventState::Live,
            session: Some(session.to_string()),
            pack: None,
            since: service.clock.now(),
        };
        // Before anything is encrypted: a session that is not written down does not begin.
        disk::reserve(&folder, FIRST_NUMBERS)?;
        events.set_state(app, name, &state)?;
        tracing::info!(%app, event = %name, session = %session, settings = %set_by, "a session begins");
        let broadcast = Broadcast::new(session, keys, &settings);
        let (players, ladder) = (settings.encryption.players, settings.ladder);
        let begun = Resumed { broadcast, players, ladder, folder };
        Ok(Self::new(event, lock_file, begun, FIRST_NUMBERS))
    }

    /// Goes on with a session that another process left: what is published of it can be had at once.
    pub(super) fn resume(
        service: &Service,
        event: &Event,
        lock_file: File,
        left: Resumed,
    ) -> Result<Self, Error> {
        let next = left.broadcast.next_number() + 1;
        // Before anything is encrypted: that this process has it now, and which numbers are its own.
        disk::reserve(&left.folder, next)?;
        write_json(&left.folder.join(RECORD), &Record::of(&left.broadcast))?;
        let session = Self::new(event, lock_file, left, next);
        session.tell(service);
        Ok(session)
    }

    fn new(event: &Event, lock_file: File, of: Resumed, reserved: u64) -> Self {
        let Resumed { broadcast, players, ladder, folder } = of;
        Self {
            event: event.clone(),
            players,
            changed: watch::Sender::new(0),
            disk: Disk::new(folder.clone(), reserved),
            publishing: RwLock::default(),
            folder,
            told: Mutex::new((0, 0)),
            dated: AtomicUsize::new(broadcast.runs().len()),
            broadcast: Mutex::new(broadcast),
            requests: AtomicUsize::new(0),
            is_shut: AtomicBool::new(false),
            ended: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            lock: EventLock::new(lock_file),
            ladder: Ladder::new(ladder),
        }
    }

    pub(crate) fn id(&self) -> SessionId {
        self.read(|broadcast| broadcast.session())
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed) != 0
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Whether it is the caller who is to make its film.
    pub(super) fn begin_closing(&self) -> bool {
        !self.closing.swap(true, Ordering::Relaxed)
    }

    /// When it ended, Unix milliseconds; 0: it has not.
    pub(super) fn ended_at(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }

    /// Looks at what is published.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Broadcast) -> T) -> T {
        look(&lock(&self.broadcast))
    }

    /// Waits until something is published that makes it so, or nothing more is taken.
    pub(crate) async fn until(&self, holds: impl Fn(&Broadcast) -> bool) {
        let mut changes = self.changed.subscribe();
        loop {
            changes.mark_unchanged();
            if self.read(|broadcast| broadcast.is_closed() || holds(broadcast))
                || changes.changed().await.is_err()
            {
                return;
            }
        }
    }

    /// Whether nothing has come of it for a while.
    pub(crate) fn is_silent(&self, broadcast: &Broadcast, now: u64) -> bool {
        broadcast.heard().is_some_and(|heard| now.saturating_sub(heard) > SILENCE)
    }

    /// Where it stands.
    pub(crate) fn state(&self, now: u64) -> EventState {
        let (heard, is_closed) = self.read(|broadcast| (broadcast.heard(), broadcast.is_closed()));
        match heard {
            _ if self.has_ended() => EventState::Ended,
            None => EventState::Waiting,
            // The server stops.
            _ if is_closed => EventState::Interrupted,
            Some(heard) if now.saturating_sub(heard) > SILENCE => EventState::Interrupted,
            Some(_) => EventState::Live,
        }
    }

    pub(super) fn say_state(&self, events: &Events, now: u64) {
        let state = self.state(now);
        let (app, name) = (&self.event.app, &self.event.name);
        let Ok(before) = events.state(&self.event) else { return };
        if state == EventState::Waiting || before.state == state {
            return;
        }
        let next = Standing { state, since: now / 1000, ..before };
        if let Err(error) = events.set_state(app, name, &next) {
            tracing::warn!(%app, event = %name, %error, "where an event stands cannot be written down");
        }
        // Players that wait are told.
        self.changed.send_modify(|version| *version += 1);
    }

    /// A request begins to send a track.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(crate) async fn open(
        &self,
        service: &Service,
        name: &str,
        source: &Source,
    ) -> Result<Handle, OpenError> {
        self.begin_track(service, |broadcast| {
            let opened = broadcast.open(name, source)?;
            self.requests.fetch_add(1, Ordering::Relaxed);
            Ok(opened)
        })
        .await
    }

    /// Publishes what a track begins with, if it is a new one; the record knows of it before.
    async fn begin_track(
        &self,
        service: &Service,
        open: impl FnOnce(&mut Broadcast) -> Result<(Handle, Vec<Output>), OpenError>,
    ) -> Result<Handle, OpenError> {
        let _publishing = self.publishing.read().await;
        let (handle, outputs, record) = {
            let mut broadcast = lock(&self.broadcast);
            let (handle, outputs) = open(&mut broadcast)?;
            (handle, outputs, Record::of(&broadcast))
        };
        if !outputs.is_empty() {
            self.disk.write(Write::Record(Box::new(record))).await;
            self.publish(service, outputs).await;
        }
        Ok(handle)
    }

    /// A request is over.
    pub(crate) fn close(&self, handle: Handle) {
        self.requests.fetch_sub(1, Ordering::Relaxed);
        lock(&self.broadcast).close(handle);
    }

    /// Requests of encoders under way.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Takes samples.
    ///
    /// # Errors
    /// [`Closed`] once the session has ended, or is about to.
    pub(crate) async fn push(
        &self,
        service: &Service,
        handle: Handle,
        samples: Vec<InputSample>,
    ) -> Result<(), Closed> {
        let pieces = self.read(|broadcast| broadcast.pieces(handle, samples));
        let _publishing = self.publishing.read().await;
        // A segment begins when the disk knows that its number is given out: it is used once, whatever
        // happens. Encoders hang up when they have sent their last, so what can be waited for is there
        // before, as a rule.
        let most = (pieces.len() as u64).clamp(1, AT_ONCE);
        let reserved = self.disk.reserved(self.read(Broadcast::next_number) + most - 1).await;
        let (outputs, next, record) = {
            let mut broadcast = lock(&self.broadcast);
            if broadcast.is_closed() || self.is_shut.load(Ordering::Relaxed) {
                return Err(Closed);
            }
            // Another request may have been promised more meanwhile.
            broadcast.allow(reserved.max(self.disk.known()));
            let now = service.clock.millis();
            let outputs = pieces.into_iter().flat_map(|piece| broadcast.push(handle, piece, now)).collect();
            // In the order in which they were published.
            self.ladder.give(broadcast.take_watched());
            let dated = broadcast.runs().iter().filter(|run| run.wall.is_some()).count();
            let is_news = self.dated.swap(dated, Ordering::Relaxed) != dated;
            (outputs, broadcast.next_number(), is_news.then(|| Record::of(&broadcast)))
        };
        self.publish(service, outputs).await;
        if let Some(record) = record {
            self.disk.write(Write::Record(Box::new(record))).await;
        }
        self.disk.ask(next + AHEAD).await;
        Ok(())
    }

    /// Somebody begins to make a rendition of this name here.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(super) async fn open_made(
        &self,
        service: &Service,
        name: &str,
        source: &Source,
    ) -> Result<Handle, OpenError> {
        self.begin_track(service, |broadcast| broadcast.open_made(name, source)).await
    }

    /// Takes pictures that were made here, of segments that have begun: the disk knows of their numbers.
    ///
    /// # Errors
    /// [`Closed`] once the session has ended.
    pub(super) async fn push_made(
        &self,
        service: &Service,
        handle: Handle,
        samples: Vec<InputSample>,
    ) -> Result<(), Closed> {
        let _publishing = self.publishing.read().await;
        let outputs = {
            let mut broadcast = lock(&self.broadcast);
            if broadcast.is_closed() {
                return Err(Closed);
            }
            broadcast.push_made(handle, samples, service.clock.millis())
        };
        self.publish(service, outputs).await;
        Ok(())
    }

    /// Nobody makes a rendition for now.
    pub(super) async fn close_made(&self, service: &Service, handle: Handle) {
        let _publishing = self.publishing.read().await;
        let outputs = lock(&self.broadcast).close_made(handle, service.clock.millis());
        self.publish(service, outputs).await;
    }

    /// The renditions of this name, or all that were made here, are made no more.
    pub(super) fn retire_made(&self, name: Option<&str>) {
        self.change(|broadcast| broadcast.retire_made(name));
        self.changed.send_modify(|version| *version += 1);
    }

    /// Changes what is known of renditions that are made here.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Broadcast) -> T) -> T {
        change(&mut lock(&self.broadcast))
    }

    async fn publish(&self, service: &Service, outputs: Vec<Output>) {
        self.tell(service);
        self.changed.send_modify(|version| *version += 1);
        for output in &outputs {
            match output {
                Output::Lost { representation, samples, reason } => {
                    metrics::counter!("matinee_live_samples_lost_total").increment(*samples as u64);
                    tracing::warn!(event = %self.event.name, representation, samples, reason, "samples were left out");
                }
                Output::Segment { bytes, .. } => {
                    metrics::counter!("matinee_live_segments_total").increment(1);
                    metrics::counter!("matinee_live_bytes_total").increment(bytes.len() as u64);
                }
                Output::Header { .. } => {}
            }
        }
        if !outputs.is_empty() {
            self.disk.write(Write::Outputs(outputs)).await;
        }
    }

    /// Tells the catalogue what it needs for licenses: before any segment under a new key is there.
    fn tell(&self, service: &Service) {
        let pack = self.read(|broadcast| {
            let latest = broadcast.span().map_or(0, |(_, latest)| latest);
            let now =
                (broadcast.representations().count(), broadcast.keys().map_or(0, |keys| keys.period(latest)));
            let mut told = lock(&self.told);
            if *told == now {
                return None;
            }
            *told = now;
            live_pack(broadcast, self.event.known.movie_id, &self.event.known.title)
        });
        if let Some(pack) = pack {
            service.catalogue.set_live(pack);
        }
    }

    /// Nothing is on its way to the disk while this is held.
    async fn alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.publishing.write().await
    }

    /// Encoders are not heard any more. What is made of what they have sent still is, until it ends there,
    /// too.
    fn shut(&self) {
        let _broadcast = lock(&self.broadcast);
        self.is_shut.store(true, Ordering::Relaxed);
    }

    /// Nothing more is taken; returns when all is on the disk. The event may go on with another session.
    pub(crate) async fn finish(&self, now: u64) {
        self.shut();
        self.ladder.end(&self.event, PATIENCE, &self.publishing).await;
        let _alone = self.alone().await;
        let outputs = lock(&self.broadcast).finish(now);
        self.ended.store(now.max(1), Ordering::Relaxed);
        self.changed.send_modify(|version| *version += 1);
        self.disk.write(Write::Outputs(outputs)).await;
        self.disk.write(Write::Over).await;
        self.disk.close().await;
    }

    /// The process stops, and another one is going to go on with the session: nothing more is taken, and
    /// players that wait are answered. Returns when all is on the disk.
    pub(super) async fn suspend(&self, now: u64) {
        self.shut();
        self.ladder.end(&self.event, WHEN_STOPPING, &self.publishing).await;
        let _alone = self.alone().await;
        let (outputs, record, next) = {
            let mut broadcast = lock(&self.broadcast);
            let outputs = broadcast.suspend(now);
            (outputs, Record::of(&broadcast), broadcast.next_number())
        };
        self.changed.send_modify(|version| *version += 1);
        self.disk.write(Write::Outputs(outputs)).await;
        self.disk.write(Write::Record(Box::new(record))).await;
        self.disk.write(Write::Rest(next)).await;
        self.disk.close().await;
    }

    /// A segment that is on the disk only.
    pub(crate) async fn stored(&self, representation: &str, number: u64) -> Result<Option<Bytes>, Error> {
        let key = format!("{representation}/{number}.m4s").parse().map_err(storage::Error::from)?;
        match Folder::new(&self.folder).get(&key, None).await {
            Ok(object) => Ok(Some(object.bytes().await?)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
