//! `GET /s/{set}/{content}/drm`: DRM metadata, behind a URL token like media, but made when it is asked for.

use super::{COSE, body, origin};
use crate::Service;
use crate::media_url::{self, Refusal};
use crate::use_case::drm_metadata::{self, NoMetadata, Resource};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Whether a path is that of DRM metadata.
pub(super) fn is_drm(path: &str) -> bool {
    path.ends_with("/drm")
}

pub(super) async fn serve(service: &Service, request: &Parts) -> Response {
    let (uri, now) = (&request.uri, service.clock.now());
    let tokens = service.url_tokens();
    let refused = |status: StatusCode, text: &'static str| {
        (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
    };
    let nothing = || refused(StatusCode::NOT_FOUND, "There is no such DRM metadata.\n");
    match media_url::verify_drm(&tokens.drm_doors(&service.config), uri.path(), uri.query(), now) {
        Ok(granted) => {
            let place = granted.path.place();
            match drm_metadata::resource(service, place).await {
                Ok(Some(resource)) => send(request, resource, granted.max_age(service.config.drm.ttl, now)),
                Ok(None) => nothing(),
                Err(NoMetadata::Unserved(unserved)) => origin::refused(&unserved),
                Err(NoMetadata::Failed(failure)) => {
                    tracing::error!(%place, code = failure.code().as_str(), "no DRM metadata could be made");
                    refused(StatusCode::SERVICE_UNAVAILABLE, "Try again later.\n")
                }
            }
        }
        Err(Refusal::Unclean) => refused(StatusCode::BAD_REQUEST, "Bad Request\n"),
        Err(Refusal::Expired) => refused(StatusCode::BAD_REQUEST, "Bad Request: this URL has expired.\n"),
        Err(Refusal::Forbidden) => refused(StatusCode::FORBIDDEN, "Forbidden\n"),
        Err(Refusal::NotFound) => nothing(),
    }
}

pub(super) fn send(request: &Parts, resource: Resource, max_age: u64) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(COSE));
    let tag = format!("W/\"{}\"", resource.tag);
    let modified = UNIX_EPOCH + Duration::from_secs(resource.last_modified);
    for (name, value) in [
        (header::CACHE_CONTROL, format!("public, max-age={max_age}")),
        (header::LAST_MODIFIED, httpdate::fmt_http_date(modified)),
        (header::ETAG, tag.clone()),
    ] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    if is_unchanged(&request.headers, &resource.tag, modified) {
        headers.remove(header::CONTENT_TYPE);
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(header::CONTENT_LENGTH, resource.octets.len().into());
    match request.method {
        Method::HEAD => (StatusCode::OK, headers).into_response(),
        _ => (StatusCode::OK, headers, resource.octets).into_response(),
    }
}

/// Whether what the caller has is as good (RFC 9110, 13.1.2 and 13.1.3): by its tag, else by its time.
fn is_unchanged(headers: &HeaderMap, tag: &str, modified: SystemTime) -> bool {
    let opaque = |given: &str| given.trim().trim_start_matches("W/").trim_matches('"') == tag;
    match body::text(headers, "if-none-match") {
        Some(tags) => tags.trim() == "*" || tags.split(',').any(opaque),
        None => body::text(headers, "if-modified-since")
            .and_then(|date| httpdate::parse_http_date(date).ok())
            .is_some_and(|since| since >= modified),
    }
}
