//! `POST, PUT /ingest/{app}/{event}/{key}/…`: what encoders send (DASH-IF Live Media Ingest, interfaces 1 and
//! 2; docs/protocol.md, section 13).

use super::{address, body};
use crate::Service;
use crate::live::{Denied, Event, Feed, FeedError, Pace, admit as admit_event, is_key};
use ::live::{Header, Ingest, IngestError, Input, Name, OpenError, track_name};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use std::sync::Arc;
use std::time::Duration;

/// How long an encoder may send nothing in the middle of a request.
const SILENCE: Duration = Duration::from_secs(60);
/// Longest manifest of an encoder, which nobody reads, in octets.
const MAX_MANIFEST: u64 = 4 << 20;

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/ingest/{*path}", any(ingest))
}

async fn ingest(State(service): State<Arc<Service>>, request: Request) -> Response {
    let from = address::of(&request);
    let (parts, body) = request.into_parts();
    // Before a single octet of the body is read: encoders wait with it.
    let (event, file) = match admit(&service, from, parts.uri.path(), &parts.headers) {
        Ok(admitted) => admitted,
        Err(refused) => return *refused,
    };
    match parts.method {
        // Encoders hang up when they have sent their last, and what waits for them ends then: what has come
        // is taken in all the same.
        Method::POST | Method::PUT => tokio::spawn(async move { take(&service, &event, &file, body).await })
            .await
            .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()),
        // Encoders remove what they think is old. The window decides here.
        Method::DELETE => StatusCode::NO_CONTENT.into_response(),
        Method::OPTIONS => (StatusCode::NO_CONTENT, [(header::ALLOW, ALLOWED)]).into_response(),
        _ => (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, ALLOWED)]).into_response(),
    }
}

const ALLOWED: &str = "POST, PUT, DELETE, OPTIONS";

fn refuse(status: StatusCode, text: impl std::fmt::Display) -> Response {
    // The rest of the body is not read.
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::CONNECTION, "close")];
    (status, headers, format!("{text}\n")).into_response()
}

fn challenge() -> Response {
    let mut response = refuse(StatusCode::UNAUTHORIZED, "The stream key is missing or wrong.");
    for scheme in ["Basic realm=\"matinee\"", "Bearer realm=\"matinee\""] {
        response.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
    }
    response
}

/// The event that a path names, and what follows it, for who has its key: in the path, as a bearer token, or
/// as the password of any user.
fn admit(
    service: &Service,
    from: std::net::IpAddr,
    path: &str,
    headers: &HeaderMap,
) -> Result<(Event, String), Box<Response>> {
    let nothing = || denied_by(&Denied::Unknown);
    let mut parts =
        path.strip_prefix("/ingest/").unwrap_or_default().split('/').filter(|part| !part.is_empty());
    let mut name = || parts.next()?.parse::<Name>().ok();
    let (Some(app), Some(event)) = (name(), name()) else { return Err(nothing().into()) };
    let rest: Vec<&str> = parts.collect();
    let in_path = rest.first().copied().filter(|part| is_key(part));
    let file = rest.get(usize::from(in_path.is_some())..).unwrap_or_default().join("/");
    let given = match body::single(headers, header::AUTHORIZATION.as_str()) {
        Ok(value) => value.and_then(password),
        Err(_) => return Err(challenge().into()),
    };
    let keys: Vec<&str> = given.as_deref().into_iter().chain(in_path).collect();
    match admit_event(service, from, (&app, &event), &keys) {
        Ok(event) => Ok((event, file)),
        Err(denied) => Err(denied_by(&denied).into()),
    }
}

fn denied_by(denied: &Denied) -> Response {
    let status = match denied {
        Denied::NoKey | Denied::WrongKey => return challenge(),
        Denied::Unknown => StatusCode::NOT_FOUND,
        Denied::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
        Denied::Ended => StatusCode::GONE,
        Denied::Failed => StatusCode::SERVICE_UNAVAILABLE,
    };
    let mut response = refuse(status, denied.in_words());
    if let Denied::Throttled(throttled) = denied {
        response.headers_mut().insert(header::RETRY_AFTER, throttled.0.into());
    }
    response
}

/// The token of `Bearer`, or the password of `Basic`.
fn password(value: &str) -> Option<String> {
    let (scheme, rest) = value.split_once(' ')?;
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(rest.trim().to_owned()),
        "basic" => {
            let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
            // Some have the key for a name, and no password.
            let (user, password) = text.split_once(':')?;
            Some(if password.is_empty() { user.to_owned() } else { password.to_owned() })
        }
        _ => None,
    }
}

/// What an encoder says of its segments; it is known from themselves.
fn is_manifest(file: &str) -> bool {
    let extension = file.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    matches!(extension.as_deref(), Some("mpd" | "m3u8" | "xml" | "ism" | "isml"))
}

/// Why a request is not taken any further.
enum Stop {
    Ingest(IngestError),
    Open(OpenError),
    Failed(crate::Error),
    Ended,
    Silent,
    Broken,
}

impl From<FeedError> for Stop {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Open(error) => Self::Open(error),
            FeedError::Ended => Self::Ended,
            FeedError::Failed(error) => Self::Failed(error),
        }
    }
}

