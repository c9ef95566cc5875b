//! `GET /s/live/{app}/{event}/{session}/…`: what is live, behind URL tokens, for any cache (docs/protocol.md,
//! section 13).

use super::edge;
use crate::Service;
use crate::live::Session;
use crate::live_url::{self, LivePath, LiveQuery};
use crate::media_url::{Granted, Refusal};
use crate::use_case::drm_metadata;
use ::live::{Broadcast, Name, dash, hls, index};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use futures_util::stream;
use std::sync::Arc;
use std::time::Duration;

/// The longest that caches may keep a file, in seconds.
const KEEP: u64 = 31_536_000;
/// Seconds for which what changes with every part may be kept.
const CHANGING: u64 = 1;
/// Seconds for which the answer to a question about one moment may be kept: that moment does not change.
const MOMENT: u64 = 12;
/// Longest wait for what is not there yet.
const PATIENCE: Duration = Duration::from_secs(12);
/// Who waits by the index waits so much longer at most for what else there is of that time.
const LEVEL: Duration = Duration::from_millis(200);
/// Segments ahead of the latest for which anybody may wait.
const AHEAD: u64 = 2;

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/s/live/{*path}", any(live))
}

async fn live(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    let mut response = match request.method {
        Method::GET | Method::HEAD => serve(&service, &request).await,
        Method::OPTIONS => edge::preflight(),
        _ => (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD, OPTIONS")]).into_response(),
    };
    edge::share(response.headers_mut());
    response
}

fn refused(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

fn nothing() -> Response {
    refused(StatusCode::NOT_FOUND, "There is no such file.\n")
}

async fn serve(service: &Service, request: &Parts) -> Response {
    let (tokens, now) = (service.url_tokens(), service.clock.now());
    // Metadata may have a base URL of its own.
    let doors = tokens.drm_doors(&service.config);
    let query = LiveQuery::parse(request.uri.query().unwrap_or_default());
    match live_url::verify(&doors, request.uri.path(), &query, now) {
        Ok(granted) => Asked { service, request, granted: &granted, query: &query, now }.answer().await,
        Err(Refusal::Unclean) => refused(StatusCode::BAD_REQUEST, "Bad Request\n"),
        Err(Refusal::Expired) => refused(StatusCode::BAD_REQUEST, "Bad Request: this URL has expired.\n"),
        Err(Refusal::Forbidden) => refused(StatusCode::FORBIDDEN, "Forbidden\n"),
        Err(Refusal::NotFound) => nothing(),
    }
}

/// A number and a part, as `17.3` or `17`.
fn moment(text: &str) -> Option<(u64, Option<usize>)> {
    let digits = |text: &str| (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then_some(());
    match text.split_once('.') {
        None => digits(text).and_then(|()| Some((text.parse().ok()?, None))),
        Some((number, part)) => {
            digits(number)?;
            digits(part)?;
            Some((number.parse().ok()?, Some(part.parse().ok()?)))
        }
    }
}

struct Asked<'a> {
    service: &'a Service,
    request: &'a Parts,
    granted: &'a Granted<LivePath>,
    query: &'a LiveQuery,
    now: u64,
}

impl Asked<'_> {
    async fn answer(&self) -> Response {
        let path = &self.granted.path;
        let (Ok(app), Ok(event)) = (path.app.parse::<Name>(), path.event.parse::<Name>()) else {
            return nothing();
        };
        let Some(session) = self.service.live.session(&app, &event) else { return nothing() };
        let short = session.id().short();
        let parts: Vec<&str> = path.rest.iter().map(String::as_str).collect();
        match parts[..] {
            // Without a session: where the one that is under way is.
            [file @ ("master.m3u8" | "stream.mpd" | "index.json" | "drm")] => {
                let location = format!("{}{short}/{file}?{}", path.folder(), self.query.token);
                let kept = format!("public, max-age={}", self.granted.max_age(CHANGING, self.now));
                let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, kept)];
                (StatusCode::TEMPORARY_REDIRECT, headers).into_response()
            }
            [of, ..] if of != short => nothing(),
            [_, "index.json"] => self.index(&session).await,
            [_, "master.m3u8"] => {
                let text = session.read(|broadcast| hls::master(broadcast, &self.token()));
                self.text(hls::MEDIA_TYPE, text.into(), CHANGING)
            }
            [_, "stream.mpd"] => {
                let millis = self.service.clock.millis();
                let text = session.read(|broadcast| dash::mpd(broadcast, &self.token(), millis));
                self.text(dash::MEDIA_TYPE, text.into(), CHANGING)
            }
            [_, "drm"] => self.drm(&session).await,
            [_, representation, "media.m3u8"] => self.media_playlist(&session, representation).await,
            [_, representation, "init.mp4"] => {
                let found = session.read(|b| Some(b.representation(representation)?.header().clone()));
                found.map_or_else(nothing, |bytes| self.file(representation, "init", bytes))
            }
            [_, representation, file] => match file.strip_suffix(".m4s").and_then(moment) {
                Some((number, None)) => self.segment(&session, representation, number).await,
                Some((number, Some(part))) => self.part(&session, representation, number, part).await,
                None => nothing(),
            },
            _ => nothing(),
        }
    }

    /// What is put behind the URLs in playlists.
    fn token(&self) -> String {
        format!("?{}", self.query.token)
    }

    fn headers(&self, content_type: &'static str, seconds: u64, immutable: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        let immutable = if immutable { ", immutable" } else { "" };
        // Until the URL expires, and not from when something was asked for that had to be waited for.
        let now = self.service.clock.now().max(self.now);
        let kept = format!("public, max-age={}{immutable}", self.granted.max_age(seconds, now));
        if let Ok(value) = HeaderValue::try_from(kept) {
            headers.insert(header::CACHE_CONTROL, value);
        }
        headers
    }

    fn text(&self, content_type: &'static str, text: Bytes, seconds: u64) -> Response {
        let mut headers = self.headers(content_type, seconds, false);
        headers.insert(header::CONTENT_LENGTH, text.len().into());
        match self.request.method {
            Method::HEAD => (StatusCode::OK, headers).into_response(),
            _ => (StatusCode::OK, headers, text).into_response(),
        }
    }

    /// What never changes: its name is never used again.
    fn file(&self, representation: &str, name: &str, bytes: Bytes) -> Response {
        let content_type = if representation.starts_with('v') { "video/mp4" } else { "audio/mp4" };
        let mut headers = self.headers(content_type, KEEP, true);
        let session = self.granted.path.rest.first().map_or("", String::as_str);
        let etag = format!("\"{session}-{representation}-{name}\"");
        let same = |tags: &str| tags == "*" || tags.split(',').any(|tag| tag.trim() == etag);
        if let Ok(value) = HeaderValue::from_str(&etag) {
            headers.insert(header::ETAG, value);
        }
        if super::body::text(&self.request.headers, "if-none-match").is_some_and(same) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        headers.insert(header::CONTENT_LENGTH, bytes.len().into());
        match self.request.method {
            Method::HEAD => (StatusCode::OK, headers).into_response(),
            _ => (StatusCode::OK, headers, bytes).into_response(),
        }
    }

    /// Waits until a representation (or the leading one) has what is asked for; `Err` if it is further ahead
    /// than anybody may wait for. Whether it is there when the wait is over.
    async fn wait(
        &self,
        session: &Session,
        representation: Option<&str>,
        (number, part): (u64, Option<usize>),
    ) -> Result<bool, Response> {
        let found = |broadcast: &Broadcast, look: &dyn Fn(&::live::Window) -> bool| {
            let found = match representation {
                Some(id) => broadcast.representation(id),
                None => broadcast.leader(),
            };
            found.is_some_and(|found| look(found.window()))
        };
        let too_far = session.read(|b| !found(b, &|window| number <= window.next().0.saturating_add(AHEAD)));
        if too_far && (representation.is_some() || number > AHEAD) {
            return Err(refused(StatusCode::BAD_REQUEST, "That is too far ahead.\n"));
        }
        let there = |broadcast: &Broadcast| match representation {
            Some(_) => found(broadcast, &|window| window.has(number, part)),
            None => broadcast.has(number, part),
        };
        // Who asks for the index is told when the encoder falls silent or comes back, too.
        let silent = |broadcast: &Broadcast| session.is_silent(broadcast, self.service.clock.millis());
        let before = session.read(silent);
        let turned = |broadcast: &Broadcast| representation.is_none() && silent(broadcast) != before;
        let _ = tokio::time::timeout(PATIENCE, session.until(|b| there(b) || turned(b))).await;
        let is_there = session.read(there);
        if representation.is_some() || !is_there {
            return Ok(is_there);
        }
        // Of all representations but those that have stopped, or are made no more.
        let whole = |broadcast: &Broadcast| {
            broadcast.representations().all(|r| {
                let window = r.window();
                r.is_retired() || window.next().0.saturating_add(1) < number || window.has(number, None)
            })
        };
        let level = |broadcast: &Broadcast| whole(broadcast) || (part.is_some() && broadcast.is_level());
        let _ = tokio::time::timeout(LEVEL, session.until(level)).await;
        // An answer without the sound of that time must not be kept as if it were all of it: whoever asks
        // again would be told the same for seconds.
        Ok(session.read(level))
    }

    async fn index(&self, session: &Session) -> Response {
        let bad = || refused(StatusCode::BAD_REQUEST, "Bad Request\n");
        let since = match self.query.get("since").map(str::parse::<u64>).transpose() {
            Ok(since) => since,
            Err(_) => return bad(),
        };
        let wait = match self.query.get("wait").map(|text| moment(text).ok_or(())).transpose() {
            Ok(wait) => wait,
            Err(()) => return bad(),
        };
        // What is said of a moment that has come does not change.
        let mut seconds = CHANGING;
        if let Some(moment) = wait {
            match self.wait(session, None, moment).await {
                Ok(true) => seconds = MOMENT,
                Ok(false) => {}
                Err(refused) => return refused,
            }
        }
        let path = &self.granted.path;
        let millis = self.service.clock.millis();
        let state = session.state(millis);
        let names = (path.app.as_str(), path.event.as_str());
        match session.read(|broadcast| index::json(broadcast, names, state, since, millis)) {
            Ok(json) => self.text("application/json", json.into(), seconds),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }

    async fn media_playlist(&self, session: &Session, representation: &str) -> Response {
        let number = |name| self.query.get(name).map(str::parse::<u64>).transpose();
        let (Ok(msn), Ok(part)) = (number("_HLS_msn"), number("_HLS_part")) else {
            return refused(StatusCode::BAD_REQUEST, "Bad Request\n");
        };
        if part.is_some() && msn.is_none() {
            return refused(StatusCode::BAD_REQUEST, "_HLS_part needs _HLS_msn\n");
        }
        if session.read(|broadcast| broadcast.representation(representation).is_none()) {
            return nothing();
        }
        if let Some(msn) = msn {
            let moment = (msn, part.and_then(|part| usize::try_from(part).ok()));
            if let Err(refused) = self.wait(session, Some(representation), moment).await {
                return refused;
            }
        }
        let skip = matches!(self.query.get("_HLS_skip"), Some("YES" | "v2"));
        let text = session.read(|broadcast| {
            let found = broadcast.representation(representation)?;
            Some(hls::media(broadcast, found, skip, &self.token()))
        });
        let seconds = if msn.is_some() { MOMENT } else { CHANGING };
        text.map_or_else(nothing, |text| self.text(hls::MEDIA_TYPE, text.into(), seconds))
    }

    async fn part(&self, session: &Session, representation: &str, number: u64, part: usize) -> Response {
        let find = |broadcast: &Broadcast| {
            let segment = broadcast.representation(representation)?.window().segment(number)?;
            segment.parts.get(part).map(|part| part.bytes.clone())
        };
        // One that was hinted at comes as soon as it is there.
        let hinted = session.read(|broadcast| {
            broadcast.representation(representation).is_some_and(|r| r.window().next() == (number, part))
        });
        if hinted && let Err(refused) = self.wait(session, Some(representation), (number, Some(part))).await {
            return refused;
        }
        match session.read(find) {
            Some(bytes) => self.file(representation, &format!("{number}.{part}"), bytes),
            None => nothing(),
        }
    }

    async fn segment(&self, session: &Arc<Session>, representation: &str, number: u64) -> Response {
        // In memory whole, under way, on the disk, or nowhere.
        let found = session.read(|broadcast| {
            let segment = broadcast.representation(representation)?.window().segment(number)?;
            Some((segment.complete, segment.complete.then(|| segment.bytes()).flatten()))
        });
        match found {
            Some((_, Some(bytes))) => self.file(representation, &number.to_string(), bytes),
            Some((true, None)) => match session.stored(representation, number).await {
                Ok(Some(bytes)) => self.file(representation, &number.to_string(), bytes),
                Ok(None) => nothing(),
                Err(error) => {
                    tracing::error!(%error, "a live segment cannot be read");
                    refused(StatusCode::SERVICE_UNAVAILABLE, "Try again later.\n")
                }
            },
            Some((false, None)) => self.under_way(session, representation, number),
            None => nothing(),
        }
    }

    /// A segment that is not whole yet, part by part as they come.
    fn under_way(&self, session: &Arc<Session>, representation: &str, number: u64) -> Response {
        let content_type = if representation.starts_with('v') { "video/mp4" } else { "audio/mp4" };
        let headers = self.headers(content_type, KEEP, true);
        if self.request.method == Method::HEAD {
            return (StatusCode::OK, headers).into_response();
        }
        let (session, representation) = (Arc::clone(session), representation.to_owned());
        let parts = stream::unfold(Some(0usize), move |next| {
            let (session, representation) = (Arc::clone(&session), representation.clone());
            async move {
                let next = next?;
                let look = |broadcast: &Broadcast| {
                    let segment = broadcast.representation(&representation)?.window().segment(number)?;
                    Some((segment.parts.get(next).map(|part| part.bytes.clone()), segment.complete))
                };
                let there =
                    |broadcast: &Broadcast| look(broadcast).is_none_or(|(part, done)| part.is_some() || done);
                let waited = tokio::time::timeout(PATIENCE, session.until(there)).await;
                match session.read(look) {
                    Some((Some(bytes), _)) => Some((Ok(bytes), Some(next + 1))),
                    // Whole: this is its end.
                    Some((None, true)) => None,
                    // Cut off, so that no cache takes it for whole.
                    _ => {
                        let reason = if waited.is_err() { "the encoder is silent" } else { "it is gone" };
                        Some((Err(std::io::Error::other(reason)), None))
                    }
                }
            }
        });
        (StatusCode::OK, headers, Body::from_stream(parts)).into_response()
    }

    async fn drm(&self, session: &Session) -> Response {
        match drm_metadata::of_live(self.service, session).await {
            Ok(Some(resource)) => {
                let max_age = self.granted.max_age(self.service.config.drm.ttl, self.now);
                super::drm::send(self.request, resource, max_age)
            }
            Ok(None) => refused(StatusCode::NOT_FOUND, "There is no such DRM metadata.\n"),
            Err(failure) => {
                tracing::error!(code = failure.code().as_str(), "no live DRM metadata could be made");
                refused(StatusCode::SERVICE_UNAVAILABLE, "Try again later.\n")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn moments() {
        assert_eq!((moment("17"), moment("17.3")), (Some((17, None)), Some((17, Some(3)))));
        for bad in ["", ".", "1.", ".1", "1.2.3", "+1", "x", "1e3", "99999999999999999999"] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }
}
