#![cfg(test)]
//! The server's state machine and the player's, with a network between them that delivers when it likes:
//! whatever the engine wants and gives up, each download gets its octets of the file, and no others.

use super::{Film, Playback, Rep, Step};
use engine::model::{ByteRange as EngineRange, TrackKind as EngineTrack};
use engine::{FetchId, FetchSpec};
use nccp::ByteRange;
use nccp::stream::{Ask, Piece, Told, TrackKind, to_base64};
use playback::stream::{Do, Stream};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Octets in front of each first segment.
const HEAD: u64 = 100;
const NOW: Duration = Duration::ZERO;
const TRACKS: [EngineTrack; 2] = [EngineTrack::Video, EngineTrack::Audio];

fn rep(kind: TrackKind, name: &str, timescale: u32, seconds: f64, sizes: &[u64]) -> Rep {
    let mut at = HEAD;
    let segments = sizes.iter().enumerate().map(|(n, size)| {
        let range = ByteRange::new(at, at + size - 1).unwrap();
        at += size;
        ((n as f64 * seconds * f64::from(timescale)).round() as u64, range)
    });
    Rep {
        kind,
        id: format!("id of {name}"),
        downloadable: name.into(),
        file: String::new(),
        default: false,
        bitrate: 1,
        timescale,
        segments: segments.collect(),
        init: ByteRange::new(0, 59).unwrap(),
        index: ByteRange::new(60, HEAD - 1).unwrap(),
    }
}

/// Two representations of each track; those of a track are neighbours.
fn film() -> Arc<Film> {
    Arc::new(Film {
        reps: vec![
            rep(TrackKind::Video, "high", 12288, 4.0, &[70_000, 900, 5, 65_536, 800]),
            rep(TrackKind::Video, "low", 25, 4.04, &[8000, 1, 3000, 3000, 20]),
            rep(TrackKind::Audio, "english", 48000, 4.0, &[6000, 900, 900, 900, 3]),
            rep(TrackKind::Audio, "german", 44100, 3.99, &[700, 700, 700, 700, 700]),
        ],
    })
}

/// What stands in a file.
fn content(rep: usize, from: u64, to: u64) -> Vec<u8> {
    (from..to).map(|at| ((at.wrapping_mul(167) >> 3) as u8) ^ (rep as u8)).collect()
}

enum Reply {
    Told(Told),
    Octets(Piece, Vec<u8>),
}

/// A download: what is still to come of it.
struct Wanted {
    fetch: FetchId,
    rep: usize,
    at: u64,
    end: u64,
}

struct World {
    film: Arc<Film>,
    server: Playback,
    /// Of each track, the segment that is being sent: representation, number, the next octet.
    open: [Option<(usize, u32, u64)>; 2],
    client: Stream,
    opened: bool,
    asks: VecDeque<Ask>,
    replies: VecDeque<Reply>,
    wanted: [Option<Wanted>; 2],
    /// Of each track, what was wanted last: representation, number.
    last: [Option<(usize, usize)>; 2],
    fetches: u64,
    /// Octets of segments that were sent.
    sent: u64,
}

impl World {
    fn new() -> Self {
        let film = film();
        Self {
            server: Playback::new(Arc::clone(&film)),
            film,
            open: [None, None],
            client: Stream::connecting(NOW),
            opened: false,
            asks: VecDeque::new(),
            replies: VecDeque::new(),
            wanted: [None, None],
            last: [None, None],
            fetches: 0,
            sent: 0,
        }
    }

    /// What the player does with what its machine says.
    fn carry_out(&mut self, news: Vec<Do>, piece: &[u8]) {
        for one in news {
            match one {
                Do::Say(ask) => self.asks.push_back(ask),
                Do::Head { fetch, octets, last } => self.take(fetch, &octets, last),
                Do::Octets { fetch, skip, last } => self.take(fetch, &piece[skip as usize..], last),
            }
        }
    }

    fn take(&mut self, fetch: FetchId, octets: &[u8], last: bool) {
        let is_of = |slot: &Option<Wanted>| matches!(slot, Some(wanted) if wanted.fetch == fetch);
        let place = self.wanted.iter().position(is_of).expect("somebody wants it");
        let slot = &mut self.wanted[place];
        let wanted = slot.as_mut().unwrap();
        let to = wanted.at + octets.len() as u64;
        assert!(to <= wanted.end && octets == content(wanted.rep, wanted.at, to), "{fetch:?}");
        assert_eq!(last, to == wanted.end);
        wanted.at = to;
        if last {
            *slot = None;
        }
    }

    /// The engine wants a segment, with its head where `with_head` and it is the first; so many octets it
    /// has.
    fn want(&mut self, track: usize, rep: usize, number: usize, (with_head, offset): (bool, u64)) {
        let film = Arc::clone(&self.film);
        let Some((ticks, range)) = film.reps[rep].segments.get(number) else { return };
        if self.wanted[track].is_some() {
            return;
        }
        let head = if with_head && number == 0 { HEAD } else { 0 };
        let (first, end) = (range.first() - head, range.last() + 1);
        let at = (first + offset).min(end - 1);
        self.fetches += 1;
        let fetch = FetchId(self.fetches);
        let spec = FetchSpec {
            fetch,
            track: TRACKS[track],
            representation: film.reps[rep].downloadable.clone(),
            url: String::new(),
            range_header: true,
            range: EngineRange::new(at, end - 1).unwrap(),
            sized: true,
            head,
            offset: at - first,
            segment: true,
            start: Some(Duration::from_secs_f64(*ticks as f64 / f64::from(film.reps[rep].timescale))),
            afresh: false,
            client_data: None,
        };
        assert!(Stream::carries(&spec));
        self.wanted[track] = Some(Wanted { fetch, rep, at, end });
        self.last[track] = Some((rep, number));
        let news = self.client.want(&spec, NOW);
        self.carry_out(news, &[]);
    }

