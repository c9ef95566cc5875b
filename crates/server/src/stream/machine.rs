//! What is sent next over a persistent connection. Pure: asks and octets that were sent go in, steps come out.

use super::film::{Film, compare};
use nccp::stream::{Ask, FIRST_CREDIT, MAX_CREDIT, TrackKind};
use std::sync::Arc;

/// Octets of a segment in one message, at most.
pub(crate) const PIECE: u64 = 64 << 10;

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing, until the client asks for something.
    Wait,
    /// A playback begins: its DRM metadata is due.
    Metadata,
    /// Announce this segment.
    Begin(Segment),
    /// Send up to so many octets of the segment that was announced, and say how many they were.
    Send(u64),
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
    /// Whether the track had another representation before it, or none.
    pub(crate) with_init: bool,
}

/// Why an ask cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// There is no such representation of that track.
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
}

/// The segment that is being sent.
#[derive(Debug)]
struct Current {
    track: usize,
    left: u64,
}

/// A client's playback.
#[derive(Debug)]
pub(crate) struct Playback {
    film: Arc<Film>,
    tracks: Vec<Track>,
    state: State,
    credit: u64,
    turn: u32,
    current: Option<Current>,
    /// DRM metadata is due.
    begun: bool,
}

impl Playback {
    pub(crate) fn new(film: Arc<Film>) -> Self {
        let track = |kind| {
            let rep = film.first(kind)?;
            Some(Track { kind, rep, wanted: rep, next: 0, told: None })
        };
        let tracks = [TrackKind::Video, TrackKind::Audio].into_iter().filter_map(track).collect();
        let state = State::Idle;
        Self { film, tracks, state, credit: FIRST_CREDIT, turn: 0, current: None, begun: false }
    }

    /// How many plays and seeks to a place were followed.
    pub(crate) const fn turn(&self) -> u32 {
        self.turn
    }

