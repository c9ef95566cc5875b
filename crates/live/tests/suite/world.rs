//! A session with its encoders, and what a player with the keys makes of what it publishes.

use bytes::Bytes;
use cenc::{
    AesCipher, CommonKey, ContentId, Direction, Iv, Kid, Label, Level, Pattern, RangeTable, SampleProtection,
    Scheme, SegmentCipher, Subsample, derive_cek, derive_kid,
};
use isobmff::{Boxes, Fragment, InitSegment};
use live::{Broadcast, Event, Handle, Ingest, Input, Keys, SegmentEntry, SessionId, Settings};
use std::collections::{BTreeMap, HashSet};

pub(crate) const NOW: u64 = 1_790_000_000_000;
pub(crate) const SESSION: SessionId = SessionId([0xc0; 16]);

pub(crate) fn common() -> CommonKey {
    CommonKey::new([9; 16])
}

pub(crate) fn content() -> ContentId {
    "live/school/lecture".parse().unwrap()
}

pub(crate) fn keys(scheme: Scheme, segments_per_key: u32) -> Keys {
    Keys::new(common(), "k1".into(), content(), (scheme, Level::High), segments_per_key)
}

/// A sample as a player gets it, clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) data: Vec<u8>,
    pub(crate) decode_time: u64,
    pub(crate) time: i64,
    pub(crate) kid: Option<Kid>,
}

pub(crate) struct World {
    pub(crate) broadcast: Broadcast,
    pub(crate) headers: BTreeMap<String, Bytes>,
    pub(crate) segments: BTreeMap<String, Vec<(SegmentEntry, Bytes)>>,
    pub(crate) lost: usize,
    pub(crate) now: u64,
}

/// A request of an encoder.
pub(crate) struct Request {
    name: String,
    ingest: Ingest,
    handles: Vec<(u32, Handle)>,
}

impl World {
    pub(crate) fn new(keys: Option<Keys>, settings: &str) -> Self {
        let (settings, _) = Settings::read(Some(settings), None).unwrap();
        Self {
            broadcast: Broadcast::new(SESSION, keys, &settings),
            headers: BTreeMap::new(),
            segments: BTreeMap::new(),
            lost: 0,
            now: NOW,
        }
    }

