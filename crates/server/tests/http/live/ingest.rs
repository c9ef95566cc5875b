//! Who may send, in which forms.

use super::super::world::World;
use super::{APP, EVENT, Tape, decrypt, download, event, index, keys, put, send};
use base64::Engine as _;
use server::live::{Events, NewEvent, create};
use server::{Clock, Config, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// B80: what a player with the event's keys gets is what the encoder sent.
#[tokio::test]
async fn b80_an_encoders_stream_is_protected() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    let (video, audio) = send(&world, &created).await;
    let index = index(&world, &created).await;
    assert_eq!(
        (&index["app"], &index["event"], &index["state"]),
        (&APP.into(), &EVENT.into(), &"live".into())
    );
    let keys = keys(&world, &index);
    assert_eq!(index["representations"].as_array().unwrap().len(), 2);
    for (at, tape) in [(0, &video), (1, &audio)] {
        let (init, segments) = download(&world, &created, &index, at).await;
        assert!(tape.samples.iter().all(|(_, data)| data.len() < 100 || !contains(&segments, data)), "clear");
        let got = decrypt(&init, &segments, &keys);
        let sent: Vec<&Vec<u8>> = tape.samples.iter().map(|(_, data)| data).collect();
        let from = sent.iter().position(|data| **data == got[0]).unwrap();
        assert!(
            from < 6 && got.len() > sent.len() / 2 && got.iter().zip(&sent[from..]).all(|(a, b)| a == *b)
        );
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Encoders may have a listener of their own, which has nothing for anybody else.
#[tokio::test]
async fn encoders_have_a_listener_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let text = "listen = \"127.0.0.1:0\"\n[live]\nhttp = \"127.0.0.1:0\"";
    let mut config = Config::parse(text).unwrap();
    config.data = folder.path().join("data");
    let server = Server::bind(config, Clock::System).await.unwrap();
    let address = server.ingest_address().unwrap();
    assert_ne!(address, server.address().unwrap());
    let config = server.service().config().clone();
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = tokio::spawn(server.run_until(async {
        let _ = stopped.await;
    }));
    let store = server::store::open(&config).await.unwrap();
    let new = NewEvent::new(APP.parse().unwrap(), EVENT.parse().unwrap(), "A lecture");
    let created = create(&*store, &Events::new(&config.data), new, Clock::System.now()).await.unwrap();
    let ask = async |method: &str, path: &str, body: &[u8]| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap().to_owned()
    };
    let at = |key: &str| format!("/ingest/{APP}/{EVENT}/{key}/v.cmfv");
    assert_eq!(ask("PUT", &at(&created.key), &Tape::video(1).stream(0.0)).await, "200");
    assert_eq!(ask("PUT", &at(&"0".repeat(32)), b"").await, "401");
    assert_eq!(ask("GET", "/healthz", b"").await, "200");
    for path in ["/", "/login", "/api/library", "/s/live/school/lecture/index.json", "/nccp/controller"] {
        assert_eq!(ask("GET", path, b"").await, "404", "{path}");
    }
    let _ = stop.send(());
    ended.await.unwrap().unwrap();
}

/// The key in the path, as a bearer token, as the password of anybody; and what is answered without it,
/// before the body.
#[tokio::test]
async fn the_key_in_each_of_its_places() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    let body = Tape::video(1).stream(0.0);
    let basic = |text: &str| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text));
    let key = &created.key;
    let at = |path: &str| format!("/ingest/{APP}/{EVENT}/{path}");
    let bearer = format!("Bearer {key}");
    for (path, authorization, expected) in [
        (at(&format!("{key}/v.cmfv")), None, 200),
        (at(key), None, 200),
        (at("v.cmfv"), Some(bearer.clone()), 200),
        (at("v.cmfv"), Some(basic(&format!("obs:{key}"))), 200),
        (at("v.cmfv"), Some(basic(&format!("{key}:"))), 200),
        (at("v.cmfv"), None, 401),
        (at(&format!("{}/v.cmfv", "0".repeat(32))), None, 401),
        (at("v.cmfv"), Some(basic("obs:wrong")), 401),
        (at("v.cmfv"), Some("Bearer".to_owned()), 401),
        (format!("/ingest/{APP}/other/{key}/v.cmfv"), None, 404),
        ("/ingest/x".to_owned(), None, 404),
        (format!("/ingest/{APP}/..%2f/{key}"), None, 404),
    ] {
        let headers: Vec<_> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
        let reply = world.request("POST", &path, &headers, &body).await;
        assert_eq!(reply.status, expected, "{path} {authorization:?} {}", reply.text());
        let challenges = reply.headers.get_all("www-authenticate").iter().count();
        assert_eq!(challenges, if expected == 401 { 2 } else { 0 });
    }
    // Another key takes its place at once.
    let events = server::live::Events::new(&world.config.data);
    let renewed = server::live::new_key(&events, &created.event.app, &created.event.name).unwrap();
    assert_eq!(put(&world, &created, "v.cmfv", &body).await.status, 401);
    assert_eq!(put(&world, &renewed, "v.cmfv", &body).await.status, 200);
}

