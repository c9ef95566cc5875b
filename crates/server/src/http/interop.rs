//! `POST /interop/clearkey` and `GET /interop/hls-key/{kid}`: keys for players of others, where a film's policy
//! has them given out. A manifest's token decides: `?of={the manifest's path}&p=P&e=E&h=H`. No cookies, so any
//! page may ask.

use super::{address, body, playlists};
use crate::Service;
use crate::media_url::Refusal;
use crate::playlist_url;
use crate::secret::from_base64url;
use crate::use_case::interop::{self, CLEAR_KEY, Form, HLS_KEY, Refused};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cenc::{Cek, Kid};
use nccp::ErrorCode;
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
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type, Range"),
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

async fn clear_key(State(service): State<Arc<Service>>, request: Request) -> Response {
    shared(answer_clear_key(&service, request).await.unwrap_or_else(|refused| refused))
}

async fn answer_clear_key(service: &Service, request: Request) -> Result<Response, Response> {
    let (request, pack) = admitted(service, request).map_err(|refused| *refused)?;
    let place = address::place(service, &request);
    let bad = || plain(StatusCode::BAD_REQUEST, "Bad Request: no request of ClearKey.\n");
    let (parts, octets) = request.into_parts();
    let octets = body::read(&parts.headers, octets, MAX_REQUEST).await.map_err(|_| bad())?;
    let asked: Asked = serde_json::from_slice(&octets).map_err(|_| bad())?;
    let kid = |text: &String| Kid::try_from(from_base64url(text)?.as_slice()).ok();
    let kids: Option<Vec<Kid>> = asked.kids.iter().map(kid).collect();
    let kids = kids.filter(|kids| !kids.is_empty() && asked.kind == "temporary").ok_or_else(bad)?;
    let keys = interop::keys(service, &pack, (Form::ClearKey, &kids), &place).await.map_err(refused)?;
    Ok(secret(key_set(&keys), "application/json"))
}

async fn hls_key(State(service): State<Arc<Service>>, Path(kid): Path<String>, request: Request) -> Response {
    shared(answer_hls_key(&service, &kid, request).await.unwrap_or_else(|refused| refused))
}

async fn answer_hls_key(service: &Service, kid: &str, request: Request) -> Result<Response, Response> {
    let (request, pack) = admitted(service, request).map_err(|refused| *refused)?;
    let place = address::place(service, &request);
    let kid: Kid = kid.parse().map_err(|_| refused(Refused::Unknown))?;
    let keys = interop::keys(service, &pack, (Form::HlsKey, &[kid]), &place).await.map_err(refused)?;
    let (_, key) = keys.first().ok_or_else(|| refused(Refused::Unknown))?;
    Ok(secret(Zeroizing::new(key.expose().to_vec()), "application/octet-stream"))
}

/// Within the budget of its address, and with the token of a manifest: whose pack it is.
fn admitted(service: &Service, request: Request) -> Result<(Request, String), Box<Response>> {
    service
        .throttle
        .request(address::of(&request))
        .map_err(|throttled| super::error::JsonError::from(throttled).into_response())
        .map_err(Box::new)?;
    let query = request.uri().query().unwrap_or_default();
    let token = query.strip_prefix("of=").and_then(|rest| rest.split_once('&'));
    let (of, token) = token.ok_or_else(|| Box::new(playlists::refused(Refusal::Forbidden)))?;
    // Some libraries write slashes in queries so.
    let of = of.replace("%2F", "/").replace("%2f", "/");
    let (tokens, now) = (service.url_tokens(), service.clock.now());
    let granted = playlist_url::verify(&tokens.doors(&service.config), &of, Some(token), now);
    let pack = granted.map_err(|refusal| Box::new(playlists::refused(refusal)))?.path.pack;
    Ok((request, pack))
}

fn refused(refused: Refused) -> Response {
    match refused {
        Refused::Policy(ErrorCode::RegionNotAllowed) => {
            plain(StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, "Not in this country.\n")
        }
        Refused::Policy(_) => plain(StatusCode::FORBIDDEN, "The film's policy gives out no such key.\n"),
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
