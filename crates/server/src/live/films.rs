//! Films that are to be made: of which events, when, and how many at a time.

use super::events::{Event, Events};
use super::film_delay::FilmDelay;
use super::lock;
use crate::Error;
use ::live::Name;
use nccp::EventState;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How often events without their film are looked for, in milliseconds.
const SEARCH: u64 = 5_000;
/// As many films are made at a time, and no more: each takes the disk's time.
const AT_A_TIME: usize = 2;

type EventName = (Name, Name);

/// A film that is to be made now: nobody else makes it while its lock is held, and not too many are made
/// while its turn is.
#[derive(Debug)]
pub(super) struct DueFilm {
    pub(super) event: Event,
    pub(super) lock: File,
    pub(super) turn: OwnedSemaphorePermit,
}

/// What a search has found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Films that are to be made now.
    pub(super) due: Vec<DueFilm>,
    /// How many could not be made yet.
    pub(super) delayed: u32,
    /// Events that go on, or whose film is not there.
    pub(super) others: Vec<Event>,
    /// How many events are over for good.
    pub(super) over: usize,
}

/// How the film of an event that is over stands.
enum Film {
    /// It is there, or there is nothing to make one of.
    Settled,
    /// It is made by somebody else, or later.
    Later,
    Due(File, OwnedSemaphorePermit),
}

/// What a server knows of the films that it is to make. The events' files say the same: this is for a disk
/// that is full, and saves reading what does not change any more.
#[derive(Debug)]
pub(super) struct Films {
    turns: Arc<Semaphore>,
    /// When was searched last, Unix milliseconds; 0: not yet.
    searched: AtomicU64,
    /// Events whose film is settled, with when their file was written.
    settled: Mutex<HashMap<EventName, SystemTime>>,
    delays: Mutex<HashMap<EventName, FilmDelay>>,
    /// Events of which it was said that they cannot be read.
    unreadable: Mutex<HashSet<EventName>>,
}

impl Films {
    pub(super) fn new() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
            searched: AtomicU64::new(0),
            settled: Mutex::default(),
            delays: Mutex::default(),
            unreadable: Mutex::default(),
        }
    }

    /// The turn to make one, when others are made.
    pub(super) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        // Nobody closes it.
        Arc::clone(&self.turns).acquire_owned().await.ok()
    }

    /// Why an event's film could not be made yet, and when it is tried again: by its file, or by what this
    /// server knows where that is more.
    pub(super) fn delay(&self, events: &Events, event: &Event) -> Option<FilmDelay> {
        // A file that cannot be read holds nothing up.
        let written = events.film_delay(event).ok().flatten();
        let known = lock(&self.delays).get(&name_of(event)).cloned();
        [written, known].into_iter().flatten().max_by_key(|delay| delay.attempts)
    }

    /// What came of an attempt.
    pub(super) fn tried(&self, event: &Event, delay: Option<FilmDelay>) {
        let mut delays = lock(&self.delays);
        match delay {
            Some(delay) => _ = delays.insert(name_of(event), delay),
            None => _ = delays.remove(&name_of(event)),
        }
    }

    /// Whether it is time for a search; `now` is in Unix milliseconds.
    pub(super) fn is_time(&self, now: u64) -> bool {
        let is_time = now.abs_diff(self.searched.load(Ordering::Relaxed)) >= SEARCH;
        if is_time {
            self.searched.store(now, Ordering::Relaxed);
        }
        is_time
    }

    /// Looks through all events. Reads files: not for a thread that others wait for. `now` is in Unix
    /// seconds.
    pub(super) fn search(&self, events: &Events, now: u64) -> Result<Found, Error> {
        let names = events.names()?;
        let (mut found, mut settled) = (Found::default(), HashMap::new());
        let before = std::mem::take(&mut *lock(&self.settled));
        for name in names {
            let written = events.written(&name.0, &name.1);
            // Whoever gives it another key writes it anew.
            if let Some(time) = written.filter(|time| before.get(&name) == Some(time)) {
                found.over += 1;
                settled.insert(name, time);
                continue;
            }
            match self.look(events, &name, now, &mut found) {
                Ok(is_settled) => {
                    lock(&self.unreadable).remove(&name);
                    if let Some(time) = written.filter(|_| is_settled) {
                        settled.insert(name, time);
                    }
                }
                Err(error) => {
                    if lock(&self.unreadable).insert(name.clone()) {
                        tracing::error!(app = %name.0, event = %name.1, %error, "an event cannot be read");
                    }
                }
            }
        }
        *lock(&self.settled) = settled;
        Ok(found)
    }

    /// Looks at one event; whether nothing is to be done for it any more.
    fn look(
        &self,
        events: &Events,
        (app, name): &EventName,
        now: u64,
        found: &mut Found,
    ) -> Result<bool, Error> {
        let Some(event) = events.find(app, name)? else { return Ok(false) };
        if event.known.ended.is_none() {
            found.others.push(event);
            return Ok(false);
        }
        match self.film(events, &event, now, &mut found.delayed)? {
            Film::Settled => {
                found.over += 1;
                self.tried(&event, None);
                return Ok(true);
            }
            Film::Later => found.others.push(event),
            Film::Due(lock, turn) => {
                found.others.push(event.clone());
                found.due.push(DueFilm { event, lock, turn });
            }
        }
        Ok(false)
    }

    /// How the film of an event that is over stands; counts those that could not be made.
    fn film(&self, events: &Events, event: &Event, now: u64, delayed: &mut u32) -> Result<Film, Error> {
        if events.state(event)?.state == EventState::Ended {
            return Ok(Film::Settled);
        }
        let delay = self.delay(events, event);
        *delayed += u32::from(delay.is_some());
        if delay.is_some_and(|delay| !delay.is_due(now)) {
            return Ok(Film::Later);
        }
        let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() else { return Ok(Film::Later) };
        let Some(lock) = events.lock(&event.app, &event.name)? else { return Ok(Film::Later) };
        // Perhaps another one has just made it.
        match events.state(event)?.state {
            EventState::Ended => Ok(Film::Settled),
            _ => Ok(Film::Due(lock, turn)),
        }
    }
}

