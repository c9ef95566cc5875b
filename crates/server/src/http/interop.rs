//! `POST /interop/clearkey` and `GET /interop/hls-key/{kid}`: keys for players of others, where a film's
//! policy has them given out. A manifest's token decides: `?of={the manifest's path}&p=P&e=E&h=H`; or a
//! device's ticket, or a grant, in a header: `?movie={number}`. No cookies, so any page may ask.

use super::{address, body, grants, playlists};
use crate::Service;
use crate::media_url::Refusal;
use crate::playlist_url::{self, PlaylistPath};
use crate::region::Place;
use crate::secret::from_base64url;
use crate::use_case::interop::holder::{self, Asking, Shown};
use crate::use_case::interop::{self, CLEAR_KEY, Form, HLS_KEY, Refused};
use crate::use_case::verify::Audience;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cenc::{Cek, Kid};
use nccp::{ErrorCode, MovieId, TICKET_HEADER};
use serde::Deserialize;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Octets of a request of ClearKey: a thousand KIDs and more.
const MAX_REQUEST: usize = 64 * 1024;

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route(CLEAR_KEY, post(clear_key).options(preflight))
        .route(&format!("{HLS_KEY}/{{kid}}"), get(hls_key).options(preflight))
}

/// The request of W3C's Encrypted Media Extensions (9.1.3). Nothing here persists.
#[derive(Deserialize)]
struct Asked {
    kids: Vec<String>,
    #[serde(rename = "type", default = "temporary")]
    kind: String,
}

fn temporary() -> String {
    "temporary".to_owned()
}

async fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type, Range, X-CTicket, Authorization"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    shared((StatusCode::NO_CONTENT, headers).into_response())
}

/// Readable by every page, kept by nobody.
fn shared(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, text).into_response()
}

/// By what somebody asks.
enum By {
    /// A manifest's token: its path.
    Manifest(PlaylistPath),
    /// What says who is watching.
    Holder(Asking),
}

impl By {
    async fn keys(
        &self,
        service: &Service,
        audience: Audience,
        asked: (Form, &[Kid]),
        place: &Place,
    ) -> Result<Vec<(Kid, Cek)>, Response> {
        let keys = match self {
            Self::Manifest(path) => interop::keys(service, path, asked, place).await,
            Self::Holder(asking) => holder::keys(service, audience, asking, asked, place).await,
        };
        keys.map_err(refused)
    }
}

async fn clear_key(
    State(service): State<Arc<Service>>,
    Extension(audience): Extension<Audience>,
    request: Request,
) -> Response {
    shared(answer_clear_key(&service, audience, request).await.unwrap_or_else(|refused| refused))
}

async fn answer_clear_key(
    service: &Service,
    audience: Audience,
    request: Request,
) -> Result<Response, Response> {
    let (request, by) = admitted(service, request).map_err(|refused| *refused)?;
    let place = address::place(service, &request);
    let bad = || plain(StatusCode::BAD_REQUEST, "Bad Request: no request of ClearKey.\n");
    let (parts, octets) = request.into_parts();
    let octets = body::read(&parts.headers, octets, MAX_REQUEST).await.map_err(|_| bad())?;
    let asked: Asked = serde_json::from_slice(&octets).map_err(|_| bad())?;
    let kid = |text: &String| Kid::try_from(from_base64url(text)?.as_slice()).ok();
    let kids: Option<Vec<Kid>> = asked.kids.iter().map(kid).collect();
    let kids = kids.filter(|kids| !kids.is_empty() && asked.kind == "temporary").ok_or_else(bad)?;
    let keys = by.keys(service, audience, (Form::ClearKey, &kids), &place).await?;
    Ok(secret(key_set(&keys), "application/json"))
}

async fn hls_key(
    State(service): State<Arc<Service>>,
    Extension(audience): Extension<Audience>,
    Path(kid): Path<String>,
    request: Request,
) -> Response {
    shared(answer_hls_key(&service, audience, &kid, request).await.unwrap_or_else(|refused| refused))
}

async fn answer_hls_key(
    service: &Service,
    audience: Audience,
    kid: &str,
    request: Request,
) -> Result<Response, Response> {
    let (request, by) = admitted(service, request).map_err(|refused| *refused)?;
    let place = address::place(service, &request);
    let kid: Kid = kid.parse().map_err(|_| refused(Refused::Unknown))?;
    let keys = by.keys(service, audience, (Form::HlsKey, &[kid]), &place).await?;
    let (_, key) = keys.first().ok_or_else(|| refused(Refused::Unknown))?;
    Ok(secret(Zeroizing::new(key.expose().to_vec()), "application/octet-stream"))
}

