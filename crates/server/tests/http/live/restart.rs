//! A server that stops, or is killed, in the middle of an event: its viewers go on when the next one is
//! there.

use super::super::world::{NOW, World};
use super::ffmpeg::PATIENCE;
use super::{APP, EVENT, SECONDS, Tape, decrypt, download, event, get, index, keys, send};
use isobmff::{Boxes, Fragment, InitSegment};
use server::live::{Created, Events, NewEvent, create, end};
use server::{Clock, Config, Server, Service, live_url};
use std::collections::hash_map::RandomState;
use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasher as _;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use urltoken::{Dialect, Settings, Signer};

/// Another server on the same data.
pub(super) async fn again(world: World) -> World {
    let now = world.now();
    let World { folder, config, store, router, box_router, service, peer, .. } = world;
    drop((service, router, box_router));
    let (clock, hand) = Clock::manual(now);
    let service = Arc::new(Service::with_store(config.clone(), clock, store.clone()).unwrap());
    let (router, box_router) =
        (server::router(Arc::clone(&service)), server::box_router(Arc::clone(&service)));
    World { folder, config, store, router, box_router, service, peer, clock: hand }
}

/// B80: what was published before a stop is there after it, the encoder goes on in the same session, and the
/// film has all of it.
#[tokio::test]
async fn b80_an_event_goes_on_with_the_next_server() {
    let world = World::new().await;
    let created = event(&world, APP, EVENT).await;
    let (video, _) = send(&world, &created).await;
    let before = index(&world, &created).await;
    let session = before["session"].as_str().unwrap().to_owned();
    world.service.suspend_live().await;
    let stopping = async |world: &World| {
        assert_eq!(index(world, &created).await["state"], "interrupted");
        let playlist = get(world, &created, &format!("{session}/v240-1/media.m3u8"), "").await;
        assert!(playlist.status == 200 && !playlist.text().contains("ENDLIST"), "{}", playlist.text());
        let mpd = get(world, &created, &format!("{session}/stream.mpd"), "").await;
        assert!(mpd.status == 200 && mpd.text().contains("type=\"dynamic\""), "{}", mpd.text());
    };
    stopping(&world).await;
    let world = again(world).await;
    let events = Events::new(&world.config.data);
    assert_eq!(events.state(&created.event).unwrap().state.as_str(), "interrupted");
    // Before the encoder is back: all that was whole, from the disk.
    world.service.resume_live().await.unwrap();
    stopping(&world).await;
    let between = index(&world, &created).await;
    assert_eq!(between["session"], before["session"]);
    let ceks = keys(&world, &between);
    let (init, segments) = download(&world, &created, &between, 0).await;
    let got = decrypt(&init, &segments, &ceks);
    assert!(got.len() == video.samples.len() && got.iter().zip(&video.samples).all(|(a, (_, b))| a == b));
    world.set_clock(world.now() + 60);
    send(&world, &created).await;
    let after = index(&world, &created).await;
    assert_eq!((&after["session"], &after["state"]), (&before["session"], &"live".into()));
    assert!(after["last"].as_u64() > between["last"].as_u64());
    assert_eq!(after["runs"].as_array().unwrap().len(), 2);
    end(&events, &created.event.app, &created.event.name, NOW).unwrap();
    world.service.look_after_live().await;
    let pack = events.state(&created.event).unwrap().pack.unwrap();
    let folder = world.config.library().join(&pack);
    let film = packager::read_pack(&folder).unwrap();
    assert!(film.duration.seconds() > f64::from(2 * SECONDS) - 4.0, "{}", film.duration);
    let file = std::fs::read(folder.join(&film.representations[0].path)).unwrap();
    let first = film.representations[0].segments[0].offset as usize;
    assert_eq!(decrypt(&file, &file[first..], &ceks).len() as u64, film.representations[0].samples);
}

/// Where the settings want another encryption, or what was written down is damaged, another session begins.
#[tokio::test]
async fn what_cannot_be_gone_on_with_begins_anew() {
    for is_damaged in [false, true] {
        let world = World::new().await;
        let created = event(&world, APP, EVENT).await;
        send(&world, &created).await;
        let before = index(&world, &created).await;
        world.service.suspend_live().await;
        let world = again(world).await;
        let events = Events::new(&world.config.data);
        let folder = events.folder(&created.event.app, &created.event.name);
        if is_damaged {
            let session = events.state(&created.event).unwrap().session.unwrap();
            std::fs::write(folder.join(session).join("record.json"), b"{").unwrap();
        } else {
            let application = folder.parent().unwrap().join("application.toml");
            std::fs::write(application, "[encryption]\nscheme = \"cbcs\"\n").unwrap();
        }
        world.service.resume_live().await.unwrap();
        assert_eq!(get(&world, &created, "index.json", "").await.status, 404);
        send(&world, &created).await;
        assert_ne!(index(&world, &created).await["session"], before["session"]);
    }
}

