//! B37, B81: real Varnish, squid and Traffic Server in front of the edge, as docs/cdn.md configures them.
//! Varnish runs with the other tests, the others in a soak.

use super::live::{self, APP, EVENT};
use super::nginx::{Answer, Asked, DOCUMENT, PATIENCE, ask, listen, program, ranged, replaced, signed};
use super::world::{URL, World, octets};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use test_ports::free_port;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use urltoken::{Dialect, Settings, Signer};

/// How long one may take for an answer while it is asked whether it is ready, and to end.
const TO_ANSWER: Duration = Duration::from_secs(5);
const TO_END: Duration = Duration::from_secs(10);

/// What stands in front.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Varnish,
    Squid,
    TrafficServer,
}

impl Kind {
    fn program(self) -> &'static str {
        match self {
            Self::Varnish => "varnishd",
            Self::Squid => "squid",
            Self::TrafficServer => "traffic_server",
        }
    }

    /// Writes its configuration below a folder, and gives how it is started.
    fn prepare(self, program: &Path, folder: &Path, port: u16, edge: SocketAddr) -> Command {
        let at = |name: &str| folder.join(name).display().to_string();
        let write = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
        let (edge, edge_port) = (edge.to_string(), edge.port().to_string());
        let mut command = Command::new(program);
        match self {
            Self::Varnish => {
                let backend = format!(".host = \"127.0.0.1\"; .port = \"{edge_port}\";");
                let sample = ".host = \"127.0.0.1\"; .port = \"8080\";";
                write("films.vcl", replaced(sample_of("vcl"), &[(sample, &backend)]));
                command.args(["-F", "-j", "none", "-s", "malloc,64m", "-n", &at("varnish"), "-f"]);
                command.arg(at("films.vcl")).arg("-a").arg(format!("127.0.0.1:{port}"));
            }
            Self::Squid => {
                let sample = replaced(
                    sample_of("squid"),
                    &[
                        ("http_port 8092", &format!("http_port 127.0.0.1:{port}")),
                        ("127.0.0.1 parent 8080", &format!("127.0.0.1 parent {edge_port}")),
                        ("cache_dir rock /var/spool/squid 500000\n", ""),
                    ],
                );
                let more = "access_log none\ncache_log stdio:/dev/stderr\npid_filename none\ncoredump_dir none\n\
                            pinger_enable off\nvisible_hostname films\nshutdown_lifetime 0 seconds\n";
                write("squid.conf", sample + more);
                command.args(["-N", "-f", &at("squid.conf")]);
            }
            Self::TrafficServer => {
                for name in ["etc", "var", "cache", "log"] {
                    std::fs::create_dir(folder.join(name)).unwrap();
                }
                let port = format!("server_ports STRING {port}:ip-in=127.0.0.1");
                // It stays who it is: another user may not read the folder.
                let more = "CONFIG proxy.config.admin.user_id STRING #-1\nCONFIG proxy.config.log.logging_enabled INT 0\n";
                let sample = replaced(sample_of("records.config"), &[("server_ports STRING 8093", &port)]);
                write("etc/records.config", sample + more);
                write("etc/remap.config", replaced(sample_of("remap.config"), &[("127.0.0.1:8080", &edge)]));
                write("etc/ip_allow.yaml", sample_of("ip_allow.yaml"));
                write("etc/storage.config", format!("{} 64M\n", at("cache")));
                let layout: String = [
                    ("prefix", at("")),
                    ("exec_prefix", "/usr".to_owned()),
                    ("bindir", "/usr/bin".to_owned()),
                    ("sbindir", "/usr/sbin".to_owned()),
                    ("libdir", "/usr/lib".to_owned()),
                    ("libexecdir", "/usr/lib/trafficserver/modules".to_owned()),
                    ("includedir", "/usr/include".to_owned()),
                    ("mandir", "/usr/share/man".to_owned()),
                    ("infodir", "/usr/share/info".to_owned()),
                    ("sysconfdir", at("etc")),
                    ("datadir", at("cache")),
                    ("cachedir", at("cache")),
                    ("localstatedir", at("var")),
                    ("runtimedir", at("var")),
                    ("logdir", at("log")),
                ]
                .map(|(name, path)| format!("{name}: {path}\n"))
                .concat();
                write("runroot.yaml", layout);
                command.arg(format!("--run-root={}", at("runroot.yaml")));
            }
        }
        command
    }
}

