//! Films over persistent connections: what a player sees of them, and who gets none.

mod player;

use super::client::{Client, MODULE, trust};
use super::drm::{embedded, manifest, set};
use super::world::{HOST, MOVIE, NOW, OTHER_MOVIE, URL, World, octets};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cenc::{CommonKey, ContentId, Label};
use futures_util::{SinkExt as _, StreamExt as _};
use license::{Domain, DrmMetadata, VerifiedLicense};
use nccp::stream::{FIRST_CREDIT, Piece, SUBPROTOCOL, Told, TrackKind};
use packager::{Destination, Keys, PackageOptions, Published};
use server::media_url::{self, StreamPath};
use server::{Clock, Config, LicenseMode, Server, movies};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use urltoken::{Dialect, Settings, Signer};

const FILM: u64 = 70_000_004;

/// A server on a socket, in a world's folder and at its time.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<Result<(), server::Error>>,
}

async fn start(world: &World, change: impl FnOnce(&mut Config)) -> Running {
    let mut config = world.config.clone();
    config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    change(&mut config);
    let server = Server::bind(config, Clock::Manual(Arc::clone(&world.clock))).await.unwrap();
    let address = server.address().unwrap();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(server.run_until(async {
        let _ = stopped.await;
    }));
    Running { address, stop, ended }
}

/// What a server sent.
#[derive(Debug)]
enum Heard {
    Told(Told),
    Octets(Piece, Vec<u8>),
    /// The code with which it was closed; `None` where it just ended.
    Closed(Option<u16>),
}

/// A player.
struct Viewer<S = TcpStream> {
    socket: WebSocketStream<S>,
}

impl Viewer {
    /// By the path and query of a URL, or the status with which it is refused.
    async fn connect(running: &Running, path: &str, origin: Option<&str>) -> Result<Self, u16> {
        let stream = TcpStream::connect(running.address).await.unwrap();
        Self::over(stream, "ws", path, origin).await
    }

