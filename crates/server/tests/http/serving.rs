//! Over real sockets: TLS and its reload, slow and many callers, metrics, an orderly end.

use server::{Clock, Config, Server};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    metrics: Option<SocketAddr>,
    public_url: String,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) ended: tokio::task::JoinHandle<Result<(), server::Error>>,
    _folder: tempfile::TempDir,
}

pub(crate) async fn start(config: &str) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::parse(&format!("listen = \"127.0.0.1:0\"\n{config}")).unwrap();
    config.data = folder.path().join("data");
    let server = Server::bind(config, Clock::System).await.unwrap();
    let (stop, stopped) = oneshot::channel();
    let (address, metrics) = (server.address().unwrap(), server.metrics_address());
    let public_url = server.service().config().public_url.clone();
    let ended = tokio::spawn(server.run_until(async {
        let _ = stopped.await;
    }));
    Running { address, metrics, public_url, stop: Some(stop), ended, _folder: folder }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// An answer to a request on a connection of its own.
async fn get(address: SocketAddr, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    tokio::task::spawn_blocking(move || {
        let mut stream = connect(address);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    })
    .await
    .unwrap()
}

/// A certificate for localhost in two files; its DER.
pub(crate) fn certificate(folder: &Path) -> Vec<u8> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    let key = folder.join("key.pem");
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    made.cert.der().to_vec()
}

/// A TLS connection that offers these protocols (ALPN), trusting this certificate alone.
pub(crate) async fn connect_tls(
    address: SocketAddr,
    trusted: &[u8],
    protocols: &[&[u8]],
) -> Result<tokio_rustls::client::TlsStream<tokio::net::TcpStream>, std::io::Error> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.to_vec().into()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let stream = tokio::net::TcpStream::connect(address).await?;
    connector.connect("localhost".try_into().unwrap(), stream).await
}

/// GET by https and HTTP/1.1.
pub(crate) async fn get_tls(
    address: SocketAddr,
    trusted: &[u8],
    path: &str,
) -> Result<String, std::io::Error> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = connect_tls(address, trusted, &[]).await?;
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: localhost:{}\r\nconnection: close\r\n\r\n", address.port());
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // A peer that closes without saying goodbye has said all the same.
    let _ = stream.read_to_end(&mut answer).await;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A7, A13: https with the configured certificate, HSTS, and another certificate without a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a13_tls_and_its_reload() {
    let folder = tempfile::tempdir().unwrap();
    let first = certificate(folder.path());
    let tls = format!(
        "[metrics]\nlisten = \"127.0.0.1:0\"\n[tls]\ncertificate = \"{0}/cert.pem\"\nkey = \"{0}/key.pem\"",
        folder.path().display()
    );
    let mut running = start(&tls).await;
    assert!(running.public_url.starts_with("https://localhost:"), "{}", running.public_url);
    let answer = get_tls(running.address, &first, "/healthz").await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("strict-transport-security: max-age="),
        "{answer}"
    );
    assert!(!get(running.address, "/healthz").await.contains("200 OK"), "plain http is not answered");
    let second = certificate(folder.path());
    assert!(get_tls(running.address, &second, "/healthz").await.is_err(), "not read yet");
    let me = std::process::id().to_string();
    assert!(std::process::Command::new("kill").args(["-HUP", &me]).status().unwrap().success());
    let begun = Instant::now();
    while get_tls(running.address, &second, "/healthz").await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the certificate was not read again");
    }
    assert!(get_tls(running.address, &first, "/healthz").await.is_err());
    // What cannot be read leaves what is there.
    std::fs::write(folder.path().join("cert.pem"), "nonsense").unwrap();
    assert!(std::process::Command::new("kill").args(["-HUP", &me]).status().unwrap().success());
    let failed = "matinee_reloads_total{part=\"tls\",result=\"failed\"}";
    let begun = Instant::now();
    while !get(running.metrics.unwrap(), "/metrics").await.contains(failed) {
        assert!(begun.elapsed() < Duration::from_secs(20), "nobody tried to read it");
    }
    assert!(get_tls(running.address, &second, "/healthz").await.is_ok());
    running.stop.take().unwrap().send(()).unwrap();
    running.ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_key_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    std::fs::set_permissions(folder.path().join("key.pem"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let tls = format!(
        "listen = \"127.0.0.1:0\"\ndata = \"{0}\"\n[tls]\ncertificate = \"{0}/cert.pem\"\nkey = \"{0}/key.pem\"",
        folder.path().display()
    );
    let error = Server::bind(Config::parse(&tls).unwrap(), Clock::System).await.unwrap_err().to_string();
    assert!(error.contains("chmod 600"), "{error}");
}

/// Who sends a request's head drop by drop is hung up on; with the house full, others wait and are not lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_and_many_callers() {
    let mut running = start("[limits]\nconnections = 3").await;
    let address = running.address;
    let mut idle: Vec<TcpStream> = (0..3).map(|_| connect(address)).collect();
    for stream in &mut idle {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ").unwrap();
    }
    let begun = Instant::now();
    // It is the fourth, so it is answered when one of the slow ones was given up.
    let answer = get(address, "/healthz").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let waited = begun.elapsed();
    assert!(waited > Duration::from_secs(10), "{waited:?}");
    let mut rest = Vec::new();
    let _ = idle[0].read_to_end(&mut rest);
    running.stop.take().unwrap().send(()).unwrap();
    running.ended.await.unwrap().unwrap();
}

