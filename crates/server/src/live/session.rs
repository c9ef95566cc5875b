//! Sessions under way: what encoders send goes through the core and to the disk, and players wait for it.

use super::disk::{self, Disk, Write};
use super::drm::Allowed;
use super::event_lock::EventLock;
use super::events::{Event, Events, Standing, write_json};
use super::film::{self, RECORD};
use super::left::{self, Resumed};
use super::live_pack::live_pack;
use super::publishers::Publishers;
use crate::secret::random;
use crate::store::Movie;
use crate::{Error, Service, private};
use ::live::film::Record;
use ::live::{Broadcast, Event as Output, Handle, InputSample, Keys, Name, OpenError, SessionId, Source};
use axum::body::Bytes;
use cenc::CommonKey;
use nccp::EventState;
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use storage::{Folder, Storage as _};
use tokio::sync::{RwLock, watch};
use tokio::task::JoinSet;

/// Without a sample for so long a session is interrupted, in milliseconds.
const SILENCE: u64 = 5_000;
/// So long the last of a session can be had after its end, in milliseconds.
const AFTERWARDS: u64 = 300_000;
/// Numbers that a new session may give out before the disk has more: sound that waits for pictures comes at once.
const FIRST_NUMBERS: u64 = 5;
/// Numbers that the disk has ahead of the next: a request with a whole segment may begin two.
const AHEAD: u64 = 2;
/// Segments that begin with one request, at most; what is more is part of the last of them.
const AT_ONCE: u64 = 64;

type EventName = (Name, Name);

/// Everything live of a server.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) events: Events,
    pub(crate) allowed: Allowed,
    pub(crate) publishers: Arc<Publishers>,
    sessions: Mutex<HashMap<EventName, Arc<Session>>>,
    /// Held by whoever begins a session, which takes the disk's time; those under way are found without it.
    beginning: tokio::sync::Mutex<()>,
    /// Films of events that are over, in the making.
    closings: tokio::sync::Mutex<JoinSet<()>>,
    /// Whether the server stops: nothing begins any more.
    stopping: AtomicBool,
}

/// A session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) event: Event,
    /// Players that its settings name.
    pub(crate) players: Vec<String>,
    broadcast: Mutex<Broadcast>,
    changed: watch::Sender<u64>,
    disk: Disk,
    /// Held while something is on its way to the disk, and by whoever closes that, alone: nothing gets lost between.
    publishing: RwLock<()>,
    folder: PathBuf,
    /// What of it was told to the catalogue: representations and periods.
    told: Mutex<(usize, u32)>,
    /// How many of the encoders' runs have a time of day in what is written down.
    dated: AtomicUsize,
    /// Requests of encoders.
    requests: AtomicUsize,
    /// When it ended, Unix milliseconds; 0: it has not.
    ended: AtomicU64,
    /// Whether somebody makes its film, or has tried to.
    closing: AtomicBool,
    /// Held until the film is there.
    lock: EventLock,
}