    /// Whether nothing was ever played.
    pub(crate) fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// Follows an ask, wholly or not at all.
    pub(crate) fn ask(&mut self, ask: &Ask) -> Result<(), Mistake> {
        match ask {
            Ask::Play { at, video, audio } => {
                self.choose(video.as_deref(), audio.as_deref())?;
                let begins = matches!(self.state, State::Idle | State::Ended);
                self.begun |= begins;
                if let Some(at) = at.or(begins.then_some(0.0)) {
                    self.go_to(at);
                }
                self.state = State::Playing;
            }
            Ask::Seek { at } => {
                match self.state {
                    State::Idle => return Err(Mistake::NotBegun),
                    State::Ended => self.state = State::Playing,
                    State::Playing | State::Paused => {}
                }
                self.go_to(*at);
            }
            Ask::Switch { video, audio } => self.choose(video.as_deref(), audio.as_deref())?,
            Ask::Pause if self.state == State::Playing => self.state = State::Paused,
            Ask::Pause => {}
            Ask::Credit { bytes } => self.credit = self.credit.saturating_add(*bytes).min(MAX_CREDIT),
        }
        Ok(())
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

    /// What was announced and not sent to its end stays behind.
    fn go_to(&mut self, seconds: f64) {
        self.current = None;
        self.turn = self.turn.saturating_add(1);
        for track in &mut self.tracks {
            track.rep = track.wanted;
            track.next = self.film.reps[track.rep].segment_at(seconds);
        }
    }

    pub(crate) fn next(&mut self) -> Step {
        if self.state != State::Playing {
            return Step::Wait;
        }
        if std::mem::take(&mut self.begun) {
            return Step::Metadata;
        }
        if let Some(current) = &self.current {
            return match current.left.min(self.credit).min(PIECE) {
                0 => Step::Wait,
                most => Step::Send(most),
            };
        }
        for track in &mut self.tracks {
            track.settle(&self.film);
        }
        let start = |track: &Track| self.film.reps[track.rep].start(track.next);
        let waiting = self.tracks.iter().enumerate().filter_map(|(n, track)| Some((n, start(track)?)));
        // The one that is presented first; of equals the pictures, which come first here.
        let Some((n, _)) = waiting.min_by(|a, b| compare(a.1, b.1)) else {
            self.state = State::Ended;
            return Step::End;
        };
        if self.credit == 0 {
            return Step::Wait;
        }
        let track = &mut self.tracks[n];
        let with_init = track.told != Some(track.rep);
        track.told = Some(track.rep);
        let left = self.film.reps[track.rep].segments[track.next].1.length();
        self.current = Some(Current { track: n, left });
        Step::Begin(Segment { rep: track.rep, number: track.next, with_init })
    }

    /// So many octets of the segment that was announced are sent.
    pub(crate) fn sent(&mut self, octets: u64) {
        let Some(current) = &mut self.current else { return };
        self.credit = self.credit.saturating_sub(octets);
        current.left = current.left.saturating_sub(octets);
        if current.left == 0 {
            self.tracks[current.track].next += 1;
            self.current = None;
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
            init: ByteRange::new(0, 99).unwrap(),
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
                Step::Send(most) => {
                    assert!(most > 0 && most <= PIECE);
                    playback.sent(most);
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
        playback.ask(&Ask::Seek { at: 99.0 }).unwrap();
        assert_eq!(
            (run(&mut playback), playback.turn()),
            (vec!["low 2".into(), "a-en 2".into(), "end".into()], 3)
        );
    }

    #[test]
    fn pauses_seeks_and_switches() {
        let mut playback = Playback::new(film());
        assert_eq!(playback.ask(&Ask::Seek { at: 1.0 }), Err(Mistake::NotBegun));
        assert_eq!(playback.ask(&play(None, Some("a-en"))), Err(Mistake::Unknown(TrackKind::Video)));
        assert_eq!(run(&mut playback), [""; 0], "what cannot be followed changes nothing");
        playback.ask(&play(None, Some("high"))).unwrap();
        assert_eq!(playback.next(), Step::Metadata);
        assert!(matches!(playback.next(), Step::Begin(_)));
        playback.sent(1000);
        playback.ask(&Ask::Pause).unwrap();
        assert_eq!(playback.next(), Step::Wait);
        // It goes on within the segment, which ends as it began; the next one is another's.
        playback.ask(&Ask::Switch { video: Some("low".into()), audio: Some("a-de".into()) }).unwrap();
        playback.ask(&play(None, None)).unwrap();
        assert_eq!(playback.next(), Step::Send(PIECE));
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
        playback.sent(5);
        playback.ask(&Ask::Seek { at: 8.5 }).unwrap();
        assert_eq!(run(&mut playback), ["low 2", "a-de 2", "end"]);
    }

    #[test]
    fn credit_bounds_what_is_sent() {
        let mut playback = Playback::new(film());
        playback.ask(&play(None, Some("high"))).unwrap();
        run(&mut playback);
        assert!(playback.state == State::Ended, "the film is smaller than the first credit");
        let spent: u64 = 300_000 + 90_000 + 70_000 + 60_000 + 6_000 + 6_000;
        assert_eq!(playback.credit, FIRST_CREDIT - spent);
        playback.credit = 10;
        playback.ask(&play(None, None)).unwrap();
        assert_eq!(run(&mut playback), ["metadata", "high 0"]);
        assert_eq!((playback.credit, playback.current.as_ref().unwrap().left), (0, 299_990));
        playback.ask(&Ask::Credit { bytes: u64::MAX }).unwrap();
        assert_eq!(playback.credit, MAX_CREDIT);
    }

    fn ask() -> impl Strategy<Value = Ask> {
        let name = |names: &'static [&'static str]| {
            proptest::option::of(proptest::sample::select(names).prop_map(str::to_owned))
        };
        let (video, audio) = (name(&["high", "low", "none"]), name(&["a-en", "a-de"]));
        prop_oneof![
            (proptest::option::of(-5.0f64..20.0), video.clone(), audio.clone())
                .prop_map(|(at, video, audio)| Ask::Play { at, video, audio }),
            any::<f64>().prop_map(|at| Ask::Seek { at }),
            (video, audio).prop_map(|(video, audio)| Ask::Switch { video, audio }),
            Just(Ask::Pause),
            (0u64..200_000).prop_map(|bytes| Ask::Credit { bytes }),
        ]
    }

    proptest! {
        /// Whatever is asked for and however much of it is taken at a time: no octet without credit, none twice
        /// and none left out within a segment, and none while it pauses; each segment is the one behind the last
        /// of its track; with enough credit it ends.
        #[test]
        fn whatever_is_asked_for(asks in proptest::collection::vec((ask(), 0usize..12, 1u64..100_000), 1..40)) {
            let film = film();
            let mut playback = Playback::new(Arc::clone(&film));
            let (mut granted, mut sent) = (FIRST_CREDIT, 0u64);
            let (mut open, mut turn): (Option<(Segment, u64)>, u32) = (None, 0);
            // Of each track, the instant at which the next segment begins.
            let mut due: [Option<f64>; 2] = [None, None];
            for (ask, steps, piece) in asks {
                if playback.ask(&ask).is_ok()
                    && let Ask::Credit { bytes } = ask
                {
                    granted += bytes;
                }
                if playback.turn() != turn {
                    (turn, open, due) = (playback.turn(), None, [None, None]);
                }
                for _ in 0..steps {
                    match playback.next() {
                        Step::Wait => break,
                        Step::Metadata | Step::End => prop_assert!(open.is_none()),
                        Step::Begin(segment) => {
                            prop_assert!(open.is_none());
                            prop_assert_eq!(playback.state, State::Playing);
                            let rep = &film.reps[segment.rep];
                            let begins = rep.segments[segment.number].0 as f64 / f64::from(rep.timescale);
                            let due = &mut due[rep.kind.number() as usize];
                            prop_assert!(due.is_none_or(|due| (due - begins).abs() < 0.1), "{due:?} {begins}");
                            *due = Some(begins + 4.0);
                            open = Some((segment, rep.segments[segment.number].1.length()));
                        }
                        Step::Send(most) => {
                            prop_assert_eq!(playback.state, State::Playing);
                            let Some((_, left)) = &mut open else {
                                return Err(TestCaseError::fail("no segment was announced"));
                            };
                            prop_assert!(most > 0 && most <= *left && most <= PIECE);
                            let taken = most.min(piece);
                            playback.sent(taken);
                            (sent, *left) = (sent + taken, *left - taken);
                            if *left == 0 {
                                open = None;
                            }
                        }
                    }
                    prop_assert!(sent <= granted);
                }
            }
            playback.ask(&Ask::Credit { bytes: MAX_CREDIT }).unwrap();
            playback.ask(&play(None, None)).unwrap();
            prop_assert_eq!(run(&mut playback).pop().unwrap(), "end");
        }
    }
}
