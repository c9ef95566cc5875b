//! `POST /api/grants`, for the operator's backends: by an API key, without cookies.

use super::error::JsonError;
use super::{address, api, body};
use crate::Service;
use crate::use_case::grants::{self, Asked, Refused};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use serde::Serialize;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/api/grants", post(make))
}

/// A grant.
#[derive(Serialize)]
struct IssuedGrant {
    grant: String,
    /// Until when it can be shown, Unix seconds.
    expires: u64,
}

impl From<Refused> for JsonError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Throttled(throttled) => throttled.into(),
            Refused::Other(failure) => failure.into(),
        }
    }
}

/// The key of `Authorization: Bearer`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = body::text(headers, "authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

async fn make(
    State(service): State<Arc<Service>>,
    request: Request,
) -> api::Answer<(api::NoStore, Json<IssuedGrant>)> {
    let (from, place) = (address::of(&request), address::place(&service, &request));
    // Nobody's body is read who shows no key.
    let key = grants::key_of(&service, bearer(request.headers()), from).await?;
    let asked: Asked = api::json(request).await?;
    let (grant, expires) = grants::make(&service, &key, asked, &place).await?;
    Ok((api::NO_STORE, Json(IssuedGrant { grant, expires })))
}
