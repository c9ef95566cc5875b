use engine::model::{ByteRange, TrackKind as EngineTrack};
use proptest::prelude::*;

use super::*;

const NOW: Duration = Duration::from_secs(10);
const HEAD: u64 = 100;

/// A segment of 1000 octets and 4 s of a file, or with its head in front where it is the first.
fn segment(fetch: u64, track: EngineTrack, file: &str, number: u64, (head, offset): (u64, u64)) -> FetchSpec {
    let place = HEAD + number * 1000;
    FetchSpec {
        fetch: FetchId(fetch),
        track,
        representation: file.into(),
        url: String::new(),
        range_header: true,
        range: ByteRange::new(place - head + offset, place + 999).unwrap(),
        sized: true,
        head,
        offset,
        segment: true,
        start: Some(Duration::from_secs(number * 4)),
        afresh: false,
        client_data: None,
    }
}

fn video(fetch: u64, file: &str, number: u64) -> FetchSpec {
    segment(fetch, EngineTrack::Video, file, number, (0, 0))
}

fn audio(fetch: u64, number: u64) -> FetchSpec {
    segment(fetch, EngineTrack::Audio, "sound", number, (0, 0))
}

fn head(fetch: u64, file: &str) -> FetchSpec {
    FetchSpec {
        range: ByteRange::new(0, HEAD - 1).unwrap(),
        head: HEAD,
        segment: false,
        start: None,
        ..video(fetch, file, 0)
    }
}

/// What is said, as it is sent; and what is handed on.
fn lines(news: Vec<Do>) -> Vec<String> {
    let line = |one| match one {
        Do::Say(ask) => serde_json::to_string(&ask).unwrap(),
        Do::Head { fetch, octets, last } => format!("{}: head of {} {last}", fetch.0, octets.len()),
        Do::Octets { fetch, skip, last } => format!("{}: all but {skip} {last}", fetch.0),
    };
    news.into_iter().map(line).collect()
}

fn announced(track: TrackKind, file: &str, number: u32, turn: u32) -> Told {
    Told::Segment {
        track,
        rep: "v".into(),
        file: file.into(),
        number,
        place: HEAD + u64::from(number) * 1000,
        start: 0.0,
        bytes: 1000,
        turn,
        init: None,
    }
}

fn piece(track: TrackKind, number: u32) -> Piece {
    Piece { track: track.number(), number }
}

/// One that plays: the first segment of `low` has come.
fn playing() -> Stream {
    let mut stream = Stream::connecting(NOW);
    stream.opened(NOW);
    stream.want(&video(1, "low", 0), NOW);
    stream.told(announced(TrackKind::Video, "low", 0, 1), NOW).unwrap();
    stream.piece(piece(TrackKind::Video, 0), 1000, NOW).unwrap();
    stream
}

#[test]
fn what_is_wanted_before_it_is_open_is_asked_for_then() {
    let mut stream = Stream::connecting(NOW);
    let first = segment(1, EngineTrack::Video, "low", 0, (HEAD, 0));
    assert_eq!(stream.want(&first, NOW), []);
    assert_eq!(stream.want(&audio(2, 0), NOW), []);
    assert_eq!(
        lines(stream.opened(NOW)),
        [
            r#"{"do":"head","rep":"low"}"#,
            r#"{"do":"credit","bytes":1000,"track":"video"}"#,
            r#"{"do":"play","at":0.001,"video":"low"}"#,
            r#"{"do":"switch","audio":"sound"}"#,
            r#"{"do":"seek","at":0.001,"track":"audio"}"#,
            r#"{"do":"credit","bytes":1000,"track":"audio"}"#,
        ]
    );
    let data = nccp::stream::to_base64(&[7; HEAD as usize]);
    let told = stream.told(Told::Head { file: "low".into(), data }, NOW).unwrap();
    assert_eq!(lines(told), ["1: head of 100 false"]);
    // Tracks come side by side, in pieces.
    stream.told(announced(TrackKind::Video, "low", 0, 1), NOW).unwrap();
    stream.told(announced(TrackKind::Audio, "sound", 0, 2), NOW).unwrap();
    assert_eq!(lines(stream.piece(piece(TrackKind::Video, 0), 400, NOW).unwrap()), ["1: all but 0 false"]);
    assert_eq!(lines(stream.piece(piece(TrackKind::Audio, 0), 1000, NOW).unwrap()), ["2: all but 0 true"]);
    assert_eq!(lines(stream.piece(piece(TrackKind::Video, 0), 600, NOW).unwrap()), ["1: all but 0 true"]);
    assert!(!stream.is_silent(NOW + Duration::from_secs(999)), "nothing is wanted");
}