const DATA: &str = "MATINEE_TEST_LIVE_SERVER";
const URL: &str = "http://localhost:8080";

fn configuration(data: &Path) -> Config {
    let text = format!("listen = \"127.0.0.1:0\"\npublic_url = \"{URL}\"\n");
    let mut config = Config::parse(&text).unwrap();
    config.data = data.to_owned();
    config
}

/// The process that is stopped and killed. It does nothing unless a test started it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serving() {
    let Some(data) = std::env::var_os(DATA) else { return };
    let server = Server::bind(configuration(Path::new(&data)), Clock::System).await.unwrap();
    println!("address {} behind it", server.address().unwrap());
    server.run().await.unwrap();
}

/// The process, ended whatever happens.
pub(super) struct Process {
    pub(super) child: Child,
    pub(super) address: SocketAddr,
}

impl Process {
    fn start(data: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["live::restart::serving", "--exact", "--nocapture"])
            .env(DATA, data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, rest) = line.split_once("address ")?;
            rest.split_once(' ').map(|(address, _)| address.parse().unwrap())
        });
        // What else it says has to go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address: said.unwrap() }
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The body of an answer; `None` for any status but 200, and where nobody answers.
async fn fetch(address: SocketAddr, path: &str) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost:8080\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let at = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let length: usize = std::str::from_utf8(&answer[..at])
        .ok()?
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok())?;
    let body = answer.split_off(at + 4);
    (answer.starts_with(b"HTTP/1.1 200") && body.len() == length).then_some(body)
}

/// An event that a process serves.
pub(super) struct Served {
    created: Created,
    token: String,
}

impl Served {
    fn path(&self, file: &str) -> String {
        format!("/s/live/school/lecture/{file}?{}", self.token)
    }

    /// An event of a process that begins with it.
    pub(super) async fn begin(data: &Path) -> (Process, Self, Events) {
        let process = Process::start(data);
        let config = configuration(data);
        let store = server::store::open(&config).await.unwrap();
        let new = NewEvent::new("school".parse().unwrap(), "lecture".parse().unwrap(), "A lecture");
        let events = Events::new(data);
        let created = create(&*store, &events, new, Clock::System.now()).await.unwrap();
        let ring = server::keys::load(&config.keys(), URL, Clock::System.now()).unwrap();
        let signer = Signer::new(Dialect::MediaVault, &Settings::default(), &ring.media).unwrap();
        let token = live_url::sign(&signer, URL, ("school", "lecture"), u64::MAX >> 20, 0);
        (process, Self { created, token }, events)
    }

