//! The JSON routes of the site.

use super::error::JsonError;
use super::{address, body, cookies};
use crate::Service;
use crate::store::Account;
use crate::use_case::{devices, library, login, playback, votes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, patch, post, put};
use axum::{Json, Router};
use nccp::json::{
    DecryptorConfig, DecryptorModule, Devices, Film, Library, PlayerEvent, RenameDevice, UnregisterDevice,
    Vote,
};
use nccp::{DeviceId, ErrorCode, MovieId};
use serde::de::DeserializeOwned;
use std::sync::Arc;

const MAX_BODY: usize = 8 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";

pub(super) type Answer<T> = Result<T, JsonError>;
/// A header that keeps an answer out of caches.
pub(super) type NoStore = [(HeaderName, HeaderValue); 1];
pub(super) const NO_STORE: NoStore = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/api/library", get(get_library))
        .route("/api/queue/{movie}", put(queue_add).delete(queue_remove))
        .route("/api/votes/{movie}", put(vote).delete(take_vote_back))
        .route("/api/films/{movie}", get(get_film))
        .route("/api/devices", get(get_devices))
        .route("/api/devices/{device}", patch(rename_device))
        .route("/Player/unregister_device", get(show_devices).post(unregister))
        .route("/playerevent", post(player_event))
        .route("/SilverlightEvent", post(async || Redirect::permanent("/playerevent")))
        .route("/decryptor-config.json", get(decryptor_config))
}

/// The account of the session's cookies.
pub(super) async fn account(service: &Service, headers: &HeaderMap) -> Answer<Account> {
    let session = cookies::session(&service.config, headers);
    let account = login::session(service, session.as_ref()).await?;
    service.throttle.account_request(account.id)?;
    Ok(account)
}

/// The body of a request. It may take its time: whose session it is, is asked when all of it is there
/// ([`account`]).
pub(super) async fn json<T: DeserializeOwned>(request: Request) -> Answer<T> {
    let (parts, body) = request.into_parts();
    if body::media_type(&parts.headers) != "application/json" {
        return Err(JsonError::UNSUPPORTED);
    }
    let bytes = body::read(&parts.headers, body, MAX_BODY).await?;
    serde_json::from_slice(&bytes).map_err(|_| JsonError::BAD_REQUEST)
}

/// The same of a form.
async fn form<T: DeserializeOwned>(request: Request) -> Answer<T> {
    let (parts, body) = request.into_parts();
    let bytes = body::read(&parts.headers, body, MAX_BODY).await?;
    let request = Request::from_parts(parts, bytes.into());
    let form = <axum::Form<T> as axum::extract::FromRequest<()>>::from_request(request, &()).await;
    Ok(form.map_err(|_| JsonError::BAD_REQUEST)?.0)
}

