//! Applications and events: `live/{app}/application.toml` and `live/{app}/{event}/event.toml` are the
//! operator's, `event.json` and `state.json` in the event's folder are written here.

use super::files::{write_json, write_whole};
use super::film_delay::FilmDelay;
use super::ladder_standing::LadderStanding;
use crate::secret::{random_hex, sha256};
use crate::store::{AuditEntry, NewMovie, Store, StoreError, retried};
use crate::{Error, LicenseMode, movie_number, policy, private};
use ::live::{Name, SetBy, Settings};
use nccp::EventState;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq as _;

/// Longest file of settings or state that is read, in octets.
const MAX_FILE: u64 = 256 << 10;

/// Where it is written down what is known of an event.
const EVENT: &str = "event.json";
/// Where it is written down how an event's ladder stands.
const LADDER: &str = "ladder.json";
/// Where it is written down that an event's film could not be made yet.
const FILM: &str = "film.json";

/// The folder of applications.
#[derive(Debug, Clone)]
pub struct Events {
    folder: PathBuf,
}

/// What is written down of an event when it is created, and when it ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// Its movie.
    pub movie_id: u64,
    /// Its title.
    pub title: String,
    /// SHA-256 of its stream key, hexadecimal: the key itself is nowhere.
    key_sha256: String,
    /// When it was created, Unix seconds.
    pub created: u64,
    /// When it is to begin, Unix seconds. It begins when its encoder does, whatever this says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts: Option<u64>,
    /// When somebody ended it, Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
}

/// Where an event stands, as the server that takes it in writes it down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// How far it is.
    pub state: EventState,
    /// The session's 32 hexadecimal digits, once there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The film's pack, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// Since when, Unix seconds.
    pub since: u64,
}

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its application.
    pub app: Name,
    /// Its name there.
    pub name: Name,
    /// What was written down of it.
    pub known: Known,
}

impl Event {
    /// Whether this is its stream key. Takes the same time for every key.
    pub fn has_key(&self, key: &str) -> bool {
        hex::encode(sha256(key.as_bytes())).as_bytes().ct_eq(self.known.key_sha256.as_bytes()).into()
    }
}