#[tokio::test]
async fn wrong_keys_are_counted() {
    let world = World::with("[limits]\nstream_keys_per_address = 3").await;
    let created = event(&world, APP, EVENT).await;
    let wrong = format!("/ingest/{APP}/{EVENT}/{}/v.cmfv", "0".repeat(32));
    let without = format!("/ingest/{APP}/{EVENT}/v.cmfv");
    for _ in 0..3 {
        assert_eq!(world.request("PUT", &wrong, &[], b"").await.status, 401);
        // An encoder that waits to be asked is not guessing.
        assert_eq!(world.request("PUT", &without, &[], b"").await.status, 401);
    }
    let refused = world.request("PUT", &wrong, &[], b"").await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after").is_empty()), (429, false));
    // Somebody else is not.
    world.come_from("203.0.113.9");
    assert_eq!(put(&world, &created, "v.cmfv", &Tape::video(1).stream(0.0)).await.status, 200);
}

/// Interface 2: manifests, headers and segments in requests of their own, and removals.
#[tokio::test]
async fn one_request_for_each_segment() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    let (video, audio) = (Tape::video(8), Tape::audio(8));
    assert_eq!(
        put(&world, &created, "chunk-stream0-00001.m4s", &video.fragments(12, 0.0)[0]).await.status,
        412
    );
    assert_eq!(put(&world, &created, "live.mpd", b"<MPD/>").await.status, 200);
    for (n, tape) in [(0, &video), (1, &audio)] {
        let init = put(&world, &created, &format!("init-stream{n}.m4s"), &tape.header()).await;
        assert_eq!(init.status, 200, "{}", init.text());
    }
    for (n, fragment) in video.fragments(48, 0.0).iter().enumerate() {
        let name = format!("chunk-stream0-{:05}.m4s", n + 1);
        assert_eq!(put(&world, &created, &name, fragment).await.status, 200);
        assert_eq!(put(&world, &created, "live.mpd", b"<MPD/>").await.status, 200);
    }
    for (n, fragment) in audio.fragments(94, 0.0).iter().enumerate() {
        put(&world, &created, &format!("chunk-stream1-{:05}.m4s", n + 1), fragment).await;
    }
    let removed = format!("/ingest/{APP}/{EVENT}/{}/chunk-stream0-00001.m4s", created.key);
    assert_eq!(world.request("DELETE", &removed, &[], b"").await.status, 204);
    let index = index(&world, &created).await;
    let keys = keys(&world, &index);
    let (init, segments) = download(&world, &created, &index, 0).await;
    let got = decrypt(&init, &segments, &keys);
    assert!(
        got.len() >= 100 && got.iter().zip(&video.samples).all(|(got, (_, sent))| got == sent),
        "{}",
        got.len()
    );
}

#[tokio::test]
async fn what_is_not_taken_is_answered_in_words() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    let mut other = Tape::audio(1).header();
    let at = other.windows(4).position(|four| four == b"mp4a").unwrap();
    other[at..at + 4].copy_from_slice(b"sowt");
    for (body, expected, words) in [
        (&other[..], 415, "`sowt` is not taken"),
        (b"GET / HTTP/1.1\r\n", 400, "no fragmented MP4"),
        (b"\0\0\0\x08moov", 400, "moov"),
        (b"\xff\xff\xff\xffmoov", 400, "too large"),
    ] {
        let reply = put(&world, &created, "v.cmfv", body).await;
        assert!(
            reply.status == expected && reply.text().contains(words),
            "{} {}",
            reply.status,
            reply.text()
        );
    }
    let get = format!("/ingest/{APP}/{EVENT}/{}/v.cmfv", created.key);
    assert_eq!(world.request("GET", &get, &[], b"").await.status, 405);
}

/// An encoder that was killed and comes back with the same names goes on in the same session; one that comes
/// with other pictures gets a new one, whose names are others.
#[tokio::test]
async fn an_encoder_comes_back() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    send(&world, &created).await;
    let first = index(&world, &created).await;
    world.set_clock(world.now() + 60);
    assert_eq!(index(&world, &created).await["state"], "interrupted");
    send(&world, &created).await;
    let second = index(&world, &created).await;
    assert_eq!((&first["session"], &second["state"]), (&second["session"], &"live".into()));
    assert!(second["last"].as_u64() > first["last"].as_u64());
    assert_eq!(second["runs"].as_array().unwrap().len(), 2);
    let other = Tape::demo(360, b"vide", 5);
    assert_eq!(put(&world, &created, "v.cmfv", &other.stream(0.0)).await.status, 200);
    let third = index(&world, &created).await;
    assert_ne!(third["session"], second["session"]);
    assert_ne!(third["protection"]["keys"][0]["kid"], second["protection"]["keys"][0]["kid"]);
    assert_eq!(third["representations"][0]["height"], 360);
}
