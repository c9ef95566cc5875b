//! A client for key servers: SPEKE v2 (Secure Packager and Encoder Key Exchange), the API.

use super::given_keys;
use crate::Failure;
use cpix::MAX_DOCUMENT;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url};
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a connection, and an answer, may take.
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(30);

/// How long to wait before each new try.
const AGAIN: [Duration; 3] = [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(4)];

/// Most octets of a refusal that are read and said again.
const MAX_REASON: usize = 200;

/// A key server.
pub(super) struct KeyServer {
    client: Client,
    url: Url,
    headers: HeaderMap,
}

/// Why there is no answer.
enum Refused {
    /// It may come yet.
    Perhaps(String),
    /// It will not.
    Certainly(String),
}

impl KeyServer {
    /// A client for a URL, with the operator's headers from a file.
    pub(super) fn new(url: &str, header_file: Option<&Path>) -> Result<Self, Failure> {
        let usage = |reason: &str| Failure::Usage(format!("--speke: {reason}"));
        let url: Url = url.parse().map_err(|_| usage("no URL"))?;
        if url.password().is_some() {
            return Err(usage("others on this machine see a password there; use --speke-header-file"));
        }
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err(usage("keys travel by https only, but on this machine"));
        }
        let mut headers = header_file.map(read_headers).transpose()?.unwrap_or_default();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        headers.insert("x-speke-version", HeaderValue::from_static("2.0"));
        let agent = HeaderValue::from_static(concat!("Matinee/", env!("CARGO_PKG_VERSION")));
        headers.insert("x-speke-user-agent", agent);
        // One provider of cryptography for the process; a second call finds the first.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| Failure::Command("the key server: no client can be made".to_owned()))?;
        Ok(Self { client, url, headers })
    }

    /// Posts a request; tries again where the server may be there later.
    pub(super) async fn ask(&self, request: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let mut waits = AGAIN.into_iter();
        loop {
            let reason = match self.ask_once(request).await {
                Ok(answer) => return Ok(answer),
                Err(Refused::Certainly(reason)) => reason,
                Err(Refused::Perhaps(reason)) => match waits.next() {
                    Some(wait) => {
                        tokio::time::sleep(wait).await;
                        continue;
                    }
                    None => reason,
                },
            };
            return Err(Failure::Command(format!("the key server: {reason}")));
        }
    }

    async fn ask_once(&self, request: &str) -> Result<Zeroizing<Vec<u8>>, Refused> {
        let request =
            self.client.post(self.url.clone()).headers(self.headers.clone()).body(request.to_owned());
        let answer = request.send().await.map_err(|error| {
            let reason = if error.is_timeout() { "it took too long" } else { "it cannot be reached" };
            Refused::Perhaps(reason.to_owned())
        })?;
        let status = answer.status();
        if status == StatusCode::OK {
            return read(answer, MAX_DOCUMENT).await;
        }
        let said = read(answer, MAX_REASON).await.unwrap_or_default();
        let said = String::from_utf8_lossy(&said).replace(char::is_control, " ");
        let reason = match said.trim() {
            "" => format!("status {}", status.as_u16()),
            said => format!("status {}: {said}", status.as_u16()),
        };
        Err(if status.is_server_error() { Refused::Perhaps(reason) } else { Refused::Certainly(reason) })
    }
}

/// The body of an answer, up to so many octets.
async fn read(mut answer: Response, most: usize) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let mut body = Zeroizing::new(Vec::new());
    let broken = |_| Refused::Perhaps("its answer broke off".to_owned());
    while let Some(chunk) = answer.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > most {
            return Err(Refused::Certainly("its answer is too long".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// `Name: value` lines. What is wrong is not repeated: it may be a secret.
fn read_headers(path: &Path) -> Result<HeaderMap, Failure> {
    let text = given_keys::read_file("--speke-header-file", path)?;
    let mut headers = HeaderMap::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let parsed = line.split_once(':').and_then(|(name, value)| {
            let name: HeaderName = name.trim().parse().ok()?;
            let mut value: HeaderValue = value.trim().parse().ok()?;
            value.set_sensitive(true);
            Some((name, value))
        });
        let (name, value) = parsed.ok_or_else(|| {
            let place = format!("--speke-header-file {}, line {number}", path.display());
            Failure::Usage(format!("{place}: no header; write `Name: value`"))
        })?;
        headers.append(name, value);
    }
    Ok(headers)
}
