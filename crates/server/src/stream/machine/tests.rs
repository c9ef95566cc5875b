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