/// Within the budget of its address: by what it asks. A manifest's token is checked, what says who is
/// watching is not yet.
fn admitted(service: &Service, request: Request) -> Result<(Request, By), Box<Response>> {
    service
        .throttle
        .request(address::of(&request))
        .map_err(|throttled| super::error::JsonError::from(throttled).into_response())
        .map_err(Box::new)?;
    let query = request.uri().query().unwrap_or_default();
    let by = match (query.strip_prefix("of="), movie_of(query)) {
        (Some(of), _) => By::Manifest(manifest_of(service, of)?),
        (None, Some(movie)) => By::Holder(asking(&request, movie)?),
        (None, None) => return Err(Box::new(playlists::refused(Refusal::Forbidden))),
    };
    Ok((request, by))
}

/// The manifest whose path and token these are.
fn manifest_of(service: &Service, of: &str) -> Result<PlaylistPath, Box<Response>> {
    let (of, token) = of.split_once('&').ok_or_else(|| Box::new(playlists::refused(Refusal::Forbidden)))?;
    // Some libraries write slashes in queries so.
    let of = of.replace("%2F", "/").replace("%2f", "/");
    let (tokens, now) = (service.url_tokens(), service.clock.now());
    let granted = playlist_url::verify(&tokens.doors(&service.config), &of, Some(token), now);
    Ok(granted.map_err(|refusal| Box::new(playlists::refused(refusal)))?.path)
}

fn movie_of(query: &str) -> Option<MovieId> {
    query.split('&').find_map(|field| field.strip_prefix("movie="))?.parse().ok()
}

/// The ticket in `X-CTicket`, or else the grant in `Authorization: Bearer`.
fn asking(request: &Request, movie: MovieId) -> Result<Asking, Box<Response>> {
    let headers = request.headers();
    let bad = |_| Box::new(plain(StatusCode::BAD_REQUEST, "Bad Request: one ticket.\n"));
    let ticket = body::single(headers, TICKET_HEADER).map_err(bad)?;
    let shown = match (ticket, grants::bearer(headers)) {
        (Some(ticket), _) => Shown::Ticket(ticket.to_owned()),
        (None, Some(grant)) => Shown::Grant(grant.to_owned()),
        (None, None) => return Err(Box::new(refused(Refused::Policy(ErrorCode::NotAuthentic)))),
    };
    Ok(Asking { shown, movie, origin: body::text(headers, "origin").map(str::to_owned) })
}

fn refused(refused: Refused) -> Response {
    match refused {
        Refused::Policy(ErrorCode::RegionNotAllowed) => {
            plain(StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, "Not in this country.\n")
        }
        Refused::Policy(ErrorCode::PolicyRefused) => {
            plain(StatusCode::FORBIDDEN, "The film's policy gives out no such key.\n")
        }
        Refused::Policy(code) => {
            let status = match code {
                ErrorCode::NotAuthentic => StatusCode::UNAUTHORIZED,
                ErrorCode::MovieUnknown => StatusCode::NOT_FOUND,
                ErrorCode::TryLater => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::FORBIDDEN,
            };
            (status, format!("{}: {}\n", code.as_str(), code.text())).into_response()
        }
        Refused::Unknown => plain(StatusCode::NOT_FOUND, "The film has no such key.\n"),
        Refused::Failed(failure) => {
            let _ = failure.code();
            plain(StatusCode::SERVICE_UNAVAILABLE, "Try again later.\n")
        }
    }
}

/// A JSON Web Key Set (RFC 7517) as ClearKey takes it. Written by hand: no copy of a key is left behind.
fn key_set(keys: &[(Kid, Cek)]) -> Zeroizing<Vec<u8>> {
    // `{"kty":"oct","k":"","kid":""},` and twice 22 digits.
    let mut out = Zeroizing::new(String::with_capacity(64 + keys.len() * 80));
    out.push_str("{\"keys\":[");
    for (n, (kid, key)) in keys.iter().enumerate() {
        out.push_str(if n == 0 { "" } else { "," });
        out.push_str("{\"kty\":\"oct\",\"k\":\"");
        URL_SAFE_NO_PAD.encode_string(key.expose(), &mut out);
        out.push_str("\",\"kid\":\"");
        URL_SAFE_NO_PAD.encode_string(kid.0, &mut out);
        out.push_str("\"}");
    }
    out.push_str("],\"type\":\"temporary\"}");
    Zeroizing::new(std::mem::take(&mut *out).into_bytes())
}

/// An answer whose octets are wiped when it was sent.
fn secret(octets: Zeroizing<Vec<u8>>, media_type: &'static str) -> Response {
    let body = Body::from(Bytes::from_owner(octets));
    ([(header::CONTENT_TYPE, media_type)], body).into_response()
}
