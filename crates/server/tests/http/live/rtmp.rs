//! RTMP over real sockets: what a real encoder publishes, what is refused, and how one comes back.

use super::ffmpeg::{PATIENCE, ffmpeg, frames, has_ffmpeg, packets, source, words};
use isobmff::{Boxes, Fragment, InitSegment};
use server::live::{Created, Events, NewEvent, create, end};
use server::{Clock, Config, Server, live_url};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use urltoken::{Dialect, Settings, Signer};

/// A server that takes RTMP and RTMPS, with an event.
pub(super) struct Running {
    pub(super) folder: tempfile::TempDir,
    config: Config,
    pub(super) address: SocketAddr,
    pub(super) rtmp: SocketAddr,
    rtmps: SocketAddr,
    trusted: Vec<u8>,
    pub(super) created: Created,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<Result<(), server::Error>>,
}

impl Running {
    pub(super) async fn start(limits: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let text = format!(
            "listen = \"127.0.0.1:0\"\npublic_url = \"https://localhost\"\n[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n\
             [live]\nrtmp = \"127.0.0.1:0\"\nrtmps = \"127.0.0.1:0\"\n{limits}",
            cert.display(),
            key.display()
        );
        let mut config = Config::parse(&text).unwrap();
        config.data = folder.path().join("data");
        let server = Server::bind(config, Clock::System).await.unwrap();
        let (address, config) = (server.address().unwrap(), server.service().config().clone());
        let [Some(rtmp), Some(rtmps)] = server.rtmp_addresses() else { panic!("no listeners") };
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = tokio::spawn(server.run_until(async {
            let _ = stopped.await;
        }));
        let store = server::store::open(&config).await.unwrap();
        let new = NewEvent::new("school".parse().unwrap(), "lecture".parse().unwrap(), "A lecture");
        let events = Events::new(&config.data);
        let created = create(&*store, &events, new, Clock::System.now()).await.unwrap();
        let trusted = made.cert.der().to_vec();
        Self { folder, config, address, rtmp, rtmps, trusted, created, stop, ended }
    }

    pub(super) fn url(&self) -> String {
        format!("rtmp://{}/school/lecture?key={}", self.rtmp, self.created.key)
    }

    pub(super) async fn end(self) {
        let _ = self.stop.send(());
        self.ended.await.unwrap().unwrap();
    }

    /// Gets something of the event's session.
    async fn get(&self, file: &str) -> Option<Vec<u8>> {
        let events = Events::new(&self.config.data);
        let session = events.state(&self.created.event).unwrap().session?;
        let keys =
            server::keys::load(&self.config.keys(), &self.config.public_url, Clock::System.now()).unwrap();
        let signer = Signer::new(Dialect::MediaVault, &Settings::default(), &keys.media).unwrap();
        let token =
            live_url::sign(&signer, &self.config.public_url, ("school", "lecture"), u64::MAX >> 20, 0);
        let path = format!("/s/live/school/lecture/{}/{file}?{token}", &session[..8]);
        https(self.address, &self.trusted, &path).await
    }

    pub(super) async fn index(&self) -> serde_json::Value {
        serde_json::from_slice(&self.get("index.json").await.unwrap_or_default()).unwrap_or_default()
    }