/// Whether a text has the form of a stream key: 32 hexadecimal digits.
pub(crate) fn is_key(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

impl Events {
    /// The events of a data folder.
    pub fn new(data: &Path) -> Self {
        Self { folder: data.join("live") }
    }

    /// The folder of an event.
    pub fn folder(&self, app: &Name, event: &Name) -> PathBuf {
        self.folder.join(app.as_str()).join(event.as_str())
    }

    /// An event, if there is one of these names.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Config`].
    pub fn find(&self, app: &Name, event: &Name) -> Result<Option<Event>, Error> {
        let path = self.folder(app, event).join(EVENT);
        let Some(text) = read(&path)? else { return Ok(None) };
        let known =
            serde_json::from_str(&text).map_err(|error| Error::Config { path, reason: error.to_string() })?;
        Ok(Some(Event { app: app.clone(), name: event.clone(), known }))
    }

    /// Every event, by application and name.
    ///
    /// # Errors
    /// As [`Events::find`].
    pub fn all(&self) -> Result<Vec<Event>, Error> {
        let found = self.names()?.into_iter().map(|(app, event)| self.find(&app, &event));
        found.filter_map(Result::transpose).collect()
    }

    /// Every event that can be read: one that cannot keeps no other from anything. Whoever looks for films
    /// names it in the log.
    ///
    /// # Errors
    /// [`Error::Io`] where the folder cannot be read.
    pub(super) fn readable(&self) -> Result<Vec<Event>, Error> {
        let found = self.names()?.into_iter().map(|(app, event)| {
            self.find(&app, &event).unwrap_or_else(|error| {
                tracing::debug!(%app, %event, %error, "an event cannot be read");
                None
            })
        });
        Ok(found.flatten().collect())
    }

    /// The folders that may be events', by application and name.
    pub(super) fn names(&self) -> Result<Vec<(Name, Name)>, Error> {
        let mut all = Vec::new();
        for app in names(&self.folder)? {
            let events = names(&self.folder.join(app.as_str()))?;
            all.extend(events.into_iter().map(|event| (app.clone(), event)));
        }
        Ok(all)
    }

    /// When what is known of an event was written down last.
    pub(super) fn written(&self, app: &Name, event: &Name) -> Option<std::time::SystemTime> {
        std::fs::metadata(self.folder(app, event).join(EVENT)).and_then(|meta| meta.modified()).ok()
    }

    /// How an event is encrypted and kept, and which file says how it is encrypted.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Config`].
    pub fn settings(&self, app: &Name, event: &Name) -> Result<(Settings, SetBy), Error> {
        let folder = self.folder(app, event);
        let [of_app, of_event] = self.files(app, event);
        let (application, own) = (read(&of_app)?, read(&of_event)?);
        Settings::read(application.as_deref(), own.as_deref()).map_err(|(error, is_event)| Error::Config {
            path: if is_event { folder.join("event.toml") } else { of_app },
            reason: error.to_string(),
        })
    }

    /// The operator's two files.
    pub(crate) fn files(&self, app: &Name, event: &Name) -> [PathBuf; 2] {
        let folder = self.folder(app, event);
        [self.folder.join(app.as_str()).join("application.toml"), folder.join("event.toml")]
    }

    /// Where an event stands, as was written down last.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Config`].
    pub fn state(&self, event: &Event) -> Result<Standing, Error> {
        let path = self.folder(&event.app, &event.name).join("state.json");
        let waiting =
            || Standing { state: EventState::Waiting, session: None, pack: None, since: event.known.created };
        match read(&path)? {
            None => Ok(waiting()),
            Some(text) => {
                serde_json::from_str(&text).map_err(|error| Error::Config { path, reason: error.to_string() })
            }
        }
    }

    /// Where an event's ladder stands, as was written down last; `None` where there was none yet.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Config`].
    pub fn ladder(&self, event: &Event) -> Result<Option<LadderStanding>, Error> {
        let path = self.folder(&event.app, &event.name).join(LADDER);
        let Some(text) = read(&path)? else { return Ok(None) };
        let standing = serde_json::from_str(&text);
        standing.map(Some).map_err(|error| Error::Config { path, reason: error.to_string() })
    }

    pub(super) fn set_ladder(&self, event: &Event, standing: &LadderStanding) -> Result<(), Error> {
        write_json(&self.folder(&event.app, &event.name).join(LADDER), standing)
    }

    /// Why an event that is over has no film yet, and when it is tried again; `None` where no attempt has
    /// failed, or it is there.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Config`].
    pub fn film_delay(&self, event: &Event) -> Result<Option<FilmDelay>, Error> {
        let path = self.folder(&event.app, &event.name).join(FILM);
        let Some(text) = read(&path)? else { return Ok(None) };
        let delay = serde_json::from_str(&text);
        delay.map(Some).map_err(|error| Error::Config { path, reason: error.to_string() })
    }

    /// `None`: there is nothing to wait for any more.
    pub(super) fn set_film_delay(&self, event: &Event, delay: Option<&FilmDelay>) -> Result<(), Error> {
        let path = self.folder(&event.app, &event.name).join(FILM);
        match delay {
            Some(delay) => write_json(&path, delay),
            None => match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&path)(error)),
                _ => Ok(()),
            },
        }
    }

    pub(crate) fn set_state(&self, app: &Name, event: &Name, standing: &Standing) -> Result<(), Error> {
        write_json(&self.folder(app, event).join("state.json"), standing)
    }

    /// Taken by the server that takes the event in, for as long as it has a session: nobody else makes the
    /// film of it meanwhile. `None` while somebody else has it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn lock(&self, app: &Name, event: &Name) -> Result<Option<std::fs::File>, Error> {
        let path = self.folder(app, event).join("lock");
        private::make_file(&path).map_err(Error::io(&path))?;
        let file = std::fs::File::options().write(true).open(&path).map_err(Error::io(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(source)) => Err(Error::Io { path, source }),
        }
    }
}

/// A small file; `None` where there is none.
fn read(path: &Path) -> Result<Option<String>, Error> {
    use std::io::Read as _;
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Io { path: path.into(), source }),
    };
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text).map_err(Error::io(path))?;
    Ok(Some(text))
}

/// The folders of a folder that have a name of ours, sorted.
fn names(folder: &Path) -> Result<Vec<Name>, Error> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::Io { path: folder.into(), source }),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io(folder))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            names.extend(entry.file_name().to_str().and_then(|name| name.parse::<Name>().ok()));
        }
    }
    names.sort();
    Ok(names)
}

/// What an operator says of a new event.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Its application.
    pub app: Name,
    /// Its name there.
    pub name: Name,
    /// Title for people.
    pub title: String,
    /// The movie's number; default: the next that is free.
    pub movie: Option<u64>,
    /// Name of its policy; default: [`policy::DEFAULT`].
    pub policy: Option<String>,
    /// Plans that may play it; empty: every plan but `none`.
    pub plans: Vec<String>,
    /// Where its licenses come from.
    pub license: LicenseMode,
    /// When it is to begin, for people; Unix seconds.
    pub starts: Option<u64>,
    /// Heights of renditions to make of what its encoder sends: its `event.toml` says so then. Empty: what is
    /// said there or of its application holds.
    pub ladder: Vec<u32>,
}

impl NewEvent {
    /// An event of an application, of which nothing else is said.
    pub fn new(app: Name, name: Name, title: impl Into<String>) -> Self {
        Self {
            app,
            name,
            title: title.into(),
            movie: None,
            policy: None,
            plans: Vec::new(),
            license: LicenseMode::Server,
            starts: None,
            ladder: Vec::new(),
        }
    }
}

/// An event that was made.
#[derive(Clone, PartialEq)]
pub struct Created {
    /// The event.
    pub event: Event,
    /// Its stream key, which is told this once.
    pub key: String,
}

impl std::fmt::Debug for Created {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Created").field("event", &self.event).finish_non_exhaustive()
    }
}

fn bad(name: &'static str, reason: String) -> Error {
    Error::Setting { name, reason }
}

