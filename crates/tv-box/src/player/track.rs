//! One track: its downloads on one side, its buffer on the other, the decryptor between.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use decryptor::{Keys, PushDecryptor, Step};
use engine::{Event, FetchId, FetchSpec, model::TrackKind};
use playback::{Downloads, Head, Part};

use super::buffer::{Buffer, Ready};
use crate::Error;
use crate::fetcher::{Arrival, Came, Running};
use crate::mux::ClearInit;

/// What the decryptor goes by at the moment.
struct Current {
    representation: String,
    init: Arc<ClearInit>,
    segment: Option<FetchId>,
}

/// A track, from the first byte to fragments in its buffer.
pub(super) struct TrackRun {
    pub(super) kind: TrackKind,
    pub(super) buffer: Buffer,
    downloads: Downloads<Running, Bytes>,
    decryptor: PushDecryptor,
    current: Option<Current>,
    /// Comes next, once there is a key.
    parts: VecDeque<Part<Bytes>>,
    /// A fragment is whole, but its key is not there.
    lacks_key: bool,
}

impl TrackRun {
    pub(super) fn new(kind: TrackKind, heads: HashMap<String, Head>) -> Self {
        Self {
            kind,
            buffer: Buffer::default(),
            downloads: Downloads::new(kind, heads, is_usable),
            decryptor: PushDecryptor::new(),
            current: None,
            parts: VecDeque::new(),
            lacks_key: false,
        }
    }

    /// The init segment that comes first in the stream, once it is there.
    pub(super) fn init(&self) -> Option<&Arc<ClearInit>> {
        self.current.as_ref().map(|current| &current.init)
    }

    /// Downloadable id of what lacks its key.
    pub(super) fn lacks_key_of(&self) -> Option<&str> {
        self.current.as_ref().filter(|_| self.lacks_key).map(|current| current.representation.as_str())
    }

    /// A request was sent.
    pub(super) fn fetching(&mut self, spec: FetchSpec, running: Running) {
        self.downloads.started(spec, running);
    }

    pub(super) fn abort(&mut self, fetch: FetchId) {
        drop(self.downloads.stopped(fetch));
    }

    /// Forgets everything that is not in the buffer yet.
    pub(super) fn reset(&mut self) {
        self.downloads.reset();
        self.parts.clear();
        self.decryptor.reset();
        self.lacks_key = false;
        if let Some(current) = &mut self.current {
            current.segment = None;
        }
    }

    /// Whether an arrival is of a request that is still under way here.
    pub(super) fn awaits(&self, arrival: &Arrival) -> bool {
        self.downloads.running(arrival.fetch).is_some_and(|running| running.attempt == arrival.attempt)
    }

    /// Takes what came; what the engine is to be told.
    pub(super) fn arrived(&mut self, arrival: Arrival) -> Vec<Event> {
        let fetch = arrival.fetch;
        match arrival.came {
            Came::Failed(failure) => {
                self.abort(fetch);
                vec![Event::FetchFailed { fetch, failure }]
            }
            Came::Chunk(chunk, last) => self.chunk(fetch, chunk, last),
        }
    }

    fn chunk(&mut self, fetch: FetchId, mut chunk: Bytes, last: bool) -> Vec<Event> {
        let mut events = vec![Event::Progress { fetch, bytes: chunk.len() as u64 }];
        let head = chunk.split_to(self.downloads.missing(fetch).min(chunk.len()));
        let media = Some(chunk).filter(|media| !media.is_empty());
        for step in self.downloads.arrived(fetch, &head, media, last) {
            match step {
                // It is looked up when its first part is decrypted.
                playback::Step::Init(_) => {}
                playback::Step::BadHead(representation) => events.push(Event::Undecodable { representation }),
                playback::Step::Push(part) => self.parts.push_back(part),
                playback::Step::Tell(event) => events.push(event),
            }
        }
        events
    }