    fn give_up(&mut self, track: usize) {
        if let Some(wanted) = self.wanted[track].take() {
            let news = self.client.give_up(wanted.fetch);
            self.carry_out(news, &[]);
        }
    }

    fn open(&mut self) {
        if !std::mem::replace(&mut self.opened, true) {
            let news = self.client.opened(NOW);
            self.carry_out(news, &[]);
        }
    }

    /// The server hears something, as its connection does.
    fn hear(&mut self) -> bool {
        let Some(ask) = self.asks.pop_front() else { return false };
        match &ask {
            Ask::Head { rep } => {
                let place = self.film.find_any(rep).expect("there is such a file");
                let file = self.film.reps[place].downloadable.clone();
                let told = Told::Head { file, data: to_base64(&content(place, 0, HEAD)) };
                self.server.has_head(place);
                self.replies.push_back(Reply::Told(told));
                return true;
            }
            Ask::Play { .. } | Ask::Seek { track: None, .. } => self.open = [None, None],
            Ask::Seek { track: Some(track), .. } => self.open[track.number() as usize] = None,
            _ => {}
        }
        self.server.ask(&ask).expect("a player asks for what there is");
        true
    }

    /// The server does something, and takes so many octets at most.
    fn step(&mut self, most_octets: u64) -> bool {
        let film = Arc::clone(&self.film);
        let turn = self.server.turn();
        let reply = match self.server.next() {
            Step::Wait => return false,
            Step::Metadata => Reply::Told(Told::Metadata { data: String::new(), policy: "24h".into() }),
            Step::End => Reply::Told(Told::End { turn }),
            Step::Begin(segment) => {
                let rep = &film.reps[segment.rep];
                let (_, range) = rep.segments[segment.number];
                let number = segment.number as u32;
                self.open[rep.kind.number() as usize] = Some((segment.rep, number, range.first()));
                Reply::Told(Told::Segment {
                    track: rep.kind,
                    rep: rep.id.clone(),
                    file: rep.downloadable.clone(),
                    number,
                    place: range.first(),
                    start: 0.0,
                    bytes: range.length(),
                    turn,
                    init: None,
                })
            }
            Step::Send(track, most) => {
                let (rep, number, at) = self.open[track.number() as usize].as_mut().unwrap();
                let to = *at + most.min(most_octets);
                let octets = content(*rep, *at, to);
                *at = to;
                self.sent += octets.len() as u64;
                self.server.sent(track, octets.len() as u64);
                Reply::Octets(Piece { track: track.number(), number: *number }, octets)
            }
        };
        self.replies.push_back(reply);
        true
    }

    /// The player hears something.
    fn receive(&mut self) -> bool {
        match self.replies.pop_front() {
            None => return false,
            Some(Reply::Told(told)) => {
                let news = self.client.told(told, NOW).unwrap();
                self.carry_out(news, &[]);
            }
            Some(Reply::Octets(piece, octets)) => {
                let news = self.client.piece(piece, octets.len() as u64, NOW).unwrap();
                self.carry_out(news, &octets);
            }
        }
        true
    }

    /// Until nothing happens any more.
    fn settle(&mut self) {
        self.open();
        while self.hear() | self.step(u64::MAX) | self.receive() {}
    }
}

/// B87: a film from its beginning to its end. Nothing is sent that the engine does not ask for.
#[test]
fn b87_what_is_sent_is_what_is_wanted() {
    let mut world = World::new();
    let mut expected = 0;
    // From another representation on in the middle, and back: each segment is sent once.
    for (number, reps) in [[0, 2], [0, 2], [1, 2], [1, 3], [0, 3]].into_iter().enumerate() {
        for (track, rep) in reps.into_iter().enumerate() {
            world.want(track, rep, number, (true, 0));
            expected += world.film.reps[rep].segments[number].1.length();
        }
        world.settle();
        assert!(world.wanted.iter().all(Option::is_none), "{number}");
    }
    assert_eq!(world.sent, expected);
    // Back again, behind its end.
    world.want(0, 1, 2, (true, 0));
    world.settle();
    assert!(world.wanted[0].is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// B87: seeks, switches, and downloads that are given up and taken up again, at any moment.
    #[test]
    fn b87_each_download_gets_its_octets(
        steps in proptest::collection::vec((0u8..16, 0usize..2, 0usize..2, 0usize..5, 0u64..2000), 1..160),
    ) {
        let mut world = World::new();
        for (what, track, rep, number, some) in steps {
            match what {
                0 => world.want(track, track * 2 + rep, number, (true, 0)),
                1 => world.want(track, track * 2 + rep, number, (some % 2 == 0, some)),
                2..=4 => {
                    let (rep, number) = world.last[track].map_or((track * 2 + rep, 0), |(rep, n)| (rep, n + 1));
                    world.want(track, rep, number, (false, 0));
                }
                5 => world.give_up(track),
                6 => world.open(),
                7..=9 => _ = world.hear(),
                10..=12 => _ = world.step(some * 50 + 1),
                _ => _ = world.receive(),
            }
        }
        world.settle();
        prop_assert!(world.wanted.iter().all(Option::is_none));
    }
}