    async fn to_movie(running: &Running, world: &World, movie: u64) -> Self {
        Self::connect(running, &path(world, "vod", &movie.to_string()), None).await.unwrap()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Viewer<S> {
    async fn over(stream: S, scheme: &str, path: &str, origin: Option<&str>) -> Result<Viewer<S>, u16> {
        let mut request = format!("{scheme}://{HOST}{path}").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", HeaderValue::from_str(origin).unwrap());
        }
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((socket, response)) => {
                assert_eq!(response.headers()["sec-websocket-protocol"], SUBPROTOCOL);
                Ok(Viewer { socket })
            }
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    async fn ask(&mut self, ask: &str) {
        self.socket.send(Message::text(ask)).await.unwrap();
    }

    async fn hear(&mut self) -> Heard {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Heard::Told(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Binary(message))) => {
                    let (piece, octets) = Piece::read(&message).unwrap();
                    return Heard::Octets(piece, octets.to_vec());
                }
                Some(Ok(Message::Close(frame))) => {
                    return Heard::Closed(frame.map(|frame| frame.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::Closed(None),
            }
        }
    }

    async fn told(&mut self) -> Told {
        match self.hear().await {
            Heard::Told(told) => told,
            other => panic!("{other:?}"),
        }
    }

    /// The DRM metadata that a playback begins with.
    async fn metadata(&mut self) -> Vec<u8> {
        match self.told().await {
            Told::Metadata { data, policy } => {
                assert_eq!(policy, "24h");
                STANDARD.decode(data).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }

    /// The error that it ends with.
    async fn error(&mut self) -> String {
        loop {
            match self.hear().await {
                Heard::Told(Told::Error { code, message }) => {
                    assert!(matches!(self.hear().await, Heard::Closed(Some(1008))));
                    return format!("{code}: {message}");
                }
                Heard::Closed(code) => panic!("closed without a word: {code:?}"),
                _ => {}
            }
        }
    }

    /// Everything up to the end of the film, for each segment its track, representation, number, turn, and
    /// the octets; grants as much as it gets.
    async fn watch(&mut self) -> Vec<(TrackKind, String, u32, u32, Vec<u8>)> {
        let mut segments: Vec<(TrackKind, String, u32, u32, Vec<u8>)> = Vec::new();
        let mut left = 0;
        loop {
            match self.hear().await {
                Heard::Told(Told::Segment { track, rep, number, bytes, turn, init, .. }) => {
                    assert_eq!(left, 0, "a segment ends before the next begins");
                    left = bytes as usize;
                    if let Some(init) = init {
                        let init = STANDARD.decode(init).unwrap();
                        segments.push((track, rep.clone(), u32::MAX, turn, init));
                    }
                    segments.push((track, rep, number, turn, Vec::new()));
                }
                Heard::Octets(piece, octets) => {
                    let (track, _, number, _, so_far) = segments.last_mut().unwrap();
                    assert_eq!((piece.track, piece.number), (track.number(), *number));
                    left -= octets.len();
                    so_far.extend_from_slice(&octets);
                    self.ask(&format!(r#"{{"do":"credit","bytes":{}}}"#, octets.len())).await;
                }
                Heard::Told(Told::End { .. }) => return segments,
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A good URL, without scheme and host.
fn path(world: &World, set: &str, content: &str) -> String {
    let keys = server::keys::load(&world.config.keys(), URL, NOW).unwrap();
    let signer = Signer::new(Dialect::MediaVault, &Settings::default(), &keys.media).unwrap();
    let path = StreamPath { set: set.into(), content: content.into() };
    let url = media_url::sign_stream(&signer, URL, &path, world.now() + 3600, world.now());
    url.strip_prefix(&URL.replacen("http", "ws", 1)).unwrap().to_owned()
}

/// The demo film, encrypted as the site's films are, in the catalogue.
async fn real_film(world: &World) -> Published {
    let ring = server::keys::load(&world.config.keys(), URL, NOW).unwrap();
    let (id, common) = ring.active_common_key();
    let common: CommonKey = hex::encode(common.expose()).parse().unwrap();
    let keys = Keys::derived(common, id.to_owned(), ContentId::of_movie(FILM), Label::default());
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../media/demo");
    let inputs = [240, 720].map(|height| demo.join(format!("{height}p.mp4"))).to_vec();
    let to = Destination::Library(world.config.library());
    let published = packager::package(&PackageOptions::new(inputs, FILM, Some(keys), to), &mut ()).unwrap();
    let pack = server::catalogue::Pack::read_folder(&published.directory).await.unwrap();
    movies::add(&*world.store, &pack, movies::Details::default(), movies::Over::Any, NOW).await.unwrap();
    published
}

/// B87, B88: a whole film over one connection, by the URL that the manifest names. What comes are the octets
/// of the files, encrypted although nothing else is; DRM metadata comes first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b87_b88_a_film_over_a_persistent_connection() {
    let world = World::new().await;
    let published = real_film(&world).await;
    let running = start(&world, |_| {}).await;
    let mut client = Client::registered(&world).await;
    let url = manifest(&mut client, &world, FILM).await.stream_url.unwrap();
    let path = url.strip_prefix("ws://localhost:8080").unwrap().to_owned();
    let mut viewer = Viewer::connect(&running, &path, None).await.unwrap();
    let large = published.pack.representations.iter().find(|r| r.id.starts_with("v720-")).unwrap();
    viewer.ask(&format!(r#"{{"do":"play","video":"{}"}}"#, large.id)).await;
    let metadata = DrmMetadata::verify(&viewer.metadata().await, &trust(&world).await).unwrap();
    assert_eq!((&metadata.policy[..], metadata.keys.len()), ("24h", 1));
    let segments = viewer.watch().await;
    let sound = published.pack.representations.iter().find(|r| r.id.starts_with("a-")).unwrap();
    for r in [large, sound] {
        let file = std::fs::read(published.directory.join(&r.path)).unwrap();
        let of: Vec<_> = segments.iter().filter(|segment| segment.1 == r.id).collect();
        let numbers: Vec<_> = of.iter().map(|segment| segment.2).collect();
        let expected: Vec<_> = std::iter::once(u32::MAX).chain(0..r.segments.len() as u32).collect();
        assert_eq!(numbers, expected, "{}", r.id);
        let got: Vec<u8> = of.iter().flat_map(|segment| segment.4.iter().copied()).collect();
        let (init, index) = (r.init_range.last as usize + 1, r.index_range.last as usize + 1);
        assert!(got == [&file[..init], &file[index..]].concat(), "{}", r.id);
        let whole = world.folder.path().join("got.mp4");
        std::fs::write(&whole, &got).unwrap();
        let found = packager::inspect(&whole).unwrap();
        assert!(found.tracks[0].protected_samples > 100, "{}: {}", r.id, found.tracks[0].protected_samples);
    }
    assert_eq!(segments.len(), 2 * (1 + large.segments.len()), "no others");
    // By the pack's id it is the same film.
    let pack = &published.pack.pack_id;
    let mut viewer = Viewer::connect(&running, &self::path(&world, "vod", pack), None).await.unwrap();
    viewer.ask(r#"{"do":"play"}"#).await;
    viewer.metadata().await;
    assert!(matches!(viewer.told().await, Told::Segment { number: 0, turn: 1, init: Some(_), .. }));
}

/// No octet comes that was not granted, and one for one that was; a seek leaves what was under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credit_seeks_switches_and_pauses() {
    let world = World::new().await;
    let published = real_film(&world).await;
    let running = start(&world, |_| {}).await;
    let mut viewer = Viewer::to_movie(&running, &world, FILM).await;
    let id = |prefix: &str| {
        published.pack.representations.iter().find(|r| r.id.starts_with(prefix)).unwrap().id.clone()
    };
    viewer.ask(&format!(r#"{{"do":"play","video":"{}"}}"#, id("v720-"))).await;
    viewer.metadata().await;
    let mut sum = 0;
    while sum < FIRST_CREDIT {
        if let Heard::Octets(_, octets) = viewer.hear().await {
            sum += octets.len() as u64;
        }
    }
    assert_eq!(sum, FIRST_CREDIT);
    viewer.ask(r#"{"do":"seek","at":41.0}"#).await;
    viewer.ask(r#"{"do":"credit","bytes":1}"#).await;
    let Told::Segment { number, start, turn, .. } = viewer.told().await else { panic!("no segment") };
    assert_eq!((number, start, turn), (10, 40.0, 2));
    let Heard::Octets(piece, octets) = viewer.hear().await else { panic!("no octets") };
    assert_eq!((piece.number, octets.len()), (10, 1));
    // While it pauses nothing comes; what was sent before the server heard of it is over when it answers.
    viewer.ask(r#"{"do":"pause"}"#).await;
    viewer.ask(r#"{"do":"credit","bytes":100000000}"#).await;
    viewer.ask(&format!(r#"{{"do":"switch","video":"{}"}}"#, id("v240-"))).await;
    viewer.socket.send(Message::Ping("there?".into())).await.unwrap();
    let Some(Ok(Message::Pong(_))) = viewer.socket.next().await else { panic!("octets in a pause") };
    viewer.ask(r#"{"do":"play","at":57.0}"#).await;
    let segments = viewer.watch().await;
    let (init, segments): (Vec<_>, Vec<_>) = segments.iter().partition(|segment| segment.2 == u32::MAX);
    assert!(init.iter().any(|segment| segment.1 == id("v240-")), "of the pictures that are new");
    let seen: Vec<_> = segments.iter().map(|(_, rep, number, turn, _)| (&rep[..2], *number, *turn)).collect();
    assert_eq!(seen, [("v2", 14, 3), ("a-", 14, 3)]);
    viewer.ask(r#"{"do":"seek","at":1e12}"#).await;
    let again = viewer.watch().await;
    assert_eq!(again.iter().map(|segment| (segment.2, segment.3)).collect::<Vec<_>>(), [(14, 4), (14, 4)]);
}

/// Who gets no connection, and what it is told. B94: live events are refused in words.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b94_who_gets_no_connection() {
    let world = World::with("[stream]\nconnections_per_token = 2\nmovies = [60027274, 7]").await;
    set(&world, OTHER_MOVIE, LicenseMode::Server, "48h").await;
    let good = path(&world, "vod", &MOVIE.to_string());
    let say = async |method: &str, path: &str| {
        let reply = world.request(method, path, &[], b"").await;
        format!("{} {}", reply.status.as_u16(), reply.text().trim_end())
    };
    for (path, said) in [
        (path(&world, "live", "event"), "403 Live events are not streamed"),
        ("/stream/live/app/event".to_owned(), "403 Live events are not streamed"),
        (path(&world, "schools", "7"), "404 There is nothing"),
        (path(&world, "vod", "8"), "404 There is nothing"),
        (path(&world, "vod", "07"), "404 There is nothing"),
        (path(&world, "vod", &"0".repeat(32)), "404 There is nothing"),
        (
            path(&world, "vod", "7"),
            "403 Persistent connections have the policy 24h only, and this title has 48h.",
        ),
        (good.replace("h=", "h=0"), "403 Forbidden"),
        (good.split('?').next().unwrap().to_owned(), "403 Forbidden"),
        (format!("{good}&x=1"), "403 Forbidden"),
        ("/stream/vod".to_owned(), "404 There is nothing"),
        (good.clone(), "426 This is for WebSocket."),
    ] {
        let got = say("GET", &path).await;
        assert!(got.starts_with(said), "{path}: {got}");
    }
    assert!(say("POST", &good).await.starts_with("405"));
    let mut client = Client::registered(&world).await;
    assert!(manifest(&mut client, &world, MOVIE).await.stream_url.is_some());
    assert_eq!(manifest(&mut client, &world, OTHER_MOVIE).await.stream_url, None, "its policy is another");

    let running = start(&world, |_| {}).await;
    let stream = TcpStream::connect(running.address).await.unwrap();
    let request = format!("ws://{HOST}{good}").into_client_request().unwrap();
    let refused = tokio_tungstenite::client_async(request, stream).await;
    assert!(matches!(refused, Err(Error::Http(response)) if response.status() == 400), "no subprotocol");
    let first = Viewer::connect(&running, &good, None).await.unwrap();
    let _second = Viewer::connect(&running, &good, None).await.unwrap();
    assert_eq!(Viewer::connect(&running, &good, None).await.err(), Some(429));
    // Another URL has places of its own, and a place that is left is free.
    let other = path(&world, "vod", &format!("{MOVIE:032x}"));
    assert!(Viewer::connect(&running, &other, None).await.is_ok());
    drop(first);
    let _third = loop {
        match Viewer::connect(&running, &good, None).await {
            Ok(viewer) => break viewer,
            Err(status) => assert_eq!(status, 429),
        }
    };
    world.set_clock(NOW + 3600);
    assert!(say("GET", &good).await.starts_with("400 Bad Request: this URL has expired."));
}

/// B90, B91, B92: in an interval all playbacks begin with the same metadata, whose license ends 24 hours
/// after it was made; the one after it is for those that begin after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b90_b91_b92_metadata_is_made_once_in_an_interval() {
    let world = embedded("[stream]\nupdate_interval = 600").await;
    let running = start(&world, |_| {}).await;
    let trust = trust(&world).await;
    let begin = async || {
        let mut viewer = Viewer::to_movie(&running, &world, MOVIE).await;
        viewer.ask(r#"{"do":"play"}"#).await;
        let metadata = viewer.metadata().await;
        (viewer, metadata)
    };
    let ends = |octets: &[u8]| {
        let metadata = DrmMetadata::verify(octets, &trust).unwrap();
        let license = metadata.embedded_license.unwrap();
        let (license, _) =
            VerifiedLicense::verify_embedded(&license, &trust, &metadata.content_id, MODULE).unwrap();
        (metadata.issued - NOW, license.license().policy.not_after.unwrap() - NOW)
    };
    let (mut viewer, first) = begin().await;
    assert_eq!(ends(&first), (0, 86_400));
    world.set_clock(NOW + 599);
    assert_eq!(begin().await.1, first);
    world.set_clock(NOW + 600);
    let (_, second) = begin().await;
    assert_eq!(ends(&second), (600, 87_000));
    // The one that runs goes on as it began, to its end.
    let segments = viewer.watch().await;
    assert_eq!(segments.len(), 6, "no other metadata comes");
    viewer.ask(r#"{"do":"seek","at":0}"#).await;
    assert_eq!(viewer.watch().await.len(), 4);
    // What it begins then is another playback.
    viewer.ask(r#"{"do":"play"}"#).await;
    assert_eq!(viewer.metadata().await, second);
}

/// B95: two applications with the same film, each by its own settings. B96: who is not on an application's
/// list gets no connection, and its licenses name those that are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b95_b96_applications_and_their_players() {
    let world = embedded(
        "[[stream.application]]\nname = \"schools\"\nupdate_interval = 60\n\
         players = [\"https://school.example\", \"https://other.example\"]",
    )
    .await;
    let running = start(&world, |_| {}).await;
    let (vod, schools) = (path(&world, "vod", "60027274"), path(&world, "schools", "60027274"));
    for origin in [None, Some("https://films.example"), Some("https://school.example:8443")] {
        assert_eq!(Viewer::connect(&running, &schools, origin).await.err(), Some(403), "{origin:?}");
        assert!(Viewer::connect(&running, &vod, origin).await.is_ok());
    }
    let trust = trust(&world).await;
    let mut players = Vec::new();
    for path in [&vod, &schools] {
        let mut viewer = Viewer::connect(&running, path, Some("https://school.example")).await.unwrap();
        viewer.ask(r#"{"do":"play"}"#).await;
        let metadata = DrmMetadata::verify(&viewer.metadata().await, &trust).unwrap();
        let license = metadata.embedded_license.unwrap();
        let (license, of) =
            VerifiedLicense::verify_embedded(&license, &trust, &metadata.content_id, MODULE).unwrap();
        assert_eq!(of.domain, Domain::All);
        let listed = license.license().policy.players.clone().unwrap_or_default();
        players.push(listed.into_iter().map(|player| player.origin).collect::<Vec<_>>());
    }
    assert_eq!(
        players,
        [vec![], vec!["https://school.example".to_owned(), "https://other.example".to_owned()]]
    );
}

/// B89: over an encrypted channel it is the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b89_over_tls_alike() {
    let world = World::new().await;
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (world.folder.path().join("cert.pem"), world.folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let plain = start(&world, |_| {}).await;
    let text = format!(
        "public_url = \"https://localhost\"\n[tls]\ncertificate = \"{}\"\nkey = \"{}\"",
        certificate.display(),
        key.display()
    );
    let tls = Config::parse(&text).unwrap().tls;
    let encrypted = start(&world, |config| config.tls = tls).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().to_vec().into()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(encrypted.address).await.unwrap();
    let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    let path = path(&world, "vod", "60027274");
    let mut over_tls = Viewer::over(stream, "wss", &path, None).await.unwrap();
    let mut over_tcp = Viewer::connect(&plain, &path, None).await.unwrap();
    over_tls.ask(r#"{"do":"play"}"#).await;
    over_tcp.ask(r#"{"do":"play"}"#).await;
    over_tls.metadata().await;
    over_tcp.metadata().await;
    let (a, b) = (over_tls.watch().await, over_tcp.watch().await);
    assert!(a == b && a.len() == 6, "{} {}", a.len(), b.len());
    assert!(a[1].4 == octets()[1200..101_200]);
}

/// What a client may not say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_understood_ends_it() {
    let world = World::with("[stream]\nconnections_per_token = 100").await;
    let running = start(&world, |_| {}).await;
    let invalid = [
        ("nonsense", "expected"),
        (r#"{"do":"rewind"}"#, "unknown variant"),
        (r#"{"do":"seek","at":1}"#, "nothing is played yet"),
        (r#"{"do":"play","video":"v4320-1"}"#, "no such representation"),
        (&" ".repeat(5000), "long"),
    ];
    for (text, said) in invalid {
        let mut viewer = Viewer::to_movie(&running, &world, MOVIE).await;
        viewer.ask(text).await;
        let error = viewer.error().await;
        assert!(error.starts_with("REQUEST_INVALID: ") && error.contains(said), "{text:.20}: {error}");
    }
    let mut viewer = Viewer::to_movie(&running, &world, MOVIE).await;
    viewer.socket.send(Message::binary(vec![0; 8])).await.unwrap();
    assert!(viewer.error().await.contains("clients send text"));
    // By a URL whose time is over no more is asked for.
    let mut viewer = Viewer::to_movie(&running, &world, MOVIE).await;
    world.set_clock(NOW + 3600);
    viewer.ask(r#"{"do":"play"}"#).await;
    assert_eq!(viewer.error().await, "TRY_LATER: This URL has expired; ask for a manifest.");
}

/// A client that never plays is given up although it answers; one that plays, and then takes and says
/// nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_clients_are_given_up() {
    let world = World::with("[stream]\nidle = 1").await;
    let running = start(&world, |_| {}).await;
    let mut viewer = Viewer::to_movie(&running, &world, MOVIE).await;
    assert_eq!(viewer.error().await, "TRY_LATER: Nothing was heard of you.");
    let mut viewer = Viewer::to_movie(&running, &world, MOVIE).await;
    viewer.ask(r#"{"do":"play"}"#).await;
    let mut silent = viewer.socket.into_inner();
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).await.unwrap();
    assert!(String::from_utf8_lossy(&rest).contains("Nothing was heard"), "it was told why");
}

/// A server that stops hangs up, and ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_hangs_up() {
    let world = World::new().await;
    let running = start(&world, |_| {}).await;
    let mut viewer = Viewer::to_movie(&running, &world, MOVIE).await;
    viewer.ask(r#"{"do":"play"}"#).await;
    viewer.metadata().await;
    viewer.watch().await;
    running.stop.send(()).unwrap();
    assert!(matches!(viewer.hear().await, Heard::Closed(Some(1001))));
    assert!(matches!(viewer.hear().await, Heard::Closed(None)));
    running.ended.await.unwrap().unwrap();
}

/// What is no packaged film is refused in words, and its manifest announces no connection.
#[tokio::test]
async fn contents_of_an_origin_and_events_are_not_streamed() {
    let sources = super::clear_films::sources(&["films/a"]);
    let world = super::clear_films::world(&sources, "").await;
    super::clear_films::add(&world, "films/a", None, FILM).await;
    let mut client = Client::registered(&world).await;
    let manifest = manifest(&mut client, &world, FILM).await;
    assert!(!manifest.downloadables.is_empty());
    assert_eq!(manifest.stream_url, None);
    let refused = async |movie: u64| {
        let reply = world.request("GET", &path(&world, "vod", &movie.to_string()), &[], b"").await;
        assert_eq!(reply.status, 403, "{}", reply.text());
        reply.text().to_owned()
    };
    assert!(refused(FILM).await.contains("origin"));
    assert_eq!(world.request("GET", &path(&world, "vod", "films"), &[], b"").await.status, 404);
    let event = super::live::event(&world, "school", "lecture").await;
    assert!(refused(event.event.known.movie_id).await.contains("Live events"));
}
