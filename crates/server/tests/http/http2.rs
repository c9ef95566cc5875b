//! HTTP/2 by TLS, over real sockets: many requests on one connection, and callers who mean ill.

use super::serving::{Running, certificate, connect_tls, get_tls, start};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::{Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::client::TlsStream;

/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(120);

struct Site {
    running: Running,
    trusted: Vec<u8>,
    _folder: tempfile::TempDir,
}

impl Site {
    async fn start(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let trusted = certificate(folder.path());
        let tls = format!(
            "{config}\n[tls]\ncertificate = \"{0}/cert.pem\"\nkey = \"{0}/key.pem\"",
            folder.path().display()
        );
        Self { running: start(&tls).await, trusted, _folder: folder }
    }

    async fn connect(&self, protocols: &[&[u8]]) -> TlsStream<TcpStream> {
        connect_tls(self.running.address, &self.trusted, protocols).await.unwrap()
    }

    /// A connection of hyper's client; the task ends when the connection does.
    async fn client(&self) -> (SendRequest<String>, tokio::task::JoinHandle<hyper::Result<()>>) {
        let stream = self.connect(&[b"h2"]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (client, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        (client, tokio::spawn(connection))
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.running.address.port())
    }

    async fn stop(mut self) {
        self.running.stop.take().unwrap().send(()).unwrap();
        self.running.ended.await.unwrap().unwrap();
    }
}

fn get(url: &str) -> Request<String> {
    Request::get(url).body(String::new()).unwrap()
}

/// Both protocols at one address; the better one where a client knows both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_on_one_connection() {
    let site = Site::start("").await;
    let (mut client, connection) = site.client().await;
    let mut answers = JoinSet::new();
    for n in 0..300 {
        client.ready().await.unwrap();
        let path = if n % 2 == 0 { "/healthz" } else { "/s/0/541/1811192541.mp4?p=1&e=2&h=3" };
        let answer = client.send_request(get(&site.url(path)));
        answers.spawn(async move { (n, answer.await.unwrap()) });
    }
    while let Some(done) = answers.join_next().await {
        let (n, answer) = done.unwrap();
        let status = if n % 2 == 0 { 200 } else { 403 };
        assert_eq!((answer.version(), answer.status().as_u16()), (Version::HTTP_2, status), "{n}");
        assert!(answer.headers().contains_key("strict-transport-security"));
        assert!(!answer.headers().contains_key("connection"));
    }
    // Its name is in `:authority`, and counts as `Host` does.
    let other = format!("https://other.example:{}/", site.running.address.port());
    let answer = client.send_request(get(&other)).await.unwrap();
    let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
    assert_eq!((answer.status().as_u16(), to), (307, Some(site.url("/"))));

    // HTTP/1.1 for who offers that, or nothing, beside the other connection.
    let stream = site.connect(&[b"http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    drop(stream);
    let answer = get_tls(site.running.address, &site.trusted, "/healthz").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let stream = site.connect(&[b"http/1.1", b"h2"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    drop(stream);

    // Told to stop, it takes leave of connections that nobody uses.
    site.stop().await;
    let _ = connection.await.unwrap();
}

/// A frame (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const ENHANCE_YOUR_CALM: u32 = 0xb;

/// GET https://localhost/ in HPACK: three of the static table, and a literal.
fn head() -> Vec<u8> {
    [&[0x82, 0x84, 0x87, 0x01, 9], &b"localhost"[..]].concat()
}

/// Writes as long as the server takes it, and gives the error of the GOAWAY with which it ends the
/// connection.
async fn ended(
    stream: TlsStream<TcpStream>,
    mut octets: impl FnMut() -> Option<Vec<u8>> + Send + 'static,
) -> u32 {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let writing = tokio::spawn(async move {
        while let Some(octets) = octets() {
            if writer.write_all(&octets).await.is_err() {
                break;
            }
        }
        writer
    });
    let reading = async {
        let mut code = None;
        let mut head = [0; 9];
        while reader.read_exact(&mut head).await.is_ok() {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            if reader.read_exact(&mut payload).await.is_err() {
                break;
            }
            if head[3] == 7 {
                code = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
            }
        }
        code
    };
    let code = tokio::time::timeout(PATIENCE, reading).await.expect("the connection is not ended");
    writing.abort();
    code.expect("no GOAWAY")
}

/// Streams that are reset as soon as they are begun, and headers that never end (CVE-2023-44487,
/// CVE-2024-27316): the connection ends, the server stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_end_their_connection_alone() {
    let site = Site::start("").await;
    let begin = || [PREFACE, &frame(4, 0, 0, &[])].concat();

    let mut octets = begin();
    for stream in (1..4001).step_by(2) {
        octets.extend(frame(1, END_HEADERS | END_STREAM, stream, &head()));
        octets.extend(frame(3, 0, stream, &8u32.to_be_bytes()));
    }
    let mut once = Some(octets);
    let stream = site.connect(&[b"h2"]).await;
    assert_eq!(ended(stream, move || once.take()).await, ENHANCE_YOUR_CALM);

    let mut first = Some([begin(), frame(1, END_STREAM, 1, &head())].concat());
    // A literal field that is not indexed: x: aaa…
    let field = [&[0x00, 1, b'x', 100][..], &[b'a'; 100]].concat();
    let more = frame(9, 0, 1, &field.repeat(100));
    let stream = site.connect(&[b"h2"]).await;
    let code = ended(stream, move || Some(first.take().unwrap_or_else(|| more.clone()))).await;
    assert!(code == ENHANCE_YOUR_CALM || code == 1, "{code}");

    let (mut client, _connection) = site.client().await;
    assert_eq!(client.send_request(get(&site.url("/healthz"))).await.unwrap().status(), 200);
    site.stop().await;
}

/// A connection on which nobody asks for anything does not keep its place, whether or not it ever began.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_give_their_place_back() {
    let site = Site::start("[limits]\nconnections = 2").await;
    let silent = site.connect(&[b"h2"]).await;
    let (mut client, connection) = site.client().await;
    assert_eq!(client.send_request(get(&site.url("/healthz"))).await.unwrap().status(), 200);
    let begun = Instant::now();
    // The third is answered when one of them was given up.
    let answer = get_tls(site.running.address, &site.trusted, "/healthz").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(begun.elapsed() < PATIENCE);
    tokio::time::timeout(PATIENCE, connection).await.expect("it is still there").unwrap().unwrap_or_default();
    drop(silent);
    site.stop().await;
}