    /// Begins a request without end.
    pub(super) async fn request(&self, address: SocketAddr, name: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "PUT /ingest/school/lecture/{}/{name} HTTP/1.1\r\nhost: localhost:8080\r\n\
             content-length: 999999999\r\n\r\n",
            self.created.key
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    /// Sends the demo film, and leaves the requests open: an encoder that is not through.
    async fn begin_sending(&self, address: SocketAddr) -> Vec<TcpStream> {
        let mut requests = Vec::new();
        for (name, tape) in [("v.cmfv", Tape::video(SECONDS)), ("a.cmfa", Tape::audio(SECONDS))] {
            let mut stream = self.request(address, name).await;
            stream.write_all(&tape.stream(0.0)).await.unwrap();
            requests.push(stream);
        }
        requests
    }

    /// Sends half of the demo film, half a second at a time and faster than it plays, until nobody listens.
    async fn keep_sending(&self, address: SocketAddr) -> JoinHandle<()> {
        let mut requests = Vec::new();
        // As long: samples of sound are half as long as pictures.
        for (name, tape, count) in [("v.cmfv", Tape::video(30), 12), ("a.cmfa", Tape::audio(30), 24)] {
            let mut stream = self.request(address, name).await;
            stream.write_all(&tape.header()).await.unwrap();
            requests.push((stream, tape.fragments(count, 0.0).into_iter()));
        }
        tokio::spawn(async move {
            loop {
                for (stream, fragments) in &mut requests {
                    let Some(fragment) = fragments.next() else { return };
                    if stream.write_all(&fragment).await.is_err() {
                        return;
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
    }

    /// The index of a session, once it has what is wanted.
    pub(super) async fn index(
        &self,
        address: SocketAddr,
        session: &str,
        holds: impl Fn(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        let mut last = serde_json::Value::Null;
        for _ in 0..PATIENCE {
            if let Some(json) = fetch(address, &self.path(&format!("{session}/index.json"))).await {
                last = serde_json::from_slice(&json).unwrap();
                if holds(&last) {
                    return last;
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("that never came: {last}");
    }

    /// The session that is under way.
    pub(super) async fn session(&self, events: &Events) -> String {
        for _ in 0..PATIENCE {
            if let Some(session) = events.state(&self.created.event).unwrap().session {
                return session[..8].to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no session began");
    }
}

/// Numbers that are whole in all representations.
fn whole(index: &serde_json::Value) -> usize {
    let all = index["representations"].as_array().cloned().unwrap_or_default();
    let count = |r: &serde_json::Value| {
        r["segments"].as_array().unwrap().iter().filter(|segment| segment["complete"] == true).count()
    };
    if all.len() == 2 { all.iter().map(count).min().unwrap() } else { 0 }
}

/// Everything that was published under a name.
#[derive(Default)]
struct Published(HashMap<String, Vec<u8>>);

impl Published {
    async fn take(&mut self, served: &Served, address: SocketAddr, index: &serde_json::Value) {
        self.take_those(served, address, index, |_, _| true).await;
    }

    /// What has no name among those that were taken before.
    async fn take_new(&mut self, served: &Served, address: SocketAddr, index: &serde_json::Value) {
        self.take_those(served, address, index, |known, name| !known.contains_key(name)).await;
    }

    async fn take_those(
        &mut self,
        served: &Served,
        address: SocketAddr,
        index: &serde_json::Value,
        is_wanted: impl Fn(&HashMap<String, Vec<u8>>, &str) -> bool,
    ) {
        let session = index["session"].as_str().unwrap();
        for r in index["representations"].as_array().unwrap() {
            let id = r["id"].as_str().unwrap();
            let mut names = vec![format!("{id}/init.mp4")];
            for segment in r["segments"].as_array().unwrap() {
                let number = &segment["n"];
                if segment["complete"] == true {
                    names.push(format!("{id}/{number}.m4s"));
                }
                let parts = segment["parts"].as_array().map_or(0, Vec::len);
                names.extend((0..parts).map(|part| format!("{id}/{number}.{part}.m4s")));
            }
            names.retain(|name| is_wanted(&self.0, name));
            for name in names {
                // A part that has left the memory meanwhile is in its segment.
                let Some(bytes) = fetch(address, &served.path(&format!("{session}/{name}"))).await else {
                    continue;
                };
                let kept = self.0.entry(name.clone()).or_insert_with(|| bytes.clone());
                assert!(*kept == bytes, "{name} was used twice");
            }
        }
    }

    /// No IV is there under two names, but those of a segment and its parts.
    fn assert_no_iv_twice(&self) {
        let mut owners = HashMap::<_, (String, &[u8])>::new();
        for (name, bytes) in self.0.iter().filter(|(name, _)| name.ends_with(".m4s")) {
            let (id, file) = name.split_once('/').unwrap();
            let init = InitSegment::parse(&self.0[&format!("{id}/init.mp4")]).unwrap();
            let owner = format!("{id}/{}", file.split('.').next().unwrap());
            for moof in Boxes::new(bytes).map(Result::unwrap).filter(|found| found.kind == b"moof") {
                let fragment = Fragment::parse(&bytes[moof.offset..], 0, &init).unwrap();
                for sample in fragment.tracks()[0].samples().map(Result::unwrap) {
                    let crypto = sample.crypto.expect("an encrypted sample");
                    // Of 8 octets: each sample counts its blocks from 0, so other IVs are other counters.
                    assert_eq!(crypto.iv.len(), 8);
                    let iv = (crypto.kid().to_vec(), crypto.iv.to_vec());
                    let at = moof.offset + sample.offset as usize;
                    let this = (owner.clone(), &bytes[at..at + sample.size as usize]);
                    let first = owners.entry(iv).or_insert_with(|| this.clone());
                    assert!(*first == this, "an IV was used twice: {} and {name}", first.0);
                }
            }
        }
        assert!(owners.len() > 500, "{}", owners.len());
    }
}

/// A process that is told to stop, or is killed, and started again: no manifest ever says that the event had
/// ended, the encoder goes on in the same session, and no name and no IV is used twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_no_event_and_neither_does_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (mut process, served, events) = Served::begin(&data).await;
    let mut published = Published::default();
    let mut encoder = served.begin_sending(process.address).await;
    let session = served.session(&events).await;
    let mut before = served.index(process.address, &session, |index| whole(index) >= 3).await;
    for signal in ["-TERM", "-KILL", "-TERM", "-KILL"] {
        published.take(&served, process.address, &before).await;
        process.signal(signal);
        // An encoder that nobody listens to goes; the process waits for no more than that.
        encoder.clear();
        // Who asks until nobody is there any more is never told that it was over.
        for file in ["v240-1/media.m3u8", "stream.mpd", "index.json"].iter().cycle() {
            let Some(said) = fetch(process.address, &served.path(&format!("{session}/{file}"))).await else {
                break;
            };
            let said = String::from_utf8(said).unwrap();
            let over = ["ENDLIST", "type=\"static\"", "\"ended\""];
            assert!(!over.iter().any(|over| said.contains(over)), "{signal}: {said}");
        }
        process.child.wait().unwrap();
        process = Process::start(&data);
        let between = served.index(process.address, &session, |index| index["state"] == "interrupted").await;
        published.take(&served, process.address, &between).await;
        let last = between["last"].as_u64().unwrap();
        encoder = served.begin_sending(process.address).await;
        let goes_on = |index: &serde_json::Value| index["last"].as_u64().unwrap() >= last + 4;
        before = served.index(process.address, &session, goes_on).await;
    }
    published.take(&served, process.address, &before).await;
    published.assert_no_iv_twice();
    assert_eq!(served.session(&events).await, session);
    drop(encoder);
}

/// Names of whole segments in an index.
fn complete(index: &serde_json::Value) -> BTreeSet<String> {
    let all = index["representations"].as_array().into_iter().flatten();
    let of = |r: &serde_json::Value| {
        let id = r["id"].as_str().unwrap().to_owned();
        let segments = r["segments"].as_array().cloned().unwrap_or_default().into_iter();
        segments.filter(|one| one["complete"] == true).map(move |one| format!("{id}/{}.m4s", one["n"]))
    };
    all.flat_map(of).collect()
}

/// B80: a process that is killed at moments that nobody chose, in a soak at twenty of them, while an encoder
/// sends and somebody takes everything that is published as soon as it is: no name and no IV is there twice,
/// and no more is lost than what was not on the disk yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b80_kills_at_any_moment_use_no_name_and_no_iv_twice() {
    let kills = if std::env::var_os("MATINEE_SOAK").is_some() { 20 } else { 2 };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (mut process, served, events) = Served::begin(&data).await;
    let (mut published, mut sessions) = (Published::default(), BTreeSet::new());
    for kill in 1..=kills {
        // Of some 190 names that the encoder makes in all.
        let more = 30 + RandomState::new().hash_one(kill) as usize % 100;
        let wanted = published.0.len() + more;
        let encoder = served.keep_sending(process.address).await;
        let session = served.session(&events).await;
        let path = served.path(&format!("{session}/index.json"));
        let mut last = served.index(process.address, &session, |_| true).await;
        let (mut tries, mut killer) = (0..PATIENCE, None);
        loop {
            tries.next().unwrap_or_else(|| panic!("kill {kill}: {more} more names never came: {last}"));
            let before = published.0.len();
            match fetch(process.address, &path).await {
                Some(json) => {
                    last = serde_json::from_slice(&json).unwrap();
                    published.take_new(&served, process.address, &last).await;
                }
                // It is looked at until it is gone.
                None if killer.is_some() => break,
                None => {}
            }
            // A slow machine may not see so many before the encoder has sent all that it has.
            if (published.0.len() >= wanted || encoder.is_finished()) && killer.is_none() {
                let id = process.child.id().to_string();
                killer = Some(Command::new("kill").args(["-KILL", &id]).spawn().unwrap());
            }
            if published.0.len() == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        assert!(killer.unwrap().wait().unwrap().success());
        process.child.wait().unwrap();
        encoder.abort();
        process = Process::start(&data);
        let after = served.index(process.address, &session, |index| index["state"] == "interrupted").await;
        published.take(&served, process.address, &after).await;
        // Whole segments that were on their way to the disk in that moment: usually none, and of each track
        // no more than there are numbers ahead of what is on it.
        let lost: Vec<_> = complete(&last).difference(&complete(&after)).cloned().collect();
        println!("kill {kill} after {more} names: lost of what was whole: {lost:?}");
        assert!(lost.len() <= 2 * 5, "kill {kill}: {lost:?}");
        sessions.insert(session);
    }
    published.assert_no_iv_twice();
    assert_eq!(sessions.len(), 1, "one session goes on: {sessions:?}");
}
