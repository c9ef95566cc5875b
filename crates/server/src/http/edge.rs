//! The edge: octets behind signed URLs, and nothing else. No accounts, no cookies, no state; constant memory.

use super::origin::{self, OriginFile};
use super::{body, drm, playlists};
use crate::content_place::ContentPlace;
use crate::contents::Unserved;
use crate::media_url::{self, Granted, MediaPath, Refusal};
use crate::url_tokens::UrlTokens;
use crate::{Role, Service};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use nccp::{ByteRange, RangeHeader};
use std::sync::Arc;
use std::time::Duration;
use storage::Meta;

/// The longest that caches may keep a file, in seconds: a year (RFC 9111 knows no "for ever").
const KEEP: u64 = 31_536_000;
/// Seconds for which a viewer who is sent to the store can begin to read there.
const REDIRECT_LIFE: u64 = 60;
/// By which CDNs that check tokens themselves say who they are.
const PULL: &str = "x-matinee-pull";

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/s/{*path}", any(media))
}

/// DRM metadata alone, where there is no edge: it is made of what the controller knows.
pub(super) fn drm_routes() -> Router<Arc<Service>> {
    Router::new().route("/s/{set}/{content}/drm", any(media))
}

async fn media(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    let makes_drm = service.config.has(Role::Control) || service.config.has(Role::Origin);
    let is_drm = drm::is_drm(request.uri.path()) && makes_drm;
    let is_playlist = playlists::is_playlist(request.uri.path());
    let mut response = match request.method {
        Method::GET | Method::HEAD if is_drm => drm::serve(&service, &request).await,
        Method::GET | Method::HEAD if is_playlist => playlists::serve(&service, &request).await,
        Method::GET | Method::HEAD => serve(&service, &request).await,
        Method::OPTIONS => preflight(),
        _ => (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD, OPTIONS")]).into_response(),
    };
    share(response.headers_mut());
    response
}

/// Any page may read it.
pub(super) fn share(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("Content-Range, Content-Length, ETag"),
    );
    headers.insert(HeaderName::from_static("timing-allow-origin"), HeaderValue::from_static("*"));
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
}

pub(super) fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Range, If-Range"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

async fn serve(service: &Service, request: &Parts) -> Response {
    let (uri, now) = (&request.uri, service.clock.now());
    let tokens = service.url_tokens();
    let checked = pulled(&tokens, request, now)
        .unwrap_or_else(|| media_url::verify(&tokens.doors(&service.config), uri.path(), uri.query(), now));
    let refused = |status: StatusCode, text: &'static str| {
        (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
    };
    match checked {
        Ok(granted) if is_redirected(service, request, &granted.path) => {
            redirect(service, &granted, now).await
        }
        Ok(granted) => match find(service, &granted.path).await {
            Ok(file) => send(service, request, &granted, now, file).await,
            Err(unserved) => origin::refused(&unserved),
        },
        Err(Refusal::Unclean) => refused(StatusCode::BAD_REQUEST, "Bad Request\n"),
        Err(Refusal::Expired) => refused(StatusCode::BAD_REQUEST, "Bad Request: this URL has expired.\n"),
        Err(Refusal::Forbidden) => refused(StatusCode::FORBIDDEN, "Forbidden\n"),
        Err(Refusal::NotFound) => refused(StatusCode::NOT_FOUND, "There is no such file.\n"),
    }
}

/// What a CDN asks for that checks tokens itself; `None` where it was no such CDN.
fn pulled(tokens: &UrlTokens, request: &Parts, now: u64) -> Option<Result<Granted<MediaPath>, Refusal>> {
    let given = body::text(&request.headers, PULL)?;
    if !tokens.is_pull(given) {
        return None;
    }
    let path = request.uri.path();
    if !media_url::is_clean(path, request.uri.query().unwrap_or_default()) {
        return Some(Err(Refusal::Unclean));
    }
    let granted = |path| Granted { path, expires: now.saturating_add(KEEP), base: String::new(), door: 0 };
    // Files of packs alone: an origin's may be clear.
    let path = MediaPath::parse(path).filter(|path| pack::layout::is_pack_id(&path.pack))?;
    Some(Ok(granted(path)))
}

/// Whether viewers are sent elsewhere for it: a whole file, or a part that the `Range` header names, for a
/// store knows no ranges in paths.
fn is_redirected(service: &Service, request: &Parts, path: &MediaPath) -> bool {
    service.config.redirects()
        && service.config.has(Role::Edge)
        && request.method == Method::GET
        && path.range.is_none()
        && pack::layout::is_pack_id(&path.pack)
}

/// Sends a viewer to the store, by a URL that is good for a moment. The token was checked: it is not checked
/// again.
async fn redirect(service: &Service, granted: &Granted<MediaPath>, now: u64) -> Response {
    let path = &granted.path;
    let Some(key) = service.catalogue.media_key(path) else { return origin::refused(&Unserved::NotFound) };
    if let Err(unserved) = is_there(service, &path.pack).await {
        return origin::refused(&unserved);
    }
    let life = Duration::from_secs(granted.max_age(REDIRECT_LIFE, now).max(1));
    match service.media.signed_url(&key, pack::layout::media_type(path.extension()), life).await {
        Ok(Some(url)) => {
            let headers = [(header::LOCATION, url), (header::CACHE_CONTROL, "no-store".to_owned())];
            (StatusCode::FOUND, headers).into_response()
        }
        Ok(None) => origin::refused(&Unserved::NotFound),
        Err(error) => {
            tracing::error!(%error, "a viewer cannot be sent to the store");
            origin::refused(&Unserved::Library)
        }
    }
}

