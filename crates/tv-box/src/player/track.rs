//! One track: its downloads on one side, its buffer on the other, the decryptor between.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use decryptor::{Keys, PushDecryptor, Step};
use engine::{
    Event, FetchId, FetchSpec,
    model::{ByteRange, TrackKind},
};
use playback::{HeadAssembly, parse_index};

use super::buffer::{Buffer, Ready};
use crate::Error;
use crate::fetcher::{Arrival, Came, Running};
use crate::mux::ClearInit;

/// Downloads whose state is kept. The engine has far fewer under way; what is older was given up.
const MOST_DOWNLOADS: usize = 16;

/// Where the head of a representation lies in its file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// `ftyp moov`.
    pub(super) init: ByteRange,
    /// `sidx`.
    pub(super) index: ByteRange,
}

/// One logical download, over all its attempts.
struct Download {
    representation: String,
    head: HeadAssembly,
    running: Option<Running>,
    /// Its fragments are wanted, and not all in the buffer yet.
    wanted: bool,
}

/// A part of a segment.
struct Part {
    representation: String,
    id: FetchId,
    bytes: Bytes,
    last: bool,
}

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
    heads: HashMap<String, Head>,
    downloads: BTreeMap<FetchId, Download>,
    /// Init segments as they came, by representation.
    inits: HashMap<String, Vec<u8>>,
    decryptor: PushDecryptor,
    current: Option<Current>,
    /// Came before its init segment.
    early: Vec<Part>,
    /// Comes next, once there is a key.
    parts: VecDeque<Part>,
    /// A fragment is whole, but its key is not there.
    pub(super) lacks_key: bool,
}

impl TrackRun {
    pub(super) fn new(kind: TrackKind, heads: HashMap<String, Head>) -> Self {
        Self {
            kind,
            buffer: Buffer::default(),
            heads,
            downloads: BTreeMap::new(),
            inits: HashMap::new(),
            decryptor: PushDecryptor::new(),
            current: None,
            early: Vec::new(),
            parts: VecDeque::new(),
            lacks_key: false,
        }
    }

    /// The init segment that comes first in the stream, once it is there.
    pub(super) fn init(&self) -> Option<&Arc<ClearInit>> {
        self.current.as_ref().map(|current| &current.init)
    }

    /// A request was sent.
    pub(super) fn fetching(&mut self, spec: FetchSpec, running: Running) {
        let id = spec.fetch;
        match self.downloads.get_mut(&id).filter(|_| spec.offset > 0) {
            Some(download) => download.running = Some(running),
            None => {
                let (representation, head) = (spec.representation, HeadAssembly::new(spec.head));
                let wanted = spec.segment;
                let download = Download { representation, head, running: Some(running), wanted };
                self.downloads.insert(id, download);
                let idle = |(_, download): &(&FetchId, &Download)| download.running.is_none();
                if self.downloads.len() > MOST_DOWNLOADS
                    && let Some(oldest) = self.downloads.iter().find(idle).map(|(id, _)| *id)
                {
                    self.downloads.remove(&oldest);
                }
            }
        }
    }

    pub(super) fn abort(&mut self, fetch: FetchId) {
        if let Some(download) = self.downloads.get_mut(&fetch) {
            download.running = None;
        }
    }

    /// Forgets everything that is not in the buffer yet.
    pub(super) fn reset(&mut self) {
        self.downloads.retain(|_, download| {
            download.wanted = false;
            // A head may still come, or be asked for again.
            download.running.is_some() || download.head.missing() > 0
        });
        self.early.clear();
        self.parts.clear();
        self.decryptor.reset();
        self.lacks_key = false;
        if let Some(current) = &mut self.current {
            current.segment = None;
        }
    }

    /// Whether an arrival is of a request that is still under way here.
    pub(super) fn awaits(&self, arrival: &Arrival) -> bool {
        let running = self.downloads.get(&arrival.fetch).and_then(|download| download.running.as_ref());
        running.is_some_and(|running| running.attempt == arrival.attempt)
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
        let Some(download) = self.downloads.get_mut(&fetch) else { return events };
        let missing = download.head.missing();
        if missing > 0 {
            download.head.take(&chunk.split_to(missing.min(chunk.len())));
        }
        if last {
            download.running = None;
        }
        let representation = download.representation.clone();
        let complete = missing > 0 && download.head.missing() == 0;
        let head = complete.then(|| std::mem::take(&mut download.head));
        if download.wanted && !chunk.is_empty() {
            let part = Part { representation: representation.clone(), id: fetch, bytes: chunk, last };
            match self.inits.contains_key(&representation) {
                true => self.parts.push_back(part),
                false => self.early.push(part),
            }
        }
        if let Some(head) = head {
            events.push(self.head_complete(representation, &head));
        }
        if last {
            self.downloads.retain(|of, download| *of != fetch || download.wanted);
            events.push(Event::FetchDone { fetch });
        }
        events
    }

    fn head_complete(&mut self, representation: String, head: &HeadAssembly) -> Event {
        let place = self.heads.get(&representation);
        let init =
            place.and_then(|place| head.part(place.init)).filter(|init| is_usable(init)).map(<[u8]>::to_vec);
        let index = place.and_then(|place| parse_index(head.part(place.index)?, place.index));
        let (Some(init), Some(index)) = (init, index) else {
            return Event::Undecodable { representation };
        };
        self.inits.insert(representation.clone(), init);
        let (now, later) = std::mem::take(&mut self.early)
            .into_iter()
            .partition(|part| part.representation == representation);
        self.early = later;
        let now: Vec<Part> = now;
        self.parts.extend(now);
        Event::Index { track: self.kind, representation, index }
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
            if !self.downloads.get(&part.id).is_some_and(|download| download.wanted) {
                continue;
            }
            self.select_init(&part.representation)?;
            let fetch = part.id;
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
    fn push(&mut self, part: Part, keys: &mut impl Keys, events: &mut Vec<Event>) -> Result<(), Error> {
        let Some(current) = &mut self.current else { return Ok(()) };
        if current.segment != Some(part.id) {
            self.decryptor.reset();
            current.segment = Some(part.id);
        }
        self.decryptor.push(&part.bytes)?;
        self.step(keys, events)?;
        if self.lacks_key {
            // The bytes are in the decryptor; that they were the last ones is still to be said.
            self.parts.push_front(Part { bytes: Bytes::new(), ..part });
        } else if part.last {
            self.decryptor.finish()?;
            self.downloads.remove(&part.id);
            events.push(Event::SegmentAppended { fetch: part.id });
        }
        Ok(())
    }

    /// Nothing more of a download's media is wanted: what still comes would be read from its middle.
    fn forget(&mut self, fetch: FetchId) {
        self.decryptor.reset();
        self.parts.retain(|part| part.id != fetch);
        if let Some(download) = self.downloads.get_mut(&fetch) {
            download.wanted = false;
        }
        if let Some(current) = &mut self.current {
            current.segment = None;
        }
    }

    /// Gives the decryptor a representation's init segment, unless it has it already.
    fn select_init(&mut self, representation: &str) -> Result<(), Error> {
        if self.current.as_ref().is_some_and(|current| current.representation == representation) {
            return Ok(());
        }
        let Some(init) = self.inits.get(representation) else { return Ok(()) };
        let clear = self.decryptor.set_init(init.clone())?;
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
