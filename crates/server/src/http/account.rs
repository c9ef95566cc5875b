//! What a subscriber does about the account: another password, and who is signed in.

use super::{address, api, body, cookies, login};
use crate::Service;
use crate::use_case::sessions;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use nccp::json::{ChangePassword, Sessions};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/account/password", post(change_password))
        .route("/api/sessions", get(list).delete(sign_out_elsewhere))
        .route("/api/sessions/{id}", delete(sign_out))
}

async fn list(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> api::Answer<(api::NoStore, Json<Sessions>)> {
    api::account(&service, &headers).await?;
    let session = cookies::session(&service.config, &headers);
    Ok((api::NO_STORE, Json(sessions::list(&service, session.as_ref()).await?)))
}

async fn sign_out(
    State(service): State<Arc<Service>>,
    Path(session_id): Path<String>,
    request: Request,
) -> api::Answer<StatusCode> {
    api::account(&service, request.headers()).await?;
    let session = cookies::session(&service.config, request.headers());
    let place = address::place(&service, &request);
    sessions::sign_out(&service, session.as_ref(), &session_id, &place).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn sign_out_elsewhere(
    State(service): State<Arc<Service>>,
    request: Request,
) -> api::Answer<StatusCode> {
    api::account(&service, request.headers()).await?;
    let session = cookies::session(&service.config, request.headers());
    let place = address::place(&service, &request);
    sessions::sign_out_elsewhere(&service, session.as_ref(), &place).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn change_password(State(service): State<Arc<Service>>, request: Request) -> api::Answer<Response> {
    let from = (address::of(&request), &address::place(&service, &request));
    let headers = request.headers().clone();
    let change: ChangePassword = api::json(request).await?;
    let session = cookies::session(&service.config, &headers);
    let browser = cookies::browser(&service.config, &headers);
    let agent = body::text(&headers, "user-agent").unwrap_or_default();
    let who = (browser.as_ref(), agent);
    let changed = sessions::change_password(&service, session.as_ref(), change, from, who).await;
    let fresh = changed.map_err(login::refusal)?;
    let mut response = (StatusCode::NO_CONTENT, api::NO_STORE).into_response();
    for cookie in cookies::begin(&service.config, &fresh) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
