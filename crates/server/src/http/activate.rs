//! `/activate`: the page, and its two steps.

use super::error::JsonError;
use super::{address, api, pages};
use crate::Service;
use crate::use_case::activation::{self, ActivateFailure};
use axum::extract::{RawQuery, Request, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use nccp::json::Activate;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/activate", get(page).post(activate))
}

/// Characters of a code in an address, with dashes, at most.
const LONGEST_CODE: usize = 24;

/// A14: signed out, login comes first, and leads back to the code that the address had.
async fn page(State(service): State<Arc<Service>>, RawQuery(query): RawQuery, request: Request) -> Response {
    let headers = request.into_parts().0.headers;
    match api::account(&service, &headers).await {
        Ok(_) => pages::app(State(service), headers).await,
        Err(_) => pages::to_login(&address_of(query.as_deref())),
    }
}

/// The page's address, with what could be a code and nothing else of the query.
fn address_of(query: Option<&str>) -> String {
    let is_code = |code: &&str| {
        (1..=LONGEST_CODE).contains(&code.len())
            && code.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
    };
    let mut members = query.unwrap_or_default().split('&');
    match members.find_map(|member| member.strip_prefix("code=")).filter(is_code) {
        Some(code) => format!("/activate?code={code}"),
        None => "/activate".to_owned(),
    }
}

async fn activate(State(service): State<Arc<Service>>, request: Request) -> Result<Response, JsonError> {
    let address = address::of(&request);
    let place = address::place(&service, &request);
    let headers = request.headers().clone();
    // The body may take its time; what counts is whose session it is when all of it is there.
    let message = api::json::<Activate>(request).await;
    let account = api::account(&service, &headers).await?;
    if !place.allowed {
        return Err(JsonError::from(crate::use_case::Failure::from(nccp::ErrorCode::RegionNotAllowed)));
    }
    let message = message?;
    let done =
        activation::activate(&service, &account, (address, &place), &message).await.map_err(|e| match e {
            ActivateFailure::Throttled(throttled) => JsonError::from(throttled),
            ActivateFailure::Other(failure) => JsonError::from(failure),
        })?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(done)).into_response())
}