/// One address has so many connections and no more, until it closes one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_does_not_take_the_house() {
    let mut running = start("[limits]\nconnections_per_address = 2").await;
    let address = running.address;
    // They are kept, and were taken: each has had an answer.
    let kept = (0..2).map(|_| {
        let mut stream = connect(address);
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
        stream
    });
    let kept: Vec<TcpStream> = kept.collect();
    let answered = || {
        let mut stream = connect(address);
        let sent = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
        sent.is_ok() && stream.read(&mut [0; 1024]).is_ok_and(|read| read > 0)
    };
    assert!(!answered());
    drop(kept);
    let begun = Instant::now();
    while !answered() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the places are not free again");
    }
    running.stop.take().unwrap().send(()).unwrap();
    running.ended.await.unwrap().unwrap();
}

/// `/metrics` on its own listener and nowhere else; routes, not paths.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_for_the_operator() {
    let mut running = start("[metrics]\nlisten = \"127.0.0.1:0\"").await;
    let metrics = running.metrics.unwrap();
    get(running.address, "/healthz").await;
    get(running.address, "/s/0/541/1811192541.mp4?p=1&e=2&h=secret").await;
    let text = get(metrics, "/metrics").await;
    assert!(text.contains("matinee_http_requests_total{route=\"/healthz\",status=\"200\"}"), "{text}");
    assert!(text.contains("matinee_http_request_seconds_bucket") && text.contains("matinee_build_info"));
    assert!(text.contains("route=\"/s/{*path}\"") && !text.contains("1811192541"), "{text}");
    assert!(get(metrics, "/healthz").await.starts_with("HTTP/1.1 404"));
    assert!(!get(running.address, "/metrics").await.starts_with("HTTP/1.1 200"));
    running.stop.take().unwrap().send(()).unwrap();
    running.ended.await.unwrap().unwrap();
}

/// Told to stop, it takes no new connection and finishes the answers under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_finishes_what_is_under_way() {
    let mut running = start("").await;
    let address = running.address;
    // A login whose body is not complete yet, so its answer is under way.
    let mut login = connect(address);
    let body = r#"{"email":"nobody@example.org","password":"x"}"#;
    let head = format!(
        "POST /login HTTP/1.1\r\nhost: localhost:{}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        address.port(),
        body.len()
    );
    login.write_all(head.as_bytes()).unwrap();
    login.write_all(&body.as_bytes()[..10]).unwrap();
    // It has been read when a later request on another connection has been answered.
    assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200"));
    running.stop.take().unwrap().send(()).unwrap();
    let begun = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(5), "it still takes connections");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!running.ended.is_finished());
    login.write_all(&body.as_bytes()[10..]).unwrap();
    let answer = tokio::task::spawn_blocking(move || {
        let mut answer = String::new();
        login.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("LOGIN_FAILED"), "{answer}");
    running.ended.await.unwrap().unwrap();
}
