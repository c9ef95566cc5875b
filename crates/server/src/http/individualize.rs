//! `POST /individualize`.

use super::error::JsonError;
use super::{COSE, address, body};
use crate::Service;
use crate::use_case::individualize;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use std::sync::Arc;

/// Octets of a request.
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
    if !body::is_plain(&parts.headers, COSE) {
        return Err(JsonError::UNSUPPORTED);
    }
    let octets = body::read(&parts.headers, body, MAX_BODY).await?;
    let answer = individualize::individualize(&service, &octets)?;
    let headers = [(header::CONTENT_TYPE, COSE), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, answer).into_response())
}
