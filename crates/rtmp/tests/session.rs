//! A publisher and the server's side of its connection.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rtmp::{Event, MediaKind, Session, SessionError};

/// A message on chunk stream 3, in chunks of 128.
fn message(kind: u8, time: u32, payload: &[u8]) -> Vec<u8> {
    let (time, len) = (time.to_be_bytes(), (payload.len() as u32).to_be_bytes());
    let mut out = vec![3, time[1], time[2], time[3], len[1], len[2], len[3], kind, 1, 0, 0, 0];
    for (n, piece) in payload.chunks(128).enumerate() {
        out.extend((n > 0).then_some(0xc3));
        out.extend(piece);
    }
    out
}

fn text(text: &str) -> Vec<u8> {
    [&[2, 0, text.len() as u8][..], text.as_bytes()].concat()
}

fn command(name: &str, transaction: u8, arguments: &[Vec<u8>]) -> Vec<u8> {
    let number = f64::from(transaction).to_be_bytes();
    message(20, 0, &[&text(name)[..], &[0], &number, &arguments.concat()].concat())
}

/// C0, C1 and C2.
fn handshake() -> Vec<u8> {
    let mut octets = vec![3];
    octets.extend((0..1536u32).map(|n| n as u8));
    octets.extend([0; 1536]);
    octets
}

fn connect(app: &str) -> Vec<u8> {
    let object = [&[3, 0, 3][..], b"app", &text(app), &[0, 0, 9]].concat();
    command("connect", 1, &[object])
}

fn publish(name: &str) -> Vec<u8> {
    let mut all = command("releaseStream", 2, &[vec![5], text(name)]);
    all.extend(command("FCPublish", 3, &[vec![5], text(name)]));
    all.extend(command("createStream", 4, &[vec![5]]));
    all.extend(command("publish", 5, &[vec![5], text(name), text("live")]));
    all
}

fn says(out: &[u8], what: &str) -> bool {
    out.windows(what.len()).any(|window| window == what.as_bytes())
}

/// A session that publishes.
fn publishing() -> Session {
    let mut session = Session::new([7; 32]);
    session.push(&[handshake(), connect("school"), publish("lecture?key=5ec")].concat()).unwrap();
    assert!(matches!(session.event(), Ok(Some(Event::Connect(_)))));
    session.accept();
    assert!(!format!("{session:?}").contains("5ec"));
    assert!(matches!(session.event(), Ok(Some(Event::Publish(_)))));
    session.accept();
    session.output();
    session
}

#[test]
fn a_publisher_from_the_handshake_to_its_end() {
    let mut all = [handshake(), connect("school"), publish("lecture?key=5ec")].concat();
    all.extend(message(18, 0, b"\x02\0\x0d@setDataFrame"));
    all.extend(message(9, 40, &[7; 300]));
    all.extend(message(8, 41, &[8; 3]));
    all.extend(command("FCUnpublish", 6, &[vec![5], text("lecture")]));
    all.extend(command("deleteStream", 7, &[vec![5], vec![0; 9]]));
    for piece in [1, 100, 1537, all.len()] {
        let mut session = Session::new([7; 32]);
        let (mut events, mut out) = (Vec::new(), Vec::new());
        for piece in all.chunks(piece) {
            session.push(piece).unwrap();
            while let Some(event) = session.event().unwrap() {
                if matches!(event, Event::Connect(_) | Event::Publish(_)) {
                    assert_eq!(session.event(), Ok(None));
                    session.accept();
                }
                events.push(event);
            }
            out.extend(session.output());
        }
        let [
            Event::Connect(app),
            Event::Publish(stream),
            Event::Media(picture),
            Event::Media(sound),
            Event::End,
        ] = &events[..]
        else {
            panic!("{events:?}");
        };
        assert_eq!(app.path, ["school"]);
        assert_eq!(
            (stream.path.join("/"), stream.key.as_ref().unwrap().as_str()),
            ("school/lecture".to_owned(), "5ec")
        );
        assert_eq!((picture.kind, picture.time, &picture.payload[..]), (MediaKind::Video, 40, &[7; 300][..]));
        assert_eq!((sound.kind, sound.time, sound.payload.len()), (MediaKind::Audio, 41, 3));
        // S0, S1 with version 0, S2 with what C1 had.
        assert_eq!((out[0], &out[5..9]), (3, &[0; 4][..]));
        assert_eq!(out[1537..3073], handshake()[1..1537]);
        for said in ["NetConnection.Connect.Success", "fourCcList", "hvc1", "NetStream.Publish.Start"] {
            assert!(says(&out, said), "{said}");
        }
        // The key is in nothing that could be written down.
        assert!(!format!("{events:?}").contains("5ec") && !says(&out, "5ec"));
    }
}

