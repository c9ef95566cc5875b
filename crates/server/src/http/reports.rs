//! `POST /cmcd`: what players report when something happens (CTA-5004-B, event mode), for the log and the
//! counters. Anyone may send, as anyone may watch; each address has a budget.

use super::{address, body};
use crate::Service;
use crate::client_reports::{MOST_OCTETS, reports};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use std::sync::Arc;

/// The media type of reports.
const MEDIA_TYPE: &str = "application/cmcd";

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new().route("/cmcd", post(take).options(preflight))
}

/// Pages of others ask first: the media type is none that a form could send.
async fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "Content-Type"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

async fn take(State(service): State<Arc<Service>>, request: Request) -> Response {
    let mut response = answer(&service, request).await;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn answer(service: &Service, request: Request) -> Response {
    if !service.config.edge.reports {
        // Players stop sending at this one, and at no other.
        return StatusCode::GONE.into_response();
    }
    if let Err(throttled) = service.throttle.report(address::of(&request)) {
        let wait = [(header::RETRY_AFTER, throttled.0.to_string())];
        return (StatusCode::TOO_MANY_REQUESTS, wait).into_response();
    }
    if !body::is_plain(request.headers(), MEDIA_TYPE) {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let client = address::network(service, &request);
    let (head, sent) = request.into_parts();
    let sent = match body::read(&head.headers, sent, MOST_OCTETS).await {
        Ok(sent) => sent,
        Err(body::BodyError::TooLarge) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Err(body::BodyError::Broken) => return StatusCode::BAD_REQUEST.into_response(),
    };
    let Some(reports) = reports(&sent) else { return StatusCode::BAD_REQUEST.into_response() };
    for report in reports {
        metrics::counter!("matinee_player_reports_total", "event" => report.event).increment(1);
        tracing::info!(event = report.event, told = report.told, client, "a player reports");
    }
    StatusCode::NO_CONTENT.into_response()
}
