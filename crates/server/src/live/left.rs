//! A session that a server left behind when it stopped or was killed: what is on the disk, and going on with
//! it.

use super::disk;
use super::events::{Event, Events};
use super::files::{HEADER, RECORD, read_json, segments};
use crate::{Error, Service};
use ::live::film::{Record, RecordedTrack};
use ::live::{Broadcast, Keys, Left, ResumeError, Rung, SessionId};
use cenc::CommonKey;
use nccp::EventState;
use std::fs;
use std::path::PathBuf;

/// A session that can be gone on with.
pub(super) struct Resumed {
    pub(super) broadcast: Broadcast,
    /// Players that its settings name.
    pub(super) players: Vec<String>,
    /// Renditions to make.
    pub(super) ladder: Vec<Rung>,
    pub(super) folder: PathBuf,
}

/// What is on the disk.
struct Found {
    session: SessionId,
    folder: PathBuf,
    left: Left,
}

/// The session that an event had, for whoever has the event's lock; `None` where there is none, or where
/// another one has to begin. Why is said in the log.
pub(super) async fn resume(service: &Service, events: &Events, event: &Event) -> Option<Resumed> {
    let (folder, of) = (events.clone(), event.clone());
    let found = tokio::task::spawn_blocking(move || find(&folder, &of)).await;
    let found = match found.unwrap_or(Err(Error::Internal("the session was not read"))) {
        Ok(found) => found?,
        Err(error) => {
            tracing::warn!(app = %event.app, event = %event.name, %error, "a session cannot be gone on with");
            return None;
        }
    };
    let session = found.session;
    match go_on(service, events, event, found) {
        Ok(resumed) => {
            let life = resumed.broadcast.lives().latest();
            tracing::info!(app = %event.app, event = %event.name, %session, number = life.first, "a session is gone on with");
            Some(resumed)
        }
        Err(error) => {
            tracing::warn!(app = %event.app, event = %event.name, %session, %error, "a session cannot be gone on with");
            None
        }
    }
}

fn find(events: &Events, event: &Event) -> Result<Option<Found>, Error> {
    let state = events.state(event)?;
    let is_under_way = matches!(state.state, EventState::Live | EventState::Interrupted);
    let Some(session) = state.session.filter(|_| is_under_way && state.pack.is_none()) else {
        return Ok(None);
    };
    let session: SessionId = session.parse().map_err(|_| Error::Internal("the session has no id"))?;
    let folder = events.folder(&event.app, &event.name).join(session.to_string());
    let Some(next) = disk::next(&folder)? else { return Ok(None) };
    let path = folder.join(RECORD);
    if !path.exists() {
        // Nothing was sent yet.
        return Ok(None);
    }
    let record: Record = read_json(&path)?;
    let mut tracks = Vec::new();
    for recorded in &record.representations {
        let place = folder.join(&recorded.id);
        // Of one whose header was not written, nothing else was.
        let Ok(header) = fs::read(place.join(HEADER)) else { continue };
        let segments = segments(&place)?;
        tracks.push(RecordedTrack { recorded: recorded.clone(), header, segments });
    }
    Ok(Some(Found { session, folder, left: Left { record, tracks, next } }))
}

fn go_on(service: &Service, events: &Events, event: &Event, found: Found) -> Result<Resumed, Error> {
    let Found { session, folder, left } = found;
    let (settings, _) = events.settings(&event.app, &event.name)?;
    let keys = left.record.protection.as_ref().map(|names| {
        let ring = service.keys();
        let common = ring.common_key(&names.common_key_id).map(|common| CommonKey::new(*common.expose()));
        let common =
            common.ok_or_else(|| Error::Keys(format!("there is no common key {}", names.common_key_id)))?;
        Keys::recorded(common, names).ok_or(Error::Internal("the session's keys have no names"))
    });
    let bad = |error: ResumeError| Error::Config { path: folder.join(RECORD), reason: error.to_string() };
    let broadcast = Broadcast::resume(session, keys.transpose()?, &settings, &left).map_err(bad)?;
    Ok(Resumed { broadcast, players: settings.encryption.players, ladder: settings.ladder, folder })
}