    /// The index once so many segments of each representation are whole.
    pub(super) async fn segments(&self, count: usize) -> serde_json::Value {
        for _ in 0..PATIENCE {
            let index = self.index().await;
            let all = index["representations"].as_array().cloned().unwrap_or_default();
            if all.len() == 2 && all.iter().all(|r| whole(r).len() >= count) {
                return index;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{count} segments never came: {}", self.index().await);
    }

    /// Header and segments of a representation, in a file; and the decoding times of its fragments and their
    /// ends.
    pub(super) async fn download(&self, r: &serde_json::Value) -> (PathBuf, Vec<(u64, u64)>) {
        let id = r["id"].as_str().unwrap();
        let mut file = self.get(&format!("{id}/init.mp4")).await.unwrap();
        let init = InitSegment::parse(&file).unwrap();
        let mut times = Vec::new();
        for number in whole(r) {
            let segment = self.get(&format!("{id}/{number}.m4s")).await.unwrap();
            for moof in Boxes::new(&segment).map(Result::unwrap).filter(|found| found.kind == b"moof") {
                let fragment = Fragment::parse(&segment[moof.offset..], 0, &init).unwrap();
                let samples: Vec<_> = fragment.tracks()[0].samples().map(Result::unwrap).collect();
                let (first, last) = (samples.first().unwrap(), samples.last().unwrap());
                times.push((first.decode_time, last.decode_time + u64::from(last.duration)));
            }
            file.extend(segment);
        }
        let path = self.folder.path().join(format!("{id}.mp4"));
        std::fs::write(&path, file).unwrap();
        (path, times)
    }

    /// The content key.
    pub(super) fn key(&self, index: &serde_json::Value) -> String {
        let keys =
            server::keys::load(&self.config.keys(), &self.config.public_url, Clock::System.now()).unwrap();
        let content: cenc::ContentId = index["protection"]["content_id"].as_str().unwrap().parse().unwrap();
        let cek = cenc::derive_cek(keys.active_common_key().1, &content, &cenc::Label::default(), 0);
        cek.expose().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn whole(representation: &serde_json::Value) -> Vec<u64> {
    let segments = representation["segments"].as_array().into_iter().flatten();
    segments.filter(|segment| segment["complete"] == true).map(|s| s["n"].as_u64().unwrap()).collect()
}

/// The body of an answer by https; `None` for any status but 200.
async fn https(address: SocketAddr, trusted: &[u8], path: &str) -> Option<Vec<u8>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.to_vec().into()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A peer that closes without saying goodbye has said all the same.
    let _ = stream.read_to_end(&mut answer).await;
    let at = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    answer.starts_with(b"HTTP/1.1 200").then(|| answer.split_off(at + 4))
}

pub(super) fn of_kind<'a>(index: &'a serde_json::Value, kind: &str) -> &'a serde_json::Value {
    index["representations"].as_array().unwrap().iter().find(|r| r["type"] == kind).unwrap()
}

/// Fragments follow each other without a gap.
pub(super) fn assert_no_gap(times: &[(u64, u64)]) {
    for pair in times.windows(2) {
        assert_eq!(pair[0].1, pair[1].0, "{times:?}");
    }
}

/// B80: what ffmpeg publishes by RTMP is what a player with the keys gets, picture by picture, without a gap;
/// the event is a film afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b80_ffmpeg_by_rtmp() {
    if !has_ffmpeg() {
        return;
    }
    let running = Running::start("").await;
    let source = source(running.folder.path()).await;
    let sent = frames(&source, "0:v", None).await;
    let pushed = ffmpeg(words(&format!("-i {} -c copy -f flv {}", source.display(), running.url()))).await;
    let said = String::from_utf8_lossy(&pushed.stderr).into_owned();
    assert!(pushed.status.success(), "{said}");
    let index = running.segments(5).await;
    let (pictures, times) = running.download(of_kind(&index, "video")).await;
    assert_no_gap(&times);
    let got = frames(&pictures, "0:v", Some(&running.key(&index))).await;
    assert!((250..=300).contains(&got.len()), "{} frames", got.len());
    assert!(got.iter().eq(sent.iter().take(got.len())), "other pictures");
    let (sound, times) = running.download(of_kind(&index, "audio")).await;
    assert_no_gap(&times);
    let heard = packets(&sound, "0:a", Some(&running.key(&index))).await;
    let sent = packets(&source, "0:a", None).await;
    // The first ones may lie before the first picture. ffmpeg hashes with a packet what is said beside it, as
    // what of the first one is to be skipped.
    let heard = heard.get(1..).unwrap_or_default();
    assert!(heard.len() > 400 && sent.windows(heard.len()).any(|some| some == heard), "other sound");
    let state = Events::new(&running.config.data);
    end(&state, &running.created.event.app, &running.created.event.name, Clock::System.now()).unwrap();
    let mut tries = 0..PATIENCE;
    while state.state(&running.created.event).unwrap().pack.is_none() {
        tries.next().expect("the film never came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    running.end().await;
}

/// An encoder that is killed and comes back, with times that begin anew, goes on in the same session; by
/// RTMPS, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b80_an_encoder_by_rtmp_that_is_killed_goes_on() {
    if !has_ffmpeg() {
        return;
    }
    let running = Running::start("").await;
    let source = source(running.folder.path()).await;
    let publish = |url: String| {
        let args = words(&format!("-v error -re -i {} -c copy -f flv {url}", source.display()));
        Command::new("ffmpeg").args(args).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut first = publish(running.url());
    let index = running.segments(1).await;
    first.kill().unwrap();
    first.wait().unwrap();
    let secure =
        format!("rtmps://localhost:{}/school/lecture?key={}", running.rtmps.port(), running.created.key);
    let mut second = publish(secure.clone());
    let mut tries = 0..PATIENCE;
    while running.index().await["representations"]
        .as_array()
        .is_none_or(|all| all.len() < 2 || all.iter().any(|one| whole(one).len() < 5))
    {
        tries.next().expect("the second encoder never came through");
        // The server may not have seen yet that the first one is gone, and refuses it.
        if second.try_wait().unwrap().is_some() {
            second = publish(secure.clone());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let later = running.segments(5).await;
    second.kill().unwrap();
    second.wait().unwrap();
    assert_eq!(index["session"], later["session"]);
    for kind in ["video", "audio"] {
        let (file, times) = running.download(of_kind(&later, kind)).await;
        if kind == "video" {
            // Where it came back, pictures go on where the sound ended.
            let gaps = times.windows(2).filter(|pair| pair[0].1 != pair[1].0).count();
            assert!(gaps <= 1, "{times:?}");
            let got = frames(&file, "0:v", Some(&running.key(&later))).await;
            assert!(got.len() > 200, "{} frames", got.len());
        }
        assert!(times.windows(2).all(|pair| pair[0].1 <= pair[1].0), "times go back: {times:?}");
    }
    running.end().await;
}

/// What ffmpeg says when it may not: the reasons are in words, and the key is in no log (see `logs.rs` for
/// HTTP).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_reach_the_encoder() {
    if !has_ffmpeg() {
        return;
    }
    let running = Running::start("[limits]\nstream_keys_per_address = 2").await;
    let source = source(running.folder.path()).await;
    let publish = |address: String| {
        let args = format!("-v error -i {} -c copy -f flv {address}", source.display());
        let out = ffmpeg(words(&args));
        async move {
            let out = out.await;
            assert!(!out.status.success(), "{address}");
            String::from_utf8_lossy(&out.stderr).into_owned()
        }
    };
    let at = |rest: &str| format!("rtmp://{}/{rest}", running.rtmp);
    let said = publish(at("school/other?key=5ec")).await;
    assert!(said.contains("There is no such event"), "{said}");
    let said = publish(at(".../lecture?key=5ec")).await;
    assert!(said.contains("There is no such application"), "{said}");
    let said = publish(at("school/lecture")).await;
    assert!(said.contains("missing or wrong"), "{said}");
    for _ in 0..2 {
        let said = publish(at(&format!("school/lecture?key={}", "0".repeat(32)))).await;
        assert!(said.contains("missing or wrong"), "{said}");
    }
    let said = publish(running.url()).await;
    assert!(said.contains("Too many wrong stream keys"), "{said}");
    running.end().await;
}

/// One encoder at a time; who sends nothing that is RTMP, or nothing at all, is let go; the server's end is
/// orderly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_encoder_at_a_time() {
    if !has_ffmpeg() {
        return;
    }
    let running = Running::start("").await;
    let source = source(running.folder.path()).await;
    let args =
        format!("-v error -re -stream_loop -1 -i {} -c copy -f flv {}", source.display(), running.url());
    let mut first =
        Command::new("ffmpeg").args(words(&args)).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    running.segments(1).await;
    let second =
        ffmpeg(words(&format!("-v error -i {} -c copy -f flv {}", source.display(), running.url()))).await;
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && said.contains("Another encoder is sending"), "{said}");
    // It is closed at once.
    let mut other = TcpStream::connect(running.rtmp).await.unwrap();
    other.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    other.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"");
    // The encoder is told, and goes.
    running.end().await;
    let _ = first.wait().unwrap();
}

