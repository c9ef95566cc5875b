//! The sessions of a server: which event is taken in by which, from its beginning until its film is there.

use super::drm::Allowed;
use super::events::{Event, Events, Standing};
use super::film;
use super::films::{DueFilm, Films, Found};
use super::ladder_handle::Health;
use super::left;
use super::lock;
use super::publishers::Publishers;
use super::session::Session;
use crate::store::Movie;
use crate::{Error, Service};
use ::live::Name;
use futures_util::future::join_all;
use nccp::EventState;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How long the last segments of a session can be fetched after its end, in milliseconds.
const AFTERWARDS: u64 = 300_000;

type EventName = (Name, Name);

/// Everything live of a server.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) events: Events,
    pub(crate) allowed: Allowed,
    pub(crate) publishers: Arc<Publishers>,
    /// As many as ladders may be made at a time.
    pub(super) ladders: Arc<Semaphore>,
    sessions: Mutex<HashMap<EventName, Arc<Session>>>,
    /// Held by whoever begins a session, which takes the disk's time; those under way are found without it.
    beginning: tokio::sync::Mutex<()>,
    /// Films of events that are over, in the making.
    closings: tokio::sync::Mutex<JoinSet<()>>,
    films: Films,
    /// Whether the server stops: nothing begins any more.
    stopping: AtomicBool,
}

impl Live {
    /// Of a data folder; at most so many ladders are made at a time.
    pub(crate) fn new(data: &Path, ladders: usize) -> Self {
        Self {
            events: Events::new(data),
            allowed: Allowed::default(),
            publishers: Arc::default(),
            ladders: Arc::new(Semaphore::new(ladders)),
            sessions: Mutex::default(),
            beginning: tokio::sync::Mutex::default(),
            closings: tokio::sync::Mutex::default(),
            films: Films::new(),
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

    /// The session that takes an event in. Where there is none, the one that a server before this one had is
    /// gone on with, or another one begins.
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
            None if event.known.ended.is_some() => EventState::Ended,
            None => match self.events.state(event).map(|standing| standing.state) {
                Ok(EventState::Ended) => EventState::Ended,
                Ok(EventState::Live | EventState::Interrupted) => EventState::Interrupted,
                _ => EventState::Waiting,
            },
        }
    }

    /// The events' movies and where they stand, with when they are to begin: by the movie's number.
    pub(crate) fn states(&self, now: u64) -> HashMap<u64, (EventState, Option<u64>)> {
        let all = self.events.readable().unwrap_or_else(|error| {
            tracing::error!(%error, "the live events cannot be read");
            Vec::new()
        });
        let one = |event: Event| (event.known.movie_id, (self.state(&event, now), event.known.starts));
        all.into_iter().map(one).collect()
    }

