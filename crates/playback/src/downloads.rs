//! The downloads of one track: which are under way, whose head is whole, whose media is still wanted.

use std::collections::{BTreeMap, HashMap};

use engine::{
    Event, FetchId, FetchSpec,
    model::{ByteRange, TrackKind},
};
use nccp::{Downloadable, Manifest, MediaType};

use crate::head::{HeadAssembly, parse_index};

/// Downloads that were given up and whose state is kept, for they may go on where they broke off.
const MOST_GIVEN_UP: usize = 16;

/// Where the head of a representation lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// In the representation's one file.
    Ranges {
        /// `ftyp moov`.
        init: ByteRange,
        /// `sidx`.
        index: ByteRange,
    },
    /// It is an init segment, and a file of its own.
    File,
}

impl Head {
    /// That of a file of a manifest; `None` where it does not say.
    pub fn of(file: &Downloadable) -> Option<Self> {
        let range = |range: nccp::ByteRange| ByteRange::new(range.first(), range.last());
        Some(Self::Ranges {
            init: file.init_range.and_then(range)?,
            index: file.index_range.and_then(range)?,
        })
    }
}

/// The heads of a track's representations, by downloadable id. Those of an event are files.
pub fn heads(manifest: &Manifest, kind: TrackKind) -> HashMap<String, Head> {
    let of_kind = |file: &&Downloadable| match file.media_type {
        MediaType::Video => kind == TrackKind::Video,
        MediaType::Audio => kind == TrackKind::Audio,
    };
    let is_live = manifest.live.is_some();
    let head =
        |file: &Downloadable| Some((file.id.clone(), if is_live { Head::File } else { Head::of(file)? }));
    manifest.downloadables.iter().filter(of_kind).filter_map(head).collect()
}

/// A part of a segment's media, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<B> {
    /// Downloadable id.
    pub representation: String,
    /// The download that it came with.
    pub fetch: FetchId,
    /// The bytes, in the player's own form.
    pub bytes: B,
    /// Whether the segment ends with it.
    pub last: bool,
}

/// One thing that follows from bytes that came. Several follow in an order that counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<B> {
    /// The init segment of a representation is there: see [`Downloads::init`].
    Init(String),
    /// The head of a representation is of no use.
    BadHead(String),
    /// Media to decrypt, if [it is wanted](Downloads::is_wanted) when its turn comes.
    Push(Part<B>),
    /// The engine is to be told.
    Tell(Event),
}

/// One logical download, over all its attempts.
#[derive(Debug)]
struct Download<R> {
    representation: String,
    head: HeadAssembly,
    running: Option<R>,
    /// Its media is wanted, and not all of it is done with.
    wanted: bool,
    /// All of it has come.
    complete: bool,
}

/// The downloads of one track.
///
/// `R` is a request that is under way and is aborted when it is dropped; `B` are bytes in the player's own
/// form (an `ArrayBuffer`, `Bytes`), which are never looked into here.
#[derive(Debug)]
pub struct Downloads<R, B> {
    kind: TrackKind,
    heads: HashMap<String, Head>,
    is_usable: fn(&[u8]) -> bool,
    downloads: BTreeMap<FetchId, Download<R>>,
    /// Init segments as they came, by representation.
    inits: HashMap<String, Vec<u8>>,
    /// Came before its init segment.
    early: Vec<Part<B>>,
}

impl<R, B> Downloads<R, B> {
    /// `is_usable` says whether an init segment is one that a player can do anything with.
    pub fn new(kind: TrackKind, heads: HashMap<String, Head>, is_usable: fn(&[u8]) -> bool) -> Self {
        Self { kind, heads, is_usable, downloads: BTreeMap::new(), inits: HashMap::new(), early: Vec::new() }
    }

