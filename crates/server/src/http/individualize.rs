//! `POST /individualize`.

use super::error::JsonError;
use super::{address, body};
use crate::Service;
use crate::use_case::individualize;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use std::sync::Arc;

const MAX_BODY: usize = 16 * 1024;

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/individualize", post(post_individualize))
}

async fn post_individualize(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, JsonError> {
    service.throttle.individualization(address::of(&request))?;
    let (parts, body) = request.into_parts();
    let octets = body::read(&parts.headers, body, MAX_BODY).await?;
    let answer = individualize::individualize(&service, &octets)
        .map_err(|code| JsonError::new(StatusCode::BAD_REQUEST, code))?;
    let headers = [(header::CONTENT_TYPE, "application/cose"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, answer).into_response())
}