    /// Looks at every session: what an operator has ended becomes a film, and what has fallen silent is said
    /// so. Returns when the films are there.
    pub(crate) async fn look_after(&self, service: &Service) {
        for session in self.to_be_closed(service) {
            self.close(service, &session).await;
        }
        for film in self.without_film(service) {
            self.make_due(service, film).await;
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
        drop(closings);
        // There may be many events, and a disk may be slow: nobody waits for it meanwhile.
        let searching = Arc::clone(service);
        let found = tokio::task::spawn_blocking(move || searching.live.without_film(&searching));
        let due = found.await.unwrap_or_else(|error| {
            tracing::error!(%error, "events without their film could not be looked for");
            Vec::new()
        });
        if due.is_empty() {
            return;
        }
        // The next server makes them. Whoever has the lock waits for films, and those for their turns, which
        // must not be kept from them.
        let Some(mut closings) =
            live.closings.try_lock().ok().filter(|_| !live.stopping.load(Ordering::Relaxed))
        else {
            return;
        };
        for film in due {
            let service = Arc::clone(service);
            closings.spawn(async move { service.live.make_due(&service, film).await });
        }
    }

    /// Says where the sessions are. What is returned is over and to be closed; each is returned once.
    fn to_be_closed(&self, service: &Service) -> Vec<Arc<Session>> {
        let now = service.clock.millis();
        let sessions = self.sessions();
        let under_way = sessions.iter().filter(|session| !session.has_ended());
        let (count, requests) =
            under_way.fold((0u32, 0), |(n, requests), s| (n + 1, requests + s.requests()));
        let ladders = |health| {
            let wanted = sessions.iter().filter(|session| !session.has_ended() && session.ladder.is_wanted());
            wanted.filter(|session| session.ladder.health() == health).count() as f64
        };
        metrics::gauge!("matinee_live_ladders").set(ladders(Health::Running));
        metrics::gauge!("matinee_live_ladders_missing").set(ladders(Health::Missing));
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
                let is_old = now.saturating_sub(session.ended_at()) > AFTERWARDS;
                // One that ended when its encoder changed, and whose event was ended before there was
                // another.
                let is_left = !session.is_closing()
                    && matches!(self.events.find(app, name), Ok(event) if event.as_ref().is_none_or(|event| event.known.ended.is_some()));
                if is_left && session.begin_closing() {
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
                    if session.begin_closing() {
                        over.push(session);
                    }
                }
                Err(error) => tracing::error!(%app, event = %name, %error, "an event cannot be read"),
            }
        }
        over
    }

    /// Looks for events that are over and have no film, which nobody makes now, and for which it is time:
    /// those of a server that is gone, and those whose film could not be made before. Says how many events
    /// stand where. Reads files of all events that may have changed.
    fn without_film(&self, service: &Service) -> Vec<DueFilm> {
        let now = service.clock.millis();
        if self.stopping.load(Ordering::Relaxed) || !self.films.is_time(now) {
            return Vec::new();
        }
        let found = self.films.search(&self.events, service.clock.now()).unwrap_or_else(|error| {
            tracing::error!(%error, "the live events cannot be read");
            Found::default()
        });
        self.count_states(&found, now);
        metrics::gauge!("matinee_live_films_delayed").set(found.delayed);
        found.due
    }

    /// Says how many events stand where.
    fn count_states(&self, found: &Found, now: u64) {
        let states: Vec<_> = found.others.iter().map(|event| self.state(event, now)).collect();
        for state in [EventState::Waiting, EventState::Live, EventState::Interrupted, EventState::Ended] {
            let over = if state == EventState::Ended { found.over } else { 0 };
            let count = over + states.iter().filter(|of| **of == state).count();
            metrics::gauge!("matinee_live_events", "state" => state.as_str()).set(count as f64);
        }
    }

    /// The server stops: sessions are suspended, so that the next one goes on with them, and what there is of
    /// them is on the disk when it returns. Nobody is told that an event had ended.
    pub(crate) async fn stop(&self, now: u64) {
        self.stopping.store(true, Ordering::Relaxed);
        let sessions = self.sessions().into_iter();
        let under_way = sessions.filter(|session| !session.has_ended() && !session.is_closing());
        // Side by side: each may wait for its ladder.
        let suspended = under_way.map(|session| async move {
            session.suspend(now).await;
            session.say_state(&self.events, now);
        });
        join_all(suspended).await;
    }

    /// Returns when no film is in the making any more.
    pub(crate) async fn closed(&self) {
        while self.closings.lock().await.join_next().await.is_some() {}
    }

    /// Gives up the films in the making; the next server makes them.
    pub(crate) async fn abandon(&self) {
        let mut closings = self.closings.lock().await;
        while closings.try_join_next().is_some() {}
        if !closings.is_empty() {
            tracing::warn!(
                films = closings.len(),
                "films of events that have ended were not made in time; the next server makes them"
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
        match session.lock.share() {
            Some(lock) => {
                let _turn = self.films.turn().await;
                self.make_film(service, &session.event, &lock).await;
            }
            None => tracing::warn!(
                %app, event = %name,
                "an event's film is not made at once, as its lock cannot be shared; within seconds it is looked for"
            ),
        }
    }

    async fn make_due(&self, service: &Service, film: DueFilm) {
        let DueFilm { event, lock, turn } = film;
        self.make_film(service, &event, &lock).await;
        drop(turn);
    }

    /// Makes the film of an event that is over; says how that went.
    async fn make_film(&self, service: &Service, event: &Event, lock: &File) {
        let staging = service.config.library();
        let place = (service.catalogue.library(), staging.as_path());
        let (keys, store, now) = (service.keys(), &*service.store, service.clock.now());
        let before = self.films.delay(&self.events, event);
        let of = (event, lock);
        let (made, delay) = film::publish_locked(store, &self.events, place, &keys, of, before, now).await;
        let (attempts, seconds) =
            delay.as_ref().map_or((0, 0), |delay| (delay.attempts, delay.next.saturating_sub(now)));
        self.films.tried(event, delay);
        let (app, name) = (&event.app, &event.name);
        match made {
            Ok(Some(film)) => {
                tracing::info!(%app, event = %name, pack = film.pack, "an event has ended, and is a film")
            }
            Ok(None) => tracing::info!(%app, event = %name, "an event has ended without a single segment"),
            Err(error) => tracing::error!(
                %app, event = %name, %error, attempts, seconds,
                "the film of an event could not be made; it is tried again by itself"
            ),
        }
    }

    /// What was under way when this process was not there is interrupted, and goes on when its encoder comes
    /// back.
    pub(crate) async fn begin(&self, service: &Service) -> Result<(), Error> {
        for event in self.events.readable()? {
            let state = match self.events.state(&event) {
                Ok(state) => state,
                Err(error) => {
                    tracing::error!(app = %event.app, event = %event.name, %error, "an event cannot be read");
                    continue;
                }
            };
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
