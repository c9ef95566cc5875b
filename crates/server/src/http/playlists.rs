//! `GET /s/{pack}/stream.mpd`, `…/master.m3u8`, `…/{ddd}/{id}.m3u8`, `…/subtitles/{id}.m3u8`: manifests for
//! players of others, behind a URL token like media, made when they are asked for.

use super::{body, origin};
use crate::Service;
use crate::client_data;
use crate::media_url::Refusal;
use crate::playlist_url;
use crate::secret::sha256;
use crate::use_case::playlists::{self, ManifestText, NoPlaylist};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// Whether a path is that of a manifest.
pub(super) fn is_playlist(path: &str) -> bool {
    path.ends_with(".mpd") || path.ends_with(".m3u8")
}

pub(super) async fn serve(service: &Service, request: &Parts) -> Response {
    let (uri, now) = (&request.uri, service.clock.now());
    let tokens = service.url_tokens();
    let doors = tokens.doors(&service.config);
    let granted = match playlist_url::verify(&doors, uri.path(), uri.query(), now) {
        Ok(granted) => granted,
        Err(refusal) => return refused(refusal),
    };
    // It goes on into the addresses of keys.
    let (query, _) = client_data::without_told(uri.query().unwrap_or_default());
    match playlists::make(service, &granted, doors[granted.door].signer, &query).await {
        Ok(Some(made)) => send(request, made, granted.max_age(service.config.drm.ttl, now)),
        Ok(None) => refused(Refusal::NotFound),
        Err(NoPlaylist::Unserved(unserved)) => origin::refused(&unserved),
        Err(NoPlaylist::NoKeys) => {
            plain(StatusCode::FORBIDDEN, "The film's policy gives out no keys (interop.hls_keys).\n")
        }
        Err(NoPlaylist::Failed(error)) => {
            tracing::error!(%error, "no playlist can be made");
            plain(StatusCode::SERVICE_UNAVAILABLE, "No playlist can be made. Try again later.\n")
        }
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// What a bad URL gets, here and where a manifest's token lets keys be asked for.
pub(super) fn refused(refusal: Refusal) -> Response {
    match refusal {
        Refusal::Unclean => plain(StatusCode::BAD_REQUEST, "Bad Request\n"),
        Refusal::Expired => plain(StatusCode::BAD_REQUEST, "Bad Request: this URL has expired.\n"),
        Refusal::Forbidden => plain(StatusCode::FORBIDDEN, "Forbidden\n"),
        Refusal::NotFound => plain(StatusCode::NOT_FOUND, "There is no such playlist.\n"),
    }
}

fn send(request: &Parts, made: ManifestText, max_age: u64) -> Response {
    let hash = hex::encode(sha256(made.text.as_bytes()));
    let tag = format!("\"{}\"", hash.get(..24).unwrap_or_default());
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(made.media_type));
    for (name, value) in
        [(header::CACHE_CONTROL, format!("public, max-age={max_age}")), (header::ETAG, tag.clone())]
    {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    let same = |tags: &str| {
        tags.trim() == "*" || tags.split(',').any(|given| given.trim().trim_start_matches("W/") == tag)
    };
    if body::text(&request.headers, "if-none-match").is_some_and(same) {
        headers.remove(header::CONTENT_TYPE);
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(header::CONTENT_LENGTH, made.text.len().into());
    match request.method {
        Method::HEAD => (StatusCode::OK, headers).into_response(),
        _ => (StatusCode::OK, headers, made.text).into_response(),
    }
}