    pub(crate) fn keep(&mut self, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Header { representation, bytes } => {
                    assert!(self.headers.insert(representation, bytes).is_none(), "one header each");
                }
                Event::Segment { representation, entry, bytes } => {
                    let segments = self.segments.entry(representation).or_default();
                    assert!(
                        segments.last().is_none_or(|(last, _)| last.number < entry.number),
                        "numbers grow"
                    );
                    segments.push((entry, bytes));
                }
                Event::Lost { samples, .. } => self.lost += samples,
            }
        }
    }

    pub(crate) fn request(&self, name: &str) -> Request {
        Request { name: name.to_owned(), ingest: Ingest::new(None), handles: Vec::new() }
    }

    /// Sends a piece of a request's body.
    pub(crate) fn send(&mut self, request: &mut Request, piece: &[u8]) {
        for input in request.ingest.push(piece).unwrap() {
            match input {
                Input::Header(header) => {
                    for source in &header.sources {
                        let (handle, events) = self.broadcast.open(&request.name, source).unwrap();
                        request.handles.push((source.track_id, handle));
                        self.keep(events);
                    }
                }
                Input::Samples { track, samples } => {
                    let handle = request.handles.iter().find(|(id, _)| *id == track).unwrap().1;
                    let events = self.broadcast.push(handle, samples, self.now);
                    self.keep(events);
                }
                Input::Damaged(error) => panic!("{error}"),
            }
        }
    }

    /// The connection is gone, or the request is over.
    pub(crate) fn end(&mut self, request: Request) {
        request.handles.iter().for_each(|(_, handle)| self.broadcast.close(*handle));
    }

    /// Whole requests, side by side in pieces.
    pub(crate) fn send_all(&mut self, streams: &[(&str, Vec<u8>)], piece: usize) {
        let mut requests: Vec<_> = streams.iter().map(|(name, _)| self.request(name)).collect();
        let longest = streams.iter().map(|(_, stream)| stream.len()).max().unwrap();
        let steps = longest.div_ceil(piece);
        for step in 0..steps {
            for ((_, stream), request) in streams.iter().zip(&mut requests) {
                // All of them are through at the same time, whatever their bitrates.
                let at = |step: usize| stream.len() * step / steps;
                self.send(request, &stream[at(step)..at(step + 1)]);
            }
        }
        requests.into_iter().for_each(|request| self.end(request));
    }

    pub(crate) fn finish(&mut self) {
        let events = self.broadcast.finish(self.now);
        self.keep(events);
    }

    pub(crate) fn numbers(&self, representation: &str) -> Vec<u64> {
        self.segments[representation].iter().map(|(entry, _)| entry.number).collect()
    }

    /// All samples of a representation, decrypted with the keys of the periods that their groups name.
    pub(crate) fn samples(&self, representation: &str, scheme: Scheme) -> Vec<Got> {
        let init = InitSegment::parse(&self.headers[representation]).unwrap();
        let mut all = Vec::new();
        for (entry, bytes) in &self.segments[representation] {
            let before = all.len();
            decrypt(&init, bytes, scheme, &mut all);
            assert_eq!((entry.size, entry.samples), (bytes.len() as u64, (all.len() - before) as u64));
        }
        all
    }

    /// Every IV of every sample with its key, of all representations: none may be there twice.
    pub(crate) fn assert_no_iv_twice(&self) {
        let mut seen = HashSet::new();
        for (id, segments) in &self.segments {
            let init = InitSegment::parse(&self.headers[id]).unwrap();
            for (_, bytes) in segments {
                each_sample(&init, bytes, |_, sample| {
                    let crypto = sample.crypto.unwrap();
                    assert!(seen.insert((*crypto.kid(), crypto.iv.to_vec())), "an IV was used twice");
                });
            }
        }
    }
}

fn each_sample(init: &InitSegment, bytes: &[u8], mut see: impl FnMut(usize, isobmff::FragmentSample<'_>)) {
    for moof in Boxes::new(bytes).map(Result::unwrap).filter(|found| found.kind == b"moof") {
        let fragment = Fragment::parse(&bytes[moof.offset..], 0, init).unwrap();
        for track in fragment.tracks() {
            track.samples().for_each(|sample| see(moof.offset, sample.unwrap()));
        }
    }
}

pub(crate) fn decrypt(init: &InitSegment, bytes: &[u8], scheme: Scheme, all: &mut Vec<Got>) {
    let video = init.tracks[0].handler == b"vide";
    each_sample(init, bytes, |moof, sample| {
        let first = moof + sample.offset as usize;
        let mut data = bytes[first..first + sample.size as usize].to_vec();
        let kid = sample.crypto.as_ref().map(|crypto| Kid(*crypto.kid()));
        if let Some(crypto) = sample.crypto {
            let period = (0..100)
                .find(|n| derive_kid(&common(), &content(), &Label::default(), *n).0 == *crypto.kid());
            let cek =
                derive_cek(&common(), &content(), &Label::default(), period.expect("a key of the session"));
            let mut table = RangeTable::new(match (scheme, video) {
                (Scheme::Cenc, _) => SampleProtection::Ctr,
                (Scheme::Cbcs, true) => SampleProtection::Cbc(Pattern::VIDEO),
                (Scheme::Cbcs, false) => SampleProtection::Cbc(Pattern::WHOLE),
            });
            let subsamples: Vec<_> =
                crypto.subsamples.map(|(clear, protected)| Subsample { clear, protected }).collect();
            table.push_sample(0, data.len(), Iv::from_slice(crypto.iv).unwrap(), &subsamples).unwrap();
            AesCipher::new(&cek).apply(Direction::Decrypt, &table, &mut data).unwrap();
        }
        let time = sample.decode_time as i64 + sample.composition_offset;
        all.push(Got { data, decode_time: sample.decode_time, time, kid });
    });
}