#[test]
fn refusals_are_in_words() {
    let mut session = Session::new([7; 32]);
    session.push(&[handshake(), connect("..")].concat()).unwrap();
    session.event().unwrap();
    session.refuse("There is no such application.");
    let out = session.output();
    assert!(
        says(&out, "_error") && says(&out, "NetConnection.Connect.Rejected") && says(&out, "no such app")
    );

    let mut session = Session::new([7; 32]);
    session
        .push(&[handshake(), connect("school"), publish("lecture"), message(9, 0, &[1; 9])].concat())
        .unwrap();
    session.event().unwrap();
    session.accept();
    assert!(matches!(session.event(), Ok(Some(Event::Publish(target))) if target.key.is_none()));
    session.refuse("The stream key is missing or wrong.");
    let out = session.output();
    assert!(says(&out, "NetStream.Publish.BadName") && says(&out, "missing or wrong"));
    // Nothing more is read.
    assert_eq!(session.event(), Ok(None));

    let mut session = publishing();
    session.end("The event has ended.");
    assert!(says(&session.output(), "NetStream.Publish.Failed"));
}

#[test]
fn what_makes_no_sense_is_an_error() {
    let next = |octets: &[Vec<u8>]| {
        let mut session = Session::new([7; 32]);
        session.push(&octets.concat())?;
        while let Some(event) = session.event()? {
            if matches!(event, Event::Connect(_) | Event::Publish(_)) {
                session.accept();
            }
        }
        Ok(())
    };
    assert_eq!(next(&[b"GET / HTTP/1.1".to_vec()]), Err(SessionError::NotRtmp));
    assert_eq!(next(&[b"\x06".to_vec()]), Err(SessionError::NotRtmp));
    assert_eq!(next(&[handshake(), publish("a")]), Err(SessionError::Command("createStream")));
    assert_eq!(next(&[handshake(), connect("a"), connect("a")]), Err(SessionError::Command("connect")));
    let again = next(&[handshake(), connect("a"), publish("a"), publish("a")]);
    assert_eq!(again, Err(SessionError::Command("publish")));
    assert_eq!(next(&[handshake(), connect("a"), command("play", 0, &[])]), Err(SessionError::Play));
    // Media that nobody allowed is passed over while it is small, and refused when it is not.
    assert_eq!(next(&[handshake(), message(9, 0, &[0; 99])]), Ok(()));
    assert!(matches!(next(&[handshake(), message(9, 0, &[0; 99_999])]), Err(SessionError::Chunk(_))));
}

#[test]
fn pings_are_answered_and_octets_acknowledged() {
    let mut session = publishing();
    session.push(&message(4, 0, &[0, 6, 1, 2, 3, 4])).unwrap();
    session.event().unwrap();
    assert!(session.output().ends_with(&[0, 7, 1, 2, 3, 4]));
    session.push(&message(5, 0, &[0, 0, 0x20, 0])).unwrap();
    session.event().unwrap();
    let picture = message(9, 0, &[0; 9000]);
    session.push(&picture).unwrap();
    let out = session.output();
    assert_eq!((out[7], out.len()), (3, 16));
}

proptest! {
    #[test]
    fn arbitrary_octets_never_panic(octets: Vec<u8>, piece in 1usize..100, accepts: bool) {
        let mut session = Session::new([7; 32]);
        session.push(&handshake()).unwrap();
        for piece in octets.chunks(piece) {
            let _ = session.push(piece);
            while let Ok(Some(event)) = session.event() {
                match event {
                    Event::Connect(_) | Event::Publish(_) if accepts => session.accept(),
                    Event::Connect(_) | Event::Publish(_) => session.refuse("no"),
                    _ => {}
                }
            }
            session.output();
        }
    }

    /// Damaged in one place: it ends, or goes on.
    #[test]
    fn damaged_publishers_never_panic(at: prop::sample::Index, value: u8) {
        let mut all = [connect("school"), publish("lecture?key=5ec"), message(9, 40, &[7; 300])].concat();
        let at = at.index(all.len());
        all[at] = value;
        let mut session = Session::new([7; 32]);
        session.push(&handshake()).unwrap();
        session.push(&all).unwrap();
        while let Ok(Some(event)) = session.event() {
            if matches!(event, Event::Connect(_) | Event::Publish(_)) {
                session.accept();
            }
        }
    }
}
