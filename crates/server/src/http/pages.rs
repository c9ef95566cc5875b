//! The app's page, its files, and who is sent elsewhere.

use super::error::JsonError;
use super::guard::{PLAYER, cdm_security_policy};
use super::{address, body, cookies};
use crate::pictures::Pictures;
use crate::site::{Asset, HOW_TO_BUILD};
use crate::store::{StoreError, retried};
use crate::use_case::library::watchable;
use crate::use_case::{login, posters};
use crate::{Error, Service};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use nccp::MovieId;
use std::fmt::Write as _;
use std::sync::Arc;

/// Scripts for pages of other sites: the element `<matinee-player>`, and the EME shim.
const FOR_OTHERS: [&str; 2] = ["/player.js", "/eme.js"];
const JPEG: &str = "image/jpeg";
const SVG: &str = "image/svg+xml";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/", get(app))
        .route("/library", get(app))
        .route("/devices", get(app))
        .route("/account", get(app))
        // Who sees a code may have no session.
        .route("/help/{code}", get(app))
        .route("/watch", get(watch))
        .route("/film/{movie}", get(film))
        .route(PLAYER, get(embed))
        .route("/cdm", get(cdm))
        .route("/WiPlayer", get(wi_player))
        .route("/assets/{*path}", get(file))
        .merge(pictures())
        .fallback(get(file))
}

/// Posters and the like.
pub(super) fn pictures() -> Router<Arc<Service>> {
    Router::new().route("/art/{pack}/{name}", get(art))
}

/// The app, whatever its route.
pub(super) async fn app(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    match service.asset("/index.html") {
        Some(asset) => respond(&asset, &headers),
        None => (StatusCode::SERVICE_UNAVAILABLE, format!("Matinee is running, but {HOW_TO_BUILD}.\n"))
            .into_response(),
    }
}

/// What is shown where the service, or this film, is not offered and the site's own page for it is not there.
const NOT_HERE: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width\">\n<title>Not available where you are</title>\n\
    <h1>Not available where you are</h1>\n\
    <p>This title cannot be watched from the country that you are in.</p>\n<p><a href=\"/library\">Library</a></p>\n";

fn not_here(service: &Service) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    let page = service.asset("/not-here.html");
    let page = page.map_or(Bytes::from_static(NOT_HERE.as_bytes()), |page| page.bytes);
    (StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, headers, page).into_response()
}

/// A3: without a session, to the login page. A4: not from where the film is not offered, session or not.
/// Whoever comes by a film's address gets the player alone, which loads the site when it is left.
async fn watch(State(service): State<Arc<Service>>, RawQuery(query): RawQuery, request: Request) -> Response {
    let place = address::place(&service, &request);
    let headers = request.into_parts().0.headers;
    let movie = movie_of(query.as_deref());
    match watchable(&service, movie, &place).await {
        Ok(true) => {}
        Ok(false) => return not_here(&service),
        Err(failure) => return JsonError::from(failure).into_response(),
    }
    let session = cookies::session(&service.config, &headers);
    if login::session(&service, session.as_ref()).await.is_ok() {
        let page = movie.and_then(|_| service.asset("/watch.html"));
        let page = match page {
            Some(player) => respond(&player, &headers),
            None => app(State(service), headers).await,
        };
        return with_library(page);
    }
    match movie {
        Some(movie) => to_login(&format!("/watch?movieid={movie}")),
        None => to_login("/library"),
    }
}

/// The first that the app asks for where somebody is signed in: on its way before the app is.
fn with_library(mut response: Response) -> Response {
    let library = HeaderValue::from_static("</api/library>; rel=preload; as=fetch; crossorigin");
    response.headers_mut().insert(header::LINK, library);
    response
}

/// A film's own page: without a session, to the login page and back.
async fn film(
    State(service): State<Arc<Service>>,
    Path(movie): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Ok(movie) = movie.parse::<MovieId>() else { return not_found(&service, &headers) };
    let session = cookies::session(&service.config, &headers);
    match login::session(&service, session.as_ref()).await {
        Ok(_) => app(State(service), headers).await,
        Err(_) => to_login(&format!("/film/{movie}")),
    }
}

/// What is said of an address that nothing is at: people get the site's page for it.
fn not_found(service: &Service, headers: &HeaderMap) -> Response {
    let is_read = body::text(headers, "accept").is_some_and(|types| types.contains("text/html"));
    let page = is_read.then(|| service.asset("/not-found.html")).flatten();
    let Some(page) = page else { return (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response() };
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::NOT_FOUND, headers, page.bytes).into_response()
}

