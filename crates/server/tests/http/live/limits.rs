//! Encoders that send too much, too slowly, or what cannot be: bounded, and said in words. Wrong keys are in
//! `ingest.rs`, connections and drops of heads in `serving.rs`, the same by RTMP in `rtmp.rs` and in the
//! crate `live`.

use super::super::world::{HOST, World};
use super::{APP, EVENT, Tape, decrypt, download, event, get, index, keys, put};
use axum::body::{Body, Bytes};
use axum::http::Request;
use futures_util::{StreamExt as _, stream};
use server::live::Created;
use std::convert::Infallible;
use std::io;
use std::time::Duration;

/// A request whose body begins with these pieces, and does not end.
fn endless(created: &Created, name: &str, pieces: Vec<Vec<u8>>) -> Request<Body> {
    let path = format!("/ingest/{APP}/{EVENT}/{}/{name}", created.key);
    let begin = stream::iter(pieces.into_iter().map(|piece| Ok::<_, Infallible>(Bytes::from(piece))));
    let body = Body::from_stream(begin.chain(stream::pending()));
    Request::put(path).header("host", HOST).body(body).unwrap()
}

/// Boxes say how long they are: what is too long is refused before it comes, and what nobody reads is not
/// kept.
#[tokio::test]
async fn a_gigabyte_is_refused_at_its_first_octets() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    for kind in [&b"mdat"[..], b"moof", b"moov"] {
        let large = [&(1u32 << 30).to_be_bytes()[..], kind].concat();
        let pieces = vec![Tape::video(1).stream(0.0), large];
        let reply = world.send(endless(&created, "v.cmfv", pieces)).await;
        let (status, text) = (reply.status, reply.text());
        assert!(status == 400 && text.contains("too large"), "{status} {text}");
    }
    // What came before it was taken.
    assert_eq!(index(&world, &created).await["representations"].as_array().unwrap().len(), 1);
}

/// Tracks without end: 32 are enough for anybody.
#[tokio::test]
async fn headers_without_end() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    let header = Tape::video(1).header();
    for n in 0..32 {
        assert_eq!(put(&world, &created, &format!("track{n}x.cmfv"), &header).await.status, 200, "{n}");
    }
    let reply = put(&world, &created, "another.cmfv", &header).await;
    let (status, text) = (reply.status, reply.text());
    assert!(status == 429 && text.contains("more than 32 tracks"), "{status} {text}");
    // The same one again and again is one track.
    let again = header.repeat(200);
    assert_eq!(put(&world, &created, "track0x.cmfv", &again).await.status, 200);
}

/// Requests that send nothing take no more than their places, and give them back.
#[tokio::test]
async fn a_flood_of_requests() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    let header = Tape::video(1).header();
    let open = (0..128).map(|_| world.send(endless(&created, "v.cmfv", vec![header.clone()])));
    let mut open = std::pin::pin!(futures_util::future::select_all(open.map(Box::pin)));
    let refused = async {
        loop {
            let reply = put(&world, &created, "v.cmfv", &header).await;
            if reply.status != 200 {
                return reply;
            }
            tokio::task::yield_now().await;
        }
    };
    let refused = tokio::select! {
        refused = refused => refused,
        _ = &mut open => panic!("one of them was ended"),
    };
    let (status, text) = (refused.status, refused.text());
    assert!(status == 429 && text.contains("128 requests"), "{status} {text}");
}

/// The places of requests whose connections are gone are free.
#[tokio::test]
async fn places_are_given_back() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    let header = Tape::video(1).header();
    for _ in 0..150 {
        let (connection, gone) = tokio::sync::oneshot::channel::<()>();
        let begin = stream::iter([Ok(Bytes::from(header.clone()))]);
        let end = stream::once(async {
            let _ = gone.await;
            Err(io::Error::from(io::ErrorKind::ConnectionReset))
        });
        let path = format!("/ingest/{APP}/{EVENT}/{}/v.cmfv", created.key);
        let body = Body::from_stream(begin.chain(end));
        let request = Request::put(path).header("host", HOST).body(body).unwrap();
        // As far as it goes without waiting for anything but itself.
        let a_while = async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            // Refused, where those before have not heard yet that their connections are gone.
            _ = world.send(request) => {}
            () = a_while => {}
        }
        drop(connection);
    }
    let taken = async {
        while put(&world, &created, "v.cmfv", &header).await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), taken).await.expect("a place");
}

