//! What is sent next over a persistent connection. Pure: asks and octets that were sent go in, steps come out.

use super::film::{Film, Instant, compare};
use nccp::stream::{Ask, FIRST_CREDIT, MAX_CREDIT, TrackKind};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Octets of a segment in one message, at most.
pub(crate) const PIECE: u64 = 16 << 10;

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing, until the client asks for something.
    Wait,
    /// A playback begins: its DRM metadata is due.
    Metadata,
    /// Announce this segment.
    Begin(Segment),
    /// Send up to so many octets of the segment that was announced of this track, and say how many they were.
    Send(TrackKind, u64),
    /// Say that the film is over.
    End,
}

/// A segment that is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Place of its representation in the film.
    pub(crate) rep: usize,
    /// Its number there.
    pub(crate) number: usize,
    /// Whether the track had another representation before it, or none, and the client has not its head either.
    pub(crate) with_init: bool,
}

/// Why an ask cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// There is no such representation of that track, or no such track.
    Unknown(TrackKind),
    /// Nothing is played yet.
    NotBegun,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Playing,
    Paused,
    Ended,
}

#[derive(Debug)]
struct Track {
    kind: TrackKind,
    /// The representation that `next` counts in.
    rep: usize,
    /// The one that is sent from the next segment on.
    wanted: usize,
    next: usize,
    /// The one whose init segment the client has last.
    told: Option<usize>,
    /// How much is left of the segment that is being sent.
    open: Option<u64>,
    /// What it may have, where each track has its own.
    credit: u64,
}

impl Track {
    /// Takes what is wanted into use, at the same place in the film.
    fn settle(&mut self, film: &Film) {
        if self.rep != self.wanted {
            let (from, to) = (&film.reps[self.rep], &film.reps[self.wanted]);
            self.next = from.start(self.next).map_or(to.segments.len(), |at| to.segment_for(at));
            self.rep = self.wanted;
        }
    }

    /// What was announced and not sent to its end stays behind.
    fn go_to(&mut self, film: &Film, seconds: f64) {
        self.open = None;
        self.rep = self.wanted;
        self.next = film.reps[self.rep].segment_at(seconds);
    }

    /// When its next segment begins; `None` at its end.
    fn start(&self, film: &Film) -> Option<Instant> {
        film.reps[self.rep].start(self.next)
    }

    /// The segment that is to be announced, if there is one, to a client with these heads.
    fn begin(&mut self, film: &Film, heads: &BTreeSet<usize>) -> Option<Segment> {
        let (_, range) = film.reps[self.rep].segments.get(self.next)?;
        let with_init = self.told != Some(self.rep) && !heads.contains(&self.rep);
        self.told = Some(self.rep);
        self.open = Some(range.length());
        Some(Segment { rep: self.rep, number: self.next, with_init })
    }
}

/// A client's playback.
#[derive(Debug)]
pub(crate) struct Playback {
    film: Arc<Film>,
    tracks: Vec<Track>,
    /// The representations whose heads the client has asked for: there are init segments in them.
    heads: BTreeSet<usize>,
    state: State,
    /// What all tracks may have together; `None` where each has its own.
    shared: Option<u64>,
    turn: u32,
    /// DRM metadata is due.
    begun: bool,
    /// Which of the tracks was sent last, where each has its own credit.
    last: usize,
}

impl Playback {
    pub(crate) fn new(film: Arc<Film>) -> Self {
        let track = |kind| {
            let rep = film.first(kind)?;
            Some(Track { kind, rep, wanted: rep, next: 0, told: None, open: None, credit: 0 })
        };
        let tracks = [TrackKind::Video, TrackKind::Audio].into_iter().filter_map(track).collect();
        let (state, shared) = (State::Idle, Some(FIRST_CREDIT));
        let heads = BTreeSet::new();
        Self { film, tracks, heads, state, shared, turn: 0, begun: false, last: 0 }
    }

    /// How many plays and seeks to a place were followed.
    pub(crate) const fn turn(&self) -> u32 {
        self.turn
    }

    /// The client was sent the head of the representation at this place in the film.
    pub(crate) fn has_head(&mut self, rep: usize) {
        self.heads.insert(rep);
    }