/// The configuration that the document shows under this name.
fn sample_of(name: &str) -> String {
    let fence = format!("```{name}\n");
    let mut blocks = DOCUMENT.split(fence.as_str()).skip(1);
    let block = blocks.next().unwrap_or_else(|| panic!("docs/cdn.md has no {name}"));
    assert!(blocks.next().is_none(), "docs/cdn.md has two {name}");
    block.split("```").next().unwrap().to_owned()
}

/// One of them, in front of a world's edge.
struct Front {
    process: Child,
    port: u16,
    asked: Asked,
    _folder: tempfile::TempDir,
}

impl Drop for Front {
    fn drop(&mut self) {
        // On SIGTERM they end those that they started.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let deadline = Instant::now() + TO_END;
        while let Ok(None) = self.process.try_wait() {
            if Instant::now() > deadline {
                let _ = self.process.kill();
                let _ = self.process.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Front {
    /// Starts one, or prints why not.
    async fn start(kind: Kind, world: &World) -> Option<Self> {
        let Some(program) = program(kind.program()) else {
            println!("skipped: there is no {} on this machine", kind.program());
            return None;
        };
        let (edge, asked) = listen(world).await;
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let mut command = kind.prepare(&program, folder.path(), port, edge);
        let process = command.stdin(Stdio::null()).spawn().unwrap();
        let mut this = Self { process, port, asked, _folder: folder };
        let deadline = tokio::time::Instant::now() + PATIENCE;
        // They listen before they are ready: what is good is an answer of the edge's.
        while !this.is_ready().await {
            assert!(this.process.try_wait().unwrap().is_none(), "{kind:?} ended");
            assert!(tokio::time::Instant::now() < deadline, "{kind:?} does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some(this)
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)).await else { return false };
        let request = b"GET /s/nothing HTTP/1.1\r\nhost: films\r\nconnection: close\r\n\r\n";
        let mut answer = Vec::new();
        let asked = async {
            stream.write_all(request).await?;
            stream.read_to_end(&mut answer).await
        };
        timeout(TO_ANSWER, asked).await.is_ok_and(|asked| asked.is_ok()) && !self.asked().is_empty()
    }

    async fn get(&self, url: &str, headers: &str) -> Answer {
        ask(TcpStream::connect(("127.0.0.1", self.port)).await.unwrap(), url, headers).await
    }

    /// The same from many at a time.
    async fn many(&self, url: &str, headers: &str) -> Vec<Answer> {
        futures_util::future::join_all((0..24).map(|_| self.get(url, headers))).await
    }

    /// What the edge was asked since the last time.
    fn asked(&self) -> BTreeMap<(String, String), usize> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// The edge was asked for so many things since the last time, each once.
    fn was_asked_once(&self, things: usize) {
        let asked = self.asked();
        assert!(asked.len() == things && asked.values().all(|times| *times == 1), "{asked:?}");
    }
}

/// What is true of each of them. `kept`: how many things ranges by header are at the edge, where they are
/// kept.
async fn asks_once(kind: Kind, kept: Option<usize>) {
    let world = World::new().await;
    let Some(front) = Front::start(kind, &world).await else { return };
    let ring = server::keys::load(&world.config.keys(), URL, world.now()).unwrap();
    let signer = Signer::new(Dialect::MediaVault, &Settings::default(), &ring.media).unwrap();
    let url = signed(&signer, URL, world.now() + 3600, world.now());
    let all = octets();

    for answer in front.many(&ranged(&url, "1000-150999"), "cookie: a=b\r\n").await {
        assert_eq!(answer.status, 200, "{}", answer.head);
        assert!(answer.body == all[1000..151_000]);
        assert!(answer.head.contains("cache-control: public, max-age=3600, immutable"), "{}", answer.head);
        for absent in ["\r\nvary:", "\r\nset-cookie:"] {
            assert!(!answer.head.contains(absent), "{}", answer.head);
        }
        assert!(answer.head.contains("access-control-allow-origin: *"), "{}", answer.head);
    }
    front.was_asked_once(1);

    // By header: the right octets, and the right names for them.
    for _ in 0..2 {
        for (range, place) in
            [("bytes=0-99", "0-99"), ("bytes=100-9999", "100-9999"), ("bytes=199000-", "199000-199999")]
        {
            let answer = front.get(&url, &format!("range: {range}\r\n")).await;
            assert_eq!(answer.status, 206, "{}", answer.head);
            assert!(answer.head.contains(&format!("content-range: bytes {place}/200000")), "{}", answer.head);
            let (first, last) = place.split_once('-').unwrap();
            assert!(answer.body == all[first.parse().unwrap()..=last.parse().unwrap()], "{range}");
        }
    }
    match kept {
        Some(things) => front.was_asked_once(things),
        None => drop(front.asked()),
    }
    let whole = front.get(&url, "").await;
    assert!(whole.status == 200 && whole.body == all, "{}", whole.head);
    front.asked();

    // What is refused is not kept.
    let forged = url.replace("&h=", "&h=0");
    for _ in 0..2 {
        assert_eq!(front.get(&forged, "").await.status, 403);
    }
    assert_eq!(front.asked().into_values().collect::<Vec<_>>(), [2]);

    asks_once_of_live(&front, &world).await;

    // Kept to the URL's end, and no longer: the cache's clock is the machine's, the edge's is the test's.
    let short = ranged(&signed(&signer, URL, world.now() + 1, world.now()), "0-9");
    assert_eq!(front.get(&short, "").await.status, 200);
    world.set_clock(world.now() + 1);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while front.get(&short, "").await.status != 400 {
        assert!(tokio::time::Instant::now() < deadline, "it is kept beyond its end");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Of a playlist that many wait for there is one question and one answer, and so there is of each part.
async fn asks_once_of_live(front: &Front, world: &World) {
    let created = live::event(world, APP, EVENT).await;
    live::send(world, &created).await;
    let before = live::index(world, &created).await;
    let session = before["session"].as_str().unwrap();
    let next = before["last"].as_u64().unwrap() + 1;
    let token = live::token(world, APP, EVENT);
    let url = |file: &str, more: &str| format!("/s/live/{APP}/{EVENT}/{session}/{file}?{token}{more}");
    let playlist = url("v240-1/media.m3u8", &format!("&_HLS_msn={next}"));
    let (answers, _) = tokio::join!(front.many(&playlist, ""), live::send(world, &created));
    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.head);
        assert!(answer.body == answers[0].body, "one answer for all");
    }
    front.was_asked_once(1);
    for file in ["v240-1/0.m4s", "v240-1/0.0.m4s", "v240-1/init.mp4"] {
        for answer in front.many(&url(file, ""), "").await {
            assert_eq!(answer.status, 200, "{file}: {}", answer.head);
        }
    }
    front.was_asked_once(3);
}

/// B37, B81: each range by header is an object of its own.
#[tokio::test]
async fn b37_b81_varnish_asks_once() {
    asks_once(Kind::Varnish, Some(3)).await;
}

/// B37, B81: squid fetches a file whole where a range by header is asked for; Traffic Server keeps none of
/// those.
#[tokio::test]
async fn b37_b81_squid_and_traffic_server_ask_once() {
    if std::env::var_os("MATINEE_SOAK").is_none() {
        println!("skipped: a part of `cargo xtask soak`");
        return;
    }
    asks_once(Kind::Squid, Some(1)).await;
    asks_once(Kind::TrafficServer, None).await;
}