/// What is sent.
enum Found {
    /// Of a pack in the library.
    Stored(Meta),
    /// Of an origin's film.
    Origin(OriginFile),
}

impl Found {
    fn size(&self) -> u64 {
        match self {
            Self::Stored(meta) => meta.size,
            Self::Origin(file) => file.size,
        }
    }
}

async fn find(service: &Service, path: &MediaPath) -> Result<Found, Unserved> {
    if let Ok(place) = path.pack.parse::<ContentPlace>() {
        return match service.config.has(Role::Origin) {
            true => origin::find(service, &place, path, origin::begin_by()).await.map(Found::Origin),
            false => Err(Unserved::NotFound),
        };
    }
    let key = service.catalogue.media_key(path).filter(|_| service.config.has(Role::Edge));
    let key = key.ok_or(Unserved::NotFound)?;
    is_there(service, &path.pack).await?;
    match service.files.head(&key).await {
        Ok(meta) => Ok(Found::Stored(meta)),
        Err(error) if error.is_not_found() => Err(Unserved::NotFound),
        Err(error) => {
            tracing::error!(%error, "the library cannot be read");
            Err(Unserved::Library)
        }
    }
}

/// Without `pack.json` there is no pack, whatever files there are: it may be on its way in or out.
async fn is_there(service: &Service, pack: &str) -> Result<(), Unserved> {
    match service.catalogue.has(pack).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Unserved::NotFound),
        Err(error) => {
            tracing::error!(%error, "the library cannot be read");
            Err(Unserved::Library)
        }
    }
}

/// What part of a file is asked for.
enum Part {
    Whole,
    /// By path: 200, so that shared caches keep it.
    ByPath(ByteRange),
    /// By header: 206.
    ByHeader(ByteRange),
    Unsatisfiable,
}

fn part(headers: &HeaderMap, path: &MediaPath, etag: &str, size: u64) -> Part {
    if let Some(range) = path.range {
        return range.clamp(size).map_or(Part::Unsatisfiable, Part::ByPath);
    }
    // Another tag: the client's part is of another file (RFC 9110, 13.1.5). We send no dates, so none can
    // match.
    if body::text(headers, "if-range").is_some_and(|tag| tag != etag) {
        return Part::Whole;
    }
    match body::text(headers, "range").and_then(RangeHeader::parse) {
        None => Part::Whole,
        Some(range) => range.resolve(size).map_or(Part::Unsatisfiable, Part::ByHeader),
    }
}

async fn send(
    service: &Service,
    request: &Parts,
    granted: &Granted<MediaPath>,
    now: u64,
    file: Found,
) -> Response {
    let (size, path) = (file.size(), &granted.path);
    // Published files never change, so their name is their tag.
    let (pack, is_fixed) = match &file {
        Found::Stored(_) => (&path.pack, true),
        Found::Origin(file) => (&file.pack_id, file.is_fixed),
    };
    let etag = match path.range {
        None => format!("\"{pack}-{}\"", path.name()),
        Some(range) => format!("\"{pack}-{}-{range}\"", path.name()),
    };
    let mut headers = HeaderMap::new();
    // A cache answers without asking here: what it keeps must not outlive the URL.
    let kept = match is_fixed {
        true => format!("public, max-age={}, immutable", granted.max_age(KEEP, now)),
        // The next revision is to be seen as soon as other metadata is.
        false => format!("public, max-age={}", granted.max_age(service.config.drm.ttl, now)),
    };
    if let Ok(value) = HeaderValue::try_from(kept) {
        headers.insert(header::CACHE_CONTROL, value);
    }
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(pack::layout::media_type(path.extension())));
    if let Ok(value) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, value);
    }
    let same = |tags: &str| tags == "*" || tags.split(',').any(|tag| tag.trim() == etag);
    if body::text(&request.headers, "if-none-match").is_some_and(same) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let (status, first, length) = match part(&request.headers, path, &etag, size) {
        Part::Whole => (StatusCode::OK, 0, size),
        Part::ByPath(range) => (StatusCode::OK, range.first(), range.length()),
        Part::ByHeader(range) => {
            if let Ok(value) = HeaderValue::try_from(format!("bytes {range}/{size}")) {
                headers.insert(header::CONTENT_RANGE, value);
            }
            (StatusCode::PARTIAL_CONTENT, range.first(), range.length())
        }
        Part::Unsatisfiable => {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            if let Ok(value) = HeaderValue::try_from(format!("bytes */{size}")) {
                headers.insert(header::CONTENT_RANGE, value);
            }
            return (StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response();
        }
    };
    headers.insert(header::CONTENT_LENGTH, length.into());
    if request.method == Method::HEAD {
        return (status, headers).into_response();
    }
    let body = match file {
        Found::Origin(file) => match file.body(service, first..first + length).await {
            Ok(body) => body,
            Err(unserved) => return origin::refused(&unserved),
        },
        Found::Stored(Meta { key, .. }) => {
            // An empty file has no range.
            let range = (length > 0).then(|| first..first + length);
            match service.files.get(&key, range).await {
                Ok(object) => Body::from_stream(object.body),
                Err(error) => {
                    tracing::error!(%error, "a file cannot be sent");
                    return origin::refused(&Unserved::Library);
                }
            }
        }
    };
    (status, headers, body).into_response()
}