/// Makes an event, and its movie in the catalogue.
///
/// # Errors
/// [`Error::Setting`] where there is one of these names, or a movie of this number; [`Error::Io`],
/// [`Error::Config`], [`Error::Store`].
pub async fn create(store: &dyn Store, events: &Events, new: NewEvent, now: u64) -> Result<Created, Error> {
    let NewEvent { app, name, title, movie, policy, plans, license, starts, ladder } = new;
    if events.find(&app, &name)?.is_some() {
        return Err(bad("event", format!("there is an event {name} of the application {app} already")));
    }
    // What is wrong with them is told now, not when the encoder comes.
    let (settings, _) = events.settings(&app, &name)?;
    let with_ladder = with_ladder(events, (&app, &name), &ladder)?;
    let policy = policy.or(settings.encryption.policy).unwrap_or_else(|| policy::DEFAULT.to_owned());
    let runtime = 0.0;
    let id = retried!(async {
        let mut tx = store.begin().await?;
        let id = match movie {
            Some(id) => match tx.movie(id).await? {
                None => id,
                Some(_) => return Err(bad("movie", format!("there is a movie {id} already"))),
            },
            None => movie_number::next_in(&mut *tx).await?,
        };
        let id = nccp::MovieId::try_from(id)
            .map_err(|_| bad("movie", format!("{id} is too large a number")))?
            .get();
        let movie = NewMovie {
            plans: plans.clone(),
            license,
            ..NewMovie::new(id, &*title, super::pack_of(id), runtime, &*policy)
        };
        if !tx.add_movie(&movie, now).await? {
            // Another one was added meanwhile: the next run sees it.
            return Err(StoreError::Contended.into());
        }
        tx.audit(&AuditEntry::operator("live create").movie(id)).await?;
        tx.commit().await?;
        Ok::<_, Error>(id)
    })?;
    let key = random_hex::<16>();
    let known = Known {
        movie_id: id,
        title,
        key_sha256: hex::encode(sha256(key.as_bytes())),
        created: now,
        starts,
        ended: None,
    };
    let folder = events.folder(&app, &name);
    private::make_folder(&folder).map_err(Error::io(&folder))?;
    if let Some(text) = with_ladder {
        write_whole(&folder.join("event.toml"), text.as_bytes())?;
    }
    write_json(&folder.join(EVENT), &known)?;
    Ok(Created { event: Event { app, name, known }, key })
}

/// The text of an event's `event.toml` with a ladder of these heights; `None` where none is wanted.
fn with_ladder(
    events: &Events,
    (app, name): (&Name, &Name),
    heights: &[u32],
) -> Result<Option<String>, Error> {
    if heights.is_empty() {
        return Ok(None);
    }
    let line = format!("ladder = {heights:?}\n");
    if Settings::read(None, Some(&line)).is_err() {
        return Err(bad("ladder", "must be one to twelve heights from 48 to 2160".to_owned()));
    }
    let [_, own] = events.files(app, name);
    let before = read(&own)?.unwrap_or_default();
    // One that was written for this event, of which the rest could not be, is no other one.
    if before.starts_with(&line) {
        return Ok(None);
    }
    if before.parse::<toml::Table>().is_ok_and(|table| table.contains_key("ladder")) {
        return Err(bad("ladder", format!("{} says one already: change it there", own.display())));
    }
    // Before any table.
    Ok(Some(format!("{line}{before}")))
}

/// An event that must be there.
///
/// # Errors
/// [`Error::Setting`] where it is not; [`Error::Io`], [`Error::Config`].
pub fn find(events: &Events, app: &Name, name: &Name) -> Result<Event, Error> {
    let found = events.find(app, name)?;
    found.ok_or_else(|| bad("event", format!("there is no event {name} of the application {app}")))
}

/// Every event with where it stands.
///
/// # Errors
/// [`Error::Io`], [`Error::Config`].
pub fn list(events: &Events) -> Result<Vec<(Event, Standing)>, Error> {
    let all = events.all()?.into_iter();
    all.map(|event| events.state(&event).map(|state| (event, state))).collect()
}

/// Gives an event another stream key; the one before opens nothing from then on, and what is under way with
/// it goes on.
///
/// # Errors
/// As [`find`].
pub fn new_key(events: &Events, app: &Name, name: &Name) -> Result<Created, Error> {
    let mut event = find(events, app, name)?;
    let key = random_hex::<16>();
    event.known.key_sha256 = hex::encode(sha256(key.as_bytes()));
    write_json(&events.folder(app, name).join(EVENT), &event.known)?;
    Ok(Created { event, key })
}

/// Ends an event: nothing of it is taken any more. The server that has its session makes a film of it within
/// a few seconds; where none has, [`publish`](super::publish) does.
///
/// # Errors
/// As [`find`].
pub fn end(events: &Events, app: &Name, name: &Name, now: u64) -> Result<Event, Error> {
    let mut event = find(events, app, name)?;
    if event.known.ended.is_none() {
        event.known.ended = Some(now);
        write_json(&events.folder(app, name).join(EVENT), &event.known)?;
    }
    Ok(event)
}