async fn get_library(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Answer<(NoStore, Json<Library>)> {
    let account = account(&service, request.headers()).await?;
    let place = address::place(&service, &request);
    Ok((NO_STORE, Json(library::library(&service, &account, &place).await?)))
}

async fn get_film(
    State(service): State<Arc<Service>>,
    Path(movie): Path<String>,
    request: Request,
) -> Answer<(NoStore, Json<Film>)> {
    let account = account(&service, request.headers()).await?;
    let place = address::place(&service, &request);
    let unknown = JsonError::new(StatusCode::NOT_FOUND, ErrorCode::MovieUnknown);
    let movie: MovieId = movie.parse().map_err(|_| unknown)?;
    Ok((NO_STORE, Json(library::film(&service, &account, movie, &place).await?)))
}

async fn set_queued(service: &Service, headers: &HeaderMap, movie: &str, queued: bool) -> Answer<StatusCode> {
    let account = account(service, headers).await?;
    let movie: MovieId = movie.parse().map_err(|_| JsonError::BAD_REQUEST)?;
    library::set_queued(service, &account, movie.get(), queued).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn queue_add(
    State(service): State<Arc<Service>>,
    Path(movie): Path<String>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    set_queued(&service, &headers, &movie, true).await
}

async fn queue_remove(
    State(service): State<Arc<Service>>,
    Path(movie): Path<String>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    set_queued(&service, &headers, &movie, false).await
}

async fn vote(
    State(service): State<Arc<Service>>,
    Path(movie): Path<String>,
    request: Request,
) -> Answer<StatusCode> {
    let headers = request.headers().clone();
    let vote = json::<Vote>(request).await;
    let account = account(&service, &headers).await?;
    let movie: MovieId = movie.parse().map_err(|_| JsonError::BAD_REQUEST)?;
    votes::set(&service, &account, movie.get(), Some(vote?.liked)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn take_vote_back(
    State(service): State<Arc<Service>>,
    Path(movie): Path<String>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    let account = account(&service, &headers).await?;
    let movie: MovieId = movie.parse().map_err(|_| JsonError::BAD_REQUEST)?;
    votes::set(&service, &account, movie.get(), None).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn get_devices(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> Answer<(NoStore, Json<Devices>)> {
    let account = account(&service, &headers).await?;
    let browser = cookies::browser(&service.config, &headers);
    Ok((NO_STORE, Json(devices::list(&service, &account, browser.as_ref()).await?)))
}

async fn rename_device(
    State(service): State<Arc<Service>>,
    Path(device): Path<String>,
    request: Request,
) -> Answer<StatusCode> {
    let network = address::network(&service, &request);
    let headers = request.headers().clone();
    let renamed = json::<RenameDevice>(request).await;
    let account = account(&service, &headers).await?;
    let unknown = JsonError::new(StatusCode::NOT_FOUND, ErrorCode::DeviceUnknown);
    let device: DeviceId = device.parse().map_err(|_| unknown)?;
    devices::rename(&service, &account, device.as_str(), &renamed?.name, network.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// GET changes nothing: A15.
async fn show_devices(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    match account(&service, &headers).await {
        Ok(_) => Redirect::to("/devices").into_response(),
        Err(_) => super::pages::to_login("/devices"),
    }
}

async fn unregister(State(service): State<Arc<Service>>, request: Request) -> Answer<Response> {
    let form = body::media_type(request.headers()) == FORM;
    let network = address::network(&service, &request);
    let headers = request.headers().clone();
    let id = if form { self::form(request).await } else { json(request).await };
    let account = account(&service, &headers).await?;
    let id: UnregisterDevice = id?;
    devices::unregister(&service, &account, id.device_id.as_str(), network.as_deref()).await?;
    Ok(if form { Redirect::to("/devices").into_response() } else { StatusCode::NO_CONTENT.into_response() })
}

async fn player_event(State(service): State<Arc<Service>>, request: Request) -> Answer<StatusCode> {
    let headers = request.headers().clone();
    let event = json::<PlayerEvent>(request).await;
    if let Ok(PlayerEvent { ticket: Some(ticket), movie_id, .. }) = &event {
        let (account, device) = playback::visitor(&service, ticket, *movie_id).await?;
        service.throttle.account_request(account.id)?;
        playback::player_event(&service, &account, playback::Player::Device(&device), &event?).await?;
        return Ok(StatusCode::NO_CONTENT);
    }
    let account = account(&service, &headers).await?;
    let browser = cookies::browser(&service.config, &headers);
    let player = browser.as_ref().map_or(playback::Player::Unknown, playback::Player::Browser);
    playback::player_event(&service, &account, player, &event?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn decryptor_config(State(service): State<Arc<Service>>) -> impl axum::response::IntoResponse {
    let config = &service.config;
    let module = |module: &crate::site::Module| DecryptorModule {
        js: module.js.clone(),
        wasm: module.wasm.clone(),
        sha256: hex::encode(module.sha256),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let site = service.site.as_ref();
    let body = DecryptorConfig {
        public_url: config.public_url.clone(),
        controller_url: config.controller_url(),
        individualize_url: format!("{}/individualize", config.public_url),
        ca_keys: service.keys().ca_keys.iter().map(|key| crate::secret::base64url(key)).collect(),
        signers: Some(service.keys().signer_keys.iter().map(|key| crate::secret::base64url(key)).collect()),
        module: site.and_then(|site| site.module()).map(module),
        compat: site.and_then(|site| site.compat()).map(module),
        time: service.clock.now(),
    };
    ([(header::CACHE_CONTROL, "no-cache")], Json(body))
}
