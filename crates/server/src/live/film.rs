//! The film of an event that is over: the segments of its session as they lie in its folder, behind headers
//! and indexes, in the library.

use super::events::{Event, Events, Standing};
use super::files::{HEADER, RECORD, bad, read_json, segments, write_whole};
use super::film_delay::FilmDelay;
use crate::keys::KeyRing;
use crate::store::{AuditEntry, NewMovie, Store, StoreError, retried};
use crate::{Error, private};
use ::live::SessionId;
use ::live::film::{Film, Record, RecordedTrack};
use cenc::{ContentId, Kid, Label, derive_kid};
use nccp::EventState;
use pack::Pack;
use pack::layout::PACK_JSON;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use storage::{Storage, Transfer};

/// A film that was published.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// Its pack id.
    pub pack: String,
    /// Seconds.
    pub duration: f64,
}

/// Makes the film of an event that has ended, and gives it to the event's movie, where its number is still
/// its own. `None`: nothing was ever sent, or another process has the session and will make it. It is made in
/// `staging`, a local folder, and moved to the library. The session's folder is removed when the film is
/// there.
///
/// # Errors
/// [`Error`]; the event can be published again then, and a server does so by itself after a while.
pub async fn publish(
    store: &dyn Store,
    events: &Events,
    (library, staging): (&dyn Storage, &Path),
    ring: &KeyRing,
    event: &Event,
    now: u64,
) -> Result<Option<Published>, Error> {
    let Some(lock) = events.lock(&event.app, &event.name)? else { return Ok(None) };
    // What was written down of attempts before, if it can be read, says no more than when to try again.
    let before = events.film_delay(event).ok().flatten();
    publish_locked(store, events, (library, staging), ring, (event, &lock), before, now).await.0
}

/// As [`publish`], for whoever has the lock and knows of the attempts `before`. When the next one is due
/// after one that failed is given, too: where the disk is full it cannot be written down.
pub(super) async fn publish_locked(
    store: &dyn Store,
    events: &Events,
    place: (&dyn Storage, &Path),
    ring: &KeyRing,
    (event, lock): (&Event, &File),
    before: Option<FilmDelay>,
    now: u64,
) -> (Result<Option<Published>, Error>, Option<FilmDelay>) {
    let made = attempt(store, events, place, ring, (event, lock), now).await;
    let delay = made.as_ref().err().map(|error| FilmDelay::after(before, &error.to_string(), now));
    if let Err(error) = events.set_film_delay(event, delay.as_ref()) {
        tracing::warn!(event = %event.name, %error, "how an event's film stands cannot be written down");
    }
    (made, delay)
}

async fn attempt(
    store: &dyn Store,
    events: &Events,
    (library, staging): (&dyn Storage, &Path),
    ring: &KeyRing,
    (event, lock): (&Event, &File),
    now: u64,
) -> Result<Option<Published>, Error> {
    let mut state = events.state(event)?;
    let end = |state: &mut Standing| {
        state.state = EventState::Ended;
        state.since = now;
        events.set_state(&event.app, &event.name, state)
    };
    let Some(session) = state.session.clone().filter(|_| state.pack.is_none()) else {
        if state.state != EventState::Ended {
            end(&mut state)?;
        }
        return Ok(None);
    };
    let session: SessionId = session.parse().map_err(|_| Error::Internal("the session has no id"))?;
    // A library that is away is noticed before hours of film are written for it.
    let prefix: storage::Key = session.to_string().parse().map_err(storage::Error::from)?;
    let description = storage::Key::below(Some(&prefix), PACK_JSON).map_err(storage::Error::from)?;
    if let Err(error) = library.head(&description).await
        && !error.is_not_found()
    {
        return Err(error.into());
    }
    let folder = events.folder(&event.app, &event.name).join(session.to_string());
    let work = staging.join(format!(".live-{session}"));
    let known = &event.known;
    let made = {
        let (folder, work, title, movie) =
            (folder.clone(), work.clone(), known.title.clone(), known.movie_id);
        let record: Record = read_json(&folder.join(RECORD))?;
        let kids = kids(ring, &record)?;
        // A thread goes on where its task is given up: nobody else writes there before it is done.
        let lock = lock.try_clone().map_err(Error::io(&folder))?;
        let make = move || {
            let made = make(&folder, &work, &record, &kids, (movie, &title));
            drop(lock);
            made
        };
        tokio::task::spawn_blocking(make).await.map_err(|_| Error::Internal("the film was not made"))??
    };
    let Some(pack) = made else {
        end(&mut state)?;
        return Ok(None);
    };
    let key = pack.pack_id.parse().map_err(storage::Error::from)?;
    storage::publish(library, Some(&key), &work, PACK_JSON, Transfer::Move).await?;
    let duration = pack.duration.seconds();
    let is_known = retried!(async {
        let mut tx = store.begin().await?;
        let Some(movie) = tx.lock_movie(known.movie_id).await? else { return Ok(false) };
        if movie.pack != super::pack_of(movie.id) {
            // Another film has the number by now; or this one, of a run that was cut off behind this.
            return Ok(movie.pack == pack.pack_id);
        }
        let movie = NewMovie { pack: pack.pack_id.clone(), runtime: duration, ..movie.into() };
        tx.put_movie(&movie, now).await?;
        let entry = AuditEntry::operator("live end").movie(known.movie_id);
        tx.audit(&entry.with("pack", pack.pack_id.as_str())).await?;
        tx.commit().await?;
        Ok::<_, StoreError>(true)
    })?;
    if !is_known {
        tracing::warn!(
            event = %event.name,
            movie = known.movie_id,
            pack = %pack.pack_id,
            "the event's number is not its own any more: its film lies in the library, and no movie has it"
        );
    }
    state.pack = Some(pack.pack_id.clone());
    end(&mut state)?;
    // The library has it.
    let _ = fs::remove_dir_all(&work);
    let _ = fs::remove_dir_all(&folder);
    Ok(Some(Published { pack: pack.pack_id, duration }))
}