    /// Whether nothing was ever played.
    pub(crate) fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// Follows an ask, wholly or not at all. A head is nothing of a playback's.
    pub(crate) fn ask(&mut self, ask: &Ask) -> Result<(), Mistake> {
        match ask {
            Ask::Play { at, video, audio } => {
                self.choose(video.as_deref(), audio.as_deref())?;
                let begins = matches!(self.state, State::Idle | State::Ended);
                self.begun |= begins;
                if let Some(at) = at.or(begins.then_some(0.0)) {
                    self.go_to(at, None);
                }
                self.state = State::Playing;
            }
            Ask::Seek { at, track } => {
                if self.state == State::Idle {
                    return Err(Mistake::NotBegun);
                }
                if let Some(kind) = track {
                    self.track(*kind)?.credit = 0;
                }
                if self.state == State::Ended {
                    self.state = State::Playing;
                }
                self.go_to(*at, *track);
            }
            Ask::Switch { video, audio } => self.choose(video.as_deref(), audio.as_deref())?,
            Ask::Pause if self.state == State::Playing => self.state = State::Paused,
            Ask::Pause | Ask::Head { .. } => {}
            Ask::Credit { bytes, track } => self.grant(*bytes, *track)?,
        }
        Ok(())
    }

    fn track(&mut self, kind: TrackKind) -> Result<&mut Track, Mistake> {
        self.tracks.iter_mut().find(|track| track.kind == kind).ok_or(Mistake::Unknown(kind))
    }

    fn choose(&mut self, video: Option<&str>, audio: Option<&str>) -> Result<(), Mistake> {
        let find = |kind, name: Option<&str>| {
            name.map(|name| self.film.find(kind, name).ok_or(Mistake::Unknown(kind))).transpose()
        };
        let found = [find(TrackKind::Video, video)?, find(TrackKind::Audio, audio)?];
        for (kind, rep) in [TrackKind::Video, TrackKind::Audio].into_iter().zip(found) {
            let track = self.tracks.iter_mut().find(|track| track.kind == kind);
            if let (Some(track), Some(rep)) = (track, rep) {
                track.wanted = rep;
            }
        }
        Ok(())
    }

    fn grant(&mut self, octets: u64, kind: Option<TrackKind>) -> Result<(), Mistake> {
        let more = |credit: u64| credit.saturating_add(octets).min(MAX_CREDIT);
        match kind {
            Some(kind) => {
                let track = self.track(kind)?;
                track.credit = more(track.credit);
                self.shared = None;
            }
            None => match &mut self.shared {
                Some(shared) => *shared = more(*shared),
                None => self.tracks.iter_mut().for_each(|track| track.credit = more(track.credit)),
            },
        }
        Ok(())
    }

    /// All tracks, or the one of a kind.
    fn go_to(&mut self, seconds: f64, kind: Option<TrackKind>) {
        self.turn = self.turn.saturating_add(1);
        for track in self.tracks.iter_mut().filter(|track| kind.is_none_or(|kind| track.kind == kind)) {
            track.go_to(&self.film, seconds);
        }
    }

    pub(crate) fn next(&mut self) -> Step {
        if self.state != State::Playing {
            return Step::Wait;
        }
        if std::mem::take(&mut self.begun) {
            return Step::Metadata;
        }
        for track in self.tracks.iter_mut().filter(|track| track.open.is_none()) {
            track.settle(&self.film);
        }
        if self.tracks.iter().all(|track| track.open.is_none() && track.start(&self.film).is_none()) {
            self.state = State::Ended;
            return Step::End;
        }
        match self.shared {
            Some(credit) => self.next_in_order(credit),
            None => self.next_in_turn(),
        }
    }

    /// One segment behind the other: the one that is presented first; of equals the pictures, which come first
    /// here.
    fn next_in_order(&mut self, credit: u64) -> Step {
        if credit == 0 {
            return Step::Wait;
        }
        if let Some(track) = self.tracks.iter().find(|track| track.open.is_some()) {
            return Step::Send(track.kind, track.open.unwrap_or(0).min(credit).min(PIECE));
        }
        let (film, heads) = (&self.film, &self.heads);
        let waiting = self.tracks.iter_mut().filter_map(|track| Some((track.start(film)?, track)));
        let first = waiting.min_by(|a, b| compare(a.0, b.0));
        first.and_then(|(_, track)| track.begin(film, heads)).map_or(Step::Wait, Step::Begin)
    }