    /// A request was sent: a download begins, or goes on where it broke off.
    pub fn started(&mut self, spec: FetchSpec, running: R) {
        let id = spec.fetch;
        match self.downloads.get_mut(&id).filter(|_| spec.offset > 0) {
            Some(download) => download.running = Some(running),
            None => {
                let (representation, head) = (spec.representation, HeadAssembly::new(spec.head));
                let download = Download {
                    representation,
                    head,
                    running: Some(running),
                    wanted: spec.segment,
                    complete: false,
                };
                self.downloads.insert(id, download);
                // What has come and waits for its key is not given up, however many wait.
                let given_up = |download: &Download<R>| {
                    download.running.is_none() && !(download.complete && download.wanted)
                };
                let old = self.downloads.iter().filter(|(_, download)| given_up(download)).map(|(id, _)| *id);
                let old: Vec<_> = old.collect();
                for oldest in &old[..old.len().saturating_sub(MOST_GIVEN_UP)] {
                    self.downloads.remove(oldest);
                }
            }
        }
    }

    /// The request that is under way for a download.
    pub fn running(&self, fetch: FetchId) -> Option<&R> {
        self.downloads.get(&fetch)?.running.as_ref()
    }

    /// A request failed, or is to be aborted: gives it back, to be dropped. The download may go on with
    /// another.
    pub fn stopped(&mut self, fetch: FetchId) -> Option<R> {
        self.downloads.get_mut(&fetch)?.running.take()
    }

    /// How many bytes of a download's head are still missing: with so many at most the next bytes begin.
    pub fn missing(&self, fetch: FetchId) -> usize {
        self.downloads.get(&fetch).map_or(0, |download| download.head.missing())
    }

    /// Takes bytes that came: those of the head apart from the rest, which is `None` where there is none.
    /// `last` says that the request is over. What follows from it, in order.
    pub fn arrived(&mut self, fetch: FetchId, head: &[u8], rest: Option<B>, last: bool) -> Vec<Step<B>> {
        let mut steps = Vec::new();
        let Some(download) = self.downloads.get_mut(&fetch) else { return steps };
        let was_missing = download.head.missing() > 0;
        download.head.take(head);
        if last && self.heads.get(&download.representation) == Some(&Head::File) {
            // How long the file is shows when it ends.
            download.head.ends_here();
        }
        if last {
            // It is over; there is nothing left to abort.
            download.running = None;
            download.complete = true;
        }
        let representation = download.representation.clone();
        let wanted = download.wanted;
        if was_missing && download.head.missing() == 0 {
            let head = std::mem::take(&mut download.head);
            self.head_complete(&representation, &head, &mut steps);
        }
        if let Some(bytes) = rest.filter(|_| wanted) {
            let is_early = !self.inits.contains_key(&representation);
            let part = Part { representation, fetch, bytes, last };
            match is_early {
                true => self.early.push(part),
                false => steps.push(Step::Push(part)),
            }
        }
        if last {
            if !wanted {
                self.downloads.remove(&fetch);
            }
            steps.push(Step::Tell(Event::FetchDone { fetch }));
        }
        steps
    }

    fn head_complete(&mut self, representation: &str, head: &HeadAssembly, steps: &mut Vec<Step<B>>) {
        let (init, index) = match self.heads.get(representation) {
            Some(Head::Ranges { init, index }) => {
                (head.part(*init), head.part(*index).and_then(|bytes| parse_index(bytes, *index)).map(Some))
            }
            Some(Head::File) => (Some(head.bytes()), Some(None)),
            None => (None, None),
        };
        let (Some(init), Some(index)) = (init.filter(|init| (self.is_usable)(init)), index) else {
            return steps.push(Step::BadHead(representation.to_owned()));
        };
        self.inits.insert(representation.to_owned(), init.to_vec());
        steps.push(Step::Init(representation.to_owned()));
        let (now, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.early)
            .into_iter()
            .partition(|part| part.representation == representation);
        self.early = later;
        steps.extend(now.into_iter().map(Step::Push));
        if let Some(index) = index {
            let representation = representation.to_owned();
            steps.push(Step::Tell(Event::Index { track: self.kind, representation, index }));
        }
    }