    /// Decrypts what came, as far as the keys go; what the engine is to be told.
    ///
    /// # Errors
    /// Media or a license that cannot be used.
    pub(super) fn decrypt(&mut self, keys: &mut impl Keys) -> Result<Vec<Event>, Error> {
        let mut events = Vec::new();
        // What waited for a key waits in the decryptor, and in front of the parts.
        self.lacks_key = false;
        while !self.lacks_key
            && let Some(part) = self.parts.pop_front()
        {
            // What was under way when the viewer went elsewhere is of no use any more.
            let fetch = part.fetch;
            if !self.downloads.is_wanted(fetch) {
                continue;
            }
            self.select_init(&part.representation)?;
            match self.push(part, keys, &mut events) {
                Err(error) if is_damage(&error) => {
                    self.forget(fetch);
                    events.push(Event::Damaged { fetch });
                }
                other => other?,
            }
        }
        Ok(events)
    }

    /// Decrypts a part.
    fn push(
        &mut self,
        part: Part<Bytes>,
        keys: &mut impl Keys,
        events: &mut Vec<Event>,
    ) -> Result<(), Error> {
        let Some(current) = &mut self.current else { return Ok(()) };
        if current.segment != Some(part.fetch) {
            self.decryptor.reset();
            current.segment = Some(part.fetch);
        }
        self.decryptor.push(&part.bytes)?;
        self.step(keys, events)?;
        if self.lacks_key {
            // The bytes are in the decryptor; that they were the last ones is still to be said.
            self.parts.push_front(Part { bytes: Bytes::new(), ..part });
        } else if part.last {
            self.decryptor.finish()?;
            self.downloads.finished(part.fetch);
            events.push(Event::SegmentAppended { fetch: part.fetch });
        }
        Ok(())
    }

    /// Nothing more of a download's media is wanted: what still comes would be read from its middle.
    fn forget(&mut self, fetch: FetchId) {
        self.decryptor.reset();
        self.parts.retain(|part| part.fetch != fetch);
        self.downloads.forget(fetch);
        if let Some(current) = &mut self.current {
            current.segment = None;
        }
    }

    /// Gives the decryptor a representation's init segment, unless it has it already.
    fn select_init(&mut self, representation: &str) -> Result<(), Error> {
        if self.current.as_ref().is_some_and(|current| current.representation == representation) {
            return Ok(());
        }
        let Some(init) = self.downloads.init(representation) else { return Ok(()) };
        let clear = self.decryptor.set_init(init.to_vec())?;
        let init = Arc::new(ClearInit::parse(clear.bytes)?);
        self.current = Some(Current { representation: representation.to_owned(), init, segment: None });
        Ok(())
    }

    fn step(&mut self, keys: &mut impl Keys, events: &mut Vec<Event>) -> Result<(), Error> {
        let Some(current) = &self.current else { return Ok(()) };
        let mut any = false;
        loop {
            match self.decryptor.step(keys)? {
                Step::Fragment(bytes) => {
                    let fragment = current.init.fragment(bytes)?;
                    self.buffer.append(Ready { init: Arc::clone(&current.init), fragment });
                    any = true;
                }
                Step::NeedKeys(_) => {
                    self.lacks_key = true;
                    break;
                }
                Step::NeedData => break,
            }
        }
        if any {
            events.push(Event::Buffered { track: self.kind, ranges: self.buffer.ranges() });
        }
        Ok(())
    }

    /// Removes from the buffer, by the engine's word.
    pub(super) fn remove(&mut self, start: f64, end: f64) -> Event {
        self.buffer.remove(start, end);
        Event::Buffered { track: self.kind, ranges: self.buffer.ranges() }
    }
}

/// Whether an init segment is one that fragments can go by.
fn is_usable(init: &[u8]) -> bool {
    let clear = PushDecryptor::new().set_init(init.to_vec());
    clear.is_ok_and(|clear| ClearInit::parse(clear.bytes).is_ok())
}

/// Whether an error is of the media alone: fetched again they may be better.
fn is_damage(error: &Error) -> bool {
    use decryptor::Error::{Box, Range, StrayData, TooLarge, Unfinished};
    match error {
        Error::Media(_) => true,
        Error::Drm(error) => {
            matches!(error, Box(_) | Range(_) | StrayData | TooLarge { .. } | Unfinished)
        }
        _ => false,
    }
}