    /// A piece of each track that may have one, in turn.
    fn next_in_turn(&mut self) -> Step {
        let count = self.tracks.len();
        for n in (1..=count).map(|further| (self.last + further) % count) {
            let track = &mut self.tracks[n];
            if track.credit == 0 {
                continue;
            }
            if let Some(left) = track.open {
                self.last = n;
                return Step::Send(track.kind, left.min(track.credit).min(PIECE));
            }
            if let Some(segment) = track.begin(&self.film, &self.heads) {
                return Step::Begin(segment);
            }
        }
        Step::Wait
    }

    /// So many octets of the segment that was announced of a track are sent.
    pub(crate) fn sent(&mut self, kind: TrackKind, octets: u64) {
        let Some(track) = self.tracks.iter_mut().find(|track| track.kind == kind) else { return };
        let Some(left) = track.open else { return };
        let credit = self.shared.as_mut().unwrap_or(&mut track.credit);
        *credit = credit.saturating_sub(octets);
        track.open = Some(left.saturating_sub(octets)).filter(|left| *left > 0);
        if track.open.is_none() {
            track.next += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::film::Rep;
    use super::*;
    use nccp::ByteRange;
    use proptest::prelude::*;

    /// A representation of segments of so many seconds and octets.
    fn rep(kind: TrackKind, id: &str, timescale: u32, seconds: f64, sizes: &[u64]) -> Rep {
        let mut at = 100;
        let segments = sizes.iter().enumerate().map(|(n, size)| {
            let range = ByteRange::new(at, at + size - 1).unwrap();
            at += size;
            ((n as f64 * seconds * f64::from(timescale)).round() as u64, range)
        });
        Rep {
            kind,
            id: id.into(),
            downloadable: format!("{:010}", id.len()),
            file: String::new(),
            default: id == "a-en",
            bitrate: sizes[0] as u32,
            timescale,
            init: ByteRange::new(0, 49).unwrap(),
            index: ByteRange::new(50, 99).unwrap(),
            segments: segments.collect(),
        }
    }

    fn film() -> Arc<Film> {
        Arc::new(Film {
            reps: vec![
                rep(TrackKind::Video, "high", 12288, 4.0, &[300_000, 90_000, 70_000]),
                rep(TrackKind::Video, "low", 12288, 4.0, &[80_000, 5_000, 70_000]),
                rep(TrackKind::Audio, "a-en", 48000, 4.0, &[60_000, 6_000, 6_000]),
                rep(TrackKind::Audio, "a-de", 44100, 4.01, &[50_000, 5_000, 5_000]),
            ],
        })
    }

    fn play(at: Option<f64>, video: Option<&str>) -> Ask {
        Ask::Play { at, video: video.map(str::to_owned), audio: None }
    }

    /// Takes steps until there is nothing to do; a line for each segment.
    fn run(playback: &mut Playback) -> Vec<String> {
        let (film, mut lines) = (Arc::clone(&playback.film), Vec::new());
        loop {
            match playback.next() {
                Step::Wait => return lines,
                Step::Metadata => lines.push("metadata".into()),
                Step::End => lines.push("end".into()),
                Step::Begin(segment) => {
                    let init = if segment.with_init { " with init" } else { "" };
                    lines.push(format!("{} {}{init}", film.reps[segment.rep].id, segment.number));
                }
                Step::Send(track, most) => {
                    assert!(most > 0 && most <= PIECE);
                    playback.sent(track, most);
                }
            }
        }
    }

    #[test]
    fn a_film_from_its_beginning_to_its_end() {
        let mut playback = Playback::new(film());
        assert_eq!((run(&mut playback), playback.is_idle()), (vec![], true));
        playback.ask(&play(None, None)).unwrap();
        assert_eq!(
            run(&mut playback),
            ["metadata", "low 0 with init", "a-en 0 with init", "low 1", "a-en 1", "low 2", "a-en 2", "end"]
        );
        // Once more is another playback; a place in it is not.
        playback.ask(&play(Some(7.9), None)).unwrap();
        assert_eq!(run(&mut playback), ["metadata", "low 1", "a-en 1", "low 2", "a-en 2", "end"]);
        playback.ask(&Ask::Seek { at: 99.0, track: None }).unwrap();
        assert_eq!(
            (run(&mut playback), playback.turn()),
            (vec!["low 2".into(), "a-en 2".into(), "end".into()], 3)
        );
    }

    /// Who has a representation's head has its init segment.
    #[test]
    fn no_init_segment_comes_twice() {
        let film = film();
        let mut playback = Playback::new(Arc::clone(&film));
        playback.has_head(film.find_any("low").unwrap());
        playback.ask(&play(None, None)).unwrap();
        assert!(matches!(playback.next(), Step::Metadata));
        let mut begin = |ask: Option<Ask>| {
            if let Some(ask) = ask {
                playback.ask(&ask).unwrap();
            }
            loop {
                match playback.next() {
                    Step::Begin(Segment { rep, with_init, .. }) => {
                        return format!("{} {with_init}", film.reps[rep].id);
                    }
                    Step::Send(track, most) => playback.sent(track, most),
                    other => panic!("{other:?}"),
                }
            }
        };
        assert_eq!([begin(None), begin(None)], ["low false", "a-en true"]);
        let high = Ask::Switch { video: Some("high".into()), audio: None };
        assert_eq!([begin(Some(high)), begin(None)], ["high true", "a-en false"]);
        let low = Ask::Switch { video: Some("low".into()), audio: None };
        assert_eq!(begin(Some(low)), "low false");
    }

    #[test]
    fn pauses_seeks_and_switches() {
        let mut playback = Playback::new(film());
        assert_eq!(playback.ask(&Ask::Seek { at: 1.0, track: None }), Err(Mistake::NotBegun));
        assert_eq!(playback.ask(&play(None, Some("a-en"))), Err(Mistake::Unknown(TrackKind::Video)));
        assert_eq!(run(&mut playback), [""; 0], "what cannot be followed changes nothing");
        playback.ask(&play(None, Some("high"))).unwrap();
        assert_eq!(playback.next(), Step::Metadata);
        assert!(matches!(playback.next(), Step::Begin(_)));
        playback.sent(TrackKind::Video, 1000);
        playback.ask(&Ask::Pause).unwrap();
        assert_eq!(playback.next(), Step::Wait);
        // It goes on within the segment, which ends as it began; the next one is another's.
        playback.ask(&Ask::Switch { video: Some("low".into()), audio: Some("a-de".into()) }).unwrap();
        playback.ask(&play(None, None)).unwrap();
        assert_eq!(playback.next(), Step::Send(TrackKind::Video, PIECE));
        let rest = run(&mut playback);
        assert_eq!(
            rest,
            ["a-de 0 with init", "low 1 with init", "a-de 1", "low 2", "a-de 2", "end"],
            "a turn is no segment twice"
        );
        // Elsewhere in the middle of a segment: what is left of it is not sent.
        playback.ask(&play(None, None)).unwrap();
        assert_eq!(playback.next(), Step::Metadata);
        assert!(matches!(playback.next(), Step::Begin(Segment { number: 0, .. })));
        playback.sent(TrackKind::Video, 5);
        playback.ask(&Ask::Seek { at: 8.5, track: None }).unwrap();
        assert_eq!(run(&mut playback), ["low 2", "a-de 2", "end"]);
    }

    #[test]
    fn credit_bounds_what_is_sent() {
        let mut playback = Playback::new(film());
        playback.ask(&play(None, Some("high"))).unwrap();
        run(&mut playback);
        assert!(playback.state == State::Ended, "the film is smaller than the first credit");
        let spent: u64 = 300_000 + 90_000 + 70_000 + 60_000 + 6_000 + 6_000;
        assert_eq!(playback.shared, Some(FIRST_CREDIT - spent));
        playback.shared = Some(10);
        playback.ask(&play(None, None)).unwrap();
        assert_eq!(run(&mut playback), ["metadata", "high 0"]);
        assert_eq!((playback.shared, playback.tracks[0].open), (Some(0), Some(299_990)));
        playback.ask(&Ask::Credit { bytes: u64::MAX, track: None }).unwrap();
        assert_eq!(playback.shared, Some(MAX_CREDIT));
    }

    /// Whoever grants by track gets tracks side by side, each as far as it was granted, wherever each is.
    #[test]
    fn tracks_that_are_granted_apart_come_side_by_side() {
        let mut playback = Playback::new(film());
        let grant = |bytes, track| Ask::Credit { bytes, track: Some(track) };
        playback.ask(&grant(300_000, TrackKind::Video)).unwrap();
        playback.ask(&play(Some(0.0), Some("high"))).unwrap();
        assert_eq!(playback.next(), Step::Metadata);
        assert!(matches!(playback.next(), Step::Begin(Segment { rep: 0, number: 0, .. })));
        assert_eq!(playback.next(), Step::Send(TrackKind::Video, PIECE));
        playback.sent(TrackKind::Video, PIECE);
        // Far ahead of the pictures, and not behind them.
        playback.ask(&Ask::Seek { at: 8.0, track: Some(TrackKind::Audio) }).unwrap();
        playback.ask(&grant(6_000, TrackKind::Audio)).unwrap();
        assert!(matches!(playback.next(), Step::Begin(Segment { rep: 2, number: 2, .. })));
        assert_eq!(playback.next(), Step::Send(TrackKind::Audio, 6_000));
        playback.sent(TrackKind::Audio, 6_000);
        assert_eq!(playback.next(), Step::Send(TrackKind::Video, PIECE));
        // What was granted is lost with a seek of the track; the other one's is not.
        playback.ask(&Ask::Seek { at: 4.0, track: Some(TrackKind::Video) }).unwrap();
        assert_eq!(run(&mut playback), [""; 0]);
        playback.ask(&grant(90_000, TrackKind::Video)).unwrap();
        assert_eq!((run(&mut playback), playback.turn()), (vec!["high 1".to_owned()], 3));
        playback.ask(&grant(70_000, TrackKind::Video)).unwrap();
        assert_eq!(run(&mut playback), ["high 2", "end"]);
        playback.ask(&Ask::Seek { at: 4.0, track: Some(TrackKind::Audio) }).unwrap();
        playback.ask(&grant(1, TrackKind::Audio)).unwrap();
        assert_eq!(run(&mut playback), ["a-en 1"]);
    }

    fn ask() -> impl Strategy<Value = Ask> {
        let name = |names: &'static [&'static str]| {
            proptest::option::of(proptest::sample::select(names).prop_map(str::to_owned))
        };
        let (video, audio) = (name(&["high", "low", "none"]), name(&["a-en", "a-de"]));
        prop_oneof![
            (proptest::option::of(-5.0f64..20.0), video.clone(), audio.clone())
                .prop_map(|(at, video, audio)| Ask::Play { at, video, audio }),
            (any::<f64>(), track()).prop_map(|(at, track)| Ask::Seek { at, track }),
            (video, audio).prop_map(|(video, audio)| Ask::Switch { video, audio }),
            Just(Ask::Pause),
            (0u64..200_000, track()).prop_map(|(bytes, track)| Ask::Credit { bytes, track }),
        ]
    }

    /// No track in most cases: the first grant of one gives each its own credit for good.
    fn track() -> impl Strategy<Value = Option<TrackKind>> {
        proptest::option::weighted(0.3, prop_oneof![Just(TrackKind::Video), Just(TrackKind::Audio)])
    }

    /// What may be sent still.
    #[derive(Debug)]
    enum Credit {
        Shared(u64),
        OfTracks([u64; 2]),
    }

    impl Credit {
        fn follow(&mut self, ask: &Ask) {
            let more = |credit: &mut u64, bytes: &u64| *credit = (*credit + bytes).min(MAX_CREDIT);
            match (&mut *self, ask) {
                (Self::Shared(all), Ask::Credit { bytes, track: None }) => more(all, bytes),
                (Self::Shared(_), Ask::Credit { bytes, track: Some(kind) }) => {
                    let mut tracks = [0; 2];
                    more(&mut tracks[kind.number() as usize], bytes);
                    *self = Self::OfTracks(tracks);
                }
                (Self::OfTracks(tracks), Ask::Credit { bytes, track: None }) => {
                    tracks.iter_mut().for_each(|credit| more(credit, bytes));
                }
                (Self::OfTracks(tracks), Ask::Credit { bytes, track: Some(kind) }) => {
                    more(&mut tracks[kind.number() as usize], bytes);
                }
                (Self::OfTracks(tracks), Ask::Seek { track: Some(kind), .. }) => {
                    tracks[kind.number() as usize] = 0;
                }
                _ => {}
            }
        }

        fn of(&mut self, kind: TrackKind) -> &mut u64 {
            match self {
                Self::Shared(all) => all,
                Self::OfTracks(tracks) => &mut tracks[kind.number() as usize],
            }
        }
    }

    proptest! {
        /// Whatever is asked for and however much of it is taken at a time: no octet without credit, none twice
        /// and none left out within a segment, and none while it pauses; each segment is the one behind the last
        /// of its track; with enough credit it ends.
        #[test]
        fn whatever_is_asked_for(asks in proptest::collection::vec((ask(), 0usize..12, 1u64..100_000), 1..40)) {
            let film = film();
            let mut playback = Playback::new(Arc::clone(&film));
            let mut credit = Credit::Shared(FIRST_CREDIT);
            // Of each track what is left of the segment under way, and the instant at which the next one begins.
            let (mut open, mut due): ([Option<u64>; 2], [Option<f64>; 2]) = ([None; 2], [None; 2]);
            let mut turn = 0;
            for (ask, steps, piece) in asks {
                let followed = playback.ask(&ask).is_ok();
                if followed {
                    credit.follow(&ask);
                }
                if playback.turn() != turn {
                    turn = playback.turn();
                    match ask {
                        Ask::Seek { track: Some(kind), .. } => {
                            (open[kind.number() as usize], due[kind.number() as usize]) = (None, None);
                        }
                        _ => (open, due) = ([None; 2], [None; 2]),
                    }
                }
                for _ in 0..steps {
                    match playback.next() {
                        Step::Wait => break,
                        Step::Metadata | Step::End => prop_assert_eq!(open, [None; 2]),
                        Step::Begin(segment) => {
                            prop_assert_eq!(playback.state, State::Playing);
                            let rep = &film.reps[segment.rep];
                            let n = rep.kind.number() as usize;
                            match credit {
                                Credit::Shared(_) => prop_assert_eq!(open, [None; 2], "one at a time"),
                                Credit::OfTracks(_) => prop_assert_eq!(open[n], None),
                            }
                            prop_assert!(*credit.of(rep.kind) > 0);
                            let begins = rep.segments[segment.number].0 as f64 / f64::from(rep.timescale);
                            prop_assert!(due[n].is_none_or(|due| (due - begins).abs() < 0.1), "{due:?} {begins}");
                            due[n] = Some(begins + 4.0);
                            open[n] = Some(rep.segments[segment.number].1.length());
                        }
                        Step::Send(track, most) => {
                            prop_assert_eq!(playback.state, State::Playing);
                            let Some(left) = &mut open[track.number() as usize] else {
                                return Err(TestCaseError::fail("no segment was announced"));
                            };
                            prop_assert!(most > 0 && most <= *left && most <= PIECE && most <= *credit.of(track));
                            let taken = most.min(piece);
                            playback.sent(track, taken);
                            *credit.of(track) -= taken;
                            *left -= taken;
                            if *left == 0 {
                                open[track.number() as usize] = None;
                            }
                        }
                    }
                }
            }
            playback.ask(&Ask::Credit { bytes: MAX_CREDIT, track: None }).unwrap();
            playback.ask(&play(None, None)).unwrap();
            prop_assert_eq!(run(&mut playback).pop().unwrap(), "end");
        }
    }
}