    /// The init segment of a representation, as it came.
    pub fn init(&self, representation: &str) -> Option<&[u8]> {
        self.inits.get(representation).map(Vec::as_slice)
    }

    /// Downloadable id of what a download is of, while its media is wanted.
    pub fn wanted(&self, fetch: FetchId) -> Option<&str> {
        let download = self.downloads.get(&fetch).filter(|download| download.wanted);
        download.map(|download| download.representation.as_str())
    }

    /// Whether the media of a download is still wanted.
    pub fn is_wanted(&self, fetch: FetchId) -> bool {
        self.wanted(fetch).is_some()
    }

    /// The player has done all that there is to do with a download; whether it was wanted to its end.
    pub fn finished(&mut self, fetch: FetchId) -> bool {
        self.downloads.remove(&fetch).is_some_and(|download| download.wanted)
    }

    /// Nothing more of a download's media is wanted.
    pub fn forget(&mut self, fetch: FetchId) {
        if let Some(download) = self.downloads.get_mut(&fetch) {
            download.wanted = false;
        }
    }

    /// No media is wanted of anything that has begun. A head may still come, or be asked for again.
    pub fn reset(&mut self) {
        self.downloads.retain(|_, download| {
            download.wanted = false;
            download.running.is_some() || download.head.missing() > 0
        });
        self.early.clear();
    }