/// Why nothing more is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    pub(crate) fn new(data: &Path) -> Self {
        Self {
            events: Events::new(data),
            allowed: Allowed::default(),
            publishers: Arc::default(),
            sessions: Mutex::default(),
            beginning: tokio::sync::Mutex::default(),
            closings: tokio::sync::Mutex::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// The session of an event that is under way, or ended lately.
    pub(crate) fn session(&self, app: &Name, event: &Name) -> Option<Arc<Session>> {
        lock(&self.sessions).get(&(app.clone(), event.clone())).cloned()
    }

    /// The session that a movie stands for, while its event is live.
    pub(crate) fn session_of(&self, movie: &Movie) -> Option<Arc<Session>> {
        if movie.pack != super::pack_of(movie.id) {
            return None;
        }
        self.sessions().into_iter().find(|session| session.event.known.movie_id == movie.id)
    }

    fn sessions(&self) -> Vec<Arc<Session>> {
        lock(&self.sessions).values().cloned().collect()
    }

    /// The session of an event that takes something.
    fn under_way(&self, event: &Event) -> Result<Option<Arc<Session>>, Error> {
        match self.stopping.load(Ordering::Relaxed) {
            true => Err(Error::Internal("the server stops")),
            false => Ok(self.session(&event.app, &event.name).filter(|session| !session.has_ended())),
        }
    }

    /// The session that takes an event in. Where there is none, the one that a server before this one had is gone on
    /// with, or another one begins.
    pub(crate) async fn take_in(&self, service: &Service, event: &Event) -> Result<Arc<Session>, Error> {
        if let Some(session) = self.under_way(event)? {
            return Ok(session);
        }
        let _turn = self.beginning.lock().await;
        if let Some(session) = self.under_way(event)? {
            return Ok(session);
        }
        let before = self.session(&event.app, &event.name);
        // Whose film is being made keeps its lock until that is there.
        let held =
            before.as_ref().filter(|session| !session.is_closing()).and_then(|session| session.lock.take());
        let lock_file = match held {
            Some(file) => Some(file),
            None => self.events.lock(&event.app, &event.name)?,
        };
        let lock_file = lock_file.ok_or(Error::Internal("another process takes this event in"))?;
        let left = match before {
            Some(_) => None,
            None => left::resume(service, &self.events, event).await,
        };
        let session = match left {
            Some(left) => Session::resume(service, event, lock_file, left)?,
            None => Session::begin(service, &self.events, event, lock_file)?,
        };
        Ok(self.keep(session))
    }

    fn keep(&self, session: Session) -> Arc<Session> {
        let name = (session.event.app.clone(), session.event.name.clone());
        let session = Arc::new(session);
        lock(&self.sessions).insert(name, Arc::clone(&session));
        session
    }

    /// Goes on with the session of an event, if there was one: players find it before the encoder is back.
    async fn go_on(&self, service: &Service, event: &Event) -> Result<(), Error> {
        let _turn = self.beginning.lock().await;
        if self.session(&event.app, &event.name).is_some() {
            return Ok(());
        }
        let Some(lock_file) = self.events.lock(&event.app, &event.name)? else { return Ok(()) };
        if let Some(left) = left::resume(service, &self.events, event).await {
            self.keep(Session::resume(service, event, lock_file, left)?);
        }
        Ok(())
    }

    /// Where an event stands.
    pub(crate) fn state(&self, event: &Event, now: u64) -> EventState {
        match self.session(&event.app, &event.name) {
            Some(session) => session.state(now),
            None => match self.events.state(event).map(|standing| standing.state) {
                _ if event.known.ended.is_some() => EventState::Ended,
                Ok(EventState::Ended) => EventState::Ended,
                Ok(EventState::Live | EventState::Interrupted) => EventState::Interrupted,
                _ => EventState::Waiting,
            },
        }
    }

    /// The events' movies and where they stand, with when they are to begin: by the movie's number.
    pub(crate) fn states(&self, now: u64) -> HashMap<u64, (EventState, Option<u64>)> {
        let all = self.events.all().unwrap_or_else(|error| {
            tracing::error!(%error, "the live events cannot be read");
            Vec::new()
        });
        let one = |event: Event| (event.known.movie_id, (self.state(&event, now), event.known.starts));
        all.into_iter().map(one).collect()
    }

    /// Looks at every session: what an operator has ended becomes a film, and what has fallen silent is said so.
    /// Returns when the films are there.
    pub(crate) async fn look(&self, service: &Service) {
        for session in self.to_be_closed(service) {
            self.close(service, &session).await;
        }
    }

    /// As [`Live::look`], without waiting for the films: a library may be far away.
    pub(crate) async fn look_on(service: &Arc<Service>) {
        let live = &service.live;
        let over = live.to_be_closed(service);
        let mut closings = live.closings.lock().await;
        while let Some(done) = closings.try_join_next() {
            if let Err(error) = done {
                tracing::error!(%error, "an event could not be closed");
            }
        }
        for session in over {
            let service = Arc::clone(service);
            closings.spawn(async move { service.live.close(&service, &session).await });
        }
    }

    /// Says where the sessions are. What is returned is over and to be closed; each is returned once.
    fn to_be_closed(&self, service: &Service) -> Vec<Arc<Session>> {
        let now = service.clock.millis();
        let sessions = self.sessions();
        let under_way = sessions.iter().filter(|session| !session.has_ended());
        let (count, requests) =
            under_way.fold((0u32, 0), |(n, requests), s| (n + 1, requests + s.requests()));
        metrics::gauge!("matinee_live_sessions").set(count);
        metrics::gauge!("matinee_live_requests").set(requests as f64);
        metrics::gauge!("matinee_rtmp_publishers").set(self.publishers.count() as f64);
        let mut over = Vec::new();
        if self.stopping.load(Ordering::Relaxed) {
            return over;
        }
        for session in sessions {
            let (app, name) = (&session.event.app, &session.event.name);
            if session.has_ended() {
                let is_old = now.saturating_sub(session.ended.load(Ordering::Relaxed)) > AFTERWARDS;
                // One that ended when its encoder changed, and whose event was ended before there was another.
                let is_left = !session.is_closing()
                    && matches!(self.events.find(app, name), Ok(event) if event.as_ref().is_none_or(|event| event.known.ended.is_some()));
                if is_left && !session.closing.swap(true, Ordering::Relaxed) {
                    over.push(Arc::clone(&session));
                }
                // With its lock, its film is still being made.
                if is_old && (!session.is_closing() || session.lock.is_free()) {
                    lock(&self.sessions).remove(&(app.clone(), name.clone()));
                }
                continue;
            }
            match self.events.find(app, name) {
                Ok(Some(event)) if event.known.ended.is_none() => session.say_state(&self.events, now),
                Ok(_) => {
                    if !session.closing.swap(true, Ordering::Relaxed) {
                        over.push(session);
                    }
                }
                Err(error) => tracing::error!(%app, event = %name, %error, "an event cannot be read"),
            }
        }
        over
    }

    /// The server stops: sessions are suspended, so that the next one goes on with them, and what there is of them is on
    /// the disk when it returns. Nobody is told that an event had ended.
    pub(crate) async fn stop(&self, now: u64) {
        self.stopping.store(true, Ordering::Relaxed);
        let sessions = self.sessions();
        for session in sessions.iter().filter(|session| !session.has_ended() && !session.is_closing()) {
            session.suspend(now).await;
            session.say_state(&self.events, now);
        }
    }

    /// Returns when no film is in the making any more.
    pub(crate) async fn closed(&self) {
        while self.closings.lock().await.join_next().await.is_some() {}
    }

    /// Gives up the films in the making; `matinee live end` makes them later.
    pub(crate) async fn abandon(&self) {
        let mut closings = self.closings.lock().await;
        while closings.try_join_next().is_some() {}
        if !closings.is_empty() {
            tracing::warn!(
                films = closings.len(),
                "films of events that have ended were not made in time; `matinee live end` makes them"
            );
            closings.shutdown().await;
        }
    }

    /// The event is over: nothing more is taken, and what there is becomes a film.
    async fn close(&self, service: &Service, session: &Session) {
        let _held = session.lock.until_dropped();
        let (app, name) = (&session.event.app, &session.event.name);
        session.finish(service.clock.millis()).await;
        service.catalogue.forget_live(&super::pack_of(session.event.known.movie_id));
        self.allowed.forget(&session.id().to_string());
        service.ingest_headers.forget(&session.event);
        let staging = service.config.library();
        let place = (service.catalogue.library(), staging.as_path());
        let keys = service.keys();
        let store = &*service.store;
        let made =
            film::publish_locked(store, &self.events, place, &keys, &session.event, service.clock.now());
        match made.await {
            Ok(Some(film)) => {
                tracing::info!(%app, event = %name, pack = film.pack, "an event has ended, and is a film")
            }
            Ok(None) => tracing::info!(%app, event = %name, "an event has ended without a single segment"),
            Err(error) => tracing::error!(
                %app, event = %name, %error,
                "the film of an event could not be made; `matinee live end` tries again"
            ),
        }
    }

    /// What was under way when this process was not there is interrupted, and goes on when its encoder comes back.
    pub(crate) async fn begin(&self, service: &Service) -> Result<(), Error> {
        for event in self.events.all()? {
            let state = self.events.state(&event)?;
            let is_under_way = matches!(state.state, EventState::Live | EventState::Interrupted);
            if !is_under_way || event.known.ended.is_some() {
                continue;
            }
            if let Err(error) = self.go_on(service, &event).await {
                tracing::error!(app = %event.app, event = %event.name, %error, "a session cannot be gone on with");
            }
            let is_ours = match self.session(&event.app, &event.name) {
                Some(_) => true,
                None => self.events.lock(&event.app, &event.name)?.is_some(),
            };
            if state.state == EventState::Live && is_ours {
                let state = Standing { state: EventState::Interrupted, ..state };
                self.events.set_state(&event.app, &event.name, &state)?;
            }
        }
        Ok(())
    }
}