impl Stop {
    fn answer(self) -> Response {
        match self {
            Self::Ingest(IngestError::NoHeader) => {
                refuse(StatusCode::PRECONDITION_FAILED, "Send the header (ftyp, moov) of this track first.")
            }
            Self::Ingest(error @ IngestError::Source(_)) => refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, error),
            Self::Ingest(error) => refuse(StatusCode::BAD_REQUEST, error),
            Self::Open(OpenError::TooMany) => refuse(StatusCode::TOO_MANY_REQUESTS, OpenError::TooMany),
            Self::Open(error) => refuse(StatusCode::BAD_REQUEST, error),
            Self::Failed(error) => {
                tracing::error!(%error, "a live session cannot begin");
                refuse(StatusCode::SERVICE_UNAVAILABLE, "Try again later.")
            }
            Self::Ended => denied_by(&Denied::Ended),
            Self::Silent => refuse(StatusCode::REQUEST_TIMEOUT, "Nothing came for a minute."),
            Self::Broken => refuse(StatusCode::BAD_REQUEST, "The body was cut off."),
        }
    }
}

async fn take(service: &Arc<Service>, event: &Event, file: &str, body: Body) -> Response {
    let mut body = body.into_data_stream();
    let mut pace = Pace::new();
    if is_manifest(file) {
        let mut size = 0u64;
        while let Ok(Some(Ok(piece))) = tokio::time::timeout(SILENCE, body.next()).await {
            size += piece.len() as u64;
            if size > MAX_MANIFEST {
                return refuse(StatusCode::PAYLOAD_TOO_LARGE, "No manifest is so long.");
            }
        }
        return StatusCode::OK.into_response();
    }
    let mut request = Sending::new(service, event, file);
    let done = loop {
        let piece: Option<Result<Bytes, axum::Error>> = match tokio::time::timeout(SILENCE, body.next()).await
        {
            Ok(piece) => piece,
            Err(_) => break Err(Stop::Silent),
        };
        match piece {
            None => break Ok(()),
            Some(Err(_)) => break Err(Stop::Broken),
            Some(Ok(piece)) => {
                metrics::counter!("matinee_ingest_bytes_total").increment(piece.len() as u64);
                pace.wait(piece.len()).await;
                if let Err(stop) = request.push(&piece).await {
                    break Err(stop);
                }
            }
        }
    };
    match done {
        Ok(()) => StatusCode::OK.into_response(),
        Err(stop) => stop.answer(),
    }
}

/// Whether a body that begins so is a segment, and no header: those begin with `ftyp`, or `moov` at once.
fn is_segment(begin: &[u8]) -> bool {
    begin.get(4..8).is_some_and(|kind| kind != b"ftyp" && kind != b"moov")
}

/// A request that is being taken in.
struct Sending<'a> {
    service: &'a Arc<Service>,
    event: &'a Event,
    /// Its own name, and that of its header.
    own: String,
    track: String,
    ingest: Ingest,
    header: Option<Arc<Header>>,
    /// Whether any of its body has come.
    begun: bool,
    feed: Feed<'a>,
}

impl<'a> Sending<'a> {
    fn new(service: &'a Arc<Service>, event: &'a Event, file: &str) -> Self {
        let own = track_name(file);
        let (track, header) = service.ingest_headers.find(event, &own).unzip();
        let (ingest, feed) = (Ingest::new(header.clone()), Feed::new(service, event));
        let track = track.unwrap_or_else(|| own.clone());
        Self { service, event, own, track, ingest, header, begun: false, feed }
    }

    async fn push(&mut self, piece: &[u8]) -> Result<(), Stop> {
        let begins = !std::mem::replace(&mut self.begun, true);
        if begins
            && self.header.is_none()
            && is_segment(piece)
            && let Some((track, header)) = self.service.ingest_headers.find_soon(self.event, &self.own).await
        {
            self.track = track;
            self.ingest = Ingest::new(Some(Arc::clone(&header)));
            self.header = Some(header);
        }
        for input in self.ingest.push(piece).map_err(Stop::Ingest)? {
            match input {
                Input::Header(header) => {
                    self.track.clone_from(&self.own);
                    // First, for its segments may be here already.
                    self.service.ingest_headers.keep(self.event, &self.track, &header);
                    self.header = Some(header);
                    self.feed.leave();
                    self.enter().await?;
                }
                Input::Samples { track, samples } => {
                    let Some(header) = self.header.clone() else { continue };
                    let pushed = self.feed.push(&self.track, &header.sources, track, samples);
                    pushed.await.map_err(Stop::from)?;
                }
                Input::Damaged(error) => {
                    metrics::counter!("matinee_ingest_damaged_total").increment(1);
                    tracing::warn!(event = %self.event.name, track = self.track, %error, "a fragment cannot be read");
                }
            }
        }
        Ok(())
    }

    /// Takes part in the event's session.
    async fn enter(&mut self) -> Result<(), Stop> {
        let Some(header) = self.header.clone() else { return Ok(()) };
        self.feed.enter(&self.track, &header.sources).await.map_err(Stop::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_as_bearer_or_password() {
        assert_eq!(password("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(password("bearer  abc ").as_deref(), Some("abc"));
        assert_eq!(password("Basic dXNlcjphYmM=").as_deref(), Some("abc"));
        assert_eq!(password("Basic YWJjOg==").as_deref(), Some("abc"));
        for other in ["abc", "Basic ???", "Digest abc", "Basic dXNlcg=="] {
            assert_eq!(password(other), None, "{other}");
        }
    }

    #[test]
    fn manifests_are_told_by_their_names() {
        assert!(
            is_manifest("a/live.mpd") && is_manifest("l.M3U8") && !is_manifest("v.cmfv") && !is_manifest("")
        );
    }
}