/// The gateways of docs/live.md: ffmpeg listens for SRT or RIST, and sends on by RTMP.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn srt_and_rist_by_a_gateway() {
    if !has_ffmpeg() {
        return;
    }
    let out = Command::new("ffmpeg").args(["-v", "quiet", "-protocols"]).output().unwrap();
    let protocols = String::from_utf8_lossy(&out.stdout).into_owned();
    for (protocol, listen, send) in [
        (
            "srt",
            "srt://127.0.0.1:PORT?mode=listener&passphrase=correct-horse",
            "srt://127.0.0.1:PORT?passphrase=correct-horse",
        ),
        ("rist", "rist://@127.0.0.1:PORT", "rist://127.0.0.1:PORT"),
    ] {
        if !protocols.lines().any(|line| line.trim() == protocol) {
            eprintln!("SKIPPED: this ffmpeg has no {protocol}");
            continue;
        }
        let running = Running::start("").await;
        let source = source(running.folder.path()).await;
        let port = free_port();
        let args = format!(
            "-v error -i {} -c copy -bsf:a aac_adtstoasc -f flv {}",
            listen.replace("PORT", &port),
            running.url()
        );
        let mut gateway = Command::new("ffmpeg").args(words(&args)).stdin(Stdio::null()).spawn().unwrap();
        let args = format!(
            "-v error -re -stream_loop -1 -i {} -c copy -f mpegts {}",
            source.display(),
            send.replace("PORT", &port)
        );
        // The gateway may not listen yet.
        let mut encoder = None;
        let mut tries = 0..PATIENCE;
        while whole(&running.index().await["representations"][0]).len() < 3 {
            tries.next().unwrap_or_else(|| panic!("nothing came by {protocol}"));
            assert!(gateway.try_wait().unwrap().is_none(), "the gateway for {protocol} has ended");
            let gone =
                encoder.as_mut().is_none_or(|it: &mut std::process::Child| it.try_wait().unwrap().is_some());
            if gone {
                let command = &mut Command::new("ffmpeg");
                encoder = command.args(words(&args)).stdin(Stdio::null()).stderr(Stdio::null()).spawn().ok();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        for mut child in encoder.into_iter().chain([gateway]) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let index = running.segments(3).await;
        let (file, times) = running.download(of_kind(&index, "video")).await;
        assert_no_gap(&times);
        let sent = frames(&source, "0:v", None).await;
        let got = frames(&file, "0:v", Some(&running.key(&index))).await;
        // It may have missed the beginning.
        assert!(got.len() >= 100 && sent.windows(50).any(|some| some == &got[..50]), "other pictures");
        running.end().await;
    }
}

/// A port for UDP. Even, as RIST wants it.
fn free_port() -> String {
    loop {
        let port = test_ports::free_port();
        if port.is_multiple_of(2) && std::net::UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port.to_string();
        }
    }
}