/// The next segment is a grant; any other a seek of its track, and of another representation a switch before
/// it.
#[test]
fn the_engine_says_what_is_next() {
    for (wanted, said) in [
        (video(2, "low", 1), &[r#"{"do":"credit","bytes":1000,"track":"video"}"#][..]),
        (
            video(2, "low", 7),
            &[
                r#"{"do":"seek","at":28.001,"track":"video"}"#,
                r#"{"do":"credit","bytes":1000,"track":"video"}"#,
            ][..],
        ),
        (
            video(2, "high", 1),
            &[
                r#"{"do":"switch","video":"high"}"#,
                r#"{"do":"seek","at":4.001,"track":"video"}"#,
                r#"{"do":"credit","bytes":1000,"track":"video"}"#,
            ][..],
        ),
        (head(2, "high"), &[r#"{"do":"head","rep":"high"}"#][..]),
    ] {
        assert_eq!(lines(playing().want(&wanted, NOW)), said, "{wanted:?}");
    }
}

/// What was under way when the engine gave it up stops, and what of it still comes is nobody's.
#[test]
fn what_is_given_up_is_left() {
    let mut stream = playing();
    stream.want(&video(2, "low", 1), NOW);
    stream.told(announced(TrackKind::Video, "low", 1, 1), NOW).unwrap();
    assert_eq!(lines(stream.piece(piece(TrackKind::Video, 1), 10, NOW).unwrap()), ["2: all but 0 false"]);
    assert_eq!(lines(stream.give_up(FetchId(2))), [r#"{"do":"seek","at":4.001,"track":"video"}"#]);
    assert_eq!(stream.give_up(FetchId(2)), []);
    // The same download goes on where it was.
    let rest = segment(2, EngineTrack::Video, "low", 1, (0, 10));
    assert_eq!(
        lines(stream.want(&rest, NOW)),
        [r#"{"do":"seek","at":4.001,"track":"video"}"#, r#"{"do":"credit","bytes":1000,"track":"video"}"#]
    );
    assert_eq!(stream.piece(piece(TrackKind::Video, 1), 990, NOW).unwrap(), [], "of the turn before");
    assert_eq!(stream.told(announced(TrackKind::Video, "low", 2, 2), NOW).unwrap(), []);
    stream.told(announced(TrackKind::Video, "low", 1, 3), NOW).unwrap();
    assert_eq!(lines(stream.piece(piece(TrackKind::Video, 1), 6, NOW).unwrap()), ["2: all but 6 false"]);
    assert_eq!(lines(stream.piece(piece(TrackKind::Video, 1), 994, NOW).unwrap()), ["2: all but 4 true"]);
}

/// A head that was given up is nobody's; asked for again it comes once.
#[test]
fn heads_are_whole_and_whoever_wants_them_has_them() {
    let mut stream = playing();
    let told =
        |octets: usize| Told::Head { file: "high".into(), data: nccp::stream::to_base64(&vec![1; octets]) };
    stream.want(&head(2, "high"), NOW);
    stream.give_up(FetchId(2));
    stream.want(&head(3, "high"), NOW);
    assert_eq!(lines(stream.told(told(100), NOW).unwrap()), ["3: head of 100 true"]);
    assert_eq!(stream.told(told(100), NOW).unwrap(), []);
    stream.want(&head(4, "high"), NOW);
    assert_eq!(stream.told(told(99), NOW), Err(Broken::Nonsense));
}

#[test]
fn what_no_server_says_ends_it() {
    let nonsense: Result<Vec<Do>, Broken> = Err(Broken::Nonsense);
    // Not granted; another file; another place; octets of nothing.
    let mut stream = playing();
    assert_eq!(stream.told(announced(TrackKind::Video, "low", 1, 1), NOW), nonsense);
    stream.want(&video(2, "low", 1), NOW);
    assert_eq!(stream.told(announced(TrackKind::Video, "high", 1, 1), NOW), nonsense);
    assert_eq!(stream.told(announced(TrackKind::Video, "low", 2, 1), NOW), nonsense);
    assert_eq!(stream.piece(piece(TrackKind::Video, 1), 1, NOW), nonsense);
    assert_eq!(stream.piece(Piece { track: 9, number: 0 }, 1, NOW), nonsense);
    stream.told(announced(TrackKind::Video, "low", 1, 1), NOW).unwrap();
    assert_eq!(stream.piece(piece(TrackKind::Video, 1), 1001, NOW), nonsense);
    assert_eq!(stream.piece(piece(TrackKind::Video, 2), 1, NOW), nonsense);
    let told = Told::Error { code: "TRY_LATER".into(), message: "<b>".into() };
    assert_eq!(stream.told(told, NOW).unwrap_err().code(), Some("TRY_LATER"));
    assert_eq!(Broken::Told("<b>".into()).code(), None);
    assert_eq!(Broken::Closed.code(), None);
}

/// A connection of which nothing comes is given up before the engine blames a CDN, and leaves each download
/// once.
#[test]
fn silence_ends_it_and_every_download_is_told() {
    let mut stream = Stream::connecting(NOW);
    assert!(
        !stream.is_silent(NOW + Duration::from_secs(2)) && stream.is_silent(NOW + Duration::from_secs(3))
    );
    assert!(SILENCE < engine::Config::default().retry.first_byte);
    stream.want(&head(4, "low"), NOW);
    assert_eq!(stream.close(), [FetchId(4)]);
    let mut stream = playing();
    let later = NOW + Duration::from_secs(60);
    stream.want(&segment(2, EngineTrack::Video, "high", 0, (HEAD, 0)), later);
    stream.want(&audio(3, 0), later);
    assert!(!stream.is_silent(later) && stream.is_silent(later + Duration::from_secs(3)));
    // What comes of one track says nothing of the other: its download would be given up by the engine.
    stream.told(announced(TrackKind::Audio, "sound", 0, 3), later + Duration::from_secs(2)).unwrap();
    assert!(stream.is_silent(later + Duration::from_secs(3)));
    stream.told(announced(TrackKind::Video, "high", 0, 2), later + Duration::from_secs(2)).unwrap();
    assert!(stream.is_silent(later + Duration::from_secs(3)), "its head");
    let data = nccp::stream::to_base64(&[7; HEAD as usize]);
    stream.told(Told::Head { file: "high".into(), data }, later + Duration::from_secs(2)).unwrap();
    assert!(!stream.is_silent(later + Duration::from_secs(3)));
    assert!(stream.is_silent(later + Duration::from_secs(5)));
    assert_eq!(stream.close(), [FetchId(2), FetchId(3)]);
    assert_eq!(stream.close(), []);
}

#[test]
fn not_everything_comes_this_way() {
    assert!(Stream::carries(&video(1, "low", 0)) && Stream::carries(&head(1, "low")));
    for other in [
        FetchSpec { afresh: true, ..video(1, "low", 0) },
        FetchSpec { sized: false, ..video(1, "low", 0) },
        FetchSpec { start: None, ..video(1, "low", 0) },
        FetchSpec { head: 0, ..head(1, "low") },
    ] {
        assert!(!Stream::carries(&other), "{other:?}");
    }
}

/// What a server may say that means nothing good.
fn anything() -> impl Strategy<Value = (Told, Piece, u64)> {
    let kind = prop_oneof![Just(TrackKind::Video), Just(TrackKind::Audio)];
    let number = prop_oneof![0u32..3, any::<u32>()];
    let length = prop_oneof![Just(1000), 0u64..2000, any::<u64>()];
    (kind, number, any::<bool>(), length, 0u32..4, 0u32..3).prop_map(
        |(track, number, is_head, bytes, turn, at)| {
            let file = ["low", "high", "sound"][at as usize].to_owned();
            let place = HEAD.saturating_add(u64::from(number) * 1000);
            let told = match is_head {
                true => Told::Head { file, data: "AAAA".into() },
                false => Told::Segment {
                    track,
                    rep: "v".into(),
                    file,
                    number,
                    place,
                    start: 0.0,
                    bytes,
                    turn,
                    init: None,
                },
            };
            (told, Piece { track: at, number }, bytes)
        },
    )
}

proptest! {
    /// Whatever a server says: nobody gets octets that they do not wait for, and nothing breaks but the
    /// connection.
    #[test]
    fn whatever_a_server_says(said in proptest::collection::vec((anything(), any::<bool>()), 1..40)) {
        let mut stream = Stream::connecting(NOW);
        stream.opened(NOW);
        for spec in [segment(1, EngineTrack::Video, "low", 0, (HEAD, 0)), audio(2, 0), head(3, "high")] {
            stream.want(&spec, NOW);
        }
        let mut left = [HEAD + 1000, 1000, HEAD];
        for ((told, piece, octets), is_told) in said {
            let news = if is_told { stream.told(told, NOW) } else { stream.piece(piece, octets, NOW) };
            let Ok(news) = news else { continue };
            for one in news {
                let (fetch, came) = match one {
                    Do::Say(_) => continue,
                    Do::Head { fetch, octets, .. } => (fetch, octets.len() as u64),
                    Do::Octets { fetch, skip, .. } => (fetch, octets - skip),
                };
                let left = &mut left[fetch.0 as usize - 1];
                prop_assert!(came <= *left);
                *left -= came;
            }
        }
    }
}
