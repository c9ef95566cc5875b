//! `/v/{token}`: a film by a link.

use super::{address, api, login, pages};
use crate::Service;
use crate::use_case::shares;
use axum::extract::{Path, Request, State};
use axum::routing::get;
use axum::{Json, Router};
use nccp::json::{OpenShare, OpenedShare};
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/v/{token}", get(pages::app).post(open))
}

async fn open(
    State(service): State<Arc<Service>>,
    Path(token): Path<String>,
    request: Request,
) -> api::Answer<(api::NoStore, Json<OpenedShare>)> {
    let from = address::of(&request);
    let OpenShare { password } = api::json(request).await?;
    let (grant, movie_id) = shares::open(&service, &token, password, from).await.map_err(login::refusal)?;
    Ok((api::NO_STORE, Json(OpenedShare { grant, movie_id })))
}