/// An ffmpeg that writes HEVC into FLV: that of `MATINEE_FFMPEG`, or the one that there is.
fn enhanced(folder: &Path) -> Option<PathBuf> {
    let candidates = [std::env::var_os("MATINEE_FFMPEG").map(PathBuf::from), Some("ffmpeg".into())];
    candidates.into_iter().flatten().find(|program| {
        let out = folder.join("probe.flv");
        let args = "-v quiet -y -f lavfi -i testsrc2=size=64x64:rate=5:duration=1 -c:v libx265 -x265-params log-level=none -f flv";
        Command::new(program).args(words(args)).arg(out).status().is_ok_and(|status| status.success())
    })
}

/// Enhanced RTMP: HEVC with Opus, and AV1, where there is an ffmpeg that has them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b80_enhanced_rtmp() {
    let folder = tempfile::tempdir().unwrap();
    let Some(program) = has_ffmpeg().then(|| enhanced(folder.path())).flatten() else {
        eprintln!("SKIPPED: no ffmpeg that writes HEVC into FLV (6.1 or later); MATINEE_FFMPEG may name one");
        return;
    };
    for codecs in [
        "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=50:min-keyint=50:scenecut=0 -c:a libopus",
        "-c:v libsvtav1 -preset 12 -g 50 -svtav1-params lookahead=0 -c:a aac",
        "-c:v libaom-av1 -cpu-used 8 -usage realtime -g 50 -c:a aac",
    ] {
        let film = folder.path().join("film.mp4");
        let args = format!(
            "-v error -y -f lavfi -i testsrc2=size=160x90:rate=25:duration=12 -f lavfi -i sine=duration=12 \
             -pix_fmt yuv420p {codecs} -movflags +faststart {}",
            film.display()
        );
        let made = Command::new(&program).args(words(&args)).output().unwrap();
        if !made.status.success() {
            eprintln!("SKIPPED: this ffmpeg has not {codecs}: {}", String::from_utf8_lossy(&made.stderr));
            continue;
        }
        let running = Running::start("").await;
        let args = format!("-v error -i {} -c copy -f flv {}", film.display(), running.url());
        let pushed = Command::new(&program).args(words(&args)).output().unwrap();
        let said = String::from_utf8_lossy(&pushed.stderr).into_owned();
        assert!(pushed.status.success(), "{codecs}: {said}");
        let index = running.segments(5).await;
        let (pictures, times) = running.download(of_kind(&index, "video")).await;
        assert_no_gap(&times);
        let got = frames(&pictures, "0:v", Some(&running.key(&index))).await;
        let sent = frames(&film, "0:v", None).await;
        assert!(got.len() >= 200 && got.iter().eq(sent.iter().take(got.len())), "{codecs}: other pictures");
        running.end().await;
    }
}