/// The player alone, for pages of other sites: whose frames it may be in, the policy says
/// (`frame-ancestors`).
async fn embed(State(service): State<Arc<Service>>, RawQuery(query): RawQuery, request: Request) -> Response {
    let place = address::place(&service, &request);
    match watchable(&service, movie_of(query.as_deref()), &place).await {
        Ok(true) => {}
        Ok(false) => return not_here(&service),
        Err(failure) => return JsonError::from(failure).into_response(),
    }
    match service.asset("/embed.html") {
        Some(asset) => shared(respond(&asset, request.headers())),
        None => app(State(service), request.into_parts().0.headers).await,
    }
}

/// Where the frame's page names the origins that it answers.
const LISTED: &str = "<meta name=\"matinee-embedders\" content=\"\">";

/// The DRM module alone, in a frame for pages that bring a player of their own. Its script compares whoever
/// asks for the port with the list that is written into the page here.
async fn cdm(State(service): State<Arc<Service>>, request: Request) -> Response {
    let Some(asset) = service.asset("/cdm.html") else {
        return app(State(service), request.into_parts().0.headers).await;
    };
    let listed = service.config.embedders.join(" ");
    let page = String::from_utf8_lossy(&asset.bytes);
    let page = page.replacen(LISTED, &LISTED.replace("\"\"", &format!("\"{listed}\"")), 1);
    let policy = HeaderValue::from_str(&cdm_security_policy(&service.config));
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    let mut response = shared((headers, page).into_response());
    if let Ok(policy) = policy {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Pages of other sites may have this, whatever they demand of what they load.
fn shared(mut response: Response) -> Response {
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    response.headers_mut().insert(policy, HeaderValue::from_static("cross-origin"));
    response
}

/// A2: the study's address.
async fn wi_player(RawQuery(query): RawQuery) -> Response {
    match movie_of(query.as_deref()) {
        Some(movie) => found(&format!("/watch?movieid={movie}")),
        None => found("/library"),
    }
}

fn movie_of(query: Option<&str>) -> Option<MovieId> {
    let pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(name, _)| matches!(*name, "movieid" | "movie")).find_map(|(_, id)| id.parse().ok())
}

fn found(to: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, to), (header::CACHE_CONTROL, "no-store")]).into_response()
}

/// To the login page, and from there to `next`, a path of ours.
pub(super) fn to_login(next: &str) -> Response {
    let mut to = "/login?next=".to_owned();
    for byte in next.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            to.push(char::from(byte));
        } else {
            let _ = write!(to, "%{byte:02X}");
        }
    }
    found(&to)
}

/// A file of the site by its path.
async fn file(State(service): State<Arc<Service>>, request: Request) -> Response {
    let asset = service.asset(request.uri().path());
    match asset {
        // A module of another site's page is fetched across origins; there is nothing of anybody's in it.
        Some(asset) if FOR_OTHERS.contains(&request.uri().path()) => {
            let mut response = shared(respond(&asset, request.headers()));
            let everybody = HeaderValue::from_static("*");
            response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, everybody);
            response
        }
        // By itself, outside of a page, a drawing does nothing; its own style it has as in a page.
        Some(asset) if asset.content_type == SVG => {
            let mut response = respond(&asset, request.headers());
            let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
            response
        }
        Some(asset) => respond(&asset, request.headers()),
        None => not_found(&service, request.headers()),
    }
}

fn respond(asset: &Asset, request: &HeaderMap) -> Response {
    let not_modified = body::text(request, "if-none-match").is_some_and(|tags| {
        tags == "*" || tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == asset.etag)
    });
    let takes_brotli = body::text(request, "accept-encoding").is_some_and(accepts_brotli);
    let brotli = asset.brotli.as_ref().filter(|_| takes_brotli);
    // The compressed form is other octets, so it has another tag.
    let mut response = if not_modified {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        brotli.unwrap_or(&asset.bytes).clone().into_response()
    };
    let headers = response.headers_mut();
    if let Ok(content_type) = HeaderValue::from_str(&asset.content_type) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    if brotli.is_some() && !not_modified {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    if asset.brotli.is_some() {
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    // A compressed form is another representation: only weak comparison holds between the two (RFC 9110,
    // 8.8.1).
    let etag = if asset.brotli.is_some() { format!("W/{}", asset.etag) } else { asset.etag.clone() };
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    let cache = if asset.immutable { IMMUTABLE } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

fn accepts_brotli(value: &str) -> bool {
    value.split(',').any(|coding| {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = matches!(parameters.trim().strip_prefix("q="), Some("0" | "0.0" | "0.00" | "0.000"));
        name.trim().eq_ignore_ascii_case("br") && !refused
    })
}

/// Its address changes with its octets.
fn picture(content_type: &'static str, body: Body) -> Response {
    ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, IMMUTABLE)], body).into_response()
}