impl Session {
    fn begin(service: &Service, events: &Events, event: &Event, lock_file: File) -> Result<Self, Error> {
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
        let players = settings.encryption.players;
        Ok(Self::new(event, lock_file, Resumed { broadcast, players, folder }, FIRST_NUMBERS))
    }

    /// Goes on with a session that another process left: what is published of it can be had at once.
    fn resume(service: &Service, event: &Event, lock_file: File, left: Resumed) -> Result<Self, Error> {
        let next = left.broadcast.next_number() + 1;
        // Before anything is encrypted: that this process has it now, and which numbers are its own.
        disk::reserve(&left.folder, next)?;
        write_json(&left.folder.join(RECORD), &Record::of(&left.broadcast))?;
        let session = Self::new(event, lock_file, left, next);
        session.tell(service);
        Ok(session)
    }

    fn new(event: &Event, lock_file: File, of: Resumed, reserved: u64) -> Self {
        let Resumed { broadcast, players, folder } = of;
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
            ended: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            lock: EventLock::new(lock_file),
        }
    }

    pub(crate) fn id(&self) -> SessionId {
        self.read(|broadcast| broadcast.session())
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed) != 0
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
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

    fn say_state(&self, events: &Events, now: u64) {
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
        let _publishing = self.publishing.read().await;
        let (handle, outputs, record) = {
            let mut broadcast = lock(&self.broadcast);
            let (handle, outputs) = broadcast.open(name, source)?;
            (handle, outputs, Record::of(&broadcast))
        };
        self.requests.fetch_add(1, Ordering::Relaxed);
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
    /// [`Closed`] once the session has ended.
    pub(crate) async fn push(
        &self,
        service: &Service,
        handle: Handle,
        samples: Vec<InputSample>,
    ) -> Result<(), Closed> {
        let pieces = self.read(|broadcast| broadcast.pieces(handle, samples));
        let _publishing = self.publishing.read().await;
        // A segment begins when the disk knows that its number is given out: it is used once, whatever happens. Encoders
        // hang up when they have sent their last, so what can be waited for is there before, as a rule.
        let most = (pieces.len() as u64).clamp(1, AT_ONCE);
        let reserved = self.disk.reserved(self.read(Broadcast::next_number) + most - 1).await;
        let (outputs, next, record) = {
            let mut broadcast = lock(&self.broadcast);
            if broadcast.is_closed() {
                return Err(Closed);
            }
            // Another request may have been promised more meanwhile.
            broadcast.allow(reserved.max(self.disk.known()));
            let now = service.clock.millis();
            let outputs = pieces.into_iter().flat_map(|piece| broadcast.push(handle, piece, now)).collect();
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

    /// Nothing more is taken; returns when all is on the disk. The event may go on with another session.
    pub(crate) async fn finish(&self, now: u64) {
        let _alone = self.publishing.write().await;
        let outputs = lock(&self.broadcast).finish(now);
        self.ended.store(now.max(1), Ordering::Relaxed);
        self.changed.send_modify(|version| *version += 1);
        self.disk.write(Write::Outputs(outputs)).await;
        self.disk.write(Write::Over).await;
        self.disk.close().await;
    }

    /// The process stops, and another one is going to go on with the session: nothing more is taken, and players that
    /// wait are answered. Returns when all is on the disk.
    async fn suspend(&self, now: u64) {
        let _alone = self.publishing.write().await;
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