    /// Ends everything.
    pub fn close(&mut self) {
        self.downloads.clear();
        self.early.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    const INIT: [u8; 10] = *b"init bytes";

    /// `sidx` of one segment of 700 bytes and 4 s (ISO/IEC 14496-12, 8.16.3).
    fn sidx() -> Vec<u8> {
        let words = [44, u32::from_be_bytes(*b"sidx"), 0, 1, 1000, 0, 0, 1, 700, 4000, 0x9000_0000];
        words.into_iter().flat_map(u32::to_be_bytes).collect()
    }

    fn file_head() -> Vec<u8> {
        [&INIT[..], &sidx()].concat()
    }

    fn spec(fetch: u64, representation: &str, head: usize, offset: u64, segment: bool) -> FetchSpec {
        FetchSpec {
            fetch: FetchId(fetch),
            track: TrackKind::Video,
            representation: representation.into(),
            url: String::new(),
            range_header: true,
            range: ByteRange::new(0, 999).unwrap(),
            sized: true,
            head: head as u64,
            offset,
            segment,
            start: None,
            afresh: false,
            client_data: None,
        }
    }

    fn downloads() -> Downloads<Rc<()>, Vec<u8>> {
        let head =
            Head::Ranges { init: ByteRange::new(0, 9).unwrap(), index: ByteRange::new(10, 53).unwrap() };
        let heads = ["a", "b"].map(|id| (id.to_owned(), head));
        Downloads::new(TrackKind::Video, heads.into(), |init| init.starts_with(b"init"))
    }

    /// Gives a download its next bytes, as a player does.
    fn give<R>(it: &mut Downloads<R, Vec<u8>>, fetch: u64, bytes: &[u8], last: bool) -> Vec<Step<Vec<u8>>> {
        let (head, rest) = bytes.split_at(it.missing(FetchId(fetch)).min(bytes.len()));
        it.arrived(FetchId(fetch), head, Some(rest.to_vec()).filter(|rest| !rest.is_empty()), last)
    }

    fn part(fetch: u64, representation: &str, bytes: &[u8], last: bool) -> Step<Vec<u8>> {
        let (representation, bytes) = (representation.to_owned(), bytes.to_vec());
        Step::Push(Part { representation, fetch: FetchId(fetch), bytes, last })
    }

    fn index(representation: &str) -> Step<Vec<u8>> {
        let index = parse_index(&sidx(), ByteRange::new(10, 53).unwrap()).unwrap();
        Step::Tell(Event::Index { track: TrackKind::Video, representation: representation.into(), index })
    }

    fn done(fetch: u64) -> Step<Vec<u8>> {
        Step::Tell(Event::FetchDone { fetch: FetchId(fetch) })
    }

    #[test]
    fn head_and_media_of_one_download_come_apart_whatever_the_pieces() {
        let file = [file_head(), b"media".to_vec()].concat();
        for first in 0..=file.len() {
            for second in first..=file.len() {
                let mut it = downloads();
                it.started(spec(1, "a", 54, 0, true), Rc::default());
                let mut steps = give(&mut it, 1, &file[..first], false);
                steps.extend(give(&mut it, 1, &file[first..second], false));
                steps.extend(give(&mut it, 1, &file[second..], true));
                let mut media = Vec::new();
                steps.retain(|step| match step {
                    Step::Push(part) => {
                        media.extend(part.bytes.clone());
                        false
                    }
                    _ => true,
                });
                assert_eq!(steps, [Step::Init("a".into()), index("a"), done(1)], "{first} {second}");
                assert_eq!(media, b"media", "{first} {second}");
                assert_eq!(it.init("a"), Some(&INIT[..]));
            }
        }
    }

    #[test]
    fn the_engine_knows_the_index_before_media_of_the_same_piece_is_decrypted() {
        let mut it = downloads();
        it.started(spec(1, "a", 54, 0, true), Rc::default());
        let steps = give(&mut it, 1, &[file_head(), b"media".to_vec()].concat(), true);
        assert_eq!(steps, [Step::Init("a".into()), index("a"), part(1, "a", b"media", true), done(1)]);
        assert!(it.finished(FetchId(1)), "wanted to its end");
        assert!(!it.finished(FetchId(1)), "and over");
    }

    #[test]
    fn media_that_comes_before_its_init_segment_waits_for_it() {
        let mut it = downloads();
        it.started(spec(1, "a", 54, 0, false), Rc::default());
        it.started(spec(2, "a", 0, 0, true), Rc::default());
        it.started(spec(3, "b", 0, 0, true), Rc::default());
        assert_eq!(give(&mut it, 2, b"one", false), []);
        assert_eq!(give(&mut it, 3, b"other", false), []);
        assert_eq!(give(&mut it, 2, b"two", true), [done(2)]);
        let steps = give(&mut it, 1, &file_head(), true);
        let (one, two) = (part(2, "a", b"one", false), part(2, "a", b"two", true));
        assert_eq!(steps, [Step::Init("a".into()), one, two, index("a"), done(1)]);
        assert!(it.is_wanted(FetchId(2)));
    }

    /// A slow license, and short segments: what has come is needed, the first of it first. What was given up
    /// is forgotten in time.
    #[test]
    fn what_waits_for_its_key_is_kept() {
        let mut it = downloads();
        it.started(spec(1, "a", 54, 0, true), Rc::default());
        give(&mut it, 1, &[file_head(), b"media".to_vec()].concat(), true);
        for fetch in 2..60 {
            it.started(spec(fetch, "a", 0, 0, true), Rc::default());
            give(&mut it, fetch, b"media", true);
        }
        assert!((1..60).all(|fetch| it.finished(FetchId(fetch))));
        for fetch in 60..120 {
            it.started(spec(fetch, "a", 0, 0, true), Rc::default());
            it.stopped(FetchId(fetch));
        }
        assert!(!it.is_wanted(FetchId(60)) && it.is_wanted(FetchId(119)));
    }

    #[test]
    fn a_download_goes_on_where_it_broke_off() {
        let mut it = downloads();
        let file = file_head();
        it.started(spec(1, "a", 54, 0, true), Rc::default());
        assert_eq!(give(&mut it, 1, &file[..30], false), []);
        assert!(it.stopped(FetchId(1)).is_some());
        assert!(it.running(FetchId(1)).is_none());
        it.started(spec(1, "a", 54, 30, true), Rc::default());
        assert_eq!(it.missing(FetchId(1)), 24);
        assert_eq!(give(&mut it, 1, &file[30..], false), [Step::Init("a".into()), index("a")]);
        // Afresh from its beginning.
        it.started(spec(1, "a", 54, 0, true), Rc::default());
        assert_eq!(it.missing(FetchId(1)), 54);
    }

    #[test]
    fn a_head_that_is_of_no_use_is_told_and_its_media_waits_for_ever() {
        let (bad_init, mut bad_index) = ([&b"rubbishes!"[..], &sidx()].concat(), file_head());
        bad_index[14..18].copy_from_slice(b"none");
        for file in [bad_init, bad_index] {
            let mut it = downloads();
            it.started(spec(1, "a", 54, 0, true), Rc::default());
            let steps = give(&mut it, 1, &[file, b"media".to_vec()].concat(), false);
            assert_eq!(steps, [Step::BadHead("a".into())]);
            assert_eq!(it.init("a"), None);
        }
    }

    #[test]
    fn after_a_reset_no_media_is_wanted_but_a_head_may_still_come() {
        let mut it = downloads();
        let running = Rc::new(());
        it.started(spec(1, "a", 54, 0, true), Rc::clone(&running));
        it.started(spec(2, "a", 0, 0, true), Rc::default());
        assert_eq!(give(&mut it, 2, b"early", true), [done(2)]);
        it.reset();
        assert_eq!(Rc::strong_count(&running), 2, "what is under way is the engine's to abort");
        assert!(!it.is_wanted(FetchId(1)) && !it.finished(FetchId(2)));
        let steps = give(&mut it, 1, &[file_head(), b"media".to_vec()].concat(), true);
        assert_eq!(steps, [Step::Init("a".into()), index("a"), done(1)]);
        assert_eq!(Rc::strong_count(&running), 1);
    }

    /// An init segment that is a file of its own ends where the file ends; there is no index in it.
    #[test]
    fn a_head_may_be_a_file() {
        let heads = [("a".to_owned(), Head::File)];
        let mut it: Downloads<Rc<()>, Vec<u8>> =
            Downloads::new(TrackKind::Video, heads.into(), |init| init.starts_with(b"init"));
        it.started(spec(1, "a", 1 << 28, 0, false), Rc::default());
        it.started(spec(2, "a", 0, 0, true), Rc::default());
        assert_eq!(give(&mut it, 2, b"media", true), [done(2)]);
        assert_eq!(give(&mut it, 1, b"init ", false), []);
        let steps = give(&mut it, 1, b"bytes", true);
        assert_eq!(steps, [Step::Init("a".into()), part(2, "a", b"media", true), done(1)]);
        assert_eq!(it.init("a"), Some(&INIT[..]));
        it.started(spec(3, "a", 1 << 28, 0, false), Rc::default());
        assert_eq!(give(&mut it, 3, b"error page", true), [Step::BadHead("a".into()), done(3)]);
    }

    #[test]
    fn what_is_forgotten_is_not_wanted_and_bytes_of_nobody_are_nothing() {
        let mut it = downloads();
        it.started(spec(1, "a", 54, 0, true), Rc::default());
        it.forget(FetchId(1));
        assert!(!it.is_wanted(FetchId(1)));
        assert_eq!(give(&mut it, 9, b"media", true), []);
        assert!(it.stopped(FetchId(9)).is_none());
        assert_eq!(it.missing(FetchId(9)), 0);
    }

    #[test]
    fn only_so_many_downloads_are_kept_and_none_under_way_is_lost() {
        let mut it = downloads();
        let running = Rc::new(());
        it.started(spec(0, "a", 0, 0, true), Rc::clone(&running));
        for id in 1..100 {
            it.started(spec(id, "a", 0, 0, true), Rc::default());
            drop(it.stopped(FetchId(id)));
        }
        assert!(it.downloads.len() <= MOST_GIVEN_UP + 2, "{}", it.downloads.len());
        assert!(it.running(FetchId(0)).is_some() && it.is_wanted(FetchId(99)));
        it.close();
        assert_eq!(Rc::strong_count(&running), 1);
    }
}