fn no_picture() -> Response {
    (StatusCode::NOT_FOUND, "There is no such picture.\n").into_response()
}

fn picture_later() -> Response {
    let text = "The library cannot be read. Try again later.\n";
    (StatusCode::SERVICE_UNAVAILABLE, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// A poster that a movie was given.
async fn poster(service: &Service, name: &str) -> Response {
    if !posters::is_name(name) {
        return no_picture();
    }
    let (path, now) = (format!("{}/{name}", posters::FOLDER), service.clock.now());
    if let Some(octets) = service.pictures.get(&path, now) {
        return picture(JPEG, octets.into());
    }
    match retried!(async { service.store.read().await?.poster_file(name).await }) {
        Ok(Some(octets)) => {
            let octets = Bytes::from(octets);
            service.pictures.put(path, octets.clone(), now);
            picture(JPEG, octets.into())
        }
        // An edge alone has no database, and no posters.
        Ok(None) | Err(StoreError::Absent) => no_picture(),
        Err(error) => {
            tracing::error!(%error, "a poster cannot be read");
            picture_later()
        }
    }
}

/// A picture of a pack: only what the pack lists. Or a poster that a movie was given.
async fn art(State(service): State<Arc<Service>>, Path((pack, name)): Path<(String, String)>) -> Response {
    if pack == posters::FOLDER {
        return poster(&service, &name).await;
    }
    let pack = match service.catalogue.pack(&pack).await {
        Ok(pack) => pack,
        Err(Error::Storage(error)) => {
            tracing::error!(%error, "a pack cannot be read");
            return picture_later();
        }
        Err(_) => return no_picture(),
    };
    let Some((key, content_type)) = pack.picture(&name) else { return no_picture() };
    let (path, now) = (key.as_str().to_owned(), service.clock.now());
    if let Some(octets) = service.pictures.get(&path, now) {
        return picture(content_type, octets.into());
    }
    let read = async {
        let object = service.media.get(&key, None).await?;
        if !Pictures::keeps(object.meta.size) {
            return Ok(Body::from_stream(object.body));
        }
        let octets = object.bytes().await?;
        service.pictures.put(path, octets.clone(), now);
        Ok::<_, storage::Error>(Body::from(octets))
    };
    match read.await {
        Ok(body) => picture(content_type, body),
        Err(error) if error.is_not_found() => no_picture(),
        Err(error) => {
            tracing::error!(%error, "a picture cannot be read");
            picture_later()
        }
    }
}

/// `/clientaccesspolicy.xml`: on the site the origins that may embed; on an edge alone, everybody. A25, A80.
pub(super) fn client_access_policy() -> Router<Arc<Service>> {
    Router::new().route("/clientaccesspolicy.xml", get(get_client_access_policy))
}

async fn get_client_access_policy(State(service): State<Arc<Service>>) -> Response {
    let config = &service.config;
    let site = config.has(crate::Role::Site) || config.has(crate::Role::Control);
    let everybody = ["*".to_owned()];
    let origins: &[String] = if site { &config.embedders } else { &everybody };
    let headers = if site { "Content-Type,X-CTicket,X-NCCP-Signature" } else { "Range" };
    let mut xml =
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<access-policy><cross-domain-access>".to_owned();
    if !origins.is_empty() {
        let _ = write!(xml, "<policy><allow-from http-request-headers=\"{headers}\">");
        for origin in origins {
            let _ = write!(xml, "<domain uri=\"{origin}\"/>");
        }
        xml.push_str(
            "</allow-from><grant-to><resource path=\"/\" include-subpaths=\"true\"/></grant-to></policy>",
        );
    }
    xml.push_str("</cross-domain-access></access-policy>\n");
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")], xml)
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brotli_is_taken_where_it_is_accepted() {
        assert!(accepts_brotli("gzip, deflate, br, zstd") && accepts_brotli("br;q=0.5"));
        assert!(!accepts_brotli("gzip") && !accepts_brotli("br;q=0") && !accepts_brotli("brotli"));
    }

    #[test]
    fn the_way_back_is_escaped() {
        let location = to_login("/watch?movieid=7").headers()[header::LOCATION].clone();
        assert_eq!(location, "/login?next=/watch%3Fmovieid%3D7");
        assert_eq!(movie_of(Some("a=b&movieid=60027274&movieid=x")).unwrap().get(), 60027274);
        assert_eq!(movie_of(Some("movieid=//evil")), None);
    }
}
