//! B37: real nginx in front of the edge, as docs/cdn.md configures it: as a plain cache, and as an edge that
//! checks tokens.

use super::live::{self, APP, EVENT};
use super::world::{MOVIE, URL, World, octets};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use server::media_url::{self, MediaPath};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};
use urltoken::{Dialect, Secret, Settings, Signer};

pub(super) const DOCUMENT: &str = include_str!("../../../../docs/cdn.md");
/// How long a cache may take for anything that is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// How often the edge was asked: by URL, and by `Range`.
pub(super) type Asked = Arc<Mutex<BTreeMap<(String, String), usize>>>;

struct Nginx {
    folder: tempfile::TempDir,
    process: Child,
    asked: Asked,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its workers on SIGTERM; on SIGKILL they would stay.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

/// Where a program is.
pub(super) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Lets a world's edge listen. Gives where, and what it is asked from now on.
pub(super) async fn listen(world: &World) -> (SocketAddr, Asked) {
    let asked = Asked::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let edge = listener.local_addr().unwrap();
    let note = Arc::clone(&asked);
    let router = world.router.clone().layer(from_fn(move |request: Request, next: Next| {
        let range = request.headers().get("range").map_or("", |range| range.to_str().unwrap()).to_owned();
        *note.lock().unwrap().entry((request.uri().to_string(), range)).or_default() += 1;
        next.run(request)
    }));
    tokio::spawn(async move {
        axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await
    });
    (edge, asked)
}

/// The configurations that the document shows.
fn samples() -> String {
    let blocks = DOCUMENT.split("```nginx\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let blocks: Vec<&str> = blocks.collect();
    assert_eq!(blocks.len(), 2);
    blocks.concat()
}

/// Each replaced as often as it stands there, which is at least once.
pub(super) fn replaced(mut text: String, changes: &[(&str, &str)]) -> String {
    for (from, to) in changes {
        assert!(text.contains(from), "docs/cdn.md has no {from}");
        text = text.replace(from, to);
    }
    text
}

fn root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

impl Nginx {
    /// Starts one in front of a world's edge, or prints why not.
    async fn start(world: &World) -> Option<Self> {
        let Some(program) = program("nginx") else {
            println!("skipped: there is no nginx on this machine");
            return None;
        };
        let (edge, asked) = listen(world).await;
        let edge = edge.to_string();
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let (plain, checks) =
            (format!("listen unix:{};", at("plain")), format!("listen unix:{};", at("checks")));
        let sample = replaced(
            samples(),
            &[
                ("/var/cache/nginx/films", &at("cache")),
                ("listen 8090;", &plain),
                ("listen 8091;", &checks),
                ("127.0.0.1:8080", &edge),
            ],
        );
        let user = if root() { "user root;\n" } else { "" };
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("{what}_temp_path {};\n", at(what)))
            .concat();
        let configuration = format!(
            "{user}daemon off;\npid {};\nerror_log stderr;\nevents {{ worker_connections 4096; }}\nhttp {{\naccess_log off;\n{temporary}{sample}}}\n",
            at("pid")
        );
        std::fs::write(folder.path().join("nginx.conf"), configuration).unwrap();
        let process = Command::new(program)
            .args(["-e", "stderr", "-p", &at(""), "-c", &at("nginx.conf")])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut this = Self { folder, process, asked };
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while UnixStream::connect(this.socket("checks")).await.is_err() {
            assert!(this.process.try_wait().unwrap().is_none(), "nginx ended");
            assert!(tokio::time::Instant::now() < deadline, "nginx does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some(this)
    }

    fn socket(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the edge was asked since the last time.
    fn asked(&self) -> BTreeMap<(String, String), usize> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// An answer: status, headers as they stand (in lower case), body.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

async fn get(socket: &Path, url: &str, range: &str) -> Answer {
    let range = if range.is_empty() { String::new() } else { format!("range: {range}\r\n") };
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let stream = loop {
        match UnixStream::connect(socket).await {
            Ok(stream) => break stream,
            // More at once than nginx has taken in.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                assert!(tokio::time::Instant::now() < deadline, "nginx takes nobody in");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(error) => panic!("{error}"),
        }
    };
    ask(stream, url, &range).await
}

/// Asks on a connection. `headers`: further lines of the request's head.
pub(super) async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, url: &str, headers: &str) -> Answer {
    let request = format!("GET {url} HTTP/1.1\r\nhost: films\r\n{headers}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut octets = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut octets)).await.unwrap().unwrap();
    let end = octets.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(octets[..end].to_vec()).unwrap().to_ascii_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: octets[end + 4..].to_vec() }
}

fn today() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn file() -> MediaPath {
    MediaPath { pack: format!("{MOVIE:032x}"), file: "541/1811192541.mp4".to_owned(), range: None }
}

/// The URL of the film's first file without the origin.
pub(super) fn signed(signer: &Signer, base: &str, expires: u64, now: u64) -> String {
    let url = media_url::sign(signer, base, &file(), expires, now).url;
    url.strip_prefix(base).unwrap().to_owned()
}

pub(super) fn ranged(url: &str, range: &str) -> String {
    url.replacen('?', &format!("/range/{range}?"), 1)
}

/// B37: a plain cache: whoever asks, and however many at once, the edge sees each range once; nothing that
/// makes caches keep copies for each viewer; and what it has is gone when the URL ends.
#[tokio::test]
async fn b37_a_plain_cache_asks_once() {
    let world = World::new().await;
    let Some(nginx) = Nginx::start(&world).await else { return };
    let plain = nginx.socket("plain");
    let ring = server::keys::load(&world.config.keys(), URL, world.now()).unwrap();
    let signer = Signer::new(Dialect::MediaVault, &Settings::default(), &ring.media).unwrap();
    let url = signed(&signer, URL, world.now() + 3600, world.now());
    let all = octets();

    let part = ranged(&url, "1000-150999");
    let many = futures_util::future::join_all((0..24).map(|_| get(&plain, &part, ""))).await;
    for answer in &many {
        assert_eq!((answer.status, answer.body.len()), (200, 150_000));
        assert!(answer.body == all[1000..151_000]);
        assert!(answer.head.contains("cache-control: public, max-age=3600, immutable"), "{}", answer.head);
        for absent in ["\r\nvary:", "\r\nset-cookie:"] {
            assert!(!answer.head.contains(absent), "{}", answer.head);
        }
        assert!(answer.head.contains("access-control-allow-origin: *"), "{}", answer.head);
    }
    let asked = nginx.asked();
    assert!(asked.len() == 1 && asked.values().all(|times| *times == 1), "{asked:?}");

    // By header: in pieces, each of them once.
    for range in ["bytes=0-99", "bytes=100-9999", "bytes=199000-", "bytes=0-99"] {
        let answer = get(&plain, &url, range).await;
        assert_eq!(answer.status, 206, "{}", answer.head);
    }
    let whole = get(&plain, &url, "").await;
    assert!(whole.body == all);
    let asked = nginx.asked();
    assert!(asked.len() == 1 && asked.values().all(|times| *times == 1), "{asked:?}");

    // What is refused is not kept, and asked for again.
    let forged = url.replace("&h=", "&h=0");
    for _ in 0..2 {
        assert_eq!(get(&plain, &forged, "").await.status, 403);
    }
    assert_eq!(nginx.asked().into_values().collect::<Vec<_>>(), [2]);

    // Kept to the URL's end, and no longer: nginx's clock is the machine's, the edge's is the test's.
    let short = ranged(&signed(&signer, URL, world.now() + 1, world.now()), "0-9");
    assert_eq!(get(&plain, &short, "").await.status, 200);
    world.set_clock(world.now() + 1);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while get(&plain, &short, "").await.status != 400 {
        assert!(tokio::time::Instant::now() < deadline, "it is kept beyond its end");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// B81: five hundred players that follow an event behind a plain cache: of each playlist that they wait for,
/// and of each part and segment, the origin is asked once.
#[tokio::test]
async fn b81_five_hundred_players_behind_a_plain_cache() {
    const PLAYERS: usize = 500;
    let world = World::new().await;
    let Some(nginx) = Nginx::start(&world).await else { return };
    let plain = nginx.socket("plain");
    let all = async |url: &str| {
        let answers = futures_util::future::join_all((0..PLAYERS).map(|_| get(&plain, url, ""))).await;
        for answer in &answers {
            assert_eq!(answer.status, 200, "{url}: {}", answer.head);
            assert!(answer.body == answers[0].body, "{url}: one answer for all");
        }
    };
    let once = |what: &str| {
        let asked = nginx.asked();
        assert!(asked.len() == 1 && asked.values().all(|times| *times == 1), "{what}: {asked:?}");
    };
    let created = live::event(&world, APP, EVENT).await;
    live::send(&world, &created).await;
    let token = live::token(&world, APP, EVENT);
    for _ in 0..2 {
        let index = live::index(&world, &created).await;
        let (session, last) = (index["session"].as_str().unwrap(), index["last"].as_u64().unwrap());
        let url = |file: &str, more: &str| format!("/s/live/{APP}/{EVENT}/{session}/{file}?{token}{more}");
        let playlist = url("v240-1/media.m3u8", &format!("&_HLS_msn={}", last + 1));
        tokio::join!(all(&playlist), live::send(&world, &created));
        once("the playlist");
        for file in [format!("v240-1/{last}.0.m4s"), format!("v240-1/{last}.m4s")] {
            all(&url(&file, "")).await;
            once(&file);
        }
    }
}

/// A72, B37: nginx checks tokens of its own dialect, keeps one copy for all viewers, and pulls it by its
/// secret.
#[tokio::test]
async fn a72_b37_nginx_takes_our_tokens() {
    let world = World::with("[edge]\npull_secrets = [\"0123456789abcdef0123456789abcdef\"]").await;
    let Some(nginx) = Nginx::start(&world).await else { return };
    let checks = nginx.socket("checks");
    let signer = Signer::new(Dialect::Nginx, &Settings::default(), &[Secret::from("films-secret")]).unwrap();
    let (base, now) = ("https://nginx.example", today());
    let all = octets();
    let urls: Vec<String> = (1..=8).map(|n| signed(&signer, base, now + n * 86_400, now)).collect();
    for url in &urls {
        let part = get(&checks, &ranged(url, "0-149999"), "").await;
        assert_eq!(part.status, 200, "{}", part.head);
        assert!(part.body == all[..150_000]);
        let by_header = get(&checks, url, "bytes=5-14").await;
        assert_eq!(by_header.status, 206, "{}", by_header.head);
        assert!(by_header.body == all[5..15]);
    }
    let asked = nginx.asked();
    let files: Vec<_> = asked.keys().map(|(url, _)| url.split('?').next().unwrap()).collect();
    assert!(files.len() == 2 && asked.values().all(|times| *times == 1), "one copy for all: {asked:?}");

    let good = &urls[0];
    let other = good.replace("1811192541", "1811193541");
    let over = signed(&signer, base, now - 1, now);
    let another = Signer::new(Dialect::Nginx, &Settings::default(), &[Secret::from("other-secret")]).unwrap();
    for (url, status) in [
        (good.split('?').next().unwrap().to_owned(), 403),
        (good.replace("md5=", "md5=A"), 403),
        (good.replace("&expires=1", "&expires=2"), 403),
        (other, 403),
        (signed(&another, base, now + 86_400, now), 403),
        (over, 400),
        (good.replace("541/", "541/x/"), 404),
    ] {
        let answer = get(&checks, &url, "").await;
        assert_eq!(answer.status, status, "{url}");
    }
    assert!(nginx.asked().is_empty(), "the edge is not asked for what nginx refuses");
}