fn name_of(event: &Event) -> EventName {
    (event.app.clone(), event.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &std::path::Path, name: &str, text: &str) {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    }

    /// An event that is over, as it is written down.
    fn ended(data: &std::path::Path, name: &str) -> std::path::PathBuf {
        let folder = data.join("live/school").join(name);
        let known = r#"{"movie_id": 7, "title": "x", "key_sha256": "", "created": 1, "ended": 2}"#;
        write(&folder, "event.json", known);
        folder
    }

    /// One event that cannot be read, and one whose delay cannot, keep no other from its film; not more are
    /// begun than may be made at a time.
    #[test]
    fn what_cannot_be_read_holds_nothing_up() {
        let data = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c", "d"] {
            ended(data.path(), name);
        }
        write(&data.path().join("live/school/a"), "event.json", "{");
        write(&data.path().join("live/school/b"), "film.json", "{");
        let (events, films) = (Events::new(data.path()), Films::new());
        let found = films.search(&events, 100).unwrap();
        let names: Vec<_> = found.due.iter().map(|due| due.event.name.as_str().to_owned()).collect();
        assert_eq!((names, found.others.len(), found.over), (vec!["b".to_owned(), "c".to_owned()], 3, 0));
        assert!(films.search(&events, 100).unwrap().due.is_empty(), "all turns are taken");
        drop(found);
        assert_eq!(films.search(&events, 100).unwrap().due.len(), AT_A_TIME);
    }

    /// On a disk where nothing can be written down a film is not tried at each look.
    #[test]
    fn what_could_not_be_written_down_is_known() {
        let data = tempfile::tempdir().unwrap();
        ended(data.path(), "a");
        let (events, films) = (Events::new(data.path()), Films::new());
        let due = films.search(&events, 100).unwrap().due.pop().unwrap();
        let delay = FilmDelay::after(films.delay(&events, &due.event), "no room", 100);
        films.tried(&due.event, Some(delay.clone()));
        drop(due.lock);
        drop(due.turn);
        let found = films.search(&events, delay.next - 1).unwrap();
        assert_eq!((found.due.len(), found.delayed), (0, 1));
        let due = films.search(&events, delay.next).unwrap().due.pop().unwrap();
        films.tried(&due.event, None);
        assert_eq!(films.delay(&events, &due.event), None);
    }

    /// What is settled is not read again, unless its file is another one.
    #[test]
    fn what_is_settled_is_remembered() {
        let data = tempfile::tempdir().unwrap();
        let folder = ended(data.path(), "a");
        write(&folder, "state.json", r#"{"state": "ended", "since": 2}"#);
        let (events, films) = (Events::new(data.path()), Films::new());
        assert_eq!(films.search(&events, 100).unwrap().over, 1);
        std::fs::remove_file(folder.join("state.json")).unwrap();
        let found = films.search(&events, 100).unwrap();
        assert_eq!((found.over, found.due.len()), (1, 0));
        let file = File::options().write(true).open(folder.join("event.json")).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let found = films.search(&events, 100).unwrap();
        assert_eq!((found.over, found.due.len()), (0, 1));
    }
}