/// An encoder that falls silent in the middle of a request is let go after a minute, which passes at once
/// here.
#[tokio::test]
async fn a_slow_sender_is_let_go() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    tokio::time::pause();
    for name in ["v.cmfv", "live.mpd"] {
        let reply = world.send(endless(&created, name, vec![Tape::video(1).stream(0.0)])).await;
        // Of a manifest nothing is wanted.
        let expected = if name == "v.cmfv" { (408, "Nothing came for a minute.\n") } else { (200, "") };
        assert_eq!((reply.status.as_u16(), reply.text()), expected);
    }
}

/// Times that jump are other runs: the timeline goes on without a hole, and no number is left out.
#[tokio::test]
async fn times_that_jump() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    let tape = Tape::video(6);
    let mut stream = tape.header();
    for from in [0.0, 1e6, 5.0, 3e8, 0.0] {
        stream.extend(tape.fragments(12, from).concat());
    }
    assert_eq!(put(&world, &created, "v.cmfv", &stream).await.status, 200);
    let index = index(&world, &created).await;
    assert_eq!(index["runs"].as_array().unwrap().len(), 5, "{index}");
    let segments = index["representations"][0]["segments"].as_array().unwrap();
    let number = |segment: &serde_json::Value, name: &str| segment[name].as_u64().unwrap();
    for pair in segments.windows(2) {
        assert_eq!(number(&pair[0], "n") + 1, number(&pair[1], "n"));
        assert_eq!(number(&pair[0], "start") + number(&pair[0], "duration"), number(&pair[1], "start"));
    }
    let timescale = index["representations"][0]["timescale"].as_u64().unwrap();
    let last = segments.last().unwrap();
    assert!(number(last, "start") + number(last, "duration") <= 31 * timescale, "{last}");
}

/// Pictures that nobody could decode are not published, are no failure of the server, and do not stand in the
/// way of the encoder that comes when its operator has mended it.
#[tokio::test]
async fn h264_without_parameter_sets() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    let tape = Tape::video(6);
    let mut stream = tape.stream(0.0);
    let config = stream.windows(4).position(|four| four == b"avcC").unwrap() + 4;
    assert_eq!(stream[config + 5], 0xe1, "one sequence parameter set");
    // Neither this nor a picture parameter set.
    stream[config + 5] = 0xe0;
    stream[config + 6] = 0;
    let reply = put(&world, &created, "v.cmfv", &stream).await;
    assert!(matches!(reply.status.as_u16(), 200 | 400 | 415), "{} {}", reply.status, reply.text());
    if reply.status != 200 {
        assert!(!reply.text().trim().is_empty(), "it is said");
    }
    let found = get(&world, &created, "index.json", "").await;
    if found.status == 307 {
        let published = index(&world, &created).await;
        let all = published["representations"].as_array().unwrap().iter();
        assert!(
            all.flat_map(|r| r["segments"].as_array().unwrap()).all(|segment| segment["complete"] == false)
        );
    }
    assert_eq!(put(&world, &created, "v.cmfv", &tape.stream(0.0)).await.status, 200);
    let mended = index(&world, &created).await;
    let ceks = keys(&world, &mended);
    let (init, segments) = download(&world, &created, &mended, 0).await;
    let got = decrypt(&init, &segments, &ceks);
    assert!(
        got.len() > 90 && got.iter().zip(&tape.samples).all(|(got, (_, sent))| got == sent),
        "{}",
        got.len()
    );
}