/// Names the keys of a session by period; a clear one has none.
fn kids(ring: &KeyRing, record: &Record) -> Result<Box<dyn Fn(u32) -> Kid + Send>, Error> {
    let Some(keys) = &record.protection else { return Ok(Box::new(|_| Kid([0; 16]))) };
    let content: ContentId =
        keys.content_id.parse().map_err(|_| Error::Internal("a session without content id"))?;
    let label: Label = keys.label.parse().map_err(|_| Error::Internal("a session without label"))?;
    let common = ring.common_key(&keys.common_key_id);
    let common =
        common.ok_or_else(|| Error::Keys(format!("there is no common key {}", keys.common_key_id)))?;
    let common = cenc::CommonKey::new(*common.expose());
    Ok(Box::new(move |period| derive_kid(&common, &content, &label, period)))
}

/// Writes the film's files into `work`, where they are not there yet; `None` if there is not a segment. What
/// cannot be written whole leaves nothing behind: the disk may be full of it.
fn make(
    folder: &Path,
    work: &Path,
    record: &Record,
    kid: &dyn Fn(u32) -> Kid,
    of: (u64, &str),
) -> Result<Option<Pack>, Error> {
    if let Some(pack) = whole(work) {
        return Ok(Some(pack));
    }
    let made = write(folder, work, record, kid, of);
    if made.is_err() {
        let _ = fs::remove_dir_all(work);
    }
    made
}

/// The film that an attempt before this one has written, and could not publish.
fn whole(work: &Path) -> Option<Pack> {
    let pack = Pack::from_json(&fs::read(work.join(PACK_JSON)).ok()?).ok()?;
    // A library on the same disk may have taken some of the files.
    let mut files = pack.representations.iter().map(|of| (work.join(&of.path), of.size));
    files.all(|(path, size)| fs::metadata(path).is_ok_and(|meta| meta.len() == size)).then_some(pack)
}

fn write(
    folder: &Path,
    work: &Path,
    record: &Record,
    kid: &dyn Fn(u32) -> Kid,
    of: (u64, &str),
) -> Result<Option<Pack>, Error> {
    let mut tracks = Vec::new();
    for recorded in &record.representations {
        let place = folder.join(&recorded.id);
        let Ok(header) = fs::read(place.join(HEADER)) else { continue };
        let segments = segments(&place)?;
        if !segments.is_empty() {
            tracks.push(RecordedTrack { recorded: recorded.clone(), header, segments });
        }
    }
    let film = match Film::new(record, tracks, kid, of) {
        Ok(film) => film,
        Err(::live::film::FilmError::Nothing) => return Ok(None),
        Err(error) => return Err(bad(folder, error)),
    };
    // What an attempt before this one left behind.
    let _ = fs::remove_dir_all(work);
    private::make_folder(work).map_err(Error::io(work))?;
    let mut pack = film.pack;
    for (track, representation) in film.tracks.iter().zip(&mut pack.representations) {
        let place = work.join(&representation.path);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(Error::io(parent))?;
        }
        let parts =
            track.numbers.iter().map(|number| folder.join(&representation.id).join(format!("{number}.m4s")));
        let (size, sha256) = join(&place, &track.head, parts)?;
        if size != representation.size {
            return Err(bad(&place, "the segments are not those that were written down"));
        }
        representation.sha256 = sha256;
    }
    let json = pack.to_json().map_err(|error| bad(work, error))?;
    // The last of them: with it the film is whole.
    write_whole(&work.join(PACK_JSON), &json)?;
    Ok(Some(pack))
}

/// Writes a file of a head and other files; gives its size and digest.
fn join(place: &Path, head: &[u8], parts: impl Iterator<Item = PathBuf>) -> Result<(u64, String), Error> {
    let failed = || Error::io(place);
    let mut out = BufWriter::with_capacity(1 << 18, File::create(place).map_err(failed())?);
    let (mut size, mut digest) = (head.len() as u64, Sha256::new());
    out.write_all(head).map_err(failed())?;
    digest.update(head);
    let mut buffer = vec![0; 1 << 18];
    for part in parts {
        let mut file = BufReader::new(File::open(&part).map_err(Error::io(&part))?);
        loop {
            let count = file.read(&mut buffer).map_err(Error::io(&part))?;
            if count == 0 {
                break;
            }
            out.write_all(&buffer[..count]).map_err(failed())?;
            digest.update(&buffer[..count]);
            size += count as u64;
        }
    }
    let file = out.into_inner().map_err(|error| Error::io(place)(error.into_error()))?;
    file.sync_all().map_err(failed())?;
    Ok((size, hex::encode(digest.finalize())))
}
